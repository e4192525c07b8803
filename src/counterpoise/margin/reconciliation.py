"""Where do our figures and a venue's own part, and what is the likely cause?

Each figure that the venue reports is laid beside ours. Where they differ, the same account is
margined again with one thing at a time taken from the venue or read in another way (its prices,
its parameters, its positions, another reading); the first change that closes the gap is named as
the likely cause. A change that closes it by chance is possible: likely is all it is.
"""

import math
from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.frozen import frozen

AGREES: Final = "agrees"
_OWNED: Final = {"account_equity": "equity", "margin_balance": "margin_balance"}


@frozen
class Reported:
    """One figure of a venue, and what it is made of here.

    `parts` are `initial`, `maintenance`, `account_equity`, `margin_balance`, or components of the
    initial margin that add up to it; with `instrument` (id), the initial or maintenance
    contribution of that position. Amounts in the currency of `pool`. `only_venue` says that nobody
    else can compute it.
    """

    pool: str
    name: str
    amount: float
    parts: tuple[str, ...]
    instrument: str | None = None
    only_venue: bool = False


@frozen
class Tolerance:
    """How far apart figures may be and still agree: absolute, or relative to the venue's."""

    absolute: float
    relative: float


@frozen
class Alternative:
    """The account margined in another way: `change` is the sentence that says what differs."""

    change: str
    book: Book
    market: MarketSnapshot
    version: ParameterVersion


@frozen
class Line:
    """One figure laid beside ours; NaN where we have none. `cause` is `AGREES` or a sentence."""

    pool: str
    name: str
    ours: float
    theirs: float
    difference: float
    cause: str


@frozen
class _Margined:
    margins: AccountMargin
    shares: Contributions
    book: Book


def reconciled(reported: tuple[Reported, ...], *, model: MarginModel, own: Alternative,
               others: tuple[Alternative, ...], tolerance: Tolerance) -> tuple[Line, ...]:
    """Return a line for each figure; `own` is the account as we have it, one account alone."""
    mine = _margined(model, own)
    tried = [(other.change, _margined(model, other)) for other in others]
    readings = model.our_readings(own.book, own.market, own.version.parameters)
    return tuple(_line(figure, mine, tried, tolerance, readings) for figure in reported)


def _margined(model: MarginModel, way: Alternative) -> _Margined:
    arrays = priced(way.market, model=model, version=way.version)
    margins = compute_margin(way.book, way.market, model=model, version=way.version, arrays=arrays)
    return _Margined(margins=margins, book=way.book, shares=model.contributions(
        way.book, arrays, way.market, way.version.parameters))


def _line(figure: Reported, mine: _Margined, tried: list[tuple[str, _Margined]],
          tolerance: Tolerance, readings: tuple[str, ...]) -> Line:
    ours = _amount(figure, mine)
    return Line(pool=figure.pool, name=figure.name, ours=ours, theirs=figure.amount,
                difference=ours - figure.amount,
                cause=_cause(figure, mine, tried, tolerance, readings))


def _amount(figure: Reported, found: _Margined) -> float:
    """Return our value of a figure; 0 where the account has nothing in that pool."""
    needs = found.margins.requirements
    if figure.instrument is not None:
        return _of_position(figure, found)
    rows = [row for row in range(len(needs)) if needs.pools[needs.pool[row]] == figure.pool]
    if not rows:
        return math.nan if figure.parts[0] in _OWNED else 0.0
    columns = {**needs.initial_components, **needs.candidates, "initial": needs.initial,
               **{f"maintenance {name}": column
                  for name, column in needs.maintenance_components.items()},
               "maintenance": needs.maintenance,
               **{part: getattr(found.margins, name) for part, name in _OWNED.items()}}
    if not set(figure.parts) <= columns.keys():
        return math.nan
    return float(np.add.reduce([columns[part][rows[0]] for part in figure.parts]))


def _of_position(figure: Reported, found: _Margined) -> float:
    column = found.book.catalogue.column.get(str(figure.instrument), -1)
    at = np.flatnonzero(found.book.instrument == column)
    shares = getattr(found.shares, figure.parts[0])
    return float(np.add.reduce(shares[at[0]])) if len(at) else 0.0


def _cause(figure: Reported, mine: _Margined, tried: list[tuple[str, _Margined]],
           tolerance: Tolerance, readings: tuple[str, ...]) -> str:
    ours = _amount(figure, mine)
    if _agree(ours, figure.amount, tolerance):
        return AGREES
    if figure.only_venue:
        return (f"only the venue computes it; state it under account.given.{figure.parts[0]}")
    for change, other in tried:
        if _agree(_amount(figure, other), figure.amount, tolerance):
            return change
    failures = mine.margins.requirements.failures
    if math.isnan(ours):
        return ("; ".join(f"{f.subject}: {f.sentence}" for f in failures)
                or "there is no such figure here")
    return _nearest(figure, ours, tried) or _unexplained(figure, readings)


def _agree(ours: float, theirs: float, tolerance: Tolerance) -> bool:
    return abs(ours - theirs) <= max(tolerance.absolute, tolerance.relative * abs(theirs))


def _nearest(figure: Reported, ours: float, tried: list[tuple[str, _Margined]]) -> str:
    """Return the change that closes most of the gap, where one closes at least half of it."""
    gap = abs(ours - figure.amount)
    left = [(abs(_amount(figure, other) - figure.amount), change) for change, other in tried]
    best = min((pair for pair in left if not math.isnan(pair[0])), default=(gap, ""))
    if best[0] > gap / 2:
        return ""
    return f"mostly: {best[1]}; {best[0]:.3g} of {gap:.3g} is left unexplained"


def _unexplained(figure: Reported, readings: tuple[str, ...]) -> str:
    said = "; ".join(readings) if set(figure.parts).isdisjoint(_OWNED) else ""
    return ("not explained by prices, positions, parameters or a reading that can be switched"
            + (f"; what the venue does not publish: {said}" if said else ""))
