"""Implied volatilities and smiles of seven real chains (2026-01 to 2026-05), BTC and ETH.

The exchange publishes mark volatilities with the marks; rows of one stamp were collected over some
seconds, so the forward of a row may be newer than its mark.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares

from counterpoise.market.conformance import check_surface
from counterpoise.market.surfaces.smiles import Smiles, smiles, variances
from counterpoise.market.surfaces.ssvi import fit_ssvi
from counterpoise.market.surfaces.svi import fit_svi, fit_svi_without_butterflies
from counterpoise.pricing.black import black76
from counterpoise.pricing.implied import Condition, ImpliedVolatilities, implied_volatility

duckdb = pytest.importorskip("duckdb", reason="real chains are read with the extra `data`")
YEAR_SECONDS = 31_536_000
DAYS = ("2026-01-06", "2026-01-28", "2026-01-31", "2026-02-05", "2026-02-06", "2026-03-15",
        "2026-05-10")


@pytest.fixture(scope="module")
def chain(shared: Path) -> dict[str, Any]:
    """Return the option rows of the selected snapshots as columns."""
    path = shared / "data" / "options" / "deribit_chain_selected.parquet"
    columns = duckdb.sql(f"""
        SELECT strftime(snapshot_ts::TIMESTAMP, '%Y-%m-%d') AS day, currency,
               strike::DOUBLE AS strike, mark_price::DOUBLE AS mark, mark_iv::DOUBLE AS volatility,
               underlying_price::DOUBLE AS forward, option_type,
               (epoch(expiry) - epoch(snapshot_ts)) / {YEAR_SECONDS} AS years
        FROM '{path}'""").fetchnumpy()
    columns["right"] = np.where(columns["option_type"] == "C", 1, -1).astype(np.int8)
    return {name: np.ascontiguousarray(column) for name, column in columns.items()}


@pytest.fixture(scope="module")
def implied(chain: dict[str, Any]) -> ImpliedVolatilities:
    return implied_volatility(
        price=chain["mark"] * chain["forward"], forward=chain["forward"], strike=chain["strike"],
        years=chain["years"], right=chain["right"], rate=np.zeros(len(chain["mark"])))


def real_smiles(chain: dict[str, Any], day: str, coin: str) -> Smiles:
    """Return mark volatilities out of the money on the median forward of each expiry."""
    mine = (chain["day"] == day) & (chain["currency"] == coin)
    row = {n: chain[n][mine] for n in ("years", "strike", "forward", "volatility", "right")}
    expiries, place = np.unique(row["years"], return_inverse=True)
    forward = np.array([np.median(row["forward"][place == k]) for k in range(len(expiries))])[place]
    outside = (row["right"] > 0) == (row["strike"] >= forward)
    return smiles(years=row["years"][outside], volatility=row["volatility"][outside],
                  log_moneyness=np.log(row["strike"] / forward)[outside])


def outside(chain):
    return (chain["right"] > 0) == (chain["strike"] >= chain["forward"])


def test_marks_imply_the_volatility_that_the_exchange_publishes(chain, implied):
    """Where 1e-4 coin is less than half a volatility point: the mark's own rounding and lag."""
    terms = {n: chain[n] for n in ("forward", "strike", "years", "volatility", "right")}
    vega = black76(**terms, rate=np.zeros(len(vega_rows := chain["mark"]))).vega
    fine = (1e-4 * chain["forward"] < 0.005 * vega) & outside(chain) & (vega_rows > 0)

    gap = np.abs(implied.volatility - chain["volatility"])[fine]

    assert fine.sum() > 3000 and np.all(np.isfinite(gap))
    assert np.median(gap) < 1e-4 and np.quantile(gap, 0.95) < 2e-3


def test_a_mark_without_a_volatility_is_zero_or_older_than_its_forward(chain, implied):
    """Out of the money only the zero marks; in the money those below the intrinsic value."""
    missing = np.isnan(implied.volatility)

    assert np.all(chain["mark"][missing & outside(chain)] == 0.0)
    late = implied.condition[missing & ~outside(chain)]
    assert set(late.tolist()) <= {Condition.BELOW_INTRINSIC, Condition.AT_INTRINSIC}
    assert missing.mean() < 0.03


@pytest.mark.parametrize("coin", ["BTC", "ETH"])
@pytest.mark.parametrize("day", DAYS)
def test_real_smiles_are_fitted_and_freed_of_arbitrage(chain, day, coin):
    quotes = real_smiles(chain, day, coin)

    loose, clear, chained = fit_svi(quotes), fit_svi_without_butterflies(quotes), fit_ssvi(quotes)

    assert np.median(loose.fit.rmse) < 0.01
    assert not [f for f in clear.findings() if f.kind != "calendar"]
    assert np.all(clear.fit.rmse >= loose.fit.rmse * (1 - 1e-9))
    assert np.median(clear.fit.rmse / loose.fit.rmse) < 1.1
    assert chained.findings() == () and np.median(chained.fit.rmse) < 0.03
    for surface in (loose, clear, chained):
        assert check_surface(surface, surface.years) == ()
    assert check_surface(chained, np.linspace(0.0005, 2.0, 60)) == ()


def peer_squares(k: np.ndarray, variance: np.ndarray, weight: np.ndarray) -> float:
    """Return what SciPy's least_squares reaches on the same five parameters and bounds."""
    root, span = np.sqrt(weight), k.max() - k.min()
    slope = max(np.ptp(variance) / span, 1e-4)

    def misfit(p):
        level, right, left, m, sigma = p
        off = k - m
        curve = np.sqrt(off * off + sigma * sigma)
        return root * (level + 0.5 * (right - left) * off + 0.5 * (right + left) * curve - variance)

    bounds = ([-np.inf, 0, 0, k.min() - span, 1e-3 * span],
              [np.inf, 2, 2, k.max() + span, 10 * span])
    start = [0.5 * variance.min(), slope, slope, np.clip(0.0, k.min(), k.max()), 0.2 * span]
    found = least_squares(misfit, np.clip(start, bounds[0], bounds[1]), bounds=bounds,
                          x_scale=[variance.mean(), slope, slope, span, span], xtol=1e-12,
                          ftol=1e-12, gtol=1e-12, max_nfev=2000)
    return 2.0 * found.cost


@pytest.mark.parametrize(("day", "coin"), [("2026-01-28", "BTC"), ("2026-02-05", "ETH")])
def test_no_real_smile_is_fitted_better_by_least_squares(chain, day, coin):
    quotes = real_smiles(chain, day, coin)
    variance, weight = variances(quotes)
    surface = fit_svi(quotes)

    for i, (begin, end) in enumerate(zip(quotes.pointer[:-1], quotes.pointer[1:], strict=True)):
        here = slice(begin, end)
        a, b, rho, m, sigma = surface.parameters[i]
        off = quotes.log_moneyness[here] - m
        w = a + b * (rho * off + np.sqrt(off * off + sigma * sigma))
        squares = np.sum(weight[here] * (w - variance[here]) ** 2)
        peer = peer_squares(quotes.log_moneyness[here], variance[here], weight[here])
        assert squares <= peer * (1 + 1e-6), quotes.years[i]
