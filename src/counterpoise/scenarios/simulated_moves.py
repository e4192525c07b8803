"""What could joint moves look like? Seeded ones, plausible and never observed.

    x = deviation x sqrt(4 / chi2_4) x (b m + sqrt(1 - b^2) e) / sqrt(2)

A market shock m and an own shock e for each factor under one mixing variable: Student's t with four
degrees of freedom at unit variance, dependent in the tail. Another b with the same draws is another
dependence of the same days, so that the difference is not noise. A stablecoin stands still but on
one draw in two hundred. Only + - * / sqrt, the core's log and uniform draws of a seeded PCG64, then
rounded to a millionth: one seed is one set, bit for bit, on any machine.
"""

from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.scenarios.factors import Factor, Floats, JointMoves
from counterpoise.values.frozen import frozen

DIGITS: Final = 6
_UNIFORMS: Final = 12
_FREEDOM: Final = 4
_DAYS: Final = 2.0
_CALM: Final = 0.0004
_BREAK_ONE_IN: Final = 200


@frozen
class _Line:
    """A factor: its standard deviation over two days and its share b of the market's shock."""

    factor: Factor
    deviation: float
    beta: float


def _coin(code: str, deviation: float, beta: float) -> tuple[_Line, ...]:
    def line(kind: str, size: float, share: float, tenor: int = 0) -> _Line:
        return _Line(factor=Factor(subject=code, kind=kind, tenor_days=tenor), deviation=size,
                     beta=share)

    return (line("price", deviation, beta), line("basis", 0.0008, 0.5),
            line("basis", 0.035, 0.5, 30), line("basis", 0.020, 0.5, 180), line("vol", 0.11, -0.55),
            line("term", 0.03, 0.40), line("skew", 0.012, 0.30), line("funding", 0.0001, 0.4))


_LINES: Final = (*_coin("BTC", 0.042, 0.95), *_coin("ETH", 0.056, 0.90),
                 _Line(factor=Factor(subject="BNB", kind="price"), deviation=0.055, beta=0.85))
_STABLES: Final = ("USDC", "USDE", "USDT")


def simulated_moves(*, seed: int, count: int, scale: float = 1.0, dependence: str = "estimated",
                    breaks: int = _BREAK_ONE_IN) -> JointMoves:
    """Return moves over two days of BTC, ETH, BNB and three stablecoins.

    Parameters
    ----------
    scale
        Multiplies every deviation: 1 is a calm market, 2.5 a stressed one.
    dependence
        "estimated"; "all_up": prices share nearly all of the market's shock; "hedge_broken":
        prices share nothing, and what offset another no longer does.
    breaks
        A stablecoin leaves its peg on one draw in this many.
    """
    width = len(_LINES)
    draws = np.random.Generator(np.random.PCG64([seed, count])).random(
        (count, (1 + width) * _UNIFORMS + 2 + len(_STABLES)))
    shocks = _normal(draws[:, :(1 + width) * _UNIFORMS].reshape(count, 1 + width, _UNIFORMS))
    mixing, pegs = draws[:, -2 - len(_STABLES):-len(_STABLES)], draws[:, -len(_STABLES):]
    chi2 = -2.0 * _core.log(np.ascontiguousarray((1.0 - mixing[:, 0]) * (1.0 - mixing[:, 1])))
    heavy = scale * np.sqrt(_FREEDOM / chi2) / np.sqrt(2.0)
    columns = [heavy * line.deviation * _shared(shocks[:, 0], shocks[:, 1 + k],
                                                _beta(line, dependence))
               for k, line in enumerate(_LINES)]
    columns += [_peg(shocks[:, 0], pegs[:, k], breaks) for k in range(len(_STABLES))]
    factors = (*(line.factor for line in _LINES),
               *(Factor(subject=code, kind="peg") for code in _STABLES))
    moves = np.round(np.minimum(np.maximum(np.stack(columns, axis=1), -3.0), 3.0), DIGITS)
    return JointMoves(
        factors=factors, labels=tuple(f"draw {k}" for k in range(1, count + 1)), move=moves + 0.0,
        weight=np.ones(count), horizon_days=_DAYS, method=(
            f"simulated, seed {seed}, {dependence}, scale {scale:g}, not observed"))


def _normal(uniforms: Floats) -> Floats:
    """Return sums of twelve uniforms less six over the last axis: mean 0, variance 1."""
    total: Floats = np.zeros(uniforms.shape[:-1])
    for k in range(_UNIFORMS):
        total = total + uniforms[..., k]
    return total - _UNIFORMS / 2


def _beta(line: _Line, dependence: str) -> float:
    if line.factor.kind != "price" or dependence == "estimated":
        return line.beta
    return {"all_up": 0.995, "hedge_broken": 0.0}[dependence]


def _shared(market: Floats, own: Floats, beta: float) -> Floats:
    return beta * market + float(np.sqrt(1.0 - beta * beta)) * own


def _peg(market: Any, draw: Any, breaks: int) -> Floats:
    """Return moves of a stablecoin: noise, and a break of up to 15 % where the market falls."""
    depth = (draw * breaks) % 1.0
    broken = (draw * breaks < 1.0) & (market < 0)
    return np.asarray(np.where(broken, -0.02 - 0.13 * depth, _CALM * (depth - 0.5)), np.float64)
