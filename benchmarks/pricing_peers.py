"""How does each candidate price options in scenarios, in the way its own users are told to?

Every entry of `PEERS` takes the inputs of `pricing.workload` and gives undiscounted Black-76 values
[instrument, scenario]; loops over single options do the first few instruments only.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from candidate import Peer

Inputs = dict[str, Any]
Ready = tuple[Callable[[], Any], Callable[[Any], Any]]
ROWS_AT_ONCE = 16
"""Instruments in one array operation: what 297 scenarios need then stays in the L2 cache."""
A_S = (0.319381530, -0.356563782, 1.781477937, -1.821255978, 1.330274429)
"""Abramowitz and Stegun 26.2.17: the normal law to 7.5e-8, for engines that have no erf."""


def counterpoise(given: Inputs) -> Ready:
    """Price with the core; the values are its base values plus its P&L."""
    from counterpoise import _core

    count, scenarios = len(given["forward"]), len(given["move"])
    arguments = {
        "kind": np.full(count, 3, np.uint8), "mode": np.zeros(count, np.uint8),
        "right": given["right"], "unit": np.ones(count), "price": given["forward"],
        "shock_base": given["forward"], "strike": given["strike"], "years": given["years"],
        "volatility": given["volatility"], "rate": np.zeros(count),
        "factor": np.zeros(count, np.int32),
        "move": np.ascontiguousarray(given["move"][:, None]),
        "vol_shift": np.ascontiguousarray(given["shift"][:, None]),
        "years_shift": np.zeros(scenarios),
        "rules": np.array([[1.0, 0.3, 0.13, 30.0, 0.01, 0.0, 0.0]])}
    return (lambda: _core.price_grid(**arguments, threads=given["threads"]),
            lambda result: result[0][:, None] + result[1])


def shocked(given: Inputs, at: slice) -> tuple[np.ndarray, np.ndarray]:
    """Return the forwards and total volatilities of some instruments, [instrument, scenario]."""
    forward = given["forward"][at, None] * (1 + given["move"])
    total = (given["volatility"] * np.sqrt(given["years"]))[at, None]
    return forward, total * (1 + given["tenor"][at, None] * given["shift"])


def numpy_ndtr(given: Inputs) -> Ready:
    """Price with array operations on a few instruments at a time."""
    from scipy.special import ndtr

    count = len(given["forward"])

    def run() -> np.ndarray:
        value = np.empty((count, len(given["move"])))
        for start in range(0, count, ROWS_AT_ONCE):
            at = slice(start, start + ROWS_AT_ONCE)
            forward, s = shocked(given, at)
            strike, sign = given["strike"][at, None], given["right"][at, None]
            d1 = np.log(forward / strike) / s + 0.5 * s
            value[at] = sign * (forward * ndtr(sign * d1) - strike * ndtr(sign * (d1 - s)))
        return value

    return run, np.asarray


def numba_erfc(given: Inputs) -> Ready:
    """Price with a compiled loop over math.erfc."""
    import math

    import numba

    @numba.njit(fastmath=True, parallel=given["threads"] > 1)
    def grid(options, move, shift):  # type: ignore[no-untyped-def]
        value = np.empty((options.shape[1], len(move)))
        half = -math.sqrt(0.5)
        for i in numba.prange(len(value)):
            f, k, total, sign, tenor = options[:, i]
            for s in range(len(move)):
                forward, t = f * (1 + move[s]), total * (1 + tenor * shift[s])
                d1 = math.log(forward / k) / t + 0.5 * t
                value[i, s] = 0.5 * sign * (forward * math.erfc(half * sign * d1)
                                            - k * math.erfc(half * sign * (d1 - t)))
        return value

    total = given["volatility"] * np.sqrt(given["years"])
    options = np.array([given["forward"], given["strike"], total, given["right"].astype(float),
                        given["tenor"]])
    return (lambda: grid(options, given["move"], given["shift"])), np.asarray


def jax_ndtr(given: Inputs) -> Ready:
    """Price with one compiled expression in float64."""
    import jax
    import jax.numpy as jnp
    from jax.scipy.special import ndtr

    jax.config.update("jax_enable_x64", True)
    names = ("forward", "strike", "years", "volatility", "tenor")
    columns = [jnp.asarray(given[name])[:, None] for name in names]
    sign, move, shift = (jnp.asarray(given[name], float) for name in ("right", "move", "shift"))

    @jax.jit
    def grid(f, k, years, sigma, tenor):  # type: ignore[no-untyped-def]
        side, forward = sign[:, None], f * (1 + move)
        s = sigma * jnp.sqrt(years) * (1 + tenor * shift)
        d1 = jnp.log(forward / k) / s + 0.5 * s
        return side * (forward * ndtr(side * d1) - k * ndtr(side * (d1 - s)))

    return lambda: grid(*columns).block_until_ready(), np.asarray


def torch_ndtr(given: Inputs) -> Ready:
    """Price with eager tensors on a few instruments at a time."""
    import torch

    torch.set_num_threads(given["threads"])
    names = ("forward", "strike", "years", "volatility", "tenor", "right")
    columns = [torch.from_numpy(given[name].astype(float))[:, None] for name in names]
    move, shift = torch.from_numpy(given["move"]), torch.from_numpy(given["shift"])
    ndtr, rows = torch.special.ndtr, 64

    def run() -> Any:
        parts = []
        for start in range(0, len(given["forward"]), rows):
            f, k, years, sigma, tenor, sign = (c[start:start + rows] for c in columns)
            forward, s = f * (1 + move), sigma * torch.sqrt(years) * (1 + tenor * shift)
            d1 = torch.log(forward / k) / s + 0.5 * s
            parts.append(sign * (forward * ndtr(sign * d1) - k * ndtr(sign * (d1 - s))))
        return torch.cat(parts)

    return run, lambda result: result.numpy()


def flat(given: Inputs, rows: int | None = None) -> dict[str, np.ndarray]:
    """Return one entry per (instrument, scenario) of the first `rows` instruments."""
    at = slice(0, rows)
    forward, total = shocked(given, at)
    years = np.broadcast_to(given["years"][at, None], forward.shape)
    wide = {"forward": forward, "total": total, "years": years,
            "sigma": total / np.sqrt(years),
            "strike": np.broadcast_to(given["strike"][at, None], forward.shape),
            "sign": np.broadcast_to(given["right"][at, None].astype(float), forward.shape)}
    return {name: np.ascontiguousarray(values).ravel() for name, values in wide.items()}


def fast_vollib(given: Inputs) -> Ready:
    """Price with fast_vollib's vectorised Black model, arrays out."""
    from fast_vollib import fast_black

    terms = flat(given)
    flags = np.where(terms["sign"] > 0, "c", "p")
    rates = np.zeros(len(flags))
    return (lambda: fast_black(flags, terms["forward"], terms["strike"], terms["years"], rates,
                               terms["sigma"], return_as="numpy"),
            lambda result: np.asarray(result).reshape(len(given["forward"]), -1))


