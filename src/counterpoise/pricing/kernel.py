"""What every instrument gains or loses per lot in every scenario: the columns of one kernel call.

With lot size u, price P, and the move d = move x base (index, mark or forward): linear futures gain
u d, inverse ones u (1/P - 1/P') coin (u d / P in quote), options u (V' - V), V being Black-76 on
the shocked forward and volatility, divided by its own forward for coin-settled ones.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np

from counterpoise import _core
from counterpoise.instruments.catalogue import OPTION, SPOT
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.scenarios.scenario_set import Base, ScenarioSet
from counterpoise.values.frozen import frozen
from counterpoise.values.time import YEAR_NS

Floats = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Columns = np.ndarray[Any, np.dtype[np.int32]]
LINEAR: Final = 0
INVERSE_COIN: Final = 1
INVERSE_QUOTE: Final = 2
# Plain integers: combining flags costs a fifth of a millisecond at import.
_ALWAYS: Final = Quality.ABSURD_PRICE.value | Quality.STALE.value | Quality.EXPIRED.value
_DELTA_ONE: Final = _ALWAYS | Quality.MISSING_MARK.value
_OPTION: Final = (_ALWAYS | Quality.MISSING_FORWARD.value | Quality.MISSING_VOLATILITY.value
                  | Quality.ABSURD_VOLATILITY.value)
_PAYOFF_INVERSE: Final = 1


@frozen
class PricingColumns:
    """What the kernel reads of a snapshot, [instrument]; NaN `price` where the row must fail.

    price        quote per underlying: the mark; for options the forward, fixed part included
    shock_base   what a move is a fraction of, same unit; of the forward its variable part alone,
                 of the index in the settlement window the same share
    years        ACT/365 to expiry, at least 0; 0 without expiry
    mode         LINEAR, INVERSE_COIN or INVERSE_QUOTE
    """

    price: Floats
    shock_base: Floats
    years: Floats
    mode: np.ndarray[Any, np.dtype[np.uint8]]


class Kernels(Protocol):
    """What runs the loops over scenarios: `_core`, or a device that gives the same bits.

    Arguments and results are those of the functions of these names in `_core`.
    """

    @property
    def price_grid(self) -> Callable[..., tuple[Floats, Floats, Flags]]:
        """Value [instrument], P&L [instrument, scenario] and failed [instrument]."""
        ...

    @property
    def worst_loss(self) -> Callable[..., tuple[Floats, Columns]]:
        """The worst loss and its scenario, each [row]."""
        ...

    @property
    def loss_vectors(self) -> Callable[..., tuple[Floats, Floats]]:
        """The P&L before and after the transforms, each [row, scenario]."""
        ...


def scenario_pnl(market: MarketSnapshot, scenarios: ScenarioSet, *,
                 columns: np.ndarray[Any, np.dtype[np.int64]] | None = None, threads: int = 1,
                 kernels: Kernels = _core) -> tuple[Floats, Floats, Flags]:
    """Price every instrument of the snapshot in every scenario, or those of `columns` alone.

    Returns
    -------
    value : [instrument] per lot, unshocked, in the scenario set's numeraire
    pnl : [instrument, scenario] per lot, gain > 0, exactly 0 in scenario 0
    failed : [instrument] True where a needed number is missing or absurd; the row is NaN
    """
    known = pricing_columns(market, scenarios)
    catalogue = market.catalogue
    at: Any = slice(None) if columns is None else columns
    return kernels.price_grid(
        kind=catalogue.kind[at], mode=known.mode[at], right=catalogue.right[at],
        unit=catalogue.unit[at], price=known.price[at], shock_base=known.shock_base[at],
        strike=catalogue.strike[at], years=known.years[at], volatility=market.volatility[at],
        rate=market.rate[at], factor=_factor(market, scenarios)[at],
        move=np.ascontiguousarray(scenarios.move),
        vol_shift=np.ascontiguousarray(scenarios.vol_shift),
        years_shift=scenarios.time_shift_days / 365.0, rules=_rules(scenarios),
        smile=_smile(market, scenarios, at), threads=threads)


def pricing_columns(market: MarketSnapshot, scenarios: ScenarioSet) -> PricingColumns:
    """Return the kernel's columns for this snapshot and the bases of this scenario set."""
    catalogue = market.catalogue
    option = catalogue.kind == OPTION
    mark_or_forward = np.where(option, market.forward + market.forward_fixed, market.mark)
    index = market.index[catalogue.underlying] * _moving_share(market)
    bases = {"index": index, "mark": np.where(option, market.forward, market.mark),
             "forward": market.forward}
    base_of = _by_kind(market, scenarios)
    shock_base = np.select([base_of == name for name in bases], list(bases.values()), np.nan)
    failed = _unusable(market, option=option, on_index=base_of == "index")
    years = np.where(catalogue.expiry > 0, (catalogue.expiry - market.as_of) / YEAR_NS, 0.0)
    return PricingColumns(price=np.where(failed, np.nan, mark_or_forward), shock_base=shock_base,
                          years=np.maximum(years, 0.0), mode=_mode(market, scenarios))


