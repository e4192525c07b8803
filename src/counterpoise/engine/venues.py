"""What do venues quote, and which index follows? Prices that a rule makes of many sources.

Where a rule stands for an underlying or an asset, its price on the board is `market.index` of the
venues' live quotes, made again whenever the engine's time moves: a venue that falls silent drops
out by itself. With too few live quotes the last price stands, grows old and is not trusted. A
market batch may not quote such a price.
"""

from typing import Any

import numpy as np

from counterpoise.engine.asset_events import VenuesQuoted
from counterpoise.engine.board import SILENT, Board, VenueQuotes, no_venues
from counterpoise.engine.state import State
from counterpoise.market.conditions import NOTHING_KNOWN, Conditions
from counterpoise.market.index import IndexRule, index_of
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import replaced

Bools = np.ndarray[Any, np.dtype[np.bool_]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
_SHOWN = 10


def with_rules(state: State, rules: dict[str, IndexRule]) -> Board:
    """Return the board with other rules; quotes that stand are kept where a rule asks for them.

    Raises
    ------
    BadInput
        If a rule is for nothing that has a price here.
    """
    known = {*state.catalogue.underlyings, *(a.code for a in state.assets)} - {"USD"}
    wrong = [Failure(reason=Reason.UNKNOWN_ASSET, subject=name[:40], sentence="has no index and no "
                     "price here that venues could make") for name in sorted(set(rules) - known)]
    if wrong:
        raise BadInput(*wrong)
    old, new = state.board.venues, no_venues(rules)
    at = [(new.names.index(n), new.venues.index(v), k, j) for k, n in enumerate(old.names)
          for j, v in enumerate(old.venues) if n in rules and v in rules[n].weights]
    columns = {}
    for field in ("price", "at", "depth"):
        columns[field] = getattr(new, field).copy()
        for row, column, k, j in at:
            columns[field][row, column] = getattr(old, field)[k, j]
    gone = set(old.names) - set(rules)
    bands = {name: np.where(np.isin(codes, sorted(gone)), 0.0, getattr(state.board, name))
             for name, codes in (("index_band", state.catalogue.underlyings),
                                 ("price_band", [a.code for a in state.assets]))}
    return replaced(state.board, venues=replaced(new, **columns), **bands)


def quoted_by_venues(state: State, event: VenuesQuoted) -> tuple[Board, tuple[Failure, ...]]:
    """Return the board with what venues quoted, and what of it was refused.

    Raises
    ------
    BadInput
        If nothing of it can be used.
    """
    known = state.board.venues
    lengths = {len(c) for c in (event.name, event.venue, event.price, event.at, event.depth)}
    if lengths != {len(event.name)} or not event.name:
        raise bad_input(Reason.BAD_VALUE, "quotes", "have columns of different lengths, or no rows")
    place = {(n, v): (known.names.index(n), known.venues.index(v))
             for n, rule in known.rules.items() for v in rule.weights}
    wrong, kept = list[Failure](), dict[tuple[int, int], int]()
    for k, key in enumerate(zip(event.name, event.venue, strict=True)):
        at = place.get(key)
        doubt = _doubt(state, event, k, at)
        if doubt is None and at is not None:
            kept[at] = k
        elif doubt is not None:
            wrong.append(Failure(reason=doubt[0], subject=f"{key[0][:40]} at {key[1][:40]}",
                                 sentence=doubt[1]))
    if not kept:
        raise BadInput(*wrong[:_SHOWN])
    columns = {name: getattr(known, name).copy() for name in ("price", "at", "depth")}
    for at, k in kept.items():
        for name, column in columns.items():
            column[at] = getattr(event, name)[k]
    return replaced(state.board, venues=replaced(known, **columns)), tuple(wrong)


def _doubt(state: State, event: VenuesQuoted, k: int,
           at: tuple[int, int] | None) -> tuple[Reason, str] | None:
    price, when, depth = float(event.price[k]), int(event.at[k]), float(event.depth[k])
    if at is None:
        return Reason.UNKNOWN_ASSET, "is asked for by no rule of an index"
    if when > state.time:
        return Reason.BAD_TIME, "is quoted in the future"
    if when < int(state.board.venues.at[at]):
        return Reason.LATE, "is quoted before the quote that stands"
    if not 0 < price < float("inf"):
        return Reason.ABSURD_PRICE, f"is quoted at {price!r}, which is no price"
    if depth < 0 or depth == float("inf"):
        return Reason.BAD_VALUE, f"has a depth of {depth!r}; give USD, or NaN where unknown"
    return None


def reindexed(state: State, time: int) -> Board:
    """Return the board of a state with its indices made of the quotes that are live at `time`."""
    board, known = state.board, state.board.venues
    if not known.names:
        return board
    rules = [known.rules[name] for name in known.names]
    weight = _live(known, rules, state, time)
    index, band = index_of(known.price, weight, cap=np.array([r.cap for r in rules]))
    sources = np.add.reduce((weight > 0).astype(np.int64), axis=1)
    latest = np.maximum.reduce(np.where(weight > 0, known.at, SILENT), axis=1)
    enough = sources >= np.array([rule.sources_min for rule in rules])
    for names, columns, kind in (
            (state.catalogue.underlyings, ("index", "index_band"), "underlyings"),
            (_only_assets(state), ("price", "price_band"), "assets")):
        here = [k for k, name in enumerate(known.names) if name in names]
        to = np.array([names.index(known.names[k]) for k in here], np.int64)
        made = np.array([k for k in here if enough[k]], np.int64)
        to_made = np.array([names.index(known.names[k]) for k in made.tolist()], np.int64)
        quoted = getattr(board, kind)
        board = replaced(board, **{
            columns[0]: _put(getattr(board, columns[0]), to_made, index[made]),
            columns[1]: _put(getattr(board, columns[1]), to_made, band[made]),
            kind: replaced(quoted, at=_put(quoted.at, to_made, latest[made]),
                           sources=_put(quoted.sources, to, sources[here]))})
    return board


def _only_assets(state: State) -> list[str]:
    """Return the codes of assets by column, "" where the price is that of an underlying."""
    coins = state.catalogue.underlyings
    return ["" if a.code in coins else a.code for a in state.assets]


def _live(known: VenueQuotes, rules: list[IndexRule], state: State, time: int) -> Ints:
    """Return the weight of every quote that is live, 0 of any other, [price, venue]."""
    weight = np.array([[rule.weights.get(v, 0) for v in known.venues] for rule in rules], np.int64)
    age = np.array([[rule.age_max_ns] for rule in rules], np.int64)
    least = np.array([[rule.depth_min] for rule in rules])
    with np.errstate(invalid="ignore"):
        deep = (least <= 0) | (known.depth >= least)
    live = (known.at >= time - age) & (known.at > state.restarted_at) & deep
    return np.where(live & np.isfinite(known.price), weight, 0)


def _put(old: Any, at: Ints, new: Any) -> Any:
    out = old.copy()
    out[at] = new
    return out


def sure(state: State, board: Board, kind: str) -> Bools | bool:
    """Return which prices of a kind lie within the band of their rule, [key]."""
    codes, band = {"underlyings": (list(state.catalogue.underlyings), board.index_band),
                   "assets": (_only_assets(state), board.price_band)}.get(kind, ([], None))
    if band is None or not board.venues.rules:
        return True
    most = np.array([board.venues.rules[c].band_max if c in board.venues.rules else np.inf
                     for c in codes])
    return np.asarray(band <= most)


def confidences(state: State) -> Conditions:
    """Return the confidence, 1 - band, in every price that venues make."""
    board, coins = state.board, state.catalogue.underlyings
    if not board.venues.names:
        return NOTHING_KNOWN
    bands = dict(zip(_only_assets(state), board.price_band.tolist(), strict=True))
    bands |= dict(zip(coins, board.index_band.tolist(), strict=True))
    return replaced(NOTHING_KNOWN, confidences={
        ("index" if name in coins else "asset", name, 0): max(1.0 - bands[name], 0.0)
        for name in board.venues.names})
