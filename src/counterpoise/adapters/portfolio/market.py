"""What market does the file describe? Its own quotes, or a path to a snapshot.

A number that is written and absurd is an error here, because somebody typed it; a number that is
not written is missing in the snapshot, and only a model that needs it will ask for it.
"""

import os
from typing import Any, Final

import numpy as np

from counterpoise.adapters.portfolio.names import (
    Names,
    by_expiry,
    instrument_named,
    labelled,
    whole,
)
from counterpoise.instruments.catalogue import Catalogue
from counterpoise.instruments.contracts import Instrument, Option
from counterpoise.market.assemble import snapshot_of
from counterpoise.market.bounds import absurd_index, absurdities
from counterpoise.market.quotes import Quotes, silence
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.values.assets import is_asset_code
from counterpoise.values.decimals import parse_float
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen
from counterpoise.values.time import SECOND_NS, format_instant

_COLUMNS: Final = {"mark": "mark", "forward": "forward", "forward_fixed": "forward_fixed",
                   "volatility": "iv", "rate": "rate"}
_OPTION_ONLY: Final = ("forward", "forward_fixed", "iv", "rate")
_REASONS: Final = {Quality.ABSURD_PRICE: Reason.ABSURD_PRICE,
                   Quality.ABSURD_VOLATILITY: Reason.ABSURD_VOLATILITY}
_OLD_NS: Final = 12 * 3600 * SECOND_NS
"""Chains are collected every six hours; a file that asks for a time more than two of those after
the last snapshot means another file."""


@frozen
class Stated:
    """The market as the file states it: pruned tree, instruments by name, and the tables."""

    tree: dict[str, Any]
    quoted: dict[str, Instrument]
    indices: dict[str, float]
    prices: dict[str, float]


def stated_market(tree: dict[str, Any], names: Names) -> Stated:
    """Return what an inline market states; violations join `names.failures`."""
    if tree.get("surfaces"):
        names.failures.append(Failure(
            reason=Reason.NOT_APPLICABLE, subject="market.surfaces", sentence=(
                "is not supported yet by any model here and would change the number; give each "
                "option its iv")))
    quoted: dict[str, Instrument] = {}
    seen: dict[str, str] = {}
    for name in tree.get("instruments", {}):
        instrument = instrument_named(names, name)
        if instrument is None:
            continue
        if instrument.id in seen:
            names.failures.append(Failure(
                reason=Reason.DUPLICATE, subject=f"market.instruments.{name}",
                sentence=f"is the same instrument as {seen[instrument.id]}; quote it once"))
        seen[instrument.id] = name
        quoted[name] = instrument
    return Stated(tree=tree, quoted=quoted, indices=_by_asset(tree, "indices", names),
                  prices=_by_asset(tree, "assets", names))


def _by_asset(tree: dict[str, Any], key: str, names: Names) -> dict[str, float]:
    table = {}
    for code, number in tree.get(key, {}).items():
        subject = f"market.{key}.{code}"
        if not is_asset_code(code):
            names.failures.append(Failure(reason=Reason.UNKNOWN_ASSET, subject=subject, sentence=(
                "is not an asset code; use capital letters and digits, like BTC")))
        table[code] = _number(number, subject, names)
    if key == "assets":
        names.failures.extend(Failure(
            reason=Reason.ABSURD_PRICE, subject=f"market.assets.{code}",
            sentence=f"{price:g} is not a price; a USD price is above zero and at most 1e9")
            for code, price in table.items() if price <= 0 or price > 1e9)
    return table


def _number(number: str, subject: str, names: Names) -> float:
    try:
        return parse_float(number, subject=subject)
    except BadInput as wrong:
        names.failures.extend(wrong.failures)
        return float("nan")


def inline_snapshot(stated: Stated, *, catalogue: Catalogue, as_of: int,
                    names: Names) -> MarketSnapshot:
    """Return the snapshot of an inline market; absurd numbers join `names.failures`."""
    columns = silence(catalogue)
    _fill_quotes(columns, stated, catalogue, names)
    _fill_tables(columns, stated.tree, catalogue, names)
    for k, underlying in enumerate(catalogue.underlyings):
        columns["index"][k] = stated.indices.get(underlying, np.nan)
    quotes = Quotes(catalogue=catalogue, **columns)
    _refuse_absurd(quotes, stated, names)
    _refuse_fixed_outside_window(quotes, as_of, names)
    return snapshot_of(quotes, as_of=as_of, prices=stated.indices | stated.prices,
                       source=stated.tree.get("source", "portfolio file"),
                       sequence=_sequence(stated.tree.get("sequence", "0"), names),
                       simulated=stated.tree.get("simulated", False))


