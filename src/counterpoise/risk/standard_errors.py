"""How sure is a shortfall that rests on so many draws?

    asymptotic    s.e.^2 = (Var(L | tail) + p (ES - VaR)^2) / (n (1 - p))
    batch means   the draws in B runs of equal length, ES of each; s.e.^2 = Var over runs / B

Both take scenarios for independent draws: true for Monte Carlo; for history it says how sure the
number would be if days were draws. Under weights n is Kish's effective number W^2 / sum w^2.
Sources: B. J. Manistre and G. H. Hancock, "Variance of the CTE estimator", North American Actuarial
Journal 9, 2005; P. Glynn and W. Whitt, batch means, Operations Research 38, 1990.
"""

from typing import Final

import numpy as np

from counterpoise.risk.aggregation import Floats, Rows, loss_vectors
from counterpoise.risk.components import tail_shares
from counterpoise.risk.measures import expected_shortfall, tail_mass, value_at_risk_of
from counterpoise.risk.weighted_measures import value_at_risk_in, weighted_tails_of
from counterpoise.values.failure import Reason, bad_input

BATCHES: Final = 20
_ELEMENTS: Final = 2_000_000


def shortfall_error(rows: Rows, pnl: Floats, *, level: float,
                    weight: Floats | None = None) -> Floats:
    """Return the asymptotic standard error of each row's shortfall, [row], currency of `pnl`.

    `pnl` is [instrument, scenario] per lot, scenario 0 does not count. Rows are looked at in
    blocks, so that memory does not grow with them.
    """
    own = None if weight is None else np.ascontiguousarray(weight[1:])
    step = max(1, _ELEMENTS // pnl.shape[1])
    errors = [_error(np.ascontiguousarray(loss_vectors(_rows(rows, k, k + step), pnl)[0][:, 1:]),
                     level, own) for k in range(0, len(rows), step)]
    return np.concatenate([np.zeros(0), *errors])


def _rows(rows: Rows, start: int, stop: int) -> Rows:
    stop = min(stop, len(rows))
    first, last = rows.pointer[start], rows.pointer[stop]
    return Rows(pointer=rows.pointer[start:stop + 1] - first, account=rows.account[start:stop],
                key=rows.key[start:stop], instrument=rows.instrument[first:last],
                lots=rows.lots[first:last])


def _error(vectors: Floats, level: float, weight: Floats | None) -> Floats:
    shares = tail_shares(vectors, level=level, weight=weight)
    shortfall = -np.add.reduce(shares * vectors, axis=1)
    away = -vectors - shortfall[:, None]
    spread = np.add.reduce(shares * away * away, axis=1)
    if weight is None:
        at, mass = value_at_risk_of(vectors, level=level), tail_mass(vectors.shape[1], level)
    else:
        at = value_at_risk_in(weighted_tails_of(vectors, weight=weight, level=level))
        whole, squares = np.add.reduce(weight), np.add.reduce(weight * weight)
        mass = float(whole * whole / squares) * (1.0 - level)
    beyond = shortfall - at
    return np.asarray(np.sqrt((spread + level * beyond * beyond) / mass))


def batch_means(rows: Rows, pnl: Floats, *, level: float, batches: int = BATCHES,
                threads: int = 1) -> tuple[Floats, Floats]:
    """Return the mean over batches of each row's shortfall and its standard error, both [row].

    Every pass is the fused one of `expected_shortfall`, so this costs about as much as the
    shortfall itself. Draws left over when they are divided do not count.

    Raises
    ------
    BadInput
        If there are fewer than two batches, or a batch holds no tail.
    """
    if batches != int(batches) or batches < 2:
        raise bad_input(Reason.BAD_VALUE, "batches", f"{batches} must be a whole number of at "
                        "least 2; 20 is usual")
    length = (pnl.shape[1] - 1) // batches
    found = [expected_shortfall(rows, _batch(pnl, 1 + k * length, length), level=level,
                                threads=threads) for k in range(batches)]
    mean, square = np.zeros(len(rows)), np.zeros(len(rows))
    for one in found:
        mean = mean + one / batches
    for one in found:
        square = square + (one - mean) * (one - mean)
    return mean, np.sqrt(square / (batches - 1) / batches)


def _batch(pnl: Floats, start: int, length: int) -> Floats:
    return np.concatenate((pnl[:, :1], pnl[:, start:start + length]), axis=1)
