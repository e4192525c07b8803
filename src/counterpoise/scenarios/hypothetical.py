"""What if prices, volatilities and hedges went some way of our own choosing?

    cube          all coins move by the same fractions of price and volatility: rows of a heat map
    dependence    all coins up, all down, and every way in which hedges between coins break: each
                  coin up or down by one size, volatilities up with every move
    pegs          each stablecoin by -5, -15, -40 % or to nothing, coins as they are and 20 % down
    defaults      an issuer or venue fails: what it issued falls to recovery, prices beside it move
    along a path  a move reached in steps, in a straight line of log prices or as measured

Bases, terms, skews and pegs stand still in these: they are questions, not histories.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Final

import numpy as np

from counterpoise import _core
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.scenarios.factors import Floats, JointMoves
from counterpoise.scenarios.stress_events import factors_of_market
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import replaced

DEPEGS: Final = (-0.05, -0.15, -0.4, -0.9999)
"""Falls of a stablecoin: USDC fell by 14 % in March 2023, UST by 87 % in May 2022; the last one is
the loss of its issuer, worth a hundredth of a cent. A print of one venue is no fall of an index."""
MARKET_FALLS: Final = (0.0, -0.2)
BROKEN_MAX: Final = 6
"""Coins whose ups and downs are combined: 2^6 worlds. Beyond, one coin at a time leaves the rest"""


def cube_moves(market: MarketSnapshot, *, price: Sequence[float],
               vol: Sequence[float]) -> JointMoves:
    """Return one scenario per volatility and price, prices running first; both are fractions.

    Raises
    ------
    BadInput
        If a fraction is not finite, or not above -1.
    """
    cells = [(v, p) for v in vol for p in price]
    labels = tuple(f"price {p:+.0%}, vol {v:+.0%}" for v, p in cells)
    return _moves(market, [dict.fromkeys(market.catalogue.underlyings, p) for _, p in cells],
                  [v for v, _ in cells], labels)


def dependence_moves(market: MarketSnapshot, coins: Sequence[str], *, size: float,
                     vol: float) -> JointMoves:
    """Return all coins up, all down, and every break of hedges between `coins`, by +-`size`.

    Up to six coins take every combination of ups and downs; more take one coin against the rest,
    both ways. Coins of the market that are not named follow the first one. Raises as `cube_moves`.
    """
    signs = _signs(len(coins))
    rows, labels = [], []
    for row in signs:
        way = dict.fromkeys(market.catalogue.underlyings, size * row[0])
        rows.append(way | {c: size * s for c, s in zip(coins, row, strict=True)})
        labels.append(_words(coins, row))
    return _moves(market, rows, [vol] * len(rows), tuple(labels))


def peg_moves(market: MarketSnapshot) -> JointMoves:
    """Return each stablecoin of a market by itself falling by `DEPEGS`, under `MARKET_FALLS`.

    Raises
    ------
    BadInput
        If the market lists no stablecoin.
    """
    factors = factors_of_market(market)
    pegs = [k for k, factor in enumerate(factors) if factor.kind == "peg"]
    if not pegs:
        raise bad_input(Reason.NOT_APPLICABLE, "pegs", "need a stablecoin among the assets")
    cells = [(k, fall, depeg) for k in pegs for fall in MARKET_FALLS for depeg in DEPEGS]
    prices = np.array([factor.kind == "price" for factor in factors], bool)
    move = np.zeros((len(cells), len(factors)))
    move[:, prices] = _logs([fall for _, fall, _ in cells])[:, None]
    move[np.arange(len(cells)), [k for k, _, _ in cells]] = _logs([d for _, _, d in cells])
    labels = tuple(f"{factors[k].subject} {depeg:+.0%}, coins {fall:+.0%}"
                   for k, fall, depeg in cells)
    return JointMoves(factors=factors, labels=labels, move=move, weight=np.ones(len(cells)),
                      horizon_days=1.0, method=f"hypothetical pegs: {len(cells)} falls")


def default_moves(market: MarketSnapshot, falls: Mapping[str, Mapping[str, float]]) -> JointMoves:
    """Return one scenario per name in `falls`, {name: {asset or underlying: fraction}}.

    Codes are in lower case; what a market does not know moves nothing, what loses all keeps a
    hundredth of a cent of a dollar.
    """
    factors = factors_of_market(market)
    least = DEPEGS[-1]
    move = np.zeros((len(falls), len(factors)))
    for row, own in enumerate(falls.values()):
        move[row] = _logs([max(own.get(f.subject.lower(), 0.0), least)
                           if f.kind in ("price", "peg") else 0.0 for f in factors])
    return JointMoves(factors=factors, labels=tuple(falls), move=move, weight=np.ones(len(falls)),
                      horizon_days=1.0, method=f"hypothetical defaults: {len(falls)}")


def _signs(count: int) -> list[tuple[float, ...]]:
    if count <= BROKEN_MAX:
        return list(product((1.0, -1.0), repeat=max(count, 1)))
    apart = [tuple(s if k == one else -s for k in range(count))
             for one in range(count) for s in (1.0, -1.0)]
    return [(1.0,) * count, (-1.0,) * count, *apart]


def _words(coins: Sequence[str], row: tuple[float, ...]) -> str:
    if len(set(row)) == 1:
        return "all coins up" if row[0] > 0 else "all coins down"
    up, down = (" ".join(c for c, s in zip(coins, row, strict=True) if s == sign)
                for sign in (1.0, -1.0))
    return f"hedge broken: {up} up, {down} down"


def _moves(market: MarketSnapshot, price: list[dict[str, float]], vol: list[float],
           labels: tuple[str, ...]) -> JointMoves:
    factors = factors_of_market(market)
    move = np.zeros((len(labels), len(factors)))
    for column, factor in enumerate(factors):
        if factor.kind == "price" and factor.subject in market.catalogue.underlyings:
            move[:, column] = _logs([row[factor.subject] for row in price])
        elif factor.kind == "price":
            # A coin that is collateral only falls with the first coin of the market.
            move[:, column] = _logs([next(iter(row.values()), 0.0) for row in price])
        elif factor.kind == "vol":
            move[:, column] = _logs(vol)
    return JointMoves(factors=factors, labels=labels, move=move, weight=np.ones(len(labels)),
                      horizon_days=1.0, method=f"hypothetical: {labels[0]} to {labels[-1]}")


def _logs(fractions: Sequence[float]) -> Floats:
    values = np.array(fractions, np.float64)
    if not np.all((values > -1) & (values < 1000)):
        raise bad_input(Reason.BAD_VALUE, "moves", "are fractions above -1, like -0.2")
    return _core.log1p(values)


def along(moves: JointMoves, scenario: int, shares: Sequence[float],
          labels: Sequence[str]) -> JointMoves:
    """Return the moves of one scenario reached in steps: `shares` of it, 0 before and 1 at its end.

    Raises
    ------
    BadInput
        If a share is not finite.
    """
    part = np.array(shares, np.float64)
    if not np.all(np.isfinite(part)):
        raise bad_input(Reason.BAD_VALUE, "path", "has a step that is no number")
    return replaced(moves, labels=tuple(labels), move=part[:, None] * moves.move[scenario],
                    weight=np.ones(len(part)),
                    method=f"{moves.method}; {moves.labels[scenario]} in {len(part)} steps")


def without(moves: JointMoves, underlying: str) -> JointMoves:
    """Return the moves in which nothing of one underlying moves: what a stale feed shows."""
    moved = np.array([f.subject != underlying for f in moves.factors], bool)
    return replaced(moves, move=np.where(moved, moves.move, 0.0),
                    method=f"{moves.method}; {underlying} stale")