def _sequence(number: str, names: Names) -> int:
    try:
        return whole(number, "market.sequence")
    except BadInput as wrong:
        names.failures.extend(wrong.failures)
        return 0


def _fill_quotes(columns: dict[str, Any], stated: Stated, catalogue: Catalogue,
                 names: Names) -> None:
    for name, instrument in stated.quoted.items():
        quote, place = stated.tree["instruments"][name], catalogue.column[instrument.id]
        for column, key in _COLUMNS.items():
            if key in quote:
                columns[column][place] = _number(quote[key], f"market.instruments.{name}.{key}",
                                                 names)
        if not isinstance(instrument, Option):
            names.failures.extend(Failure(
                reason=Reason.BAD_VALUE, subject=f"market.instruments.{name}.{key}",
                sentence="belongs to options only; take it out")
                for key in _OPTION_ONLY if key in quote)


def _fill_tables(columns: dict[str, Any], tree: dict[str, Any], catalogue: Catalogue,
                 names: Names) -> None:
    for key, column in (("forwards", "forward"), ("rates", "rate"),
                        ("settlement_averages", "average")):
        table = labelled(tree.get(key, {}), f"market.{key}", names)
        if not table:
            continue
        for place, instrument in enumerate(catalogue.instruments):
            if isinstance(instrument, Option) and np.isnan(columns[column][place]):
                columns[column][place] = by_expiry(table, instrument)


def _refuse_absurd(quotes: Quotes, stated: Stated, names: Names) -> None:
    written = {instrument.id: name for name, instrument in stated.quoted.items()}
    for k in np.flatnonzero(absurd_index(quotes)):
        code = quotes.catalogue.underlyings[k]
        names.failures.append(Failure(
            reason=Reason.ABSURD_PRICE, subject=f"market.indices.{code}",
            sentence=f"{quotes.index[k]:g} is not an index; it is above zero and at most 1e9"))
    for bound, mask in absurdities(quotes):
        for k in np.flatnonzero(mask):
            name = quotes.catalogue.instruments[k].id
            number = getattr(quotes, bound.column)[k]
            key = _COLUMNS[bound.column]
            names.failures.append(Failure(
                reason=_REASONS[bound.quality],
                subject=f"market.instruments.{written.get(name, name)}.{key}",
                sentence=f"{number:.12g}: {bound.sentence}"))


def _refuse_fixed_outside_window(quotes: Quotes, as_of: int, names: Names) -> None:
    catalogue = quotes.catalogue
    opens = catalogue.expiry - catalogue.settlement_window_ns
    early = (quotes.forward_fixed > 0) & (as_of < opens)
    names.failures.extend(Failure(
        reason=Reason.BAD_VALUE, subject=f"market.instruments.{catalogue.instruments[k].id}",
        sentence=f"forward_fixed is stated, but averaging starts at "
        f"{format_instant(int(opens[k]))}; "
        "take it out") for k in np.flatnonzero(early))


def snapshot_at(tree: dict[str, Any], *, folder: str, as_of: int | None,
                names: Names) -> MarketSnapshot:
    """Return the snapshot that `tree` names by path, the last one at or before `as_of`.

    Raises
    ------
    BadInput
        If it cannot be read, or is so old that another one was meant.
    """
    from counterpoise.adapters.chain import read_market

    names.failures.extend(Failure(
        reason=Reason.BAD_VALUE, subject=f"market.{key}",
        sentence="stands beside a snapshot, which has its own; keep one of them")
        for key in tree if key not in ("snapshot", "perpetuals"))
    path = os.path.join(folder, tree["snapshot"])
    perpetuals = os.path.join(folder, tree["perpetuals"]) if "perpetuals" in tree else None
    market: MarketSnapshot = read_market(path, at=as_of, perpetuals=perpetuals)
    if as_of is not None and as_of - market.as_of > _OLD_NS:
        names.failures.append(Failure(
            reason=Reason.STALE, subject=path, sentence=(
                f"has no snapshot in the 12 hours before {format_instant(as_of)}; the last one is "
                f"of {format_instant(market.as_of)}: set as_of to that")))
    return market
