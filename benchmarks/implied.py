"""How much faster, and how much more exact, are implied volatilities and smiles than elsewhere?

Peers that are not installed are named as such. Every peer gets the same quotes and its own fast
mode; errors are against 40 digits. Processor time of one thread, least of some runs, so that a busy
machine tells the same; seconds stay on this machine, ratios are printed.
"""

import json
import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

from counterpoise import _core
from counterpoise.market.simulated import simulated_market
from counterpoise.market.surfaces.smiles import Smiles, smiles, smiles_of, variances
from counterpoise.market.surfaces.ssvi import fit_ssvi
from counterpoise.market.surfaces.svi import fit_svi, fit_svi_without_butterflies
from counterpoise.pricing.black import black76
from counterpoise.pricing.implied import implied_volatility

Terms = dict[str, np.ndarray]
YEAR_SECONDS = 31_536_000
CHAIN = Path("data/options/deribit_chain_selected.parquet")
CHECKED = 200
"""Quotes whose error is measured: a volatility with 40 digits takes milliseconds."""


def main() -> None:
    """Measure and print one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quotes", type=int, default=1000)
    parser.add_argument("--simulated", action="store_true", help="fit the simulated market")
    asked = parser.parse_args()
    json.dump({"implied": implied_ratios(asked.quotes),
               "smiles": smile_ratios(simulated=asked.simulated)}, sys.stdout, indent=1)


def measured(quick: bool) -> dict[str, Any]:
    """Return both; `smiles/quotes` says which chain was fitted."""
    return {"implied": implied_ratios(100 if quick else 1000),
            "smiles": smile_ratios(simulated=quick)}


def implied_ratios(count: int = 1000) -> dict[str, Any]:
    """Return how many times slower each peer is, with its error, and our cost per flavour."""
    terms = quotes(count)
    exact = exact_volatilities(terms)
    ours, mine = best_of(lambda: ours_on(terms), repeats=30)
    results: dict[str, Any] = {"quotes": count, "error": worst(mine, exact),
                               "flavours_over_best": flavour_ratios(terms)}
    for name, (package, peer) in PEERS.items():
        try:
            run = peer(terms)
        except (ImportError, AttributeError):
            results[name] = "not installed"
            continue
        seconds, theirs = best_of(run, repeats=3)
        results[name] = {"version": installed(package), "times": round(seconds / ours, 1),
                         "error": worst(theirs, exact)}
    return results


def quotes(count: int, seed: int = 1) -> Terms:
    """Return out-of-the-money options of a crypto chain worth at least 1e-8 of the forward."""
    rng = np.random.default_rng(seed)
    forward = np.full(4 * count, 70_000.0)
    years = rng.choice(np.array([1, 2, 7, 14, 30, 60, 90, 180, 365]) / 365, 4 * count)
    volatility = rng.uniform(0.3, 1.2, 4 * count)
    strike = forward * _core.exp(rng.normal(0, 1.2, 4 * count) * volatility * np.sqrt(years))
    right = np.where(strike > forward, 1, -1).astype(np.int8)
    terms = {"forward": forward, "strike": strike, "years": years, "right": right,
             "rate": np.zeros(4 * count)}
    price = black76(**terms, volatility=volatility).value
    kept = np.flatnonzero(price > 1e-8 * forward)[:count]
    return {name: np.ascontiguousarray(c[kept]) for name, c in (terms | {"price": price}).items()}


def ours_on(terms: Terms) -> np.ndarray:
    """Return our volatilities."""
    return implied_volatility(**terms).volatility


def exact_volatilities(terms: Terms) -> np.ndarray:
    """Return the volatilities of the first `CHECKED` quotes, rounded from 40 digits."""
    start = ours_on(terms)[:CHECKED]
    rows = zip(*(terms[n][:CHECKED].tolist() for n in ("price", "forward", "strike", "years",
                                                       "right")), start.tolist(), strict=True)
    with mpmath.workdps(40):
        return np.array([float(_exact(*row)) for row in rows])


def _exact(price: float, *row: Any) -> mpmath.mpf:
    forward, strike, years, right, guess = (mpmath.mpf(x) for x in row)
    s = guess * mpmath.sqrt(years)
    for _ in range(6):
        d1 = mpmath.log(forward / strike) / s + s / 2
        value = right * (forward * mpmath.ncdf(right * d1)
                         - strike * mpmath.ncdf(right * (d1 - s)))
        s -= mpmath.log(value / mpmath.mpf(price)) * value / (forward * mpmath.npdf(d1))
    return s / mpmath.sqrt(years)


def worst(volatility: np.ndarray, exact: np.ndarray) -> float:
    """Return the largest relative error, two digits."""
    return float(f"{np.max(np.abs(volatility[:CHECKED] / exact - 1)):.1e}")


def best_of(run: Callable[[], Any], *, repeats: int) -> tuple[float, Any]:
    """Return the least seconds of some runs, a first one not counted, and the answer."""
    answer, least = run(), float("inf")
    for _ in range(repeats):
        start = time.process_time()
        answer = run()
        least = min(least, time.process_time() - start)
    return least, answer


def flavour_ratios(terms: Terms) -> dict[str, float]:
    """Return the cost of each flavour of the core over the best one's."""
    before, seconds = _core.isa()["active"], {}
    for name in _core.isa()["available"]:
        _core.use_isa(name)
        seconds[name], _ = best_of(lambda: ours_on(terms), repeats=5)
    _core.use_isa(before)
    return {name: round(s / min(seconds.values()), 1) for name, s in seconds.items()}


