"""`counterpoise backtest`: would the margin have held?"""

import os
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Final

from counterpoise.apps.cli.output import ANSWERED, show, show_json, wants_bold
from counterpoise.apps.cli.progress import tracked
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.time import DAY_NS, parse_instant

if TYPE_CHECKING:  # read where it is used: the command line starts without it
    from counterpoise.adapters.worlds import Place

_DAY_LENGTH: Final = len("2026-02-05")
_HORIZON_MAX: Final = 30
_PROCESSES_MAX: Final = 256
_DAYS_MAX: Final = 20_000


def options(sub: ArgumentParser) -> None:
    """Add the options of the command."""
    add = sub.add_argument
    add("market", nargs="?", metavar="MARKET", help="a folder of option chains, one chain, or a "
        "table of daily prices; none: a simulated market")
    add("--model", default="deribit_spm", metavar="NAMES", help="margin models, separated by "
        "commas; LABEL=NAME where one model stands with several parameters; default: deribit_spm")
    add("--parameters", action="append", default=[], metavar="[MODEL=]PATH", help="dated "
        "parameters of a model (JSON), or a folder of such files; each day takes those in force; "
        "repeat for several models")
    add("--portfolio", action="append", default=[], metavar="NAME", help="portfolios whose name "
        "begins so, like 'BTC short'; repeat for several; default: the whole set")
    add("--from", dest="begin", metavar="DATE", help="first day of a margin, like 2026-01-05")
    add("--to", dest="end", metavar="DATE", help="last day of a margin")
    add("--horizon", type=int, default=1, metavar="DAYS", help="margin period of risk; default 1")
    add("--level", type=float, default=0.99, metavar="P", help="wanted coverage; default 0.99")
    add("--margin", choices=("initial", "maintenance"), default="initial",
        help="which requirement; default: initial")
    add("--coins", default="BTC,ETH", metavar="CODES", help="coins of a table of prices; default: "
        "BTC,ETH")
    add("--perpetuals", metavar="FILE", help="prices of perpetuals beside option chains")
    add("--volatility", action="append", default=[], metavar="FILE", help="a volatility index "
        "beside daily prices; repeat for several coins")
    add("--surfaces", metavar="FILE", help="fitted volatility surfaces beside daily prices")
    add("--funding", metavar="FILE", help="funding rates of perpetuals")
    add("--seed", type=int, default=7, metavar="N", help="of the simulated market; default 7")
    add("--days", type=int, default=750, metavar="N", help="of the simulated market; default 750")
    add("--processes", type=int, default=os.cpu_count() or 1, metavar="N",
        help="how many work at once; the numbers stay the same")
    add("--resume", metavar="FILE", help="keep what is done in this file, and go on from it")
    add("--html", metavar="FILE", help="also write a report with pictures, one file")
    add("--disclosure", metavar="FILE", help="also write the quantitative disclosure: .json, .csv")
    add("--json", action="store_true", help="print one JSON object")


def backtest(given: Namespace) -> int:
    """Run the backtest that was asked for and return the exit code."""
    _refuse_odd(given)
    from counterpoise.apps.backtest import Trial, run
    from counterpoise.apps.report.backtest import backtest_document, backtest_text, told
    from counterpoise.apps.report.backtest_page import write_page
    from counterpoise.apps.report.disclosure import refuse_unwritable, write_disclosure
    from counterpoise.backtest.series import Terms

    if given.disclosure is not None:
        refuse_unwritable(given.disclosure)
    models = _names(given.model)
    trial = Trial(place=_place(given), models=models, parameters=_parameters(given, models),
                  portfolios=tuple(given.portfolio), begin=_instant(given.begin, "--from"),
                  end=_end(given.end), horizon_days=given.horizon)
    found = told(run(trial, processes=given.processes, kept=given.resume,
                     tracked=lambda jobs: tracked(jobs, "backtest")),
                 Terms(margin=given.margin, level=given.level, horizon_days=given.horizon))
    if given.html is not None:
        write_page(found, given.html)
    if given.disclosure is not None:
        write_disclosure(found, given.disclosure)
    if given.json:
        show_json(backtest_document(found))
    else:
        show(backtest_text(found, bold=wants_bold(sys.stdout)))
    return ANSWERED


def _place(given: Namespace) -> "Place":
    from counterpoise.adapters.worlds import Place

    return Place(market=given.market, coins=_names(given.coins), perpetuals=given.perpetuals,
                 volatilities=tuple(given.volatility), surfaces=given.surfaces,
                 funding=given.funding, seed=given.seed, days=given.days)


def _parameters(given: Namespace, models: tuple[str, ...]) -> dict[str, str]:
    """Return {model: path} of what was typed as MODEL=PATH, or as PATH where there is one model."""
    found: dict[str, str] = {}
    wrong = []
    for text in given.parameters:
        owner = next((m for m in models if text.startswith(f"{_label(m)}=")), None)
        path = text if owner is None else text[len(_label(owner)) + 1:]
        if owner is None and len(models) > 1:
            wrong.append(f"{text!r} belongs to one of several models; write MODEL={text}, MODEL "
                         f"one of {', '.join(_label(m) for m in models)}")
        elif (owner or models[0]) in found:
            wrong.append(f"{text!r} is a second one of {_label(owner or models[0])}; give one")
        found[owner or models[0]] = path
    if wrong:
        raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject="--parameters", sentence=why)
                         for why in wrong))
    return found


def _label(model: str) -> str:
    return model.partition("=")[0]


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _instant(text: str | None, subject: str) -> int:
    if text is None:
        return 0
    return parse_instant(text + "T00:00:00Z" if len(text) == _DAY_LENGTH else text,
                         subject=subject)


def _end(text: str | None) -> int:
    """Return the end of a day, or the instant that was typed."""
    day = text is not None and len(text) == _DAY_LENGTH
    return _instant(text, "--to") + (DAY_NS - 1 if day else 0)


def _refuse_odd(given: Namespace) -> None:
    wrong, names = [], _names(given.model)
    if not 0.5 <= given.level < 1:
        wrong.append(("--level", f"{given.level} is no coverage; use 0.5 to below 1, like 0.99"))
    if not 1 <= given.horizon <= _HORIZON_MAX:
        wrong.append(("--horizon", f"{given.horizon}; use 1 to {_HORIZON_MAX} days"))
    if not 1 <= given.processes <= _PROCESSES_MAX:
        wrong.append(("--processes", f"{given.processes}; use 1 to {_PROCESSES_MAX}"))
    if not 60 <= given.days <= _DAYS_MAX:
        wrong.append(("--days", f"{given.days}; use 60 to {_DAYS_MAX}"))
    if not names:
        wrong.append(("--model", "names none; counterpoise models lists them"))
    labels = [_label(name) for name in names]
    wrong += [("--model", f"names {label} twice; give each its own label, like a={label}")
              for label in sorted(set(labels)) if labels.count(label) > 1]
    wrong += [("--model", f"{name!r} is not LABEL=NAME, both with a name") for name in names
              if name.startswith("=") or name.endswith("=")]
    if wrong:
        raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=s, sentence=w)
                         for s, w in wrong))
