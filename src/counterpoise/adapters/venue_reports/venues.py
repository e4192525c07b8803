"""A venue's own report laid beside our figures, with what could explain the difference.

Which venue reported is seen from the shape of the document. What the report says of prices, sizes
and parameters becomes inputs laid beside ours, and ways to margin the account again.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio.document import plain, tree_of
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.venue_reports.inputs import (
    at_their_prices,
    inputs_beside,
    with_their_amounts,
    with_their_parameters,
    with_their_positions,
)
from counterpoise.adapters.venue_reports.report import Report
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.reconciliation import Alternative, Line, reconciled
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen, replaced

_VENUES: Final = ("counterpoise.adapters.venue_reports.deribit",
                  "counterpoise.adapters.venue_reports.okx",
                  "counterpoise.adapters.venue_reports.bybit")


@frozen
class Reconciliation:
    """The report, our `model`, its inputs and its figures beside ours, and our readings."""

    report: Report
    model: str
    inputs: tuple[Line, ...]
    figures: tuple[Line, ...]
    our_readings: tuple[str, ...]


def report_in(source: str | bytes) -> Report:
    """Return the report in a file (path) or document (bytes).

    Raises
    ------
    BadInput
        If no venue known here reports in this shape, or a number is none.
    """
    tree = plain(tree_of(source))
    for venue in map(import_module, _VENUES):
        if venue.recognised(tree):
            report: Report = venue.report_of(tree)
            return report
    raise bad_input(Reason.NOT_APPLICABLE, "report", "has the shape of no report known here; give "
                    "Deribit's private/pme/simulate, get_account_summary or get_positions, "
                    "OKX's account/position-builder, or Bybit's asset/portfolio-margin")


def reconcile(portfolio: Portfolio, report: Report, *, model: str | None = None) -> Reconciliation:
    """Return the report laid beside our figures for the one account of a portfolio.

    `model` overrides the rule book that the report is about.

    Raises
    ------
    BadInput
        If there are several accounts, or no such model here.
    """
    if len(portfolio.book) != 1:
        raise bad_input(Reason.NOT_APPLICABLE, "portfolio", "has several accounts; a report is "
                        "about one")
    rules = model_named(model or report.model)
    overrides = portfolio.overrides if portfolio.model in (None, rules.name) else None
    version = parameters_of(rules, portfolio.as_of, overrides)
    own = Alternative(change="", book=portfolio.book, market=portfolio.market, version=version)
    figures = reconciled(report.figures, model=rules, own=own, tolerance=report.tolerance,
                         others=tuple(_alternatives(portfolio, report, rules, version)))
    return Reconciliation(
        report=report, model=rules.name, figures=figures,
        inputs=inputs_beside(portfolio, report, version),
        our_readings=rules.our_readings(portfolio.book, portfolio.market, version.parameters))


def _alternatives(portfolio: Portfolio, report: Report, rules: MarginModel,
                  version: ParameterVersion) -> Iterator[Alternative]:
    """Yield the account with the venue's inputs, one kind at a time and together, and readings."""
    own = Alternative(change="", book=portfolio.book, market=portfolio.market, version=version)
    market = at_their_prices(portfolio, report)
    theirs = with_their_parameters(portfolio, report, rules) or version
    given = with_their_amounts(portfolio.book, report)
    held = with_their_positions(replaced(portfolio, market=market, book=given), report)
    changes: dict[str, dict[str, Any]] = {
        "the venue's prices differ from ours": {"market": market},
        "the venue's parameters differ from ours": {"version": theirs},
        "amounts that only the venue computes are missing here": {"book": given},
        "the venue's prices and parameters differ from ours": {
            "market": market, "version": theirs},
        "the venue's positions differ from ours": {"book": held},
        "the venue's positions, prices, parameters or amounts of its own differ from ours": {
            "book": held, "market": market, "version": theirs},
    }
    for change, parts in changes.items():
        yield replaced(own, change=change, **parts)
    for group in rules.reading_variants(portfolio.book, version.parameters):
        for label, parameters in group:
            yield replaced(own, change=f"another reading: {label}",
                           version=replaced(version, parameters=parameters))
