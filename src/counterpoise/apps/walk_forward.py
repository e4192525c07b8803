"""What would a calibration have said on each day, knowing that day's past alone? A folder of files.

Each file is named for the day from which it acts and is made from moves that had ended strictly
before that day began, forecasts of prices included. Another future changes no byte of it.
`counterpoise backtest --parameters FOLDER` takes for each day the file in force.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from counterpoise.adapters.dynamic_file import write_dynamic
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.apps.calibration import dynamic_parameters, stated_on, until
from counterpoise.calibration.calibrate import CalibrationTerms, calibrate
from counterpoise.calibration.factor_levels import FactorRecord
from counterpoise.calibration.price_filter import PriceForecasts, filter_words
from counterpoise.calibration.priors import prior_words
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, day_text

Track = Callable[[Sequence[Any]], Iterable[Any]]
FILES_MAX: Final = 5000


@frozen
class Walk:
    """Which calibrations are made: from the first day to the last (ns, 00:00 UTC), every n days."""

    first: int
    last: int
    every_days: int
    level: float
    terms: CalibrationTerms
    coins: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse steps that are none, days out of order, and more files than anybody reads."""
        if not 1 <= self.every_days <= 365:
            raise bad_input(Reason.BAD_VALUE, "--every", f"{self.every_days} is no number of days; "
                            "give 1 to 365")
        if self.last < self.first:
            raise bad_input(Reason.BAD_TIME, "--to", "lies before --from; give a later day")
        if len(days_of(self)) > FILES_MAX:
            raise bad_input(Reason.TOO_LARGE, "--every", f"makes more than {FILES_MAX} files; take "
                            "longer steps or a shorter period")


def days_of(walk: Walk) -> range:
    """Return the days (ns) from which the files act."""
    return range(walk.first, walk.last + 1, walk.every_days * DAY_NS)


def walk_forward(record: FactorRecord, walk: Walk, folder: str, *,
                 forecasts: PriceForecasts | None = None,
                 track: Track = iter) -> list[dict[str, Any]]:
    """Write one parameter file per day of the walk into `folder`; return what each one says.

    Raises
    ------
    BadInput
        If the folder holds parameters already, the history says nothing before the first day, or a
        fit is impossible on one of the days.
    """
    _refuse_used(folder)
    until(record, walk.first - 1)  # a first day without a past is refused before anything is made
    os.makedirs(folder, exist_ok=True)
    return [_written(until(record, day - 1), walk, day, os.path.join(
        folder, f"{day_text(day)}.json"), forecasts) for day in track(days_of(walk))]


def _refuse_used(folder: str) -> None:
    if os.path.isfile(folder):
        raise bad_input(Reason.DUPLICATE, folder, "is a file; name a folder")
    if os.path.isdir(folder) and any(n.endswith(".json") for n in os.listdir(folder)):
        raise bad_input(Reason.DUPLICATE, folder, "holds parameters already, which would act "
                        "beside the new ones; name another folder, or empty it")


def _written(past: FactorRecord, walk: Walk, day: int, path: str,
             forecasts: PriceForecasts | None) -> dict[str, Any]:
    found = calibrate(past, walk.terms, subjects=walk.coins, forecasts=forecasts)
    template = parameters_of(model_named("dynamic"), found.as_of).parameters
    digest = write_dynamic(
        path, dynamic_parameters(found, template, level=walk.level, volumes={}),
        stated_on(found, past, day_text(day)))
    return {"file": os.path.basename(path), "effective_from": day_text(day),
            "as_of": day_text(found.as_of),
            "scenarios": len(found.moves["base"].labels), "factors": len(found.fitted.fits),
            "arrays_sha256": digest, "priors": [prior_words(p) for p in found.priors],
            "forecast": filter_words(found.fitted.filters, found.fitted.shocks.history.factors)}