def installed(package: str) -> str:
    """Return a package's version."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _vollib(terms: Terms) -> Callable[[], np.ndarray]:
    from vollib.black.implied_volatility import implied_volatility as invert

    rows = [(p, f, k, 0.0, t, "c" if w > 0 else "p") for p, f, k, t, w in _rows(terms)]
    return lambda: np.array([invert(*row) for row in rows])


def _lets_be_rational(terms: Terms) -> Callable[[], np.ndarray]:
    from py_lets_be_rational import (
        implied_volatility_from_a_transformed_rational_guess as invert,
    )

    rows = [(p, f, k, t, float(w)) for p, f, k, t, w in _rows(terms)]
    return lambda: np.array([invert(*row) for row in rows])


def _quantlib(terms: Terms) -> Callable[[], np.ndarray]:
    import QuantLib

    kinds = {1: QuantLib.Option.Call, -1: QuantLib.Option.Put}
    invert, root = QuantLib.blackFormulaImpliedStdDev, np.sqrt(terms["years"])
    rows = [(kinds[w], k, f, p) for p, f, k, _, w in _rows(terms)]
    return lambda: np.array([invert(*row) for row in rows]) / root


def _fast_vollib(terms: Terms) -> Callable[[], np.ndarray]:
    from fast_vollib import fast_implied_volatility_black as invert

    flags = np.where(terms["right"] > 0, "c", "p")
    given = (terms["price"], terms["forward"], terms["strike"], terms["rate"], terms["years"])
    return lambda: np.asarray(invert(*given, flags, return_as="numpy", on_error="ignore"))


def _vectorized(terms: Terms) -> Callable[[], np.ndarray]:
    from py_vollib_vectorized import vectorized_implied_volatility_black as invert

    flags = np.where(terms["right"] > 0, "c", "p")
    given = (terms["price"], terms["forward"], terms["strike"], terms["rate"], terms["years"])
    return lambda: np.asarray(invert(*given, flags, return_as="numpy", on_error="ignore"))


def _rows(terms: Terms) -> list[tuple[Any, ...]]:
    names = ("price", "forward", "strike", "years", "right")
    return list(zip(*(terms[name].tolist() for name in names), strict=True))


PEERS: dict[str, tuple[str, Callable[[Terms], Callable[[], np.ndarray]]]] = {
    "vollib": ("vollib", _vollib),
    "py_lets_be_rational": ("py_lets_be_rational", _lets_be_rational),
    "QuantLib blackFormulaImpliedStdDev": ("QuantLib", _quantlib),
    "fast-vollib": ("fast-vollib", _fast_vollib),
    "py_vollib_vectorized": ("py_vollib_vectorized", _vectorized),
}


def smile_ratios(*, simulated: bool) -> dict[str, Any]:
    """Return how many times slower SciPy's least_squares fits the same chain, and how well."""
    source, chain = simulated_chains() if simulated else chains()
    ours, surfaces = best_of(lambda: [fit_svi(c) for c in chain], repeats=10)
    seconds, peer = best_of(lambda: np.concatenate([peer_squares(c) for c in chain]), repeats=1)
    squares = np.concatenate([own_squares(c, s) for c, s in zip(chain, surfaces, strict=True)])
    cleared, _ = best_of(lambda: [fit_svi_without_butterflies(c) for c in chain], repeats=3)
    chained, _ = best_of(lambda: [fit_ssvi(c) for c in chain], repeats=3)
    ratio = np.sqrt(squares / peer)
    return {"quotes": source, "slices": len(peer),
            "scipy least_squares": {"version": installed("scipy"), "times": round(seconds / ours)},
            "our_rmse_over_peer": {"median": round(float(np.median(ratio)), 6),
                                   "worst": round(float(ratio.max()), 6)},
            "without_butterflies_over_free": round(cleared / ours, 1),
            "ssvi_over_free": round(chained / ours, 1)}


