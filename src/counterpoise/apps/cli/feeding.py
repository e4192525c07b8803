"""`counterpoise feed`: events of your own into a log of the engine, one JSON object a line."""

import os
import stat
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from counterpoise.apps.cli.live import desk_of, threads_of
from counterpoise.apps.cli.output import (
    ANSWERED,
    JUDGED_AGAINST,
    SHOWN_MAX,
    show,
    show_json,
    show_json_line,
)
from counterpoise.apps.cli.progress import counted
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.time import DAY_NS

_STANDARD_INPUT: Final = "-"
_OUTAGE_DAYS_MAX: Final = 36_500


def options(sub: ArgumentParser) -> None:
    """Add the options of the command."""
    sub.add_argument("store", nargs="?", metavar="LOG", help="the folder of a log, or the address "
                     "of a PostgreSQL store")
    sub.add_argument("file", nargs="?", metavar="FILE", help="events, one JSON object a line; - "
                     "reads standard input, and answers as lines come")
    sub.add_argument("--new", metavar="GENESIS", help="make the log where there is none: the JSON "
                     "file of what it begins with (docs/methodology/running.md); with no FILE, "
                     "that alone")
    sub.add_argument("--after-outage", type=float, metavar="DAYS", help="the log lay for at most "
                     "DAYS: the engine restarts at the time of the first new event, over 366 days "
                     "by several restarts; default: it restarts at the time the log ended with")
    sub.add_argument("--schema", action="store_true", help="print the JSON Schema of an event, and "
                     "do nothing else")
    sub.add_argument("--threads", type=int, default=1, metavar="N",
                     help="threads of the engine; the root stays the same")
    sub.add_argument("--desk", metavar="PLACE", help="where decisions on parameters are filed; "
                     "default: the folder desk inside LOG (counterpoise governance)")
    sub.add_argument("--json", action="store_true", help="print every effect as a JSON object, "
                     "once it is durable, and a last object with what came of the feed")


def feed_engine(given: Namespace) -> int:
    """Feed a log; return the exit code, `JUDGED_AGAINST` where an event was refused."""
    if given.schema:
        from counterpoise.adapters.event_schema import event_schema

        show_json(event_schema())
        return ANSWERED
    if given.store is None or given.file is None and given.new is None:
        raise bad_input(Reason.BAD_VALUE, "feed", "needs the LOG, and a FILE of events (- for "
                        "standard input) or --new GENESIS")
    return _fed(given)


def _fed(given: Namespace) -> int:
    from counterpoise.adapters.genesis_file import read_genesis
    from counterpoise.adapters.store.store import StoreStopped
    from counterpoise.apps.engine_writer import ON_THEIR_WAY, equipment_of_all
    from counterpoise.apps.feed import Feeding, feed
    from counterpoise.apps.report.fed import effect_documents, fed_document, fed_text

    equipment = equipment_of_all(threads_of(given))
    begin = given.new and read_genesis(given.new, equipment)
    refused: list[Any] = []

    def heard(durable: Any, wrong: Any) -> None:
        refused.extend(wrong[:SHOWN_MAX - len(refused)])
        for document in effect_documents(durable) if given.json else ():
            show_json_line(document)

    with _batches(given.file) as (batches, waits):
        where = Feeding(place=given.store, begin=begin, desk=desk_of(given),
                        left=0 if waits else ON_THEIR_WAY - 1,
                        outage_max_ns=_outage_max_ns(given.after_outage))
        try:
            fed = feed(where, batches, equipment=equipment, heard=heard)
        except StoreStopped as stopped:
            raise bad_input(Reason.UNREADABLE, given.store.split("@")[-1], "takes nothing more "
                            f"({stopped}); what was acknowledged is kept: mend the disk or the "
                            "server and feed the same again") from None
    if given.json:
        show_json_line(fed_document(fed))
    else:
        show(fed_text(fed, refused, given.store.split("@")[-1]))
    return JUDGED_AGAINST if fed.refused else ANSWERED


def _outage_max_ns(days: float | None) -> int:
    if days is not None and not 0 < days <= _OUTAGE_DAYS_MAX:
        raise bad_input(Reason.BAD_VALUE, "--after-outage", f"{days:g} days; use more than 0, at "
                        f"most {_OUTAGE_DAYS_MAX:,}")
    return 0 if days is None else round(days * DAY_NS)


@contextmanager
def _batches(path: str | None) -> Iterator[tuple[Any, bool]]:
    """Yield batches of lines, and whether somebody waits for what follows from each."""
    from counterpoise.adapters.event_lines import READ_BYTES, line_batches

    if path is None:
        yield (), False
        return
    with _opened(path) as (read, size):
        batches = line_batches(read)
        yield (counted(batches, "feed, MiB", -(-size // READ_BYTES), every=1) if size
               else batches), not size


@contextmanager
def _opened(path: str) -> Iterator[tuple[Callable[[int], bytes], int]]:
    """Yield what reads the bytes of a file, and its size, 0 where that is not known."""
    if path == _STANDARD_INPUT:
        number = sys.stdin.fileno()
        yield lambda size: os.read(number, size), _size(number)
        return
    try:
        with open(path, "rb", buffering=0) as file:
            yield lambda size: file.read(size) or b"", _size(file.fileno())
    except OSError as error:
        raise bad_input(Reason.UNREADABLE, path, f"cannot be read ({error.strerror})") from None


def _size(number: int) -> int:
    status = os.fstat(number)
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
