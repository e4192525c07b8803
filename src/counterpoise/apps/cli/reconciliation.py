"""`counterpoise reconcile`: a venue's own report laid beside our figures."""

import sys

from counterpoise.apps.cli.output import ANSWERED, JUDGED_AGAINST, show, show_json, wants_bold
from counterpoise.apps.cli.question import document_in, portfolio_in


def reconcile(portfolio: str, report: str, *, model: str | None, as_json: bool) -> int:
    """Lay a report beside the margin of a portfolio file; return the exit code."""
    from counterpoise.adapters.venue_reports.venues import reconcile as laid_beside
    from counterpoise.adapters.venue_reports.venues import report_in
    from counterpoise.apps.report.reconciliation import (
        agrees,
        reconciliation_document,
        reconciliation_text,
    )

    found = laid_beside(portfolio_in(portfolio), report_in(document_in(report)), model=model)
    if as_json:
        show_json(reconciliation_document(found))
    else:
        show(reconciliation_text(found, bold=wants_bold(sys.stdout)))
    return ANSWERED if agrees(found) else JUDGED_AGAINST