def loop(given: Inputs, instruments: int, one: Callable[..., float], *columns: str) -> Ready:
    """Call a scalar function option by option for the first few instruments."""
    terms = flat(given, instruments)
    rows = list(zip(*(terms[name].tolist() for name in columns), strict=True))
    return (lambda: [one(*row) for row in rows],
            lambda result: np.array(result).reshape(-1, len(given["move"])))


def quantlib(given: Inputs) -> Ready:
    """Price with QuantLib's Black formula, option by option."""
    import QuantLib as ql

    sides = {1.0: ql.Option.Call, -1.0: ql.Option.Put}
    return loop(given, 100, lambda sign, k, f, s: ql.blackFormula(sides[sign], k, f, s),
                "sign", "strike", "forward", "total")


def lets_be_rational(given: Inputs) -> Ready:
    """Price with Jaeckel's function in Python, option by option."""
    import py_lets_be_rational as rational

    return loop(given, 20, rational.black, "forward", "strike", "sigma", "years", "sign")


def vollib(given: Inputs) -> Ready:
    """Price with vollib's Black model, option by option."""
    from vollib.black import black

    flags = {1.0: "c", -1.0: "p"}
    return loop(given, 20, lambda sign, f, k, t, sigma: black(flags[sign], f, k, t, 0.0, sigma),
                "sign", "forward", "strike", "years", "sigma")


