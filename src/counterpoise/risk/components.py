"""Which position does a shortfall come from, and what would one more lot, or one more order, do?

    component    -E[P&L of the position | tail of its row]   they sum to the row's shortfall
    marginal     -E[P&L of one lot | tail of the row]        of any instrument, held or not
    incremental  ES after the change - ES before it          exact, moves of the tail included

The tail is that of the `weighted` shortfall (Acerbi and Tasche): scenarios below the value at risk
whole, those equal to it alike with what is left of the tail, so that ties change no sum. Component
and marginal are Euler's derivatives: D. Tasche, "Allocating portfolio economic capital to sub-
portfolios", 2004; they say what a small change does, `incremental` what this one does.
"""

from typing import Any

import numpy as np

from counterpoise.risk.aggregation import Columns, Floats, Rows, loss_vectors
from counterpoise.risk.measures import expected_shortfall, tail_mass, tails_of_vectors
from counterpoise.risk.weighted_measures import weighted_tails_of

Places = np.ndarray[Any, np.dtype[np.int64]]


def tail_shares(vectors: Floats, *, level: float, weight: Floats | None = None) -> Floats:
    """Return how much of the tail each scenario is, [row, scenario], rows sum to 1.

    `vectors` [row, scenario] are P&L, gain > 0; all columns count, alike or by `weight`. A row with
    NaN has NaN.

    Raises
    ------
    BadInput
        As the shortfall at that level.
    """
    if weight is not None:
        found = weighted_tails_of(vectors, weight=weight, level=level)
        return _shares(vectors, found.at, (found.mass, found.less, found.ties), weight)
    mass = tail_mass(vectors.shape[1], level)
    tails = tails_of_vectors(vectors, int(np.ceil(mass)))
    return _shares(vectors, tails.at, (mass, tails.less, tails.ties),
                   np.ones(vectors.shape[1]))


def _shares(vectors: Floats, at: Floats, masses: tuple[float, Any, Any],
            weight: Floats) -> Floats:
    mass, less, ties = masses
    edge = (mass - less) / np.where(ties > 0, ties, 1) / mass
    limit = at[:, None]
    shares = np.where(vectors < limit, 1.0 / mass, np.where(vectors == limit, edge[:, None], 0.0))
    return np.where(np.isnan(limit), np.nan, shares * weight)


def component_shortfall(rows: Rows, pnl: Floats, *, level: float,
                        weight: Floats | None = None) -> Floats:
    """Return what each position adds to the shortfall of its row, [position], loss > 0.

    `pnl` is [instrument, scenario] per lot; scenario 0 does not count. Meant for the rows that
    someone looks at: it takes their vectors, rows x scenarios of memory.
    """
    row = np.repeat(np.arange(len(rows)), np.diff(rows.pointer))
    return _in_tail(rows, pnl, (row, rows.instrument, rows.lots.astype(np.float64)),
                    level=level, weight=weight)


def marginal_shortfall(rows: Rows, pnl: Floats, instruments: Columns, *, level: float,
                       weight: Floats | None = None) -> Floats:
    """Return the change of each row's shortfall per lot of `instruments`, [row, instrument]."""
    count, width = len(rows), len(instruments)
    entries = (np.repeat(np.arange(count), width), np.tile(instruments, count),
               np.ones(count * width))
    return _in_tail(rows, pnl, entries, level=level, weight=weight).reshape(count, width)


def incremental_shortfall(before: Rows, after: Rows, pnl: Floats, *, level: float,
                          threads: int = 1) -> Floats:
    """Return the shortfall of `after` less that of `before`, [row]; rows stand for the same."""
    then, now = (expected_shortfall(rows, pnl, level=level, threads=threads)
                 for rows in (after, before))
    return np.asarray(then - now)


def _in_tail(rows: Rows, pnl: Floats, entries: tuple[Places, Columns, Floats], *, level: float,
             weight: Floats | None) -> Floats:
    """Return -quantity x the mean P&L in the tail of the row, of (row, instrument, quantity)."""
    vectors, _ = loss_vectors(rows, pnl)
    own = None if weight is None else np.ascontiguousarray(weight[1:])
    shares = tail_shares(np.ascontiguousarray(vectors[:, 1:]), level=level, weight=own)
    row, instrument, quantity = entries
    of, scenario = np.nonzero(shares)
    size = np.bincount(of, minlength=len(rows))[row]
    start = np.searchsorted(of, np.arange(len(rows)))[row]
    entry = np.repeat(np.arange(len(row)), size)
    at = np.repeat(start - (np.cumsum(size) - size), size) + np.arange(len(entry))
    lost = -pnl[instrument[entry], 1 + scenario[at]] * shares[of[at], scenario[at]]
    return np.bincount(entry, weights=lost, minlength=len(row)) * quantity + 0.0
