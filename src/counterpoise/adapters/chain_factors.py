"""Which factor levels do option chains hold, day by day? Volatility, basis and index of each coin.

Of every UTC day the last snapshot is read, if it is at most four hours before the day's end, so
that the changes span about a day; other days are not known, and the record says why. What
`market.implied_factors` and `market.basis_factors` cannot tell is not known either.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np

from counterpoise.adapters.chain import read_chain, snapshots
from counterpoise.calibration.factor_levels import Levels
from counterpoise.market.basis_factors import TENORS, basis_levels
from counterpoise.market.implied_factors import ImpliedLevels, implied_levels
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.scenarios.factors import Factor
from counterpoise.values.time import DAY_NS, format_instant

BEFORE_END_NS: Final = 4 * 3600 * 1_000_000_000
IMPLIED: Final = ("vol", "term", "skew")
Track = Callable[[Sequence[tuple[str, int]]], Iterable[tuple[str, int]]]


def read_chain_levels(paths: Sequence[str], *, perpetuals: str | None = None,
                      track: Track = iter) -> tuple[Levels, ...]:
    """Return the levels that option chain files tell, one series per factor.

    `perpetuals` is a table of their prices at the snapshots; `track` wraps the snapshots that are
    read, for a progress bar.

    Raises
    ------
    BadInput
        If a file is no option chain.
    """
    chosen, why = _last_of_days(paths)
    told = _Told(why)
    for path, stamp in track(chosen):
        market = read_chain(path, at=stamp, perpetuals=perpetuals)
        for underlying in market.catalogue.underlyings:
            told.add(market, underlying)
    return told.levels()


def _last_of_days(paths: Sequence[str]) -> tuple[list[tuple[str, int]], dict[int, str]]:
    """Return (file, stamp) of each day that has one near its end, and why the other days do not."""
    last: dict[int, tuple[int, str]] = {}
    for path in paths:
        for stamp in snapshots(path):
            day = stamp // DAY_NS
            last[day] = max(last.get(day, (0, "")), (stamp, path))
    late = {d: f"the last snapshot is of {format_instant(stamp)[11:16]}, more than 4 hours before "
            "the end of the day" for d, (stamp, _) in last.items()
            if (d + 1) * DAY_NS - stamp > BEFORE_END_NS}
    return [(path, stamp) for d, (stamp, path) in sorted(last.items()) if d not in late], late


class _Told:
    """What snapshots have told so far: {factor: {day: level}}."""

    def __init__(self, why: dict[int, str]) -> None:
        self.found: dict[Factor, dict[int, float]] = {}
        self.source: dict[Factor, str] = {}
        self.late = why
        self.why: dict[Factor, dict[int, str]] = {}
        self.quotes: dict[str, list[ImpliedLevels]] = {}

    def add(self, market: MarketSnapshot, underlying: str) -> None:
        """Add the levels of one underlying in one snapshot."""
        day = market.as_of // DAY_NS
        index = float(market.index[market.catalogue.underlyings.index(underlying)])
        self._put(Factor(subject=underlying, kind="price"), day,
                  float(np.log(index)) if index > 0 else float("nan"),
                  "index of the option chain, up to 4 hours before the end of the day")
        implied = implied_levels(market, underlying, underlying)
        self.quotes.setdefault(underlying, []).append(implied)
        for kind, level in zip(IMPLIED, (implied.level, implied.term, implied.skew), strict=True):
            self._put(Factor(subject=underlying, kind=kind), day, level,
                      "option chain, up to 4 hours before the end of the day",
                      implied.failures[0].sentence if implied.failures else "")
        for tenor, level in zip(TENORS, basis_levels(market, underlying), strict=True):
            self._put(Factor(subject=underlying, kind="basis", tenor_days=tenor), day, level,
                      "forwards of the option chain" if tenor else "perpetual beside the option "
                      "chain over its index", "no expiry on both sides of the tenor" if tenor else
                      "no price of the perpetual")

    def _put(self, factor: Factor, day: int, level: float, source: str, why: str = "") -> None:
        self.source[factor] = source
        if np.isfinite(level):
            self.found.setdefault(factor, {})[day] = level
        else:
            self.why.setdefault(factor, {})[day] = why

    def levels(self) -> tuple[Levels, ...]:
        """Return the series, with how many quotes were used and dropped in their source."""
        return tuple(Levels(
            factor=f, day=np.array(sorted(known), np.int64),
            level=np.array([known[d] for d in sorted(known)]),
            source=self.source[f] + (self._quotes_of(f.subject) if f.kind in IMPLIED else ""),
            why=self.late | self.why.get(f, {})) for f, known in self.found.items())

    def _quotes_of(self, underlying: str) -> str:
        used = sum(i.quotes for i in self.quotes[underlying])
        dropped: dict[str, int] = {}
        for implied in self.quotes[underlying]:
            for why, count in implied.dropped.items():
                dropped[why] = dropped.get(why, 0) + count
        said = ", ".join(f"{count} {why}" for why, count in dropped.items() if count)
        return f"; {used} quotes used, dropped: {said or 'none'}"
