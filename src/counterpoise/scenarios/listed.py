"""Scenarios that a venue publishes as a list: a price move and a volatility move for each."""

from collections.abc import Sequence

import numpy as np

from counterpoise.scenarios.grid import ShockTerms
from counterpoise.scenarios.scenario_set import Floats, ScenarioSet, VolRule
from counterpoise.values.frozen import frozen


@frozen
class ShockList:
    """The list of one underlying: moves of price and of 30-day volatility, [scenario].

    `rule` scales the volatility moves by tenor. The unshocked world is not in the list.
    """

    move: Floats
    vol_shift: Floats
    rule: VolRule


def listed_scenarios(*, underlyings: Sequence[str], lists: Sequence[ShockList],
                     terms: ShockTerms) -> ScenarioSet:
    """Return scenario 0 and the lists side by side: scenario s is entry s of every list.

    `lists` is one per underlying, all of one length.
    """
    count = len(lists[0].move)
    assert all(len(one.move) == len(one.vol_shift) == count for one in lists)
    move, vol_shift = (np.concatenate((np.zeros((1, len(lists))), np.stack(columns, axis=1)))
                       for columns in ([one.move for one in lists],
                                       [one.vol_shift for one in lists]))
    return ScenarioSet(
        labels=("unshocked", *(_label(k, lists) for k in range(count))),
        factors=tuple(underlyings), move=move, vol_shift=vol_shift,
        vol_rules=tuple(one.rule for one in lists), time_shift_days=np.zeros(count + 1),
        weight=np.concatenate(([0.0], np.ones(count))), base_spot=terms.spot,
        base_delta_one=terms.delta_one, base_option=terms.option, numeraire=terms.numeraire)


def _label(scenario: int, lists: Sequence[ShockList]) -> str:
    """Return the moves themselves where all lists agree, and the place in the list otherwise."""
    said = {f"price {one.move[scenario]:+.4g}, vol {one.vol_shift[scenario]:+.4g}"
            for one in lists}
    return said.pop() if len(said) == 1 else f"scenario {scenario + 1}"
