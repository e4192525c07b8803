"""`counterpoise margin` and `counterpoise explain`: what is needed, and why."""

import sys

from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.apps.answer import Answer, margin_of
from counterpoise.apps.cli.output import ANSWERED, NUMBER_MISSING, show, show_json, wants_bold
from counterpoise.apps.cli.progress import tracked
from counterpoise.apps.cli.question import (
    Question,
    one_account,
    parameters_day,
    portfolios_asked,
)
from counterpoise.apps.report.document import answer_document


def margin(question: Question) -> int:
    """Answer how much margin each portfolio needs; return the exit code."""
    asked, day = _asked(question), parameters_day(question)
    answers = [(name, margin_of(portfolio, model=question.model, threads=question.threads,
                                parameters_as_of=day, parameters_file=question.parameters))
               for name, portfolio in tracked(asked, "margin")]
    _draw(question, answers[0][1])
    if question.as_json:
        show_json(_one_or_many([(name, answer_document(a)) for name, a in answers]))
    else:
        show(line for name, a in answers for line in _margin_text(name, a))
    return _code([answer for _, answer in answers])


def explain(question: Question) -> int:
    """Answer where the margin of each portfolio comes from; return the exit code."""
    from counterpoise.apps.legs import explain as explained
    from counterpoise.apps.report.legs import explanation_document

    asked, day = _asked(question), parameters_day(question)
    found = [(name, explained(portfolio, model=question.model, threads=question.threads,
                              parameters_as_of=day, parameters_file=question.parameters,
                              tracked=lambda work: tracked(work, "explain")))
             for name, portfolio in asked]
    _draw(question, found[0][1].answer)
    if question.as_json:
        show_json(_one_or_many([(name, explanation_document(e)) for name, e in found]))
    else:
        from counterpoise.apps.report.legs import legs_text

        show(line for name, e in found for line in _whole_text(
            name, e.answer, e.standard, legs_text(e)))
    return _code([e.answer for _, e in found])


def _margin_text(name: str, answer: Answer) -> list[str]:
    from counterpoise.apps.legs import contributing, standard_margin
    from counterpoise.apps.report.legs import contributors_text
    from counterpoise.apps.report.requirement import DETAILED_MAX

    if len(answer.pools) > DETAILED_MAX:
        return _whole_text(name, answer, None, [])
    return _whole_text(name, answer, standard_margin(answer),
                       contributors_text(answer, contributing(answer), most=5))


def _whole_text(name: str, answer: Answer, standard: Answer | None,
                legs: list[str]) -> list[str]:
    from counterpoise.apps.report.requirement import (
        header,
        pools_text,
        provenance_text,
        readings_text,
    )

    bold = wants_bold(sys.stdout)
    return [*header(answer, name=name, bold=bold), *pools_text(answer, standard, bold=bold), *legs,
            *readings_text(answer), *provenance_text(answer), ""]


def _one_or_many(documents: list[tuple[str, dict[str, object]]]) -> dict[str, object]:
    if len(documents) == 1:
        return documents[0][1]
    return {"portfolios": [{"file": name} | document for name, document in documents]}


def _asked(question: Question) -> list[tuple[str, Portfolio]]:
    """Return the portfolios, once it is clear that a picture asked for can be drawn."""
    asked = portfolios_asked(question)
    if question.plot is not None:
        from counterpoise.apps.report.pictures import refuse_undrawable

        one_account(asked[0][1], what="--plot")
        refuse_undrawable(question.plot)
    return asked


def _draw(question: Question, answer: Answer) -> None:
    # Before the answer is shown: it is complete or refused, never half of each.
    if question.plot is not None:
        from counterpoise.apps.report.pictures import draw

        draw(answer, question.plot)


def _code(answers: list[Answer]) -> int:
    missing = any(pool.initial != pool.initial or pool.maintenance != pool.maintenance
                  for answer in answers for pool in answer.pools)
    return NUMBER_MISSING if missing else ANSWERED
