"""`counterpoise calibrate`: a factor history becomes dated, hashed parameters of `dynamic`."""

import os
from typing import Any, Final

from counterpoise.adapters.dynamic_file import write_dynamic
from counterpoise.adapters.factor_sources import read_volumes
from counterpoise.adapters.factor_store import read_factor_record
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.apps.calibration import (
    calibration_document,
    dynamic_parameters,
    price_forecasts,
    stated_on,
    until,
)
from counterpoise.apps.cli.output import ANSWERED, show, show_json
from counterpoise.apps.cli.progress import tracked
from counterpoise.apps.report.calibration import calibration_lines, write_report
from counterpoise.apps.report.table import table
from counterpoise.apps.walk_forward import Walk, walk_forward
from counterpoise.calibration.calibrate import CalibrationTerms, calibrate
from counterpoise.calibration.factor_levels import FactorRecord
from counterpoise.calibration.price_filter import PREDICTION, RECURSION, PriceForecasts
from counterpoise.calibration.simulated_history import simulated_record
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, day_text, parse_instant

PRESET: Final = (0.975, 2)
"""97.5 % expected shortfall over 2 days."""


@frozen
class Calibrating:
    """What was typed: see the options of the command."""

    history: str | None
    out: str | None
    report: str | None
    level: float | None
    horizon_days: int | None
    preset: bool
    coins: tuple[str, ...]
    until: str | None
    as_of: str | None
    every: int | None
    begin: str | None
    end: str | None
    volumes: str | None
    forecast: str | None
    data: str | None
    terms: dict[str, Any]
    as_json: bool


def calibration(typed: Calibrating) -> int:
    """Calibrate, write what was asked for and show the diagnostics; return the exit code."""
    level, horizon = _chosen(typed)
    terms = CalibrationTerms(horizon_days=horizon, **typed.terms)
    _refuse_other_forms(typed)
    _refuse_other_forecast(typed)
    if typed.every is not None:
        return _walk(typed, level, terms)
    _refuse_unwritable(typed)
    whole = _whole_record(typed)
    record = _cut(whole, typed)
    found = calibrate(record, terms, subjects=typed.coins, forecasts=_forecasts(typed, whole),
                      track=lambda columns: tracked(columns, "fits"))
    document = calibration_document(found, record, level=level)
    if typed.out is not None:
        version = parameters_of(model_named("dynamic"), found.as_of)
        parameters = dynamic_parameters(
            found, version.parameters, level=level,
            volumes={} if typed.volumes is None else read_volumes(typed.volumes))
        stated = stated_on(found, record, _effective_from(typed, found.as_of))
        document["arrays_sha256"] = write_dynamic(typed.out, parameters, stated)
        document["parameters_file"] = os.path.basename(typed.out)
    if typed.report is not None:
        write_report(typed.report, found, document)
    if typed.as_json:
        show_json(document)
    else:
        show(calibration_lines(document))
    return ANSWERED


def _chosen(typed: Calibrating) -> tuple[float, int]:
    if typed.preset:
        if typed.level is not None or typed.horizon_days is not None:
            raise bad_input(Reason.BAD_VALUE, "--preset", "is 97.5 % expected shortfall over 2 "
                            "days; leave out --level and --horizon-days, or leave out --preset")
        return PRESET
    wrong = [Failure(reason=Reason.BAD_VALUE, subject=name, sentence=(
        "is yours to choose: state it, or take --preset (97.5 % expected shortfall over 2 days)"))
        for name, value in (("--level", typed.level), ("--horizon-days", typed.horizon_days))
        if value is None]
    if wrong:
        raise BadInput(*wrong)
    assert typed.level is not None and typed.horizon_days is not None
    if not 0.5 < typed.level < 1:
        raise bad_input(Reason.BAD_VALUE, "--level", f"{typed.level} is none; give a fraction "
                        "above 0.5 and below 1, like 0.975")
    return typed.level, typed.horizon_days


def _refuse_unwritable(typed: Calibrating) -> None:
    """Refuse what could not be written before minutes are spent on it."""
    if typed.out is not None and not typed.out.endswith(".json"):
        raise bad_input(Reason.BAD_VALUE, "--out", f"{typed.out[-40:]!r} must end in .json; the "
                        "joint moves go into a .npz beside it")
    for path in (typed.out, typed.report):
        if path is not None and not os.path.isdir(os.path.dirname(path) or "."):
            raise bad_input(Reason.UNREADABLE, path, "lies in a folder that does not exist")
    if typed.report is None:
        return
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise bad_input(Reason.MISSING_EXTRA, typed.report, "needs the extra for pictures: "
                        "pip install counterpoise[plot]") from None


