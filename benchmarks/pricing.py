"""How fast is scenario pricing, beside what else one might use and beside the FMA units?

2,000 options x 297 scenarios (99 moves x 3 volatility states scaled by (30/days)^p): as options of
2,000 different strikes, and as calls and puts of 1,000. A price is counted as 132 floating-point
operations (56 fma, 11 products, 7 sums, 2 divisions as one each), whoever computes it.
"""

from typing import Any

import numpy as np
from turns import Work, compared, other_flavours

FLOP_PER_PRICE = 132
NAMES = ["counterpoise", "numpy + scipy ndtr", "numba, erfc", "jax", "torch", "fast-vollib",
         "polars, cdf to 7.5e-8", "duckdb, cdf to 7.5e-8", "QuantLib loop",
         "py_lets_be_rational loop", "vollib loop"]


def measured(quick: bool, limits: dict[str, Any] | None = None,
             turns: int = 3) -> dict[str, Any]:
    """Return the rows of the table, ratios, and the share of the measured FMA peak."""
    options = 100 if quick else 2_000
    single = workload(options, pairs=False)
    work = Work("pricing_peers", single, 1, 1 if quick else turns, 0.1 if quick else 1.5)
    names = NAMES[:1] + other_flavours() + NAMES[1:2 if quick else None]
    rows = compared(work, names, unit=single["forward"][:, None])
    pairs = workload(options, pairs=True)
    paired = compared(work._replace(inputs=pairs), NAMES[:2], unit=pairs["forward"][:, None])
    prices = options * len(single["move"])
    per_second = {"strikes": prices / rows[0]["seconds"], "pairs": prices / paired[0]["seconds"]}
    found = {"table": {f"pricing {options:,} x {len(single['move'])}, one core": rows,
                       "the same as calls and puts of one strike": paired},
             "ratios": {"pricing: " + row["name"]: row["times"] for row in rows[1:]
                        if "times" in row},
             "checks": {"pricing: difference of forward": worst(rows)}}
    found["ratios"]["pricing, pairs: numpy + scipy ndtr"] = paired[1].get("times")
    if limits is not None:
        found["shares"] = {f"pricing, {kind}: of FMA peak at {FLOP_PER_PRICE} flop/price":
                           FLOP_PER_PRICE * rate / 1e9 / limits["1"]["FMA"]
                           for kind, rate in per_second.items()}
    return found


def worst(rows: list[dict[str, Any]]) -> float:
    """Return the largest difference among candidates that claim full accuracy."""
    return max((row["difference"] for row in rows
                if "difference" in row and "7.5e-8" not in row["name"]), default=0.0)


def workload(options: int, *, pairs: bool) -> dict[str, Any]:
    """Return the inputs: forward, strike, years, volatility, right [I]; tenor [I]; move, shift [S].

    `tenor` is (30 / days)^p of each option, computed once for all candidates.
    """
    random = np.random.Generator(np.random.PCG64(7))
    strikes = options // 2 if pairs else options
    years = random.choice(np.array([1, 2, 7, 14, 30, 60, 90, 180, 365]) / 365, strikes)
    volatility = random.uniform(0.3, 1.2, strikes)
    strike = 70_000.0 * np.exp(random.normal(0, 1, strikes) * volatility * np.sqrt(years))
    right = np.where(random.random(strikes) < 0.5, 1, -1)
    if pairs:
        years, volatility, strike = (np.repeat(x, 2) for x in (years, volatility, strike))
        right = np.tile([1, -1], strikes)
    days = years * 365
    moves = np.concatenate(([0.0], np.linspace(-0.5, 0.5, 98)))
    return {"forward": np.full(options, 70_000.0), "strike": strike, "years": years,
            "volatility": volatility, "right": right.astype(np.int8),
            "tenor": (30 / days) ** np.where(days < 30, 0.3, 0.13),
            "move": np.repeat(moves, 3), "shift": np.tile([0.0, 0.4, -0.25], len(moves))}
