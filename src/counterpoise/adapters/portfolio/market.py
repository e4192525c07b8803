"""What market does the file describe? Its own quotes, or a path to a snapshot.

A number that is written and absurd is an error here, because somebody typed it; a number that is
not written is missing in the snapshot, and only a model that needs it will ask for it.
"""

import os
from typing import Any, Final

import numpy as np

from counterpoise.adapters.portfolio.conditions import stated_conditions
from counterpoise.adapters.portfolio.names import (
    Names,
    by_expiry,
    instrument_named,
    label_key,
    labelled,
    whole,
)
from counterpoise.instruments.catalogue import Catalogue
from counterpoise.instruments.contracts import Instrument, Option
from counterpoise.market.assemble import snapshot_of
from counterpoise.market.bounds import OFF_INDEX_MAX, absurd_index, absurdities, apart
from counterpoise.market.conditions import NOTHING_KNOWN, Conditions, volatilities
from counterpoise.market.quotes import Quotes, silence, window_share
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.values.assets import is_asset_code
from counterpoise.values.decimals import parse_float
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import DAY_NS, YEAR_NS, format_instant

_COLUMNS: Final = {"mark": "mark", "forward": "forward", "forward_fixed": "forward_fixed",
                   "volatility": "iv", "rate": "rate"}
_AVERAGES: Final = "settlement_averages"
_OPTION_ONLY: Final = ("forward", "forward_fixed", "iv", "rate")
_REASONS: Final = {Quality.ABSURD_PRICE: Reason.ABSURD_PRICE,
                   Quality.ABSURD_VOLATILITY: Reason.ABSURD_VOLATILITY}


@frozen
class Stated:
    """The market as the file states it: pruned tree, instruments by name, and the tables."""

    tree: dict[str, Any]
    quoted: dict[str, Instrument]
    indices: dict[str, float]
    prices: dict[str, float]


def stated_market(tree: dict[str, Any], names: Names) -> Stated:
    """Return what an inline market states; violations join `names.failures`."""
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
    conditions = stated_conditions(stated.tree, stated.quoted, catalogue, names)
    _fill_volatilities(columns, conditions, catalogue, as_of)
    for k, underlying in enumerate(catalogue.underlyings):
        columns["index"][k] = stated.indices.get(underlying, np.nan)
    quotes = Quotes(catalogue=catalogue, **columns)
    _refuse_absurd(quotes, stated, as_of, names)
    _refuse_averages_of_nothing(stated.tree.get(_AVERAGES, {}), catalogue, as_of, names)
    market = snapshot_of(quotes, as_of=as_of, prices=stated.indices | stated.prices,
                         source=stated.tree.get("source", "portfolio file"),
                         sequence=_sequence(stated.tree.get("sequence", "0"), names),
                         simulated=stated.tree.get("simulated", False))
    return market if conditions == NOTHING_KNOWN else replaced(market, conditions=conditions)


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
                        (_AVERAGES, "average")):
        table = labelled(tree.get(key, {}), f"market.{key}", names)
        if not table:
            continue
        for place, instrument in enumerate(catalogue.instruments):
            if isinstance(instrument, Option) and np.isnan(columns[column][place]):
                columns[column][place] = by_expiry(table, instrument)


def _fill_volatilities(columns: dict[str, Any], conditions: Conditions, catalogue: Catalogue,
                       as_of: int) -> None:
    """Give options without a volatility of their own that of the smile of their expiry."""
    if not conditions.smiles:
        return
    forward = columns["forward"] + np.nan_to_num(columns["forward_fixed"])
    smiles = volatilities(conditions.smiles, catalogue, forward=forward,
                          years=(catalogue.expiry - as_of) / YEAR_NS)
    columns["volatility"] = np.where(np.isnan(columns["volatility"]), smiles,
                                     columns["volatility"])


def _refuse_absurd(quotes: Quotes, stated: Stated, as_of: int, names: Names) -> None:
    written = {instrument.id: name for name, instrument in stated.quoted.items()}
    for k in np.flatnonzero(absurd_index(quotes)):
        code = quotes.catalogue.underlyings[k]
        names.failures.append(Failure(
            reason=Reason.ABSURD_PRICE, subject=f"market.indices.{code}",
            sentence=f"{quotes.index[k]:g} is not an index; it is above zero and at most 1e9"))
    for k in np.flatnonzero(apart(quotes, stated.prices) & ~absurd_index(quotes)):
        code = quotes.catalogue.underlyings[k]
        names.failures.append(Failure(
            reason=Reason.ABSURD_PRICE, subject=f"market.assets.{code}",
            sentence=f"{stated.prices[code]:.12g} lies further than {100 * OFF_INDEX_MAX:g} % from "
            f"market.indices.{code}, {quotes.index[k]:.12g}; it is the same coin, so state one "
            "price, or leave the asset's out"))
    said: dict[str, Failure] = {}
    for bound, mask in absurdities(quotes, as_of):
        for k in np.flatnonzero(mask):
            c = quotes.catalogue.instruments[k]
            subject = f"market.instruments.{written.get(c.id, c.id)}.{_COLUMNS.get(bound.column)}"
            if bound.column == "average":
                day = format_instant(getattr(c, "expiry", 0))[:10]
                subject = f"market.{_AVERAGES} of {c.underlying} {day}"
            number = getattr(quotes, bound.column)[k]
            said.setdefault(f"{subject} {bound.sentence}", Failure(
                reason=_REASONS[bound.quality], subject=subject,
                sentence=f"{number:.12g}: {bound.sentence}"))
    names.failures.extend(said.values())


def _refuse_averages_of_nothing(table: dict[str, str], catalogue: Catalogue, as_of: int,
                                names: Names) -> None:
    """Refuse an average for an expiry that no option here averages now: it would be ignored."""
    inside = np.flatnonzero(window_share(catalogue, as_of) > 0)
    averaging = {key for k in inside.tolist() for c in [catalogue.instruments[k]]
                 for key in ((c.underlying, 0), (c.underlying, int(catalogue.expiry[k]) // DAY_NS))}
    for label in table:
        subject = f"market.{_AVERAGES}.{label}"
        try:
            if label_key(label, subject) not in averaging:
                raise bad_input(Reason.BAD_VALUE, subject, "is stated, but no option in this file "
                                "is inside its settlement window then; check as_of and expiry, or "
                                "take it out")
        except BadInput as wrong:
            names.failures.extend(f for f in wrong.failures if f not in names.failures)


def snapshot_at(tree: dict[str, Any], *, folder: str, as_of: int | None,
                names: Names) -> MarketSnapshot:
    """Return the snapshot that `tree` names by path, the last one at or before `as_of`.

    Raises
    ------
    BadInput
        If it cannot be read, or is so old that another one was meant.
    """
    from counterpoise.adapters.chain import read_market, untimely

    names.failures.extend(Failure(
        reason=Reason.BAD_VALUE, subject=f"market.{key}",
        sentence="stands beside a snapshot, which has its own; keep one of them")
        for key in tree if key not in ("snapshot", "perpetuals"))
    path = os.path.join(folder, tree["snapshot"])
    perpetuals = os.path.join(folder, tree["perpetuals"]) if "perpetuals" in tree else None
    market: MarketSnapshot = read_market(path, at=as_of, perpetuals=perpetuals)
    if as_of is not None:
        names.failures.extend(untimely(market, path=path, at=as_of))
    return market
