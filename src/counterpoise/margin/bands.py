"""How far may the market move before an account's status can change?

A few *nodes*, markets moved by known fractions, are computed in full for every account. Excesses
are concave in the columns of the market (`margin.excess_columns`), so wherever the market's columns
lie near a mixture of the nodes of one cell,

    excess now >= mixture of the excesses at the nodes - stretch x sum over buckets distance x gross

gross being sum |lots| x weight over the account's positions in a bucket of instruments, distance
the largest |column - mixture| / weight among them. Both sides, rounding and floating point
included, are proved in docs/decisions/0011-safe-bands.md. An account is left alone while that
bound keeps its status; a tick compares a few numbers per account and prices instruments only.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.band_bounds import (
    BUCKETS,
    MONEY_SLACK,
    NEVER,
    Bools,
    Scales,
    Seen,
    UnitRows,
    added,
    haircuts_of,
    scales_of,
    unit_rows,
)
from counterpoise.margin.band_nodes import BandGrid, cells, cells_at, nodes
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.excess_columns import ExcessColumns, excess_columns
from counterpoise.margin.model import EquityRule, MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

_SLACK: Final = 1.0 / (1 << 30)


@frozen
class Bands:
    """How far each row of a book is from another status; build with `bands_of`.

    margins   of the book in the market the bands were made in
    base      that market's index, [underlying]
    nodes     the columns of every node, in grid order
    stretch   how many times gross x distance an excess may move
    """

    margins: AccountMargin
    version: ParameterVersion
    grid: BandGrid
    base: Floats
    nodes: tuple[ExcessColumns, ...]
    scales: Scales
    rows: UnitRows
    stretch: float


@frozen
class Place:
    """Where a market stands among the nodes.

    share      [underlying, node] of the mixture, not negative, sum 1; 0 beyond the outermost nodes
    distance   [underlying, bucket] largest |column - mixture| / weight; huge if nothing is known
    dampening  [unit] largest |dampener - mixture|, pool currency
    """

    share: Floats
    distance: Floats
    dampening: Floats


def bands_of(book: Book, market: MarketSnapshot, *, model: MarginModel,
             version: ParameterVersion, grid: BandGrid, threads: int = 1) -> Bands:
    """Return the safe bands of a book whose model is a risk matrix.

    Costs one margin computation of the book per node of the grid (per node and underlying where
    an account's pool holds several underlyings).

    Raises
    ------
    BadInput
        If the model's pools hold several assets: their prices move the equity too.
    """
    if not isinstance(model.equity(version.parameters), EquityRule):
        raise bad_input(Reason.NOT_APPLICABLE, model.name, "has no safe bands, because its "
                        "collateral moves with the prices of several assets; compute every account")
    everything = np.arange(len(market.index), dtype=np.int32)
    arrays = priced(market, model=model, version=version, threads=threads)
    columns = tuple(
        excess_columns(there, found, version.parameters) for there, found in
        nodes(market, everything, model=model, version=version, grid=grid))
    margins = compute_margin(book, market, model=model, version=version, arrays=arrays,
                             threads=threads)
    seen = Seen(book=book, market=market, model=model, version=version, grid=grid,
                arrays=arrays[0], columns=columns, margins=margins, threads=threads)
    scales, stretch = scales_of(seen), _stretch(book, margins, version)
    return Bands(margins=margins, version=version, grid=grid, base=market.index, nodes=columns,
                 scales=scales, rows=unit_rows(seen, scales, stretch), stretch=stretch)


def left(bands: Bands, place: Place) -> Bools:
    """Return which rows may have another status in a market that stands at `place`, [row]."""
    rows, count = bands.rows, len(bands.rows.low)
    underlying = bands.nodes[0].underlying_of[rows.unit]
    room = place.dampening[rows.unit]
    for bucket, distance in enumerate(place.distance.T):
        room = room + rows.gross[bucket] * distance[underlying]
    down = up = bands.stretch * room
    for node, share in enumerate(place.share.T):
        if share.any():
            down = down + share[underlying] * rows.drop[node]
            up = up + share[underlying] * rows.rise[node]
    return ~((added(rows.row, down, count) <= rows.low) & (added(rows.row, up, count) < rows.high))


def place_of(bands: Bands, now: ExcessColumns) -> Place:
    """Return where a market, given by its columns, stands among the nodes of the bands."""
    every, underlyings = cells(bands.grid), len(now.index)
    shares = np.zeros((underlyings, len(bands.nodes)))
    distance = np.full((underlyings, BUCKETS), NEVER)
    dampening = np.zeros(len(now.dampener))
    for u in range(underlyings):
        mine = (now.underlying_of[now.unit] == u) & (bands.scales.weight > 0)
        units = np.flatnonzero(now.underlying_of == u).astype(np.int32)
        for k in cells_at(bands.grid, float(now.index[u] / bands.base[u]) - 1.0):
            share = _mixture(bands, every[k], now, mine, u)
            away = _distance(bands, every[k], share, now, mine)
            if away.sum() < distance[u].sum():
                distance[u], shares[u] = away, 0.0
                shares[u, list(every[k])] = share
                dampening[units] = _dampening(bands, every[k], share, now, units)
    return Place(share=shares, distance=distance, dampening=dampening)


def _stretch(book: Book, margins: AccountMargin, version: ParameterVersion) -> float:
    """Return the most that an excess moves per |change of a column| of gross positions."""
    factor: float = version.parameters.general.mm_factor
    own = 2.0 * max(1.0, factor) if "equity" in book.given else max(1.0, 2.0 * factor - 1.0)
    return own + max([0.0, *haircuts_of(margins).values()])


def _mixture(bands: Bands, cell: tuple[int, ...], now: ExcessColumns, mine: Bools,
             u: int) -> Floats:
    """Return the share of each node of the cell: price by the index, volatility by least squares.

    Any shares that are not negative and add up to one are right. By 1 / index, what is fixed in
    dollars and counted in coin mixes exactly.
    """
    below, above = (1.0 / float(bands.nodes[k].index[u]) for k in cell[:2])
    up = min(max((1.0 / float(now.index[u]) - below) / (above - below), 0.0), 1.0)
    flat = np.array([1.0 - up, up])
    if len(cell) == 2:
        return flat
    scale = bands.scales.weight[mine][:, None]
    first, second = (_mixed([bands.nodes[k].excess[mine] for k in part], flat) / scale
                     for part in (cell[:2], cell[2:]))
    way, wanted = second - first, now.excess[mine] / scale - first
    rise = float((way * wanted).sum() / max(float((way * way).sum()), 1e-300))
    rise = min(max(rise, 0.0), 1.0) if rise == rise else 0.0
    return np.concatenate([flat * (1.0 - rise), flat * rise])


def _mixed(columns: list[Floats], share: Floats) -> Floats:
    out = share[0] * columns[0]
    for s, column in zip(share[1:], columns[1:], strict=True):
        out = out + s * column
    return np.asarray(out)


def _distance(bands: Bands, cell: tuple[int, ...], share: Floats, now: ExcessColumns,
              mine: Bools) -> Floats:
    """Return the distances from the mixture, [bucket]; huge if a number or a limit fails."""
    near, scales = [bands.nodes[k] for k in cell], bands.scales
    excess = _mixed([n.excess[mine] for n in near], share)
    roll = _mixed([n.roll[mine] for n in near], share)
    away = np.abs(now.excess[mine] - excess).max(axis=1) + np.abs(now.roll[mine] - roll)
    delta = now.delta[mine]
    known = np.isfinite(away) & (np.abs(delta) <= scales.limit[mine])
    for node in near:
        known &= ~scales.ordered[mine] | (np.sign(delta) == np.sign(node.delta[mine]))
    out = np.full(BUCKETS, _SLACK)
    np.maximum.at(out, scales.bucket[mine],
                  np.where(known, away / scales.weight[mine] + _SLACK, NEVER))
    return out


def _dampening(bands: Bands, cell: tuple[int, ...], share: Floats, now: ExcessColumns,
               units: Indices) -> Floats:
    mixed = _mixed([bands.nodes[k].dampener[units] for k in cell], share)
    off = np.abs(now.dampener[units] - mixed) + MONEY_SLACK * now.dampener[units]
    return np.asarray(np.where(np.isfinite(off), off, NEVER).max(axis=1))
