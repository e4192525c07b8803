"""How far may the market move before an account's status can change?

A few *nodes*, markets moved by known fractions, are computed in full for every account. Excesses
are concave in the columns of the market (`margin.excess_columns`), so wherever the market's columns
lie near a mixture of the nodes of one cell,

    excess now >= mixture of the excesses at the nodes - stretch x sum over buckets distance x gross

gross being sum |lots| x weight over the account's positions in a bucket of instruments, distance
the largest |column - mixture| / weight among them. Both sides, rounding and floating point included,
are proved in docs/decisions/0008-safe-bands.md. An account is left alone while that bound keeps its
status; a tick compares a few numbers per account and prices instruments, not accounts.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book, Entries, book_of, entries_of
from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.excess_columns import ExcessColumns, excess_columns, remarked, shifted
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.aggregation import Rows, exposures, grouped
from counterpoise.risk.arrays import RiskArrays
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS

_FLOOR: Final = 2.0**-10
"""Weights are at least this share of the largest column, so that distances carry rounding slack."""
_TENORS: Final = (4.0, 16.0, 64.0)
_BUCKETS: Final = 1 + 2 * (len(_TENORS) + 1)
_FAR: Final = 4e-4
_SLACK: Final = 2.0**-30
_MONEY_SLACK: Final = 2.0**-46
_ROUNDING: Final = 2e-9
_SPARE_DELTA: Final = 0.25
_NEVER: Final = 1e300


@frozen
class BandGrid:
    """Where the nodes stand: fractions of price and of volatility at 30 days, both increasing.

    Both hold 0.0. One volatility makes cells of two nodes, more of them cells of four.
    """

    moves: tuple[float, ...] = (-0.08, -0.03, 0.0, 0.03, 0.08)
    vols: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        """Check the order; a mistake here is the programmer's."""
        assert 0.0 in self.moves and 0.0 in self.vols and len(self.moves) > 1
        assert all(a < b for a, b in zip(self.moves, self.moves[1:], strict=False))
        assert all(a < b for a, b in zip(self.vols, self.vols[1:], strict=False))


@frozen
class UnitRows:
    """(account, unit) pairs of a book and what bounds their excess, pool currency.

    row, unit   [unit row] requirement row and risk unit
    gross       [bucket, unit row] sum |lots| x weight
    drop, rise  [node, unit row] most that the excess that matters falls or rises at the node
    """

    row: Indices
    unit: Indices
    gross: Floats
    drop: Floats
    rise: Floats


@frozen
class Bands:
    """How far each row of a book is from another status; build with `bands_of`.

    margins   of the book in the market the bands were made in
    base      that market's index [underlying] and the columns of every node, nodes in grid order
    weight    [instrument] what a distance is a multiple of; 0 where no usable number was
    bucket    [instrument] which share a distance: delta one, options by tenor and moneyness
    limit     [instrument] largest |delta| per lot for which the delta shock stays zero
    ordered   [instrument] which have open orders: the sign of their delta must stay
    low, high [row] how far the excess may fall and rise; < 0 if it may not move at all
    stretch   how many times gross x distance a requirement may move
    """

    margins: AccountMargin
    version: ParameterVersion
    grid: BandGrid
    base: Floats
    nodes: tuple[ExcessColumns, ...]
    weight: Floats
    bucket: Indices
    limit: Floats
    ordered: np.ndarray[Any, np.dtype[np.bool_]]
    rows: UnitRows
    low: Floats
    high: Floats
    stretch: float


@frozen
class Place:
    """Where a market stands among the nodes, [underlying].

    share      [underlying, node] of the mixture, not negative, sum 1
    distance   [underlying, bucket] largest |column - mixture| / weight; huge if nothing is known
    dampening  [unit] largest |dampener - mixture|
    """

    share: Floats
    distance: Floats
    dampening: Floats


