"""`counterpoise compare`: one portfolio under several margin models, side by side."""

import sys
from typing import Final

from counterpoise.apps.cli.output import ANSWERED, NUMBER_MISSING, show, show_json, wants_bold
from counterpoise.apps.cli.progress import tracked
from counterpoise.apps.cli.question import (
    Question,
    one_account,
    parameters_days,
    portfolios_asked,
)

_ALL: Final = "all"


def compare(question: Question, *, models: str, restate: bool) -> int:
    """Lay the portfolios asked about under `models`, names or "all"; return the exit code."""
    from counterpoise.apps.comparison import compare as compared
    from counterpoise.apps.report.comparison import comparison_document, comparison_text

    names = () if models == _ALL else tuple(name.strip() for name in models.split(","))
    days, asked = parameters_days(question), portfolios_asked(question)
    if question.plot is not None:
        from counterpoise.apps.report.pictures import refuse_undrawable

        one_account(asked[0][1], what="--plot")
        refuse_undrawable(question.plot)
    found = [(name, compared(p, models=names, days=days, restate=restate,
                             parameters=question.parameters, threads=question.threads))
             for name, p in tracked(asked, "compare")]
    if question.plot is not None:
        from counterpoise.apps.report.bars import draw

        draw(found[0][1], question.plot)
    if question.as_json:
        documents = [{"file": name} | comparison_document(c) for name, c in found]
        show_json(documents[0] if len(documents) == 1 else {"portfolios": documents})
    else:
        show(line for name, c in found
             for line in comparison_text(c, name=name, bold=wants_bold(sys.stdout)))
    missing = any(row.initial != row.initial for _, c in found for row in c.rows)
    return NUMBER_MISSING if missing else ANSWERED