def _refuse_other_forms(typed: Calibrating) -> None:
    """Refuse options of the walk without it, and those that a walk does not have."""
    walk = {"--from": typed.begin, "--to": typed.end}
    single = {"--until": typed.until, "--as-of": typed.as_of, "--report": typed.report,
              "--volumes": typed.volumes}
    wrong = [(name, "belongs to a walk; give --every too") for name, value in walk.items()
             if value is not None and typed.every is None]
    if typed.every is not None:
        wrong += [(name, "is wanted for a walk: --every DAYS --from DATE --to DATE --out FOLDER")
                  for name, value in (walk | {"--out": typed.out}).items() if value is None]
        wrong += [(name, "is of a single calibration; leave it out, or leave out --every")
                  for name, value in single.items() if value is not None]
    elif typed.until is not None and typed.as_of is not None:
        wrong.append(("--as-of", "and --until both end the history; give one"))
    if wrong:
        raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=name, sentence=why)
                         for name, why in wrong))


def _walk(typed: Calibrating, level: float, terms: CalibrationTerms) -> int:
    assert typed.every is not None and typed.out is not None
    walk = Walk(first=_day(typed.begin, "--from"), last=_day(typed.end, "--to"), level=level,
                every_days=typed.every, terms=terms, coins=typed.coins)
    record = _whole_record(typed)
    rows = walk_forward(record, walk, typed.out, forecasts=_forecasts(typed, record),
                        track=lambda days: tracked(days, "calibrations"))
    if typed.as_json:
        show_json({"model": "dynamic", "folder": os.path.basename(os.path.normpath(typed.out)),
                   "files": rows})
    else:
        show([*table(("file", "history to", "scenarios", "factors", "priors", "arrays"), [
            [r["file"], r["as_of"], str(r["scenarios"]), str(r["factors"]), str(len(r["priors"])),
             r["arrays_sha256"][:16]] for r in rows]), "", *_told(rows),
            "our reading: priors stand in for factors that are not known; each file names them"])
    return ANSWERED


def _told(rows: list[dict[str, Any]]) -> list[str]:
    """Return which forecast filtered which prices, as the last file says."""
    last = rows[-1]["forecast"]
    return [f"in {rows[-1]['file']}: {last}", ""] if last else []


def _day(text: str | None, subject: str) -> int:
    return parse_instant(f"{text}T00:00:00Z", subject=subject)


def _instant(text: str) -> int:
    return parse_instant(text, subject="--as-of") if "T" in text else _day(text, "--as-of")


def _effective_from(typed: Calibrating, as_of: int) -> str:
    """Return the first day that begins when all was known: of --as-of, else after the history."""
    return day_text(as_of + DAY_NS if typed.as_of is None else
                    _instant(typed.as_of) + DAY_NS - 1)


def _whole_record(typed: Calibrating) -> FactorRecord:
    return simulated_record() if typed.history is None else read_factor_record(typed.history)


def _cut(record: FactorRecord, typed: Calibrating) -> FactorRecord:
    """Return the record up to --as-of or --until, whole without them."""
    if typed.as_of is not None:
        return until(record, _instant(typed.as_of) - 1)
    if typed.until is None:
        return record
    return until(record, _day(typed.until, "--until") + DAY_NS - 1)


def _forecasts(typed: Calibrating, record: FactorRecord) -> PriceForecasts | None:
    """Return the forecasts of the market data, None where the recursions stay."""
    if typed.data is None:
        return None
    return price_forecasts(typed.data, record, track=lambda names: tracked(names, "forecasts"))


def _refuse_other_forecast(typed: Calibrating) -> None:
    """Refuse a forecast without its data, and data that nothing would read."""
    if typed.forecast == PREDICTION and typed.data is None:
        raise bad_input(Reason.MISSING_NUMBER, "--forecast", f"{PREDICTION} needs market data: "
                        "give --data FOLDER with prices/, vol_index/ and funding/")
    if typed.forecast == RECURSION and typed.data is not None:
        raise bad_input(Reason.BAD_VALUE, "--data", f"is read by --forecast {PREDICTION} alone; "
                        "leave one of them out")
    if typed.data is not None and typed.history is None:
        raise bad_input(Reason.BAD_VALUE, "--data", "is of observed days, the simulated history is "
                        "not; name a factor history")