def bands_of(book: Book, market: MarketSnapshot, *, model: MarginModel,
             version: ParameterVersion, grid: BandGrid, threads: int = 1) -> Bands:
    """Return the safe bands of a book whose model is a risk matrix.

    Costs one margin computation of the book per node of the grid (per node and underlying where
    an account's pool holds several underlyings).
    """
    arrays = priced(market, model=model, version=version, threads=threads)
    nodes = _nodes(market, arrays[0], model, version, grid)
    columns = tuple(excess_columns(m, a, version.parameters) for m, a in nodes)
    centre = _centre(grid)
    margins = compute_margin(book, market, model=model, version=version, arrays=arrays,
                             threads=threads)
    weight, limit = _weights(market, columns, arrays[0], version)
    bucket = _buckets(market)
    rows, gross = _gross(book, columns, centre, (weight, limit, bucket), threads)
    row = _requirement_rows(margins, rows, book, columns[centre].unit)
    drop = _drops(book, market, margins, (row, rows.key), (model, version, grid, threads))
    stretch = _stretch(book, margins, version)
    unit_rows = UnitRows(row=row, unit=rows.key, drop=drop,
                         gross=np.ascontiguousarray(gross[:, 2 + len(columns):].T),
                         rise=_rise(book, margins, (rows, gross[:, 2:2 + len(columns)]), columns,
                                    (_centre(grid), version, stretch)))
    low, high = _room(book, margins, unit_rows, gross, columns, version)
    return Bands(margins=margins, version=version, grid=grid, base=market.index, nodes=columns,
                 weight=weight, bucket=bucket, limit=limit, rows=unit_rows, low=low, high=high,
                 ordered=np.isin(np.arange(len(market.catalogue)), book.order_instrument),
                 stretch=stretch)


