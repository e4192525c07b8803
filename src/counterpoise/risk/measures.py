"""How bad is a bad day? Value at risk and expected shortfall of books over many scenarios.

With losses l_(1) <= ... <= l_(n) over n equally likely scenarios and level p, for instance 0.975:

    value at risk        the p-quantile of the losses, under a named convention
    expected shortfall   the mean of the losses in the tail of probability 1 - p, in a named variant

Both are positive for a loss. Only the tail is sorted out: the core selects the lowest P&Ls exactly
and adds them in scenario order, so the figures have the same bits on any CPU, for any number of
threads and any order of positions. Source: Hyndman and Fan, "Sample quantiles in statistical
packages", The American Statistician 50(4), 1996; Acerbi and Tasche, "On the coherence of expected
shortfall", Journal of Banking and Finance 26, 2002, equation 4.
"""

from typing import Any, Final, Literal

import numpy as np

from counterpoise import _core
from counterpoise.risk.aggregation import IDENTITY, Rows, UnitTransform
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Counts = np.ndarray[Any, np.dtype[np.int64]]
Quantile = Literal["linear", "hazen", "higher", "inverted_cdf"]
Shortfall = Literal["weighted", "discrete", "tail_mean", "tail_mean_hazen", "tail_mean_higher",
                    "tail_mean_inverted_cdf"]
QUANTILES: Final = ("linear", "hazen", "higher", "inverted_cdf")
"""linear: place 1 + (n-1) p, R type 7; hazen: place n p + 0.5, R type 5, flat
beyond the first and last loss; both interpolate. higher: the next whole place of linear, a loss
that did occur; inverted_cdf: place n p, rounded up, R type 1."""
SHORTFALLS: Final = ("weighted", "discrete", "tail_mean", "tail_mean_hazen", "tail_mean_higher",
                     "tail_mean_inverted_cdf")
"""weighted: (sum of the floor(n (1-p)) largest losses + the fractional part of the next one) /
(n (1-p)), Acerbi-Tasche, coherent and continuous in p; discrete: mean of the ceil(n (1-p)) largest;
tail_mean: mean of the losses >= value at risk, ties included; by the linear quantile, or the one
named."""
_BEGINS: Final = {"tail_mean_hazen": "hazen", "tail_mean_higher": "higher",
                  "tail_mean_inverted_cdf": "inverted_cdf"}
NEARLY_WHOLE: Final = 1e-9
"""Relative: n (1-p) and places closer than this to a whole number are that number, since 0.975 is
no binary fraction."""


@frozen
class Tails:
    """The tail of every row, [row]: enough for every measure at one level.

    at     the rank-th lowest P&L
    below  the one before it; `at` itself for rank 1
    sum    of the P&Ls lower than `at`, in scenario order
    less   how many are lower than `at`
    ties   how many equal it
    """

    rank: int
    at: Floats
    below: Floats
    sum: Floats
    less: Counts
    ties: Counts


def value_at_risk(rows: Rows, pnl: Floats, transform: UnitTransform = IDENTITY, *, level: float,
                  quantile: Quantile = "linear", threads: int = 1) -> Floats:
    """Return each row's quantile of losses at `level` [row], in the currency of `pnl`, loss > 0.

    `pnl` is [instrument, scenario] per lot, gain > 0; all scenarios count alike, except scenario 0,
    the unshocked world, which does not count. NaN where a row holds a failed instrument.

    Raises
    ------
    BadInput
        If the level lies outside (0, 1), a convention is unknown, or n (1 - level) < 1.
    """
    place = _place(pnl.shape[1] - 1, level, quantile)
    tails = tails_of(rows, pnl, transform, rank=_rank_at(pnl.shape[1] - 1, place), threads=threads)
    return _quantile(tails, place)


def expected_shortfall(rows: Rows, pnl: Floats, transform: UnitTransform = IDENTITY, *,
                       level: float, variant: Shortfall = "weighted", threads: int = 1) -> Floats:
    """Return each row's expected shortfall at `level` [row], in the currency of `pnl`, loss > 0.

    As `value_at_risk`.

    Raises
    ------
    BadInput
        If the level lies outside (0, 1), a name is unknown, or n (1 - level) < 1.
    """
    count = pnl.shape[1] - 1
    rank, place = _shortfall_rank(count, level, variant)
    tails = tails_of(rows, pnl, transform, rank=rank, threads=threads)
    return _shortfall(tails, tail_mass(count, level), variant, place)


def value_at_risk_of(vectors: Floats, *, level: float, quantile: Quantile = "linear",
                     threads: int = 1) -> Floats:
    """Return the quantile of losses of P&L vectors [row, scenario], gain > 0; every column counts.

    Raises
    ------
    BadInput
        As `value_at_risk`.
    """
    place = _place(vectors.shape[1], level, quantile)
    tails = tails_of_vectors(vectors, _rank_at(vectors.shape[1], place), threads)
    return _quantile(tails, place)


