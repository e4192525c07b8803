"""`counterpoise greeks`, `chain`, `schema` and `models`: what there is, without a requirement."""

import sys

from counterpoise.apps.cli.output import ANSWERED, NUMBER_MISSING, show, show_json, wants_bold
from counterpoise.apps.cli.question import Question, market_at, portfolios_asked
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import BadInput, Reason, bad_input
from counterpoise.values.time import parse_instant


def greeks(question: Question) -> int:
    """Show the sensitivities of each portfolio; return the exit code."""
    from counterpoise.apps.report.greeks import greeks_document, greeks_text, unvalued
    from counterpoise.apps.report.source import source_line
    from counterpoise.apps.report.table import heading
    from counterpoise.apps.sensitivities import greeks_of

    asked = portfolios_asked(question)
    found = [(name, p, greeks_of(p, threads=question.threads)) for name, p in asked]
    if question.as_json:
        documents = [{"file": name} | greeks_document(p, g) for name, p, g in found]
        show_json(documents[0] if len(documents) == 1 else {"portfolios": documents})
    else:
        bold = wants_bold(sys.stdout)
        for name, p, g in found:
            show([heading(name, bold=bold), source_line(p.market), *greeks_text(g, bold=bold),
                  *(f"{f.subject}: {f.sentence}" for f in unvalued(p))])
    missing = any(v != v for _, _, rows in found for row in rows for v in row.amount.values())
    return NUMBER_MISSING if missing else ANSWERED


def chain(path: str | None, *, at: str | None, perpetuals: str | None, as_json: bool) -> int:
    """Show what a snapshot holds, the simulated market without a path; return the exit code."""
    from counterpoise.apps.report.chain import chain_document, chain_text
    from counterpoise.market.simulated import AS_OF, simulated_market

    stamps: tuple[int, ...] = ()
    if path is None and perpetuals is not None:
        raise bad_input(Reason.BAD_VALUE, "--perpetuals", "goes with a market to look at; the "
                        "simulated market has its own")
    if path is None:
        market = simulated_market(as_of=AS_OF if at is None else parse_instant(at, subject="--at"))
    else:
        market, stamps = _read(path, at, perpetuals)
    if as_json:
        show_json(chain_document(market, stamps))
    else:
        show(chain_text(market, stamps, bold=wants_bold(sys.stdout)))
    return ANSWERED


def _read(path: str, at: str | None,
          perpetuals: str | None) -> tuple[MarketSnapshot, tuple[int, ...]]:
    from counterpoise.adapters.chain import snapshots

    market = market_at(path, at=at, perpetuals=perpetuals)
    try:
        return market, snapshots(path)
    except BadInput:
        # One of our own snapshot files: it holds one market and no column of stamps.
        return market, (market.as_of,)


def schema() -> int:
    """Print the JSON Schema of the portfolio file; return the exit code."""
    from counterpoise.adapters.portfolio.schema import portfolio_schema

    show_json(portfolio_schema())
    return ANSWERED


def models(*, at: str | None, as_json: bool) -> int:
    """List the margin models with the dates of their parameters; return the exit code."""
    from counterpoise.apps.report.models import models_document, models_text

    instant = None if at is None else parse_instant(at, subject="--at")
    document = models_document(instant)
    if as_json:
        show_json(document)
    else:
        show(models_text(document))
    return ANSWERED
