"""What does a model say when collateral counts by another schedule, or within limits?

All else is as the model has it.
"""

from typing import Any, cast

from counterpoise.collateral.limits import Counts
from counterpoise.collateral.schedule import CollateralSchedule
from counterpoise.margin.model import CrossEquity, EquityRule, MarginModel
from counterpoise.values.frozen import replaced


class ScheduledModel:
    """A model whose rule of equity over all assets has other fields; all else is its own."""

    def __init__(self, model: MarginModel, **fields: Any) -> None:
        self._model, self._fields = model, fields

    def equity(self, parameters: Any) -> EquityRule | CrossEquity:
        """Return the model's rule with the fields in it."""
        rule = self._model.equity(parameters)
        assert isinstance(rule, CrossEquity)
        return replaced(rule, **self._fields)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def with_schedule(model: MarginModel, schedule: CollateralSchedule | None) -> MarginModel:
    """Return the model with a schedule in place of its own, itself where None."""
    return model if schedule is None else cast(MarginModel, ScheduledModel(
        model, schedule=schedule))


def with_counts(model: MarginModel, counts: Counts | None) -> MarginModel:
    """Return the model with collateral counted within limits, itself where None."""
    return model if counts is None else cast(MarginModel, ScheduledModel(model, counts=counts))