def left(bands: Bands, place: Place) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which rows may have another status in a market that stands at `place`, [row]."""
    rows, count = bands.rows, len(bands.low)
    underlying = bands.nodes[0].underlying_of[rows.unit]
    room = place.dampening[rows.unit]
    for bucket, distance in enumerate(place.distance.T):
        room = room + rows.gross[bucket] * distance[underlying]
    room = bands.stretch * room
    down, up = room.copy(), room
    for node, share in enumerate(place.share.T):
        if share.any():
            down += share[underlying] * rows.drop[node]
            up = up + share[underlying] * rows.rise[node]
    return ~((_added(rows.row, down, count) <= bands.low)
             & (_added(rows.row, up, count) < bands.high))


def place_of(bands: Bands, market: MarketSnapshot, arrays: RiskArrays) -> Place:
    """Return where a market stands among the nodes of the bands; `arrays` are its priced set."""
    now = excess_columns(market, arrays, bands.version.parameters)
    cells = _cells(bands.grid)
    underlyings = len(market.index)
    shares = np.zeros((underlyings, len(bands.nodes)))
    distance = np.full((underlyings, _BUCKETS), _NEVER)
    dampening = np.zeros(len(now.dampener))
    for u in range(underlyings):
        mine = (market.catalogue.underlying == u) & (bands.weight > 0)
        units = np.flatnonzero(now.underlying_of == u)
        for k in _cells_at(bands, float(market.index[u] / bands.base[u]) - 1.0):
            share = _mixture(bands, cells[k], now, mine, u)
            away = _distance(bands, cells[k], share, now, mine)
            if away.sum() < distance[u].sum():
                distance[u], shares[u] = away, 0.0
                shares[u, list(cells[k])] = share
                dampening[units] = _dampening(bands, cells[k], share, now, units)
    return Place(share=shares, distance=distance, dampening=dampening)


def _centre(grid: BandGrid) -> int:
    return grid.moves.index(0.0) * len(grid.vols) + grid.vols.index(0.0)


def _cells(grid: BandGrid) -> list[tuple[int, ...]]:
    """Return the nodes of every cell: price below and above, at each of its volatilities."""
    width = len(grid.vols)
    return [tuple(j * width + v for v in range(m, min(m + 2, width)) for j in (i, i + 1))
            for i in range(len(grid.moves) - 1) for m in range(max(width - 1, 1))]


def _cells_at(bands: Bands, move: float) -> list[int]:
    moves, layers = bands.grid.moves, max(len(bands.grid.vols) - 1, 1)
    if not moves[0] <= move <= moves[-1]:
        return []
    i = min(int(np.searchsorted(moves, move, side="right")) - 1, len(moves) - 2)
    return [i * layers + m for m in range(layers)]


def _nodes(market: MarketSnapshot, arrays: RiskArrays, model: MarginModel,
           version: ParameterVersion, grid: BandGrid,
           moved: "Indices | None" = None) -> list[tuple[MarketSnapshot, RiskArrays]]:
    everything = np.arange(len(market.index), dtype=np.int32)
    out = []
    for move in grid.moves:
        for vol in grid.vols:
            there = shifted(market, everything if moved is None else moved, move=move, vol=vol)
            (found,) = priced(there, model=model, version=version)
            out.append((remarked(there, found, arrays), found))
    return out


def _weights(market: MarketSnapshot, columns: tuple[ExcessColumns, ...], arrays: RiskArrays,
             version: ParameterVersion) -> tuple[Floats, Floats]:
    """Return what distances are multiples of, and the delta limits, [instrument].

    Any positive weight is right. These are what a move of every volatility by 1 % (at 30 days)
    and of every basis by 2 basis points does, so that no one instrument rules the distance.
    """
    from counterpoise.risk.arrays import risk_arrays

    everything = np.arange(len(market.index), dtype=np.int32)
    usable = np.ones(len(market.catalogue), bool)
    for node in columns:
        usable &= np.isfinite(node.excess).all(axis=1) & np.isfinite(node.roll + node.delta)
    own = excess_columns(market, arrays, version.parameters)
    coins = np.where((market.catalogue.payoff == 1) & (market.catalogue.kind != OPTION),
                     market.catalogue.unit / np.where(market.mark > 0, market.mark, np.inf),
                     market.catalogue.unit)
    # A far strike may double its volatility and still be worth nothing: it must not rule.
    worth = np.where(market.catalogue.payoff == 1, 1.0, market.index[market.catalogue.underlying])
    weight = _FLOOR * np.abs(own.excess).max(axis=1) + _FAR * coins * worth
    for move, vol in ((0.0, 0.01), (0.0002, 0.0)):
        there = shifted(market, everything, move=move, vol=vol)
        found = risk_arrays(there, arrays.scenarios)
        there = remarked(there, found, arrays)
        bumped = excess_columns(there, found, version.parameters)
        weight = weight + np.abs(bumped.excess - own.excess).max(axis=1)
    limit = np.max([np.abs(node.delta) for node in columns], axis=0) + _SPARE_DELTA * coins
    return np.where(usable, weight, 0.0), np.where(usable, limit, 0.0)


def _buckets(market: MarketSnapshot) -> Indices:
    """Return 0 for delta one; options by days to expiry, then whether they are far from the money.

    Any division is right; instruments of a bucket should move alike.
    """
    terms, option = market.catalogue, market.catalogue.kind == OPTION
    days = np.maximum(terms.expiry - market.as_of, 0) / DAY_NS
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = market.volatility * np.sqrt(days / 365)
        ratio = np.where(option, terms.strike / market.forward, 1.0) - 1.0
        far = np.abs(ratio) > 1.5 * reach
    tenor = np.searchsorted(_TENORS, days)
    return np.where(option, 1 + 2 * tenor + far, 0).astype(np.int32)


def _gross(book: Book, columns: tuple[ExcessColumns, ...], centre: int,
           per_lot: tuple[Floats, Floats, Indices], threads: int) -> tuple[Rows, Floats]:
    """Return the unit rows and their gross sums: limit, largest column, ways, weights."""
    own = columns[centre]
    ways = [np.abs(c.excess - own.excess).max(axis=1) + np.abs(c.roll - own.roll) for c in columns]
    weight, limit, bucket = per_lot
    parts = [np.where(bucket == b, weight, 0.0) for b in range(_BUCKETS)]
    table = np.nan_to_num(np.stack([limit, np.abs(own.excess).max(axis=1), *ways, *parts], axis=1))
    if len(book.order_lots):
        # Orders twice: they move a requirement by w p alone, which is m + w p less m.
        orders = entries_of(book.order_pointer, book.order_instrument, np.abs(book.order_lots))
        both = [entries_of(book.row_pointer, book.instrument, np.abs(book.lots)), orders, orders]
        book = book_of(catalogue=book.catalogue, accounts=book.accounts, positions=Entries(
            **{n: np.concatenate([getattr(e, n) for e in both]) for n in Entries.__fields__}))
    rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=own.unit)
    return rows, exposures(rows, table, threads=threads)[2]


def _requirement_rows(margins: AccountMargin, rows: Rows, book: Book, unit: Indices) -> Indices:
    """Return the requirement row of every unit row."""
    required, terms = margins.requirements, book.catalogue
    pool = np.zeros(int(unit.max(initial=-1)) + 1, np.int64)
    pool[unit] = np.array([required.pools.index(s) for s in terms.settlements])[terms.settlement]
    width = len(required.pools)
    have = required.account.astype(np.int64) * width + required.pool
    want = rows.account.astype(np.int64) * width + pool[rows.key]
    return np.searchsorted(have, want).astype(np.int32)


def _excesses(margins: AccountMargin) -> Floats:
    return np.stack([margins.initial_excess, margins.maintenance_excess, margins.margin_balance])


_HOLDS: Final = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]], bool)
"""Which excesses must stay >= 0 for each status, [status, (initial, maintenance, balance)]."""
_LACKS: Final = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 0]], bool)
"""Which must stay < 0."""


def _drops(book: Book, market: MarketSnapshot, margins: AccountMargin,
           where: tuple[Indices, Indices], how: tuple[Any, ...]) -> Floats:
    """Return how far the excesses that a status needs fall at each node, [node, unit row]."""
    model, version, grid, threads = how
    row, unit = where
    (arrays,) = priced(market, model=model, version=version)
    alone = len(np.unique(row)) == len(row)
    underlyings = np.arange(len(market.index), dtype=np.int32)
    before, holds = _excesses(margins), _HOLDS[margins.status].T
    of_unit = excess_columns(market, arrays, version.parameters).underlying_of[unit]
    fall = np.zeros((len(grid.moves) * len(grid.vols), len(row)))
    for moved in [underlyings] if alone else [underlyings[[u]] for u in underlyings]:
        mine = np.isin(of_unit, moved)
        for k, (there, found) in enumerate(_nodes(market, arrays, model, version, grid, moved)):
            if k == _centre(grid):
                continue
            after = compute_margin(book, there, model=model, version=version, arrays=(found,),
                                   threads=threads)
            most = np.where(holds, before - _excesses(after), -np.inf).max(axis=0)
            fall[k, mine] = np.where(np.isneginf(most), 0.0, most)[row[mine]]
    fall[~np.isfinite(fall)] = _NEVER
    return fall


def _rises(rows: Rows, ways: Floats, columns: tuple[ExcessColumns, ...], centre: int) -> Floats:
    """Return the most that any excess rises at each node by gross sums, [node, unit row]."""
    own = columns[centre].dampener
    more = [np.maximum(np.nan_to_num(c.dampener - own), 0).max(axis=1)[rows.key] for c in columns]
    return ways.T + np.stack(more)


def _rise(book: Book, margins: AccountMargin, sums: tuple[Rows, Floats],
          columns: tuple[ExcessColumns, ...], how: tuple[int, ParameterVersion, float]) -> Floats:
    rows, ways = sums
    centre, version, stretch = how
    out = stretch * _rises(rows, ways, columns, centre)
    if "equity" in book.given or any(margins.equity_rule.haircuts.values()):
        return out
    account, unit, net = _net_rises(book, margins, columns, centre,
                                    version.parameters.general.mm_factor)
    width = len(columns[centre].dampener)
    at = np.searchsorted(rows.account.astype(np.int64) * width + rows.key,
                         account.astype(np.int64) * width + unit)
    out[:, at] = net
    return out


def _net_rises(book: Book, margins: AccountMargin, columns: tuple[ExcessColumns, ...],
               centre: int, factor: float) -> tuple[Indices, Indices, Floats]:
    """Return (account, unit, [node, entry]) of rises by the scenario that is worst now.

    An excess is at most what the scenario that rules it now makes of it elsewhere. For rows that
    lack margin and accounts without orders; rolls are bounded by gross sums.
    """
    worst, required = margins.requirements.worst, margins.requirements
    rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=columns[centre].unit)
    status = margins.status[worst.row]
    lacks = ((status > 0) & (status < 4)
             & (np.diff(book.order_pointer)[required.account[worst.row]] == 0))
    entry = np.repeat(np.arange(len(rows)), np.diff(rows.pointer))
    at = np.flatnonzero(lacks[entry])
    entry, lots, held = entry[at], rows.lots[at], rows.instrument[at]
    scenario = worst.scenario[entry]

    def total(column: Floats) -> Floats:
        return np.asarray(np.bincount(entry, weights=lots * column, minlength=len(rows)))

    own, out = columns[centre], []
    for node in columns:
        value = total((node.excess - own.excess)[held, 0])
        ruled = total((node.excess - own.excess)[held, scenario])
        ruled = ruled + (node.dampener - own.dampener)[rows.key, worst.scenario]
        roll = np.bincount(entry, np.abs(lots * (node.roll - own.roll)[held]), len(rows))
        short = (1.0 - factor) * value + factor * (ruled + roll)
        out.append(np.where(status == 1, ruled + roll,
                            np.where(status == 2, short, np.maximum(short, value))))
    return rows.account[lacks], rows.key[lacks], np.stack(out)[:, lacks]


def _room(book: Book, margins: AccountMargin, rows: UnitRows, gross: Floats,
          columns: tuple[ExcessColumns, ...], version: ParameterVersion) -> tuple[Floats, Floats]:
    """Return how far each row's excess may fall and rise, less rounding and floating point."""
    count = len(margins.status)
    before = _excesses(margins)
    low = np.where(_HOLDS[margins.status].T, before, np.inf).min(axis=0)
    high = np.where(_LACKS[margins.status].T, -before, np.inf).min(axis=0)
    units = _added(rows.row, np.ones(len(rows.row)), count)
    magnitude = (_added(rows.row, gross[:, 1], count) + np.abs(np.nan_to_num(margins.equity))
                 + _owned(book, margins))
    slack = _ROUNDING * (units + 2) + _MONEY_SLACK * magnitude
    never = (margins.status == 4) | _shocked(rows, gross[:, 0], columns, book, version, count)
    return np.where(never, -1.0, low - slack), np.where(never, -1.0, high - slack)


