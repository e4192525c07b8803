"""How bad is it? The ladder of levels that an account stands on, by segment.

A level is reached when the balance falls below `at` thousandths of its measure, and left when it
is at least `clear_at` thousandths again: the room between them is the hysteresis. The last level
reached counts. Shares are compared by cross product: nothing is divided.
"""

from enum import StrEnum
from typing import Final

from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen
from counterpoise.values.time import SECOND_NS

LEVELS_MAX: Final = 20


class Measure(StrEnum):
    """What a balance is compared with."""

    INITIAL = "initial"
    MAINTENANCE = "maintenance"
    ZERO = "zero"


class Action(StrEnum):
    """What follows when a level is reached."""

    NOTE = "note"
    CALL = "call"
    LIQUIDATE = "liquidate"


@frozen
class Level:
    """One rung; `grace_ns` is the time a call leaves before it is escalated to liquidation."""

    name: str
    measure: Measure
    at: int
    clear_at: int
    action: Action
    grace_ns: int = 0

    def __post_init__(self) -> None:
        """Refuse a rung that cannot be left, or whose grace has no meaning."""
        wrong = []
        if not 0 < len(self.name) <= 40:
            wrong.append("needs a name of 1 to 40 characters")
        if not 0 <= self.at <= self.clear_at <= 100_000:
            wrong.append(f"at {self.at}, clear at {self.clear_at}: use 0 <= at <= clear_at "
                         "<= 100000 thousandths")
        if not 0 <= self.grace_ns <= 7 * 86_400 * SECOND_NS:
            wrong.append(f"grace of {self.grace_ns} ns: use 0 to 7 days")
        if wrong:
            raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=f"level {self.name[:40]}",
                                     sentence=sentence) for sentence in wrong))


DEFAULT_LEVELS: Final = (
    Level(name="initial", measure=Measure.INITIAL, at=1000, clear_at=1000, action=Action.NOTE),
    Level(name="warning", measure=Measure.MAINTENANCE, at=1250, clear_at=1300,
          action=Action.NOTE),
    Level(name="maintenance", measure=Measure.MAINTENANCE, at=1000, clear_at=1050,
          action=Action.CALL, grace_ns=900 * SECOND_NS),
    Level(name="liquidation", measure=Measure.MAINTENANCE, at=800, clear_at=1000,
          action=Action.LIQUIDATE),
    Level(name="bankrupt", measure=Measure.ZERO, at=0, clear_at=0, action=Action.LIQUIDATE),
)
"""*Our reading*: venues publish ladders of their own (docs/methodology/engine.md)."""