def chains() -> tuple[str, list[Smiles]]:
    """Return BTC and ETH smiles: of a real stressed day where it is at hand, else simulated."""
    shared = Path(os.environ.get("COUNTERPOISE_SHARED", "../shared"))
    if not (shared / CHAIN).is_file():
        return simulated_chains()
    import duckdb

    columns = duckdb.sql(f"""
        SELECT currency, strike::DOUBLE AS strike, underlying_price::DOUBLE AS forward, option_type,
               mark_iv::DOUBLE AS volatility,
               (epoch(expiry) - epoch(snapshot_ts)) / {YEAR_SECONDS} AS years
        FROM '{shared / CHAIN}' WHERE snapshot_ts::DATE = '2026-02-05'""").fetchnumpy()
    outside = (columns["option_type"] == "C") == (columns["strike"] >= columns["forward"])
    k = np.log(columns["strike"] / columns["forward"])
    return "real chain of 2026-02-05", [
        smiles(years=np.ascontiguousarray(columns["years"][mine]), log_moneyness=k[mine],
               volatility=np.ascontiguousarray(columns["volatility"][mine]))
        for mine in (outside & (columns["currency"] == coin) for coin in ("BTC", "ETH"))]


def simulated_chains() -> tuple[str, list[Smiles]]:
    """Return the smiles of the simulated stressed market, with noise."""
    market = simulated_market(stressed=True)
    return "simulated, 1 % noise", [_noisy(smiles_of(market, c, c)) for c in ("BTC", "ETH")]


def _noisy(given: Smiles) -> Smiles:
    noise = 1 + 0.01 * np.random.default_rng(2).normal(size=len(given.volatility))
    years = np.repeat(given.years, np.diff(given.pointer))
    return smiles(years=years, log_moneyness=given.log_moneyness,
                  volatility=given.volatility * noise)


def own_squares(given: Smiles, surface: Any) -> np.ndarray:
    """Return the weighted squares of variance that our fit leaves, [slice]."""
    variance, weight = variances(given)
    slices = np.repeat(np.arange(len(given.years), dtype=np.int32), np.diff(given.pointer))
    fitted = _core.svi_curve(parameters=surface.parameters, slice=slices,
                             log_moneyness=given.log_moneyness)[0]
    return np.add.reduceat(weight * (fitted - variance) ** 2, given.pointer[:-1])


def peer_squares(given: Smiles) -> np.ndarray:
    """Return the weighted squares that SciPy's least_squares leaves from one start, [slice]."""
    variance, weight = variances(given)
    cut = list(zip(given.pointer[:-1], given.pointer[1:], strict=True))
    return np.array([_peer(given.log_moneyness[a:b], variance[a:b], weight[a:b]) for a, b in cut])


def _peer(k: np.ndarray, variance: np.ndarray, weight: np.ndarray) -> float:
    """Fit level, two slopes in [0, 2], centre and width: the same set of smiles as ours."""
    from scipy.optimize import least_squares

    root, span = np.sqrt(weight), float(np.ptp(k))
    slope = max(float(np.ptp(variance)) / span, 1e-4)

    def misfit(p: np.ndarray) -> np.ndarray:
        off = k - p[3]
        curve = 0.5 * (p[1] + p[2]) * np.sqrt(off * off + p[4] * p[4])
        return root * (p[0] + 0.5 * (p[1] - p[2]) * off + curve - variance)

    low = np.array([-np.inf, 0, 0, k.min() - span, 1e-3 * span])
    high = np.array([np.inf, 2, 2, k.max() + span, 10 * span])
    start = np.clip([0.5 * variance.min(), slope, slope, np.clip(0.0, k.min(), k.max()),
                     0.2 * span], low, high)
    found = least_squares(misfit, start, bounds=(low, high), xtol=1e-12, ftol=1e-12, gtol=1e-12,
                          x_scale=[variance.mean(), slope, slope, span, span], max_nfev=5000)
    return 2.0 * float(found.cost)


if __name__ == "__main__":
    main()
