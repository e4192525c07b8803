"""Are level, term and skew read from a chain as they were put into it?"""

import numpy as np
import pytest

from counterpoise import _core
from counterpoise.adapters.chain import read_chain, snapshots
from counterpoise.instruments.catalogue import OPTION, PERPETUAL
from counterpoise.market.at_the_money import log_moneyness_of
from counterpoise.market.basis_factors import basis_levels
from counterpoise.market.implied_factors import implied_levels
from counterpoise.market.simulated import simulated_market
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS, YEAR_NS, format_instant


def chain_with(level, term, skew, bend=0.0, noise=0.0):
    """Return the simulated chain with the volatilities of stated factors."""
    market = simulated_market()
    terms = market.catalogue
    years = np.maximum((terms.expiry - market.as_of) / YEAR_NS, 1e-6)
    middle = level * (years * 365 / 30) ** term
    m = np.clip(np.nan_to_num(log_moneyness_of(market)) / (middle * np.sqrt(years)), -8, 8)
    draw = np.random.default_rng(1).standard_normal(len(m)) * noise
    volatility = middle * np.exp(skew * m + bend * m * m + draw)
    return replaced(market, volatility=np.where(terms.kind == OPTION, volatility, np.nan))


def level_at_pivot(level, term):
    """Return ln of the 30-day volatility, total variance linear between the expiries listed."""
    market = simulated_market()
    days = np.unique(market.catalogue.expiry[market.catalogue.kind == OPTION] - market.as_of
                     ) / DAY_NS
    total = (level * (days / 30) ** term) ** 2 * days
    return np.log(np.interp(30, days, total) / 30) / 2


@pytest.mark.parametrize(("level", "term", "skew", "bend"), [
    (0.5, 0.05, -0.06, 0.0), (0.9, -0.15, 0.03, 0.02), (0.4, 0.0, 0.0, 0.0)])
def test_factors_of_an_exact_surface_are_its_own(level, term, skew, bend):
    found = implied_levels(chain_with(level, term, skew, bend), "BTC", "BTC")

    assert found.level == pytest.approx(level_at_pivot(level, term), abs=1e-4)
    # The slope goes through the level, which is not quite on this surface.
    assert found.term == pytest.approx(term, abs=4e-3)
    assert found.skew == pytest.approx(skew, abs=3e-3)


def test_skew_move_of_the_scenarios_is_a_change_of_the_skew_read():
    before = implied_levels(chain_with(0.5, 0.05, -0.06, 0.01), "BTC", "BTC")
    after = implied_levels(chain_with(0.55, 0.02, -0.10, 0.01), "BTC", "BTC")

    assert after.skew - before.skew == pytest.approx(-0.04, abs=1e-3)
    assert after.term - before.term == pytest.approx(-0.03, abs=1e-3)
    assert after.level - before.level == pytest.approx(
        level_at_pivot(0.55, 0.02) - level_at_pivot(0.5, 0.05), abs=1e-4)


def test_wild_quotes_do_not_tilt_the_fit_and_are_counted():
    market = chain_with(0.5, 0.05, -0.06, noise=0.002)
    clean = implied_levels(market, "BTC", "BTC")
    volatility = market.volatility.copy()
    terms = market.catalogue
    options = np.flatnonzero((terms.kind == OPTION) & (terms.strike > 1.2 * np.nan_to_num(
        market.forward, nan=1.0)))
    volatility[options[::9]] *= 3
    spoiled = implied_levels(replaced(market, volatility=volatility), "BTC", "BTC")

    assert spoiled.skew == pytest.approx(clean.skew, abs=2e-3)
    assert spoiled.dropped["far from the smile"] > clean.dropped["far from the smile"]


def test_every_option_is_used_or_dropped_for_a_reason():
    market = simulated_market()
    found = implied_levels(market, "ETH", "ETH")
    options = [i for i, kind in zip(market.catalogue.instruments, market.catalogue.kind,
                                    strict=True)
               if kind == OPTION and (i.underlying, i.settlement) == ("ETH", "ETH")]

    assert len(options) == found.quotes + sum(found.dropped.values())


def test_chain_that_does_not_reach_around_thirty_days_has_no_level():
    market = simulated_market()
    near = market.catalogue.expiry < market.as_of + 20 * DAY_NS
    found = implied_levels(replaced(market, volatility=np.where(near, market.volatility, np.nan)),
                           "BTC", "BTC")

    assert np.isnan([found.level, found.term, found.skew]).all()
    assert "30 days" in found.failures[0].sentence


def test_basis_is_that_of_the_forwards():
    market = simulated_market()
    basis = basis_levels(market, "BTC", (0, 7, 30, 90, 180, 900))
    carry = [_core.log(np.array([1 + 0.055 * days / 365]))[0] / (days / 365)
             for days in (30, 90, 180)]
    perpetuals = (market.catalogue.kind == PERPETUAL) & (market.catalogue.underlying == 0)
    coin = market.catalogue.underlyings.index("BTC")

    # The simulated forward is price times (1 + 0.055 T).
    np.testing.assert_allclose(basis[2:5], carry, rtol=0.02)
    assert basis[0] == pytest.approx(np.log(
        np.median(market.mark[perpetuals]) / market.index[coin]), rel=1e-9)
    assert np.isnan(basis[5])


def test_missing_index_gives_no_basis():
    market = simulated_market()

    assert np.isnan(basis_levels(replaced(market, index=np.full(len(market.index), np.nan)),
                                 "BTC")).all()


def test_crash_of_february_2026_raises_level_and_inverts_the_term_structure(shared):
    path = str(shared / "data/options/deribit_chain_selected.parquet")
    found = {format_instant(s)[:10]: implied_levels(read_chain(path, at=s), "BTC", "BTC")
             for s in snapshots(path)}
    calm, crash = found["2026-01-28"], found["2026-02-05"]

    # 30-day at-the-money volatility was 0.36 on 28 January.
    assert np.exp(calm.level) == pytest.approx(0.36, abs=0.01)
    assert np.exp(crash.level) > 0.75 and crash.term < -0.1 < 0 < calm.term
    assert crash.skew < calm.skew < 0
    assert all(f.error < 0.05 and f.quotes > 200 for f in found.values())