def _moving_share(market: MarketSnapshot) -> Floats:
    """Return the part of the forward that a settlement average has not fixed yet [instrument]."""
    fixed = market.forward_fixed != 0
    share = np.ones(len(fixed))
    share[fixed] = market.forward[fixed] / (market.forward + market.forward_fixed)[fixed]
    return share


def _by_kind(market: MarketSnapshot, scenarios: ScenarioSet) -> np.ndarray[Any, Any]:
    kind = market.catalogue.kind
    bases: dict[str, Base] = {"spot": scenarios.base_spot, "one": scenarios.base_delta_one,
                              "option": scenarios.base_option}
    return np.where(kind == OPTION, bases["option"],
                    np.where(kind == SPOT, bases["spot"], bases["one"]))


def _unusable(market: MarketSnapshot, *, option: Flags, on_index: Flags) -> Flags:
    bits = np.where(option, _OPTION, _DELTA_ONE)
    bits = bits | np.where(on_index, int(Quality.MISSING_INDEX), 0)
    unusable: Flags = (market.quality & bits) != 0
    return unusable


def _mode(market: MarketSnapshot, scenarios: ScenarioSet) -> np.ndarray[Any, np.dtype[np.uint8]]:
    inverse = INVERSE_COIN if scenarios.numeraire == "settlement" else INVERSE_QUOTE
    return np.where(market.catalogue.payoff == _PAYOFF_INVERSE, inverse, LINEAR).astype(np.uint8)


def _factor(market: MarketSnapshot, scenarios: ScenarioSet) -> np.ndarray[Any, np.dtype[np.int32]]:
    underlyings = market.catalogue.underlyings
    if scenarios.factor_of is not None:
        assert len(scenarios.factor_of) == len(market.catalogue), "factors of another catalogue"
        return scenarios.factor_of
    assert set(underlyings) <= set(scenarios.factors), "scenarios must cover every underlying"
    column = {name: k for k, name in enumerate(scenarios.factors)}
    return np.take(np.array([column[u] for u in underlyings], np.int32),
                   market.catalogue.underlying)


def _smile(market: MarketSnapshot, scenarios: ScenarioSet, at: Any) -> Floats | None:
    if scenarios.smile is None:
        return None
    assert len(scenarios.smile) == len(market.catalogue), "smiles of another catalogue"
    return np.ascontiguousarray(scenarios.smile[at])


def _rules(scenarios: ScenarioSet) -> Floats:
    return np.array([[r.relative, r.power_short, r.power_long, r.switch_days, r.days_floor,
                      r.whole_days, r.floor_up] for r in scenarios.vol_rules],
                    np.float64).reshape(len(scenarios.vol_rules), 7)
