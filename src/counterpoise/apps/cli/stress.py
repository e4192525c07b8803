"""`counterpoise stress`: what a bad day would cost today's book, and which margin had held."""

import csv
import sys
from typing import Any, Final, Literal, cast

from counterpoise.adapters.stress_events import named_events, read_events
from counterpoise.apps.cli.output import ANSWERED, NUMBER_MISSING, show, show_json, wants_bold
from counterpoise.apps.cli.progress import tracked
from counterpoise.apps.cli.question import Question, one_account, portfolios_asked
from counterpoise.apps.stress import DELAYS, StressQuestion, StressReport
from counterpoise.apps.stress import stress as stressed
from counterpoise.scenarios.stress_events import StressEvent
from counterpoise.values.decimals import parse_float
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

STEPS_MAX: Final = 10_000


@frozen
class Sizes:
    """How large the questions are: as typed."""

    events: str | None
    only: str | None
    smile: str
    size: str
    vol: str
    delays: str | None
    path: str | None
    reverse: bool


def stress(question: Question, sizes: Sizes) -> int:
    """Answer what bad days would cost each portfolio; return the exit code."""
    asked = portfolios_asked(question)
    if question.plot is not None:
        from counterpoise.apps.report.stress_pictures import refuse_undrawable

        one_account(asked[0][1], what="--plot")
        refuse_undrawable(question.plot)
    events, terms = _events(sizes), _terms(sizes)
    found = [(name, stressed(StressQuestion(
        portfolio=p, model=question.model, events=events, parameters=question.parameters, **terms),
        tracked=tracked)) for name, p in asked]
    if question.plot is not None:
        from counterpoise.apps.report.stress_pictures import draw

        draw(found[0][1], question.plot, name=found[0][0])
    _shown(found, as_json=question.as_json)
    missing = any(bool((r.events.initial != r.events.initial).any()) for _, r in found)
    return NUMBER_MISSING if missing else ANSWERED


def _shown(found: list[tuple[str, StressReport]], *, as_json: bool) -> None:
    from counterpoise.apps.report.stress import stress_document, stress_text

    if as_json:
        documents = [{"file": name} | stress_document(report) for name, report in found]
        show_json(documents[0] if len(documents) == 1 else {"portfolios": documents})
    else:
        bold = wants_bold(sys.stdout)
        show(line for name, report in found for line in stress_text(report, name=name, bold=bold))


def _events(sizes: Sizes) -> tuple[StressEvent, ...]:
    known = named_events() + (() if sizes.events is None else read_events(sizes.events))
    if sizes.only is None:
        return known
    wanted = [word.strip() for word in sizes.only.split(",")]
    names = {event.name for event in known}
    unknown = [word for word in wanted if word not in names]
    if unknown:
        raise bad_input(Reason.BAD_VALUE, "--only", f"{unknown[0][:60]!r} is no event; there are "
                        + ", ".join(sorted(names)))
    return tuple(event for event in known if event.name in wanted)


def _terms(sizes: Sizes) -> dict[str, Any]:
    if sizes.smile not in ("sticky_strike", "sticky_moneyness"):
        raise bad_input(Reason.BAD_VALUE, "--smile", f"{sizes.smile[:40]!r} is sticky_strike or "
                        "sticky_moneyness")
    size, vol = (_number(text, where) for text, where in ((sizes.size, "--size"),
                                                          (sizes.vol, "--vol")))
    if not (0 < size < 1 and -1 < vol < 10):
        raise bad_input(Reason.BAD_VALUE, "--size", "is a fraction between 0 and 1, like 0.2; "
                        "--vol one above -1, like 0.3")
    delays = DELAYS if sizes.delays is None else tuple(
        _number(text, "--delays") for text in sizes.delays.split(","))
    if any(not 0 <= d <= 1e6 for d in delays):
        raise bad_input(Reason.BAD_VALUE, "--delays", "are minutes of at least 0, like 1,5,15")
    return {"smile": cast(Literal["sticky_strike", "sticky_moneyness"], sizes.smile),
            "size": size, "vol": vol, "delays": delays, "reverse": sizes.reverse,
            "path": None if sizes.path is None else _path(sizes.path)}


def _number(text: str, where: str) -> float:
    return parse_float(text.strip(), subject=where)


def _path(name: str) -> tuple[tuple[float, float], ...]:
    """Return the steps of a CSV file with the columns minute and share."""
    try:
        with open(name, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise bad_input(Reason.UNREADABLE, name, f"cannot be read as CSV ({error})") from None
    if not rows or len(rows) > STEPS_MAX or set(rows[0]) != {"minute", "share"}:
        raise bad_input(Reason.UNREADABLE, name, "needs the columns minute and share, and 1 to "
                        f"{STEPS_MAX} rows: the part of the event's move reached at each minute")
    steps: list[tuple[float, float]] = []
    failures: list[Failure] = []
    for k, row in enumerate(rows):
        try:
            steps.append((parse_float(row["minute"] or "", subject=f"{name}, row {k + 1}"),
                          parse_float(row["share"] or "", subject=f"{name}, row {k + 1}")))
        except BadInput as wrong:
            failures += wrong.failures
    if failures:
        raise BadInput(*failures)
    minutes = [0.0, *(m for m, _ in steps)]
    if any(b <= a for a, b in zip(minutes, minutes[1:], strict=False)) or any(
            abs(share) > 5 for _, share in steps):
        raise bad_input(Reason.BAD_TIME, name, "needs minutes that rise from above 0 and shares "
                        "within -5 to 5, 1 being the whole move")
    return tuple(steps)
