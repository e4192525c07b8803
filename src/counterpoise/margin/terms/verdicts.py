"""To which instruments a model applies, asked once for those that are alike."""

from collections.abc import Callable
from typing import Any

import numpy as np

from counterpoise.instruments.catalogue import Catalogue
from counterpoise.instruments.contracts import Instrument
from counterpoise.margin.requirement import Indices
from counterpoise.values.failure import Failure
from counterpoise.values.frozen import replaced

Bools = np.ndarray[Any, np.dtype[np.bool_]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


def verdicts(terms: Catalogue, judge: Callable[[Instrument], Failure | None],
             held: Bools | None = None) -> tuple[Bools, dict[int, Failure]]:
    """Return which instruments a model does not apply to, [instrument], and why by column.

    `judge` may look at underlying, settlement, payoff and kind alone; it is asked once for each
    combination of them, and its failure is repeated with the id of every instrument concerned, of
    those of `held` [instrument] if it is given.
    """
    first, of = alike(terms)
    verdict = [judge(terms.instruments[k]) for k in first]
    barred = np.array([v is not None for v in verdict], bool)[of]
    why = {int(k): replaced(failure, subject=terms.instruments[k].id)
           for k in np.flatnonzero(barred if held is None else barred & held)
           if (failure := verdict[of[k]]) is not None}
    return barred, why


def alike(terms: Catalogue) -> tuple[Ints, Indices]:
    """Return the first instrument of each kind of contract, and the kind of every instrument.

    A kind is a combination of underlying, settlement, payoff and kind of contract.
    """
    code = (terms.underlying * max(len(terms.settlements), 1) + terms.settlement) * 16
    return kinds(code + terms.payoff * 4 + terms.kind)


def kinds(code: Indices) -> tuple[Ints, Indices]:
    """Return the first entry of every distinct code >= 0, by code, and the rank of each entry."""
    first = np.full(int(code.max(initial=-1)) + 1, -1, np.int64)
    first[code[::-1]] = np.arange(len(code))[::-1]
    known = first >= 0
    return first[known], np.take(np.cumsum(known, dtype=np.int32) - np.int32(1), code)
