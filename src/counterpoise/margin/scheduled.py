"""What does a model say when collateral counts by another schedule? All else as it was."""

from typing import Any, cast

from counterpoise.collateral.schedule import CollateralSchedule
from counterpoise.margin.model import CrossEquity, EquityRule, MarginModel
from counterpoise.values.frozen import replaced


class ScheduledModel:
    """A model whose collateral counts by another schedule; all else is the model's own."""

    def __init__(self, model: MarginModel, schedule: CollateralSchedule) -> None:
        self._model, self._schedule = model, schedule

    def equity(self, parameters: Any) -> EquityRule | CrossEquity:
        """Return the model's rule with the schedule in it."""
        rule = self._model.equity(parameters)
        assert isinstance(rule, CrossEquity)
        return replaced(rule, schedule=self._schedule)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def with_schedule(model: MarginModel, schedule: CollateralSchedule | None) -> MarginModel:
    """Return the model with a schedule in place of its own, itself where None."""
    return model if schedule is None else cast(MarginModel, ScheduledModel(model, schedule))
