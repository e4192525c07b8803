"""`counterpoise validate`: would the frozen forecasts have held on a folder of market data?"""

import sys
from argparse import ArgumentParser, Namespace
from typing import Final

from counterpoise.apps.cli.output import ANSWERED, show, show_json, wants_bold
from counterpoise.apps.cli.progress import bar

_PARTS: Final = ("history", "forecasts", "scores")


def options(sub: ArgumentParser) -> None:
    """Add the options of the command."""
    sub.add_argument("--data", required=True, metavar="FOLDER", help="market data: prices/, "
                     "vol_index/ and funding/ as Parquet")
    sub.add_argument("--until", metavar="DATE", help="the last day that is read, like "
                     "2023-12-31; default: that of the published figures")
    sub.add_argument("--configuration", metavar="FILE", help="another frozen configuration (JSON)")
    sub.add_argument("--plot", metavar="PICTURE", help="also draw breaches against the average "
                     "requirement: a .png or .html file")
    sub.add_argument("--json", action="store_true", help="print one JSON object")


def validate(given: Namespace) -> int:
    """Judge the forecasts, print the tables or one JSON object; return the exit code."""
    from counterpoise.apps.report.pictures import refuse_undrawable
    from counterpoise.apps.report.validation import document, draw, lines
    from counterpoise.apps.validation_run import LAST_DAY, validation_of

    if given.plot is not None:
        refuse_undrawable(given.plot)
    judgement = validation_of(given.data, until=given.until or LAST_DAY,
                              configuration=given.configuration, step=_begun)
    if given.plot is not None:
        draw(judgement.curves, given.plot)
    if given.json:
        show_json(document(judgement))
    else:
        show(lines(judgement, bold=wants_bold(sys.stdout)))
    return ANSWERED


def _begun(part: str) -> None:
    """Say on a terminal which part has begun; they take minutes together."""
    if sys.stderr.isatty():
        done = _PARTS.index(part)
        sys.stderr.write("\r\x1b[K" + (bar(part, done, len(_PARTS)) if done < 2 else ""))
        sys.stderr.flush()