def _owned(book: Book, margins: AccountMargin) -> Floats:
    required = margins.requirements
    out = np.zeros(len(required))
    for k, a in enumerate(book.assets):
        mine = required.pool == required.pools.index(a.code)
        out[mine] = np.abs(book.balances[required.account[mine], k]) / 10.0**a.decimals
    return out


def _shocked(rows: UnitRows, delta: Floats, columns: tuple[ExcessColumns, ...], book: Book,
             version: ParameterVersion, count: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return the rows whose delta may reach the threshold of the delta shock, [row]."""
    pairs = version.parameters.currency_pair
    keys = [f"{u.lower()}_usd" for u in book.catalogue.underlyings]
    threshold = np.array([pairs[k].delta_total_liq_shock_threshold if k in pairs else 0.0
                          for k in keys])
    highest = np.max([c.index for c in columns], axis=0)
    coins = (threshold / highest)[columns[0].underlying_of]
    large = ~(delta < coins[rows.unit])
    return _added(rows.row, large.astype(np.float64), count) > 0


def _stretch(book: Book, margins: AccountMargin, version: ParameterVersion) -> float:
    factor = version.parameters.general.mm_factor
    own = 2.0 * max(1.0, factor) if "equity" in book.given else max(1.0, 2.0 * factor - 1.0)
    return own + max([0.0, *margins.equity_rule.haircuts.values()])


def _added(row: Indices, column: Floats, count: int) -> Floats:
    if len(row) == count and np.array_equal(row, np.arange(count)):
        return column
    return np.asarray(np.bincount(row, weights=column, minlength=count), np.float64)


def _mixture(bands: Bands, cell: tuple[int, ...], now: ExcessColumns,
             mine: np.ndarray[Any, np.dtype[np.bool_]], u: int) -> Floats:
    """Return the share of each node of the cell: price by the index, volatility by least squares.

    Any shares that are not negative and add up to one are right. By 1 / index, what is fixed in
    dollars and counted in coin mixes exactly.
    """
    below, above = (1.0 / bands.nodes[k].index[u] for k in cell[:2])
    up = min(max((1.0 / now.index[u] - below) / (above - below), 0.0), 1.0)
    flat = np.array([1.0 - up, up])
    if len(cell) == 2:
        return flat
    scale = bands.weight[mine][:, None]
    first, second = (sum(s * bands.nodes[k].excess[mine] for s, k in zip(flat, part, strict=True))
                     / scale for part in (cell[:2], cell[2:]))
    way, wanted = second - first, now.excess[mine] / scale - first
    rise = float((way * wanted).sum() / max(float((way * way).sum()), 1e-300))
    rise = min(max(rise, 0.0), 1.0) if rise == rise else 0.0
    return np.concatenate([flat * (1.0 - rise), flat * rise])


def _distance(bands: Bands, cell: tuple[int, ...], share: Floats, now: ExcessColumns,
              mine: np.ndarray[Any, np.dtype[np.bool_]]) -> Floats:
    """Return the distances from the mixture, [bucket]; huge if a number or a limit fails."""
    nodes = [bands.nodes[k] for k in cell]
    excess = sum(s * n.excess[mine] for s, n in zip(share, nodes, strict=True))
    roll = sum(s * n.roll[mine] for s, n in zip(share, nodes, strict=True))
    away = np.abs(now.excess[mine] - excess).max(axis=1) + np.abs(now.roll[mine] - roll)
    beyond = ~(np.abs(now.delta[mine]) <= bands.limit[mine])
    for node in nodes:
        beyond |= bands.ordered[mine] & (np.sign(now.delta[mine]) != np.sign(node.delta[mine]))
    away = np.where(np.isfinite(away) & ~beyond, away / bands.weight[mine], _NEVER)
    out = np.full(_BUCKETS, _SLACK)
    np.maximum.at(out, bands.bucket[mine], away + _SLACK)
    return out


def _dampening(bands: Bands, cell: tuple[int, ...], share: Floats, now: ExcessColumns,
               units: Indices) -> Floats:
    mixed = sum(s * bands.nodes[k].dampener[units] for s, k in zip(share, cell, strict=True))
    off = np.abs(now.dampener[units] - mixed) + _MONEY_SLACK * now.dampener[units]
    return np.asarray(np.where(np.isfinite(off), off, np.inf).max(axis=1))
