"""From levels at the ends of days to one-day moves: which days are known, from where, and why not?

A level is the number that a factor names (ln of a price, of a ratio, of a volatility; a basis, a
slope, a rate) at the end of a UTC day. A move is the difference of two levels of the same series on
consecutive days. Where several series tell of one factor, the first that knows the move gives it;
nothing is taken across a switch of series or a missing day, and nothing is filled.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from counterpoise.scenarios.factors import Factor, FactorHistory, factor_name
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import DAY_NS, day_text

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
MICROSECOND_NS: Final = 1000
JUMP_MAX: Final = 1000.0
"""A price that is so many times that of the day before, or such a part of it, is in another unit (a
thousand tokens, a redenomination), or the coin collapsed: a person says which."""
UNKNOWN: Final = "no level at the end of the day"
UNKNOWN_BEFORE: Final = "no level at the end of the day before"
DECLARED: Final = "declared a gap by the person who built the history"
SWITCH: Final = "the level of the day before is of another series"


@frozen
class Levels:
    """The level of one factor by day, as one series tells it.

    day     [row] UTC days since 1970-01-01, increasing
    level   [row] finite, at the end of the day
    source  where it comes from, in a few words
    why     {day: why it is not among the rows, or its move not known}, where the reader can say
            more than "absent"
    """

    factor: Factor
    day: Ints
    level: Floats
    source: str
    why: dict[int, str] = {}

    def __post_init__(self) -> None:
        """Refuse days out of order and levels that are not finite."""
        assert self.day.shape == self.level.shape
        name = f"{factor_name(self.factor)} from {self.source}"
        if not np.all(np.diff(self.day) > 0):
            raise bad_input(Reason.BAD_TIME, name, "has days out of order or twice; give each day "
                            "once")
        if not np.all(np.isfinite(self.level)):
            raise bad_input(Reason.NOT_FINITE, name, "has a level that is not finite; leave the "
                            "day out")


def parted(levels: Levels, day: int) -> tuple[Levels, ...]:
    """Return levels as two series, before `day` and from it on: its move is then not known."""
    late = levels.day >= day
    if late.all() or not late.any():
        return (levels,)
    return tuple(replaced(levels, day=levels.day[rows], level=levels.level[rows],
                          why=levels.why | {day: DECLARED}) for rows in (~late, late))


@frozen
class Gap:
    """Days, first and last included, whose move is not known, and why."""

    first_day: int
    last_day: int
    why: str


@frozen
class Coverage:
    """What is known of one factor.

    first_day, last_day   UTC days of the first and last known move; 0 and -1 where there is none
    known                 moves
    missing               days between the first and last whose move is not known: those of `gaps`
    series                (source, moves taken from it), those that gave any
    """

    factor: Factor
    first_day: int
    last_day: int
    known: int
    missing: int
    series: tuple[tuple[str, int], ...]
    gaps: tuple[Gap, ...]


@frozen
class FactorRecord:
    """A factor history and the table of its gaps, one row per factor in the same order."""

    history: FactorHistory
    coverage: tuple[Coverage, ...]

    def __post_init__(self) -> None:
        """Refuse a table of other factors or moves, and prices that change their unit overnight.

        A price or peg that is `JUMP_MAX` times that of the day before, or such a part of it, is no
        move; the day is a gap.
        """
        if self.history.factors != tuple(c.factor for c in self.coverage):
            raise bad_input(Reason.BAD_VALUE, "coverage", "is of other factors than the history")
        known = np.count_nonzero(np.isfinite(self.history.move), axis=0)
        wrong = [c.factor for c, n in zip(self.coverage, known.tolist(), strict=True)
                 if c.known != n]
        if wrong:
            raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=factor_name(f), sentence=(
                "has another number of moves than its coverage says")) for f in wrong))
        _refuse_jumps(self.history)


def jump_words(ratio: float) -> str:
    """Return what speaks against a price that is `ratio` times that of the day before."""
    size = f"{ratio:,.0f} times" if ratio > 1 else f"1/{1 / ratio:,.0f} of"
    return (f"is {size} the price of the day before: another unit, or a collapse that no "
            "volatility foretells")


def _refuse_jumps(history: FactorHistory) -> None:
    priced = np.array([f.kind in ("price", "peg") for f in history.factors], bool)
    jumps = np.argwhere((np.abs(np.nan_to_num(history.move)) >= np.log(JUMP_MAX)) & priced)
    if len(jumps):
        raise BadInput(*(Failure(
            reason=Reason.ABSURD_PRICE,
            subject=f"{factor_name(history.factors[k])} {day_text(int(history.day[t]))}",
            sentence=f"{jump_words(float(np.exp(history.move[t, k])))}; declare the day a gap "
            "(--gap CODE=DATE of counterpoise factors build), or leave the code out (--without "
            "CODE)") for t, k in jumps[:20].tolist()))


def day_end(day: Ints) -> Ints:
    """Return the instants (ns) of a factor history: the last microsecond of each UTC day.

    So the instant prints as the day whose move it ends.
    """
    end: Ints = (day + 1) * DAY_NS - MICROSECOND_NS
    return end


def record_of(series: Sequence[Levels], *, source: str) -> FactorRecord:
    """Return the history of all factors in `series`; of one factor, earlier series come first.

    Raises
    ------
    BadInput
        If there is no factor with a move, or a move is absurd.
    """
    factors = tuple(dict.fromkeys(s.factor for s in series))
    by_factor = [_Joined([s for s in series if s.factor == f]) for f in factors]
    kept = [k for k, joined in enumerate(by_factor) if len(joined.day)]
    if not kept:
        raise bad_input(Reason.MISSING_NUMBER, "factor history", "has no factor that is known on "
                        "two consecutive days; give closes of at least two days in a row")
    days = np.unique(np.concatenate([by_factor[k].day for k in kept]))
    move = np.full((len(days), len(kept)), np.nan)
    for column, k in enumerate(kept):
        move[np.searchsorted(days, by_factor[k].day), column] = by_factor[k].move
    return FactorRecord(
        history=FactorHistory(factors=tuple(factors[k] for k in kept), day=day_end(days),
                              move=move, source=source),
        coverage=tuple(by_factor[k].coverage(factors[k]) for k in kept))


class _Joined:
    """The moves of one factor from all of its series: `day` and `move` of the known ones."""

    def __init__(self, series: Sequence[Levels]) -> None:
        self.series = series
        moves = [_moves(s) for s in series]
        days = np.concatenate([m[0] for m in moves])
        # np.unique returns the first of equal days: that of the earlier series.
        self.day, at = np.unique(days, return_index=True)
        self.known = [set(s.day.tolist()) for s in series]
        self.move = np.concatenate([m[1] for m in moves])[at]
        self.origin = np.repeat(np.arange(len(moves)), [len(m[0]) for m in moves])[at]

    def coverage(self, factor: Factor) -> Coverage:
        """Return what is known of the factor, with the reason of every gap."""
        first, last = int(self.day[0]), int(self.day[-1])
        missing = np.setdiff1d(np.arange(first, last + 1), self.day)
        counts = np.bincount(self.origin, minlength=len(self.series)).tolist()
        return Coverage(
            factor=factor, first_day=first, last_day=last, known=len(self.day),
            missing=len(missing), gaps=gaps_of(missing, self._why),
            series=tuple((s.source, n) for s, n in zip(self.series, counts, strict=True) if n))

    def _why(self, day: int) -> str:
        today, before = (any(d in days for days in self.known) for d in (day, day - 1))
        if any(s.why.get(day) == DECLARED for s in self.series):
            return DECLARED
        said = [s.why[d] for s in self.series for d in ((day - 1,) if today else (day,))
                if d in s.why]
        if today and before:
            return SWITCH
        return (UNKNOWN_BEFORE if today else UNKNOWN) + (f": {said[0]}" if said else "")


def _moves(series: Levels) -> tuple[Ints, Floats]:
    """Return (day, move) where the day before is known too."""
    follows = np.flatnonzero(np.diff(series.day) == 1) + 1
    return series.day[follows], series.level[follows] - series.level[follows - 1]


def coverage_of(history: FactorHistory, *, source: str, why: str) -> FactorRecord:
    """Return a history of one series with its table; every gap has the same reason `why`."""
    day = history.day // DAY_NS
    rows = []
    for factor, move in zip(history.factors, history.move.T, strict=True):
        known = day[np.isfinite(move)]
        first, last = (int(known[0]), int(known[-1])) if len(known) else (0, -1)
        missing = np.setdiff1d(np.arange(first, last + 1), known)
        rows.append(Coverage(
            factor=factor, first_day=first, last_day=last, known=len(known), missing=len(missing),
            series=((source, len(known)),) if len(known) else (),
            gaps=gaps_of(missing, lambda _: why)))
    return FactorRecord(history=history, coverage=tuple(rows))


def gaps_of(missing: Ints, why: Callable[[int], str]) -> tuple[Gap, ...]:
    """Return missing days, increasing, as gaps: neighbours with the same reason are one."""
    gaps: list[Gap] = []
    for day in missing.tolist():
        reason = why(day)
        if gaps and gaps[-1].last_day == day - 1 and gaps[-1].why == reason:
            gaps[-1] = Gap(first_day=gaps[-1].first_day, last_day=day, why=reason)
        else:
            gaps.append(Gap(first_day=day, last_day=day, why=reason))
    return tuple(gaps)
