"""The simulated market: labelled, reproducible, and without arbitrage."""

import itertools

import numpy as np
import pytest

from counterpoise.instruments.catalogue import FUTURE, OPTION, PERPETUAL, SPOT
from counterpoise.market.simulated import _CALM, _STRESSED, simulated_market, total_variance
from counterpoise.market.snapshot import snapshot_digest
from counterpoise.values.time import YEAR_NS, parse_instant

CALM, STRESSED = simulated_market(), simulated_market(stressed=True)
BOTH = pytest.mark.parametrize("market", [CALM, STRESSED], ids=["calm", "stressed"])


def series(market):
    """Yield (expiry columns) of options by underlying, settlement and expiry, calls only."""
    held = market.catalogue
    calls = np.flatnonzero((held.kind == OPTION) & (held.right == 1))
    def key(i):
        return (held.underlying[i], held.settlement[i], held.expiry[i])
    for name, part in itertools.groupby(sorted(calls, key=lambda i: (*key(i), held.strike[i])),
                                        key=key):
        yield name, np.array(list(part))


def undiscounted(market, columns):
    """Return call prices in quote currency."""
    inverse = market.catalogue.payoff[columns] == 1
    return np.where(inverse, market.mark[columns] * market.forward[columns], market.mark[columns])


@BOTH
def test_simulated_market_says_so(market):
    assert market.simulated
    assert "simulated, seed 7" in market.source and "not observed" in market.source


@BOTH
def test_simulated_market_is_complete(market):
    assert not market.quality.any()
    assert {SPOT, PERPETUAL, FUTURE, OPTION} == set(market.catalogue.kind.tolist())
    assert ("BTC", "ETH") == market.catalogue.underlyings
    assert {"BTC", "ETH", "USDC"} == set(market.catalogue.settlements)


def test_same_seed_is_the_same_market_and_another_seed_another():
    assert snapshot_digest(CALM) == snapshot_digest(simulated_market(seed=7))
    assert snapshot_digest(CALM) != snapshot_digest(simulated_market(seed=8))


def test_bits_of_the_market_are_those_on_record():
    """Any change here is a change of the simulated market, by our code or by the core's bits.

    If it was meant, put the new digests here; a processor or compiler may never be the reason.
    """
    assert ("f70dfe1c42955911", "bcc45d4b9467b463") == (
        snapshot_digest(CALM)[:16], snapshot_digest(STRESSED)[:16])


def test_stressed_day_quotes_the_instruments_of_the_calm_day():
    assert CALM.catalogue == STRESSED.catalogue
    assert (STRESSED.index < 0.9 * CALM.index).all()


def test_stressed_volatility_is_high_and_falls_with_tenor():
    def at_the_money(market):
        return [market.volatility[c[np.argmin(abs(market.catalogue.strike[c]
                                                  - market.forward[c]))]]
                for (coin, money, _), c in series(market) if (coin, money) == (0, 0)]

    calm, stressed = at_the_money(CALM), at_the_money(STRESSED)
    assert all(s > c for s, c in zip(stressed, calm, strict=True))
    assert stressed[0] > 1.4 * stressed[-1] and calm[0] < calm[-1]


@BOTH
def test_smile_rises_to_both_sides(market):
    for _, columns in series(market):
        smile = market.volatility[columns]
        assert smile[0] > smile.min() < smile[-1]


@BOTH
def test_no_butterfly_costs_less_than_nothing(market):
    for _, columns in series(market):
        strike, call = market.catalogue.strike[columns], undiscounted(market, columns)
        slope = np.diff(call) / np.diff(strike)
        # The last digit of a price of a few cents is all the slack there is.
        assert (np.diff(slope) >= -1e-12 * call[0]).all()
        assert ((slope <= 1e-12) & (slope >= -1 - 1e-12)).all()


@BOTH
def test_no_calendar_costs_less_than_nothing(market):
    """Total variance rises in time at every k = ln(K / F) (Gatheral and Jacquier, lemma 2.1)."""
    moneyness = np.linspace(-3.0, 3.0, 241)
    for coin in (*_CALM, *_STRESSED):
        years = np.array([(e - market.as_of) / YEAR_NS
                          for e in sorted(set(market.catalogue.expiry.tolist()) - {0})])
        variance = np.stack([total_variance(coin, moneyness, np.full(241, t)) for t in years])
        assert (np.diff(variance, axis=0) >= 0).all()


@BOTH
def test_put_and_call_agree_on_the_forward(market):
    held = market.catalogue
    for _, calls in series(market):
        puts = np.array([held.column[held.instruments[i].id[:-1] + "P"] for i in calls])
        parity = undiscounted(market, calls) - undiscounted(market, puts)
        np.testing.assert_allclose(parity, market.forward[calls] - held.strike[calls],
                                   atol=1e-9 * market.forward[calls][0])


@BOTH
def test_coin_and_cash_options_have_one_value(market):
    held = market.catalogue
    for (_, settlement, _), columns in series(market):
        if held.settlements[settlement] == "USDC":
            continue
        names = [held.instruments[i].id.replace("-USD:BTC-", "-USDC:USDC-")
                 .replace("-USD:ETH-", "-USDC:USDC-") for i in columns]
        cash = np.array([held.column[n] for n in names])
        np.testing.assert_allclose(undiscounted(market, columns), market.mark[cash],
                                   rtol=1e-13, atol=1e-9)


def test_ten_expiries_on_days_that_venues_list():
    expiries = sorted(set(CALM.catalogue.expiry.tolist()) - {0})
    weekdays = [(e // (86_400 * 10**9) + 3) % 7 for e in expiries[3:]]

    assert len(expiries) >= 10
    assert {4} == set(weekdays)


def test_market_of_another_day_has_that_day():
    day = parse_instant("2026-07-01T00:00:00Z")
    market = simulated_market(as_of=day)

    assert day == market.as_of and not market.quality.any()
    assert (market.catalogue.expiry[market.catalogue.expiry > 0] > day).all()
