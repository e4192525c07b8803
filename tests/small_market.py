"""A market small enough to check by hand: spot, perpetual, future and options of one coin."""

from typing import Any

import numpy as np

from counterpoise.instruments.catalogue import OPTION, Catalogue, catalogue
from counterpoise.instruments.contracts import (
    Future,
    Instrument,
    Option,
    Payoff,
    Perpetual,
    Right,
    Spot,
)
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.scenarios.scenario_set import ScenarioSet, VolRule
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS

NOW = 20_500 * DAY_NS
FIXED_RULE = VolRule(relative=True, power_short=0.0, power_long=0.0, switch_days=30.0,
                     days_floor=1.0, whole_days=False, floor_up=0.0)


def instruments(*, days: float = 50.0, strikes: tuple[float, ...] = (60000.0, 70000.0, 80000.0),
                ) -> list[Instrument]:
    """Return every kind and payoff on BTC, options at each strike as call and put."""
    expiry = NOW + round(days * DAY_NS)
    coin = {"underlying": "BTC", "quote": "USD", "settlement": "BTC", "payoff": Payoff.INVERSE,
            "lot_exponent": 0}
    cash = {"underlying": "BTC", "quote": "USDC", "settlement": "USDC", "payoff": Payoff.LINEAR,
            "lot_exponent": 0}
    out: list[Instrument] = [
        Spot(id="spot", underlying="BTC", quote="USDC", lot_exponent=0),
        Perpetual(id="inverse perpetual", multiplier=10.0, **coin),
        Perpetual(id="linear perpetual", multiplier=0.1, **cash),
        Future(id="inverse future", multiplier=10.0, expiry=expiry, **coin),
    ]
    for strike in strikes:
        for right in Right:
            terms = {"multiplier": 1.0, "expiry": expiry, "strike": strike, "right": right}
            out += [Option(id=f"inverse {strike} {right}", **terms, **coin),
                    Option(id=f"linear {strike} {right}", **terms, **cash)]
    return out


def market(*, listed: list[Instrument] | None = None, **changes: Any) -> MarketSnapshot:
    """Return a good snapshot of the instruments with fields changed."""
    held = catalogue(instruments() if listed is None else listed)
    n = len(held)
    mark = np.linspace(69_900.0, 70_100.0, n)
    option = held.kind == OPTION
    snapshot = MarketSnapshot(
        catalogue=held, as_of=NOW, sequence=7, mark=mark,
        forward=np.where(option, 70_500.0, mark), forward_fixed=np.zeros(n),
        volatility=np.where(option, 0.5, np.nan), rate=np.zeros(n),
        quality=np.zeros(n, np.uint16), quote_age_ns=np.zeros(n, np.int64),
        index=np.full(len(held.underlyings), 70_005.0), assets=("BTC", "USDC"),
        price=np.array([70_005.0, 1.0]), source="made for a test")
    return replaced(snapshot, **changes)


def scenarios(*, move: Any = (0.0, 0.1, -0.1, 0.3, -0.3), shift: Any = None, days: Any = None,
              rule: VolRule = FIXED_RULE, **changes: Any) -> ScenarioSet:
    """Return a set on BTC; the first entry of every list is the unshocked world."""
    moves = np.asarray(move, np.float64).reshape(-1, 1)
    count = len(moves)
    given = ScenarioSet(
        labels=tuple(str(s) for s in range(count)), factors=("BTC",), move=moves,
        vol_shift=np.zeros((count, 1)) if shift is None else np.reshape(shift, (count, 1)),
        vol_rules=(rule,), time_shift_days=np.zeros(count) if days is None else np.array(days),
        weight=np.concatenate(([0.0], np.ones(count - 1))), base_spot="index",
        base_delta_one="mark", base_option="forward", numeraire="settlement")
    return replaced(given, **changes)


def column_of(held: Catalogue, name: str) -> int:
    """Return where the instrument of that id stands."""
    return held.column[name]