def expected_shortfall_of(vectors: Floats, *, level: float, variant: Shortfall = "weighted",
                          threads: int = 1) -> Floats:
    """Return the expected shortfall of P&L vectors [row, scenario]; every column counts.

    Raises
    ------
    BadInput
        As `expected_shortfall`.
    """
    count = vectors.shape[1]
    rank, place = _shortfall_rank(count, level, variant)
    return _shortfall(tails_of_vectors(vectors, rank, threads), tail_mass(count, level), variant,
                      place)


def tails_of(rows: Rows, pnl: Floats, transform: UnitTransform = IDENTITY, *, rank: int,
             threads: int = 1) -> Tails:
    """Return the tails of the rows over scenarios 1, 2, ...; scenario 0 does not count."""
    found = _core.tails(pointer=rows.pointer, key=rows.key, instrument=rows.instrument,
                        lots=rows.lots, pnl=pnl, weight=transform.weight,
                        gain_factor=transform.gain_factor, gain_cap=transform.gain_cap,
                        dampener=transform.dampener, dampen_first=transform.dampen_first, first=1,
                        rank=rank, threads=threads)
    return _tails(rank, found)


def tails_of_vectors(vectors: Floats, rank: int, threads: int = 1) -> Tails:
    """Return the tails of P&L vectors [row, scenario], gain > 0; every column counts."""
    # A vector is a row of one lot of itself.
    count = len(vectors)
    found = _core.tails(pointer=np.arange(count + 1), key=np.zeros(count, np.int32),
                        instrument=np.arange(count, dtype=np.int32),
                        lots=np.ones(count, np.int64), pnl=vectors, rank=rank, threads=threads)
    return _tails(rank, found)


def _tails(rank: int, found: tuple[Floats, Floats, Floats, Counts, Counts]) -> Tails:
    at, below, total, less, ties = found
    return Tails(rank=rank, at=at, below=below, sum=total, less=less, ties=ties)


def tail_mass(count: int, level: float) -> float:
    """Return n (1 - p), the number of scenarios in the tail.

    Raises
    ------
    BadInput
        If the level lies outside (0, 1) or n (1 - p) < 1.
    """
    _refuse(count, level)
    return _whole(count * (1 - level))


def _place(count: int, level: float, quantile: str) -> float:
    """Return the place (from 1, increasing losses) of the quantile, perhaps between two."""
    _refuse(count, level)
    _refuse_unknown(quantile, QUANTILES, "quantile")
    linear = _whole(1 + (count - 1) * level)
    if quantile == "hazen":
        return min(max(_whole(count * level + 0.5), 1.0), float(count))
    if quantile == "inverted_cdf":
        return _up(_whole(count * level))
    return linear if quantile == "linear" else _up(linear)


def _up(place: float) -> float:
    return place if place == int(place) else float(int(place) + 1)


def _rank_at(count: int, place: float) -> int:
    """Return the rank from the lowest P&L of the loss at the whole part of a place."""
    return count + 1 - int(place)


def _shortfall_rank(count: int, level: float, variant: str) -> tuple[int, float]:
    _refuse_unknown(variant, SHORTFALLS, "variant")
    place = _place(count, level, _BEGINS.get(variant, "linear"))
    mass = tail_mass(count, level)
    in_tail = int(mass) if mass == int(mass) else int(mass) + 1
    return (_rank_at(count, place) if variant.startswith("tail_mean") else in_tail), place


def _quantile(tails: Tails, place: float) -> Floats:
    loss, next_loss = -tails.at, -tails.below
    return np.asarray(loss + (place - int(place)) * (next_loss - loss)) + 0.0


def _shortfall(tails: Tails, mass: float, variant: str, place: float) -> Floats:
    if variant.startswith("tail_mean"):
        ties_in = -_quantile(tails, place) >= tails.at
        total = tails.sum + np.where(ties_in, tails.ties * tails.at, 0.0)
        return -total / (tails.less + np.where(ties_in, tails.ties, 0)) + 0.0
    shares = float(tails.rank) if variant == "discrete" else mass
    return -(tails.sum + (shares - tails.less) * tails.at) / shares + 0.0


def _whole(x: float) -> float:
    nearest = float(np.rint(x))
    return nearest if abs(x - nearest) <= NEARLY_WHOLE * max(abs(x), 1.0) else x


def _refuse(count: int, level: float) -> None:
    if not 0 < level < 1:
        raise _bad("level", f"{level} is no level; give a fraction between 0 and 1, like 0.975")
    if _whole(count * (1 - level)) < 1:
        raise _bad("level", f"{count} scenarios hold no tail of {1 - level:g}; give at least "
                   f"{int(np.ceil(_whole(1 / (1 - level))))} scenarios or a lower level")


def _refuse_unknown(name: str, known: tuple[str, ...], what: str) -> None:
    if name not in known:
        raise _bad(what, f"{name!r} is unknown; it is one of " + ", ".join(known))


def _bad(subject: str, sentence: str) -> BadInput:
    return BadInput(Failure(reason=Reason.BAD_VALUE, subject=subject, sentence=sentence))