def polars_expression(given: Inputs) -> Ready:
    """Price with column expressions; the normal law is a polynomial."""
    import polars as pl

    frame = pl.DataFrame(flat(given))

    def cdf(x: pl.Expr) -> pl.Expr:
        k = 1 / (1 + 0.2316419 * x.abs())
        series = k * (A_S[0] + k * (A_S[1] + k * (A_S[2] + k * (A_S[3] + k * A_S[4]))))
        tail = (-0.5 * x * x).exp() * 0.3989422804014327 * series
        return pl.when(x > 0).then(1 - tail).otherwise(tail)

    f, k, s, sign = (pl.col(name) for name in ("forward", "strike", "total", "sign"))
    d1 = (f / k).log() / s + 0.5 * s
    value = sign * (f * cdf(sign * d1) - k * cdf(sign * (d1 - s)))
    return (lambda: frame.lazy().select(value.alias("value")).collect()["value"],
            lambda result: result.to_numpy().reshape(len(given["forward"]), -1))


def duckdb_expression(given: Inputs) -> Ready:
    """Price with an SQL expression; the normal law is a polynomial."""
    import duckdb
    import pyarrow as pa

    connection = duckdb.connect()
    connection.execute(f"SET threads = {given['threads']}")
    connection.register("given_terms", pa.table(flat(given)))
    connection.execute("CREATE TABLE terms AS SELECT * FROM given_terms")
    poly = "".join(f"k * ({a} + " for a in A_S[:4]) + f"k * {A_S[4]}" + "))))"
    connection.execute("CREATE MACRO tail(x, k) AS exp(-0.5 * x * x) * 0.3989422804014327 * "
                       f"({poly})")
    connection.execute("CREATE MACRO cdf(x) AS CASE WHEN x > 0 THEN "
                       "1 - tail(x, 1 / (1 + 0.2316419 * abs(x))) ELSE "
                       "tail(x, 1 / (1 + 0.2316419 * abs(x))) END")
    query = ("SELECT sign * (forward * cdf(sign * d1) - strike * cdf(sign * (d1 - total))) AS v "
             "FROM (SELECT *, ln(forward / strike) / total + 0.5 * total AS d1 FROM terms)")
    return (lambda: connection.execute(query).fetchnumpy()["v"],
            lambda result: np.asarray(result).reshape(len(given["forward"]), -1))


def in_flavour(name: str) -> Callable[[Inputs], Ready]:
    """Return our own candidate on another instruction set than the best of this CPU."""
    def prepare(given: Inputs) -> Ready:
        from counterpoise import _core

        _core.use_isa(name)
        return counterpoise(given)

    return prepare


PEERS = {
    **{f"counterpoise, {name}": Peer("counterpoise", in_flavour(name))
       for name in ("avx2", "neon", "baseline")},
    "counterpoise": Peer("counterpoise", counterpoise),
    "numpy + scipy ndtr": Peer("scipy", numpy_ndtr),
    "numba, erfc": Peer("numba", numba_erfc), "jax": Peer("jax", jax_ndtr),
    "torch": Peer("torch", torch_ndtr), "fast-vollib": Peer("fast-vollib", fast_vollib),
    "polars, cdf to 7.5e-8": Peer("polars", polars_expression),
    "duckdb, cdf to 7.5e-8": Peer("duckdb", duckdb_expression),
    "QuantLib loop": Peer("QuantLib", quantlib),
    "py_lets_be_rational loop": Peer("py-lets-be-rational", lets_be_rational),
    "vollib loop": Peer("vollib", vollib),
}
