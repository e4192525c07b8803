"""Which commands and options does `counterpoise` have? Their words, and nothing else."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any, Final

import counterpoise
from counterpoise.apps.cli.log_commands import LOG_COMMANDS
from counterpoise.apps.cli.output import EXIT_CODES
from counterpoise.apps.cli.question import Question
from counterpoise.values.frozen import frozen

_ABOUT: Final = ("Portfolio margin for crypto derivatives: collateral only for the risk that is "
                 "left.")
_EXIT_CODES: Final = f"Exit codes: {EXIT_CODES}"


@frozen
class Command:
    """A command: its one-line purpose, what adds its options, and what answers it."""

    purpose: str
    options: Callable[[ArgumentParser], None]
    answer: Callable[[Namespace], int]


def run(typed: list[str]) -> int:
    """Run the command that was typed; usage errors exit by themselves with code 2."""
    given = parser().parse_args(typed)
    return COMMANDS[given.command].answer(given)


def parser() -> ArgumentParser:
    """Return the parser of all commands."""
    top = ArgumentParser(prog="counterpoise", description=_ABOUT, epilog=_EXIT_CODES,
                         allow_abbrev=False)
    top.add_argument("--version", action="version",
                     version=f"counterpoise {counterpoise.__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.purpose, description=command.purpose,
                                  epilog=_EXIT_CODES, allow_abbrev=False)
        command.options(sub)
        sub.add_argument("--debug", action="store_true",
                         help="show the traceback of an unexpected error")
    return top


def _portfolios(sub: ArgumentParser) -> None:
    sub.add_argument("files", nargs="*", metavar="FILE", help="portfolio files (JSON; counterpoise "
                     "schema says which keys); - reads standard input")
    sub.add_argument("--positions", metavar="FILE", help="positions as CSV, Parquet or Arrow, in "
                     "place of portfolio files; needs --market")
    _market(sub, "--market")
    sub.add_argument("--symbols", default="deribit", metavar="VENUE", help="whose names "
                     "--positions uses: deribit (default), okx, bybit, ccxt or counterpoise")
    sub.add_argument("--threads", type=int, default=1, metavar="N",
                     help="threads of the kernels; the numbers stay the same")
    _json(sub)


def _margins(sub: ArgumentParser) -> None:
    _portfolios(sub)
    sub.add_argument("--model", metavar="NAME", help="margin model; default: the file's own, else "
                     "deribit_spm. counterpoise models lists them")
    _parameters_as_of(sub)
    sub.add_argument("--parameters", metavar="FILE", help="take the dated parameters in this file, "
                     "as counterpoise calibrate writes it, for the model's own")
    sub.add_argument("--plot", metavar="PICTURE", help="also draw profit and loss over price and "
                     "volatility, and by position: a .png or .html file")


def _comparisons(sub: ArgumentParser) -> None:
    _portfolios(sub)
    sub.add_argument("--models", default="all", metavar="NAMES", help="margin models, separated by "
                     "commas; default: all. counterpoise models lists them")
    _parameters_as_of(sub)
    sub.add_argument("--parameters", metavar="FILE", help="take the dated parameters in this file "
                     "for the own ones of the model it names, as counterpoise calibrate writes it")
    sub.add_argument("--restate", action="store_true", help="ask models that do not cover a "
                     "contract about the same risk in linear contracts; the notes say which")
    sub.add_argument("--plot", metavar="PICTURE", help="also draw the requirements as bars: a .png "
                     "or .html file")


def _stresses(sub: ArgumentParser) -> None:
    _portfolios(sub)
    sub.add_argument("--model", metavar="NAME", help="margin model; default: the file's own, else "
                     "deribit_spm. counterpoise models lists them")
    sub.add_argument("--events", metavar="FILE", help="events of your own beside the named ones "
                     "(JSON; docs/methodology/stress.md says how)")
    sub.add_argument("--only", metavar="NAMES", help="events to replay, separated by commas; "
                     "default: all")
    sub.add_argument("--smile", default="sticky_strike", metavar="RULE", help="how volatilities "
                     "follow prices: sticky_strike (default) or sticky_moneyness")
    sub.add_argument("--size", default="0.2", metavar="FRACTION", help="price move by which coins "
                     "part where hedges break; default 0.2")
    sub.add_argument("--vol", default="0.3", metavar="FRACTION", help="volatility move beside it; "
                     "default 0.3")
    sub.add_argument("--delays", metavar="MINUTES", help="delays of a liquidation, like 1,5,15")
    sub.add_argument("--path", metavar="FILE", help="the worst event minute by minute: CSV with "
                     "the columns minute and share; default: a straight line over 30 minutes")
    sub.add_argument("--parameters", metavar="FILE", help="calibrated parameters of the model "
                     "dynamic: joint moves for --reverse and for broken dependence, volumes "
                     "for closing; default: its simulated preset")
    sub.add_argument("--reverse", action="store_true", help="also search the smallest joint move "
                     "that breaks each account: below initial, below maintenance, below zero")
    sub.add_argument("--plot", metavar="PAGE", help="also write a report with pictures: a .html "
                     "file")


def _parameters_as_of(sub: ArgumentParser) -> None:
    sub.add_argument("--parameters-as-of", action="append", default=[], metavar="DATE",
                     help="parameters in force on this day, like 2025-01-05, whatever the day of "
                     "the market; compare takes several")


def _chains(sub: ArgumentParser) -> None:
    _market(sub, "market", nargs="?")
    _json(sub)


def _market(sub: ArgumentParser, name: str, **how: Any) -> None:
    place = {"metavar": "SNAPSHOT"} | how
    sub.add_argument(name, help="a snapshot or an option chain (Parquet or CSV)"
                     + ("; none: the simulated market" if how else ""), **place)
    sub.add_argument("--perpetuals", metavar="FILE",
                     help="prices of perpetuals beside an option chain")
    _at(sub, "take the last snapshot at or before this time, at most 12 hours before it, like "
        "2026-02-05T21:29:37Z")


def _models(sub: ArgumentParser) -> None:
    _at(sub, "parameters in force at this time, like 2026-02-05T21:29:37Z")
    _json(sub)


def _simulations(sub: ArgumentParser) -> None:
    sub.add_argument("portfolio", metavar="FILE", help="portfolio file with the market and one "
                     "account; - reads standard input")
    sub.add_argument("request", metavar="REQUEST", help="the venue's request body as JSON, with "
                     "its envelope or without")
    sub.add_argument("--venue", default="deribit", metavar="VENUE", help="whose request it is: "
                     "deribit (default) or okx")
    sub.add_argument("--method", metavar="NAME", help="what is asked, where the request does not "
                     "say: private/pme/simulate (default) or private/simulate_portfolio of "
                     "Deribit; account/position-builder of OKX")


def _reconciliations(sub: ArgumentParser) -> None:
    sub.add_argument("portfolio", metavar="FILE", help="portfolio file with the market and one "
                     "account; - reads standard input")
    sub.add_argument("report", metavar="REPORT", help="what the venue reports for that account "
                     "(JSON): Deribit private/pme/simulate, get_account_summary or get_positions, "
                     "OKX account/position-builder, Bybit asset/portfolio-margin")
    sub.add_argument("--model", metavar="NAME", help="margin model; default: that of the report")
    _json(sub)


def _check_models(sub: ArgumentParser) -> None:
    sub.add_argument("place", metavar="MODULE:CLASS", help="the model's class, or an instance of "
                     "it, like my_package.my_venue:MyVenue; its module is imported")
    sub.add_argument("--market", metavar="SNAPSHOT", help="a snapshot or an option chain that "
                     "lists what the model covers; default: the simulated market")
    _json(sub)


def _parameter_checks(sub: ArgumentParser) -> None:
    sub.add_argument("action", choices=("check",), help="say what speaks against parameters")
    sub.add_argument("file", metavar="FILE", help="dated sections, as beside a model, or a table "
                     "of changes, as parameters in a portfolio file (JSON)")
    sub.add_argument("--model", metavar="NAME", help="whose parameters; default: what the file "
                     "says")
    _at(sub, "changes on top of the parameters in force at this time, like 2026-02-05T21:29:37Z")
    _json(sub)


def _factor_histories(sub: ArgumentParser) -> None:
    sub.add_argument("action", choices=("build", "describe"), help="make a factor history, or say "
                     "what one holds")
    sub.add_argument("file", nargs="?", metavar="FILE", help="the factor history (Parquet); "
                     "describe without one: the simulated history")
    for name, words in (
            ("--prices", "daily or hourly closes (CSV or Parquet): symbol, date or ts, close"),
            ("--perpetual-closes", "the same of perpetuals, where a file has no column market"),
            ("--chains", "option chains"), ("--vol-index", "volatility indices in percent"),
            ("--funding", "funding rates: symbol, ts, rate"), ("--pegs", "closes of stable and "
                                                               "staking tokens")):
        sub.add_argument(name, nargs="+", default=[], metavar="PATH", help=words + "; CODE=PATH "
                         "says whose they are" if name != "--chains" else words)
    sub.add_argument("--perpetuals", metavar="PATH", help="prices of perpetuals at the snapshots")
    sub.add_argument("--staked", nargs="+", default=[], metavar="TOKEN=COIN", help="what a staking "
                     "token is held to, like BETH=ETH")
    sub.add_argument("--without", nargs="+", default=[], metavar="CODE", help="leave these out")
    sub.add_argument("--gap", dest="gaps", nargs="+", default=[], metavar="CODE=DATE", help="days "
                     "on which a price changed its unit: no move is taken, the table of gaps says "
                     "so")
    sub.add_argument("--append", action="store_true", help="add days to an existing history")
    _json(sub)


def _at(sub: ArgumentParser, words: str) -> None:
    sub.add_argument("--at", metavar="TIME", help=words)


def _json(sub: ArgumentParser) -> None:
    sub.add_argument("--json", action="store_true", help="print one JSON object")


def _question(given: Namespace) -> Question:
    return Question(files=tuple(given.files), positions=given.positions, market=given.market,
                    perpetuals=given.perpetuals, at=given.at, symbols=given.symbols,
                    model=getattr(given, "model", None), plot=getattr(given, "plot", None),
                    parameters_as_of=tuple(getattr(given, "parameters_as_of", ())),
                    parameters=getattr(given, "parameters", None),
                    as_json=given.json, threads=given.threads)


def _margin(given: Namespace) -> int:
    from counterpoise.apps.cli.margin import margin

    return margin(_question(given))


def _explain(given: Namespace) -> int:
    from counterpoise.apps.cli.margin import explain

    return explain(_question(given))


def _compare(given: Namespace) -> int:
    from counterpoise.apps.cli.comparison import compare

    return compare(_question(given), models=given.models, restate=given.restate)


def _stress(given: Namespace) -> int:
    from counterpoise.apps.cli.stress import Sizes, stress

    names = ("events", "only", "smile", "size", "vol", "delays", "path", "reverse")
    return stress(_question(given), Sizes(**{name: getattr(given, name) for name in names}))


def _greeks(given: Namespace) -> int:
    from counterpoise.apps.cli.looks import greeks

    return greeks(_question(given))


def _chain(given: Namespace) -> int:
    from counterpoise.apps.cli.looks import chain

    return chain(given.market, at=given.at, perpetuals=given.perpetuals, as_json=given.json)


def _schema(given: Namespace) -> int:
    from counterpoise.apps.cli.looks import schema

    return schema()


def _list_models(given: Namespace) -> int:
    from counterpoise.apps.cli.looks import models

    return models(at=given.at, as_json=given.json)


def _simulate(given: Namespace) -> int:
    from counterpoise.apps.cli.simulation import simulate

    return simulate(given.portfolio, given.request, venue=given.venue, method=given.method)


def _reconcile(given: Namespace) -> int:
    from counterpoise.apps.cli.reconciliation import reconcile

    return reconcile(given.portfolio, given.report, model=given.model, as_json=given.json)


def _check_model(given: Namespace) -> int:
    from counterpoise.apps.cli.judgements import check_model

    return check_model(given.place, market=given.market, as_json=given.json)


def _parameters(given: Namespace) -> int:
    from counterpoise.apps.cli.judgements import check_parameters

    return check_parameters(given.file, model=given.model, at=given.at, as_json=given.json)


def _factors(given: Namespace) -> int:
    from counterpoise.apps.cli.factors import build, describe
    from counterpoise.apps.factors import FactorFiles

    if given.action == "describe":
        return describe(given.file, as_json=given.json)
    files = FactorFiles(**{name: tuple(getattr(given, name)) for name in (
        "prices", "perpetual_closes", "chains", "vol_index", "funding", "pegs", "staked",
        "without", "gaps")}, perpetuals=given.perpetuals)
    return build(given.file, files, append=given.append, as_json=given.json)


def _calibrations(sub: ArgumentParser) -> None:
    from counterpoise.apps.cli.calibrating import options

    options(sub)


def _calibrate(given: Namespace) -> int:
    from counterpoise.apps.cli.calibrating import calibrate

    return calibrate(given)


def _backtests(sub: ArgumentParser) -> None:
    from counterpoise.apps.cli.backtest import options

    options(sub)


def _backtest(given: Namespace) -> int:
    from counterpoise.apps.cli.backtest import backtest

    return backtest(given)


def _validations(sub: ArgumentParser) -> None:
    from counterpoise.apps.cli.validation import options

    options(sub)


def _validate(given: Namespace) -> int:
    from counterpoise.apps.cli.validation import validate

    return validate(given)


COMMANDS: Final = {
    "margin": Command(purpose="how much margin portfolios need", options=_margins,
                      answer=_margin),
    "explain": Command(purpose="which positions the margin comes from, and what closing each leg "
                       "would change", options=_margins, answer=_explain),
    "compare": Command(purpose="one portfolio under several margin models, side by side in USD",
                       options=_comparisons, answer=_compare),
    "stress": Command(purpose="what bad days would cost today's book, and which margin would have "
                      "held", options=_stresses, answer=_stress),
    "greeks": Command(purpose="sensitivities and value by underlying and expiry",
                      options=_portfolios, answer=_greeks),
    "chain": Command(purpose="what a market snapshot holds: forwards, volatilities, quality",
                     options=_chains, answer=_chain),
    "schema": Command(purpose="the JSON Schema of the portfolio file", options=_json,
                      answer=_schema),
    **{name: Command(purpose=purpose, options=options, answer=answer)
       for name, purpose, options, answer in LOG_COMMANDS},
    "models": Command(purpose="the margin models, the dates of their parameters, our readings",
                      options=_models, answer=_list_models),
    "simulate": Command(purpose="a venue's what-if request, answered in the venue's shape",
                        options=_simulations, answer=_simulate),
    "reconcile": Command(purpose="a venue's own figures beside ours, and why they differ",
                         options=_reconciliations, answer=_reconcile),
    "check-model": Command(purpose="does a margin model, ours or yours, keep its promises",
                           options=_check_models, answer=_check_model),
    "parameters": Command(purpose="what speaks against proposed parameters of a margin model",
                          options=_parameter_checks, answer=_parameters),
    "factors": Command(purpose="the history of risk factors: make one from your files, or say "
                       "what one holds", options=_factor_histories, answer=_factors),
    "calibrate": Command(purpose="parameters of the model dynamic from a factor history, with "
                         "diagnostics", options=_calibrations, answer=_calibrate),
    "backtest": Command(purpose="would the margin have held: requirements of recorded days "
                        "against the losses that followed", options=_backtests, answer=_backtest),
    "validate": Command(purpose="would the frozen forecasts have held, on years of real days",
                        options=_validations, answer=_validate),
}
