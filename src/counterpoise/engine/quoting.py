"""What do new quotes do to the board, and what of them is refused?

A row is refused when its time is in the future or before the quote that stands, when its number is
no price (negative or beyond the bounds of `market.bounds`; an index or asset price of zero), or
when it is more than `JUMP_MAX` times or less than that part of the quote that stands and fewer
sources than the rules ask for stand behind it. The other rows count. A batch of which no row is
left, that counts columns in another edition of the catalogue or that does not follow the last one
is refused as a whole.
"""

from typing import Any, Final

import numpy as np

from counterpoise.engine.board import Board, Quoted
from counterpoise.engine.events import InstrumentQuotes, MarketBatch, PriceQuotes
from counterpoise.engine.state import State
from counterpoise.instruments.catalogue import OPTION
from counterpoise.market.bounds import PRICE_MAX, VOLATILITY_MAX
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import replaced

JUMP_MAX: Final = 5.0
FIRST_MAX: Final = 1 << 61
LEAP_MAX: Final = 1 << 55
"""A first sequence and what a later one may leap: room for nanoseconds, also after a year's gap."""
_SHOWN: Final = 10
Bools = np.ndarray[Any, np.dtype[np.bool_]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Rows = InstrumentQuotes | PriceQuotes


def quoted(state: State, event: MarketBatch) -> tuple[Board, tuple[Failure, ...]]:
    """Return the board after a batch, and what of it was refused.

    Raises
    ------
    BadInput
        If nothing of the batch can be used.
    """
    _check_whole(state, event)
    board, wrong = state.board, list[Failure]()
    terms, quotes = state.catalogue, event.quotes
    at = quotes.column.astype(np.int64)
    known = (at >= 0) & (at < len(terms))
    wrong += [_failure(Reason.UNKNOWN_INSTRUMENT, str(c), "is no column of the catalogue")
              for c in at[~known].tolist()]
    coins, no_coin = _places(event.indices.names, terms.underlyings)
    money, no_asset = _places(event.assets.names, tuple(a.code for a in state.assets))
    for names, places in ((event.indices.names, coins), (event.assets.names, money)):
        made = np.array([name in board.venues.rules for name in names], bool) & (places >= 0)
        wrong += [_failure(Reason.NOT_APPLICABLE, names[k][:40], "is made of venues' quotes by a "
                           "rule; say what venues quote") for k in np.flatnonzero(made).tolist()]
        places[made] = -1
    wrong += [_failure(Reason.UNKNOWN_ASSET, name[:40], "has no index here") for name in no_coin]
    wrong += [_failure(Reason.UNKNOWN_ASSET, name[:40], "is no asset here") for name in no_asset]
    board, found = _with_instruments(state, board, event, np.where(known, at, -1))
    wrong += found
    board, found = _with_prices(state, board, event, ("index", "underlyings", coins))
    wrong += found
    board, found = _with_prices(state, board, event, ("price", "assets", money))
    wrong += found
    rows = len(at) + len(event.indices.names) + len(event.assets.names)
    if rows and len(wrong) >= rows:
        raise BadInput(*wrong[:_SHOWN])
    return replaced(board, sequence=event.sequence), tuple(wrong)


def _check_whole(state: State, event: MarketBatch) -> None:
    wrong = []
    if event.sequence <= state.board.sequence:
        wrong.append(_failure(Reason.OUT_OF_SEQUENCE, "sequence", f"{event.sequence} does not "
                              f"follow {state.board.sequence}; sequences rise strictly"))
    most = FIRST_MAX if state.board.sequence < 0 else state.board.sequence + LEAP_MAX
    if event.sequence > most:
        wrong.append(_failure(Reason.OUT_OF_SEQUENCE, "sequence", f"{event.sequence} would leave "
                              f"little room for those that follow; at most {most} can come now"))
    if event.edition != state.edition:
        wrong.append(_failure(Reason.OUT_OF_SEQUENCE, "edition", f"{event.edition} of the catalogue"
                              f" is not in force; count columns in {state.edition}"))
    for name, rows, count in (("quotes", event.quotes, event.quotes.column.size),
                              ("indices", event.indices, len(event.indices.names)),
                              ("assets", event.assets, len(event.assets.names))):
        if {c.shape for c in _columns(rows)} != {(count,)}:
            wrong.append(_failure(Reason.BAD_VALUE, name, "have columns of different lengths, or "
                                  "of more or fewer axes than one"))
    if wrong:
        raise BadInput(*wrong)


def _columns(rows: Rows) -> list[Any]:
    names = (("column", "mark", "forward", "volatility") if isinstance(rows, InstrumentQuotes)
             else ("price",))
    return [getattr(rows, name) for name in (*names, "at", "sources")]


def _places(names: tuple[str, ...], known: tuple[str, ...]) -> tuple[Ints, list[str]]:
    """Return the place of each name, -1 where unknown, and the unknown ones."""
    place = {name: k for k, name in enumerate(known)}
    return (np.array([place.get(name, -1) for name in names], np.int64),
            [name for name in names if name not in place])


def _with_instruments(state: State, board: Board, event: MarketBatch,
                      at: Ints) -> tuple[Board, list[Failure]]:
    quotes, terms = event.quotes, state.catalogue
    option = np.take(terms.kind == OPTION, at) if len(at) else np.zeros(0, bool)
    bad = (_outside(quotes.mark, PRICE_MAX) | _outside(quotes.forward, PRICE_MAX)
           | _outside(quotes.volatility, VOLATILITY_MAX))
    jump = ~option & _jumps(board.mark, at, quotes.mark) | _jumps(board.forward, at, quotes.forward)
    good, wrong = _judged(state, board.instruments, (at, quotes), (bad, jump),
                          lambda k: terms.instruments[int(at[k])].id)
    return replaced(board, instruments=_renewed(board.instruments, at, quotes, good),
                    **{name: _put(getattr(board, name), at, getattr(quotes, name), good)
                       for name in ("mark", "forward", "volatility")}), wrong


def _with_prices(state: State, board: Board, event: MarketBatch,
                 kind: tuple[str, str, Ints]) -> tuple[Board, list[Failure]]:
    column, key, at = kind
    quotes = event.indices if key == "underlyings" else event.assets
    old: Floats = getattr(board, column)
    known: Quoted = getattr(board, key)
    bad = ~((quotes.price > 0) & (quotes.price <= PRICE_MAX))
    good, wrong = _judged(state, known, (at, quotes), (bad, _jumps(old, at, quotes.price)),
                          lambda k: quotes.names[k])
    return replaced(board, **{column: _put(old, at, quotes.price, good),
                              key: _renewed(known, at, quotes, good)}), wrong


def _judged(state: State, known: Quoted, rows: tuple[Ints, Rows], found: tuple[Bools, Bools],
            name: Any) -> tuple[Bools, list[Failure]]:
    """Return which rows count and why the others, those of unknown keys apart, do not."""
    at, quotes = rows
    here = at >= 0
    last = np.where(here, np.take(known.at, at) if len(known.at) else 0, 0)
    doubts = (
        (quotes.at > state.time, Reason.BAD_TIME, "is quoted in the future"),
        (quotes.at < last, Reason.LATE, "is quoted before the quote that stands"),
        (found[0], Reason.ABSURD_PRICE, "is quoted at no price"),
        (found[1] & (quotes.sources < state.rules.sources_min), Reason.ABSURD_PRICE,
         f"jumps by more than {JUMP_MAX:g} times; more sources have to say so"))
    wrong, good = list[Failure](), here.copy()
    for mask, reason, sentence in doubts:
        wrong += [_failure(reason, name(k), sentence)
                  for k in np.flatnonzero(good & mask).tolist()]
        good &= ~mask
    return good, wrong


def _outside(column: Floats, high: float) -> Bools:
    # NaN is silent, not absurd.
    return np.asarray((column < 0) | (column > high))


def _jumps(old: Floats, at: Ints, new: Floats) -> Bools:
    if not len(at) or not len(old):
        return np.zeros(len(at), bool)
    there = np.take(old, at)
    with np.errstate(invalid="ignore"):
        return np.asarray((new > there * JUMP_MAX) | (new * JUMP_MAX < there))


def _put(old: Floats, at: Ints, new: Floats, good: Bools) -> Floats:
    out = old.copy()
    out[at[good]] = new[good]
    return out


def _renewed(known: Quoted, at: Ints, quotes: Rows, good: Bools) -> Quoted:
    when, sources = known.at.copy(), known.sources.copy()
    when[at[good]] = quotes.at[good]
    sources[at[good]] = quotes.sources[good]
    return replaced(known, at=when, sources=sources)


def _failure(reason: Reason, subject: str, sentence: str) -> Failure:
    return Failure(reason=reason, subject=subject, sentence=sentence)


def averaged(board: Board, state: State, time: int) -> Board:
    """Return the board with the index that stands counted from the state's time until `time`.

    Only inside the settlement window of each expiry, and only an index that is young enough.
    """
    terms = state.catalogue
    start = np.maximum(terms.expiry - terms.settlement_window_ns, state.time)
    inside = np.minimum(terms.expiry, time) - start
    live = (terms.expiry > 0) & (inside > 0) & (terms.settlement_window_ns > 0)
    at = np.flatnonzero(live)
    if not len(at):
        return board
    index = board.index[terms.underlying[at]]
    age_max = np.array([state.rules.age_max_ns.get(u, state.rules.other_age_max_ns)
                        for u in terms.underlyings], np.int64)[terms.underlying[at]]
    # An index counts while it is young: what nobody confirmed does not settle a contract.
    until = np.minimum(np.minimum(terms.expiry[at], time),
                       board.underlyings.at[terms.underlying[at]] + age_max)
    counted = np.where(np.isnan(index), 0, np.maximum(until - start[at], 0))
    total, covered = board.window_sum.copy(), board.window_ns.copy()
    total[at] += np.where(counted > 0, index, 0.0) * counted
    covered[at] += counted
    return replaced(board, window_sum=total, window_ns=covered)


def check_price(subject: str, price: int, exponent: int, least: int = 1) -> None:
    """Refuse a price that is none.

    Raises
    ------
    BadInput
        If it is below `least` or its exponent out of range.
    """
    if price < least or not -18 <= exponent <= 18:
        raise bad_input(Reason.ABSURD_PRICE, subject, f"{price}e{exponent} is no price; use a "
                        "positive integer and an exponent from -18 to 18")
