"""Which scenarios shift every option's volatility by itself: a factor for each option contract.

Where a rule book shocks a volatility by its level, tenor and moneyness, no tenor rule of a whole
underlying can say by how much. Each option contract then follows a factor of its own, whose shift
is in volatility points; prices still move together, by underlying.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from counterpoise.instruments.catalogue import OPTION
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.scenarios.grid import ShockTerms
from counterpoise.scenarios.scenario_set import Columns, Floats, ScenarioSet, VolRule
from counterpoise.values.frozen import frozen

_AS_GIVEN: Final = VolRule(relative=False, power_short=0.0, power_long=0.0, switch_days=30.0,
                           days_floor=1.0, whole_days=False, floor_up=0.0)


@frozen
class ContractFactors:
    """The underlyings, then the options that differ in anything that a shift can depend on.

    names        [factor] begin with the underlying
    underlying   [factor] index into the underlyings of the catalogue
    option       [factor] an option that follows it, -1 for the underlyings themselves
    factor_of    [instrument] the factor each follows
    """

    names: tuple[str, ...]
    underlying: Columns
    option: np.ndarray[Any, np.dtype[np.int64]]
    factor_of: Columns


def contract_factors(market: MarketSnapshot) -> ContractFactors:
    """Return the factors of a market: neighbours that differ in right alone share one."""
    terms = market.catalogue
    count = len(terms.underlyings)
    option = terms.kind == OPTION
    columns: tuple[Any, ...] = (terms.underlying, terms.expiry, terms.strike, market.volatility,
                                market.forward, market.forward_fixed)
    alike = option[1:] & option[:-1]
    for column in columns:
        alike &= column[1:] == column[:-1]
    new = option.copy()
    new[1:] &= ~alike
    first = np.flatnonzero(new)
    own = count - 1 + np.cumsum(new)
    return ContractFactors(
        names=(*terms.underlyings, *(f"{c.underlying} {c.id}" for c in (
            terms.instruments[k] for k in first.tolist()))),
        underlying=np.concatenate((np.arange(count), terms.underlying[first])).astype(np.int32),
        option=np.concatenate((np.full(count, -1), first)),
        factor_of=np.where(option, own, terms.underlying).astype(np.int32))


def contract_scenarios(*, factors: ContractFactors, labels: Sequence[str], move: Floats,
                       vol_shift: Floats, terms: ShockTerms) -> ScenarioSet:
    """Return scenario 0 and one scenario per label.

    `move` is [scenario, underlying], a fraction of the base price; `vol_shift` [scenario, factor]
    in volatility points, the shifted volatility less the present one.
    """
    count = len(labels)
    assert move.shape[0] == vol_shift.shape[0] == count
    unshocked = np.zeros((1, len(factors.names)))
    return ScenarioSet(
        labels=("unshocked", *labels), factors=factors.names, factor_of=factors.factor_of,
        move=np.concatenate((unshocked, move[:, factors.underlying])),
        vol_shift=np.concatenate((unshocked, vol_shift)),
        vol_rules=(_AS_GIVEN,) * len(factors.names), time_shift_days=np.zeros(count + 1),
        weight=np.concatenate(([0.0], np.ones(count))), base_spot=terms.spot,
        base_delta_one=terms.delta_one, base_option=terms.option, numeraire=terms.numeraire)
