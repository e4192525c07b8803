"""`counterpoise run`: the engine and its store on a simulated or a recorded market, watched."""

import signal
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from counterpoise.apps.cli.output import ANSWERED, show, show_json_line, wants_bold
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.time import SECOND_NS, parse_instant

_LINES_EVERY_SECONDS: Final = 1.0
_PAGES_EVERY_SECONDS: Final = 0.1
_EVENTS_OF_ACCOUNTS: Final = 20
THREADS_MAX: Final = 1024
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def options(sub: ArgumentParser) -> None:
    """Add the options of the command."""
    sub.add_argument("store", metavar="STORE", help="where the log is kept: a folder (made when "
                     "new), or the address of a PostgreSQL store; a log that is there is gone on "
                     "with")
    sub.add_argument("--market", metavar="PATH", help="a recorded market: a folder of snapshot "
                     "files or a table of prices (ts, symbol, close, perhaps market); default: "
                     "the simulated market of --seed")
    sub.add_argument("--coins", default="BTC,ETH", metavar="CODES", help="coins of a table of "
                     "prices (default BTC,ETH)")
    sub.add_argument("--day", metavar="YYYY-MM-DD", help="one day of a table of prices")
    sub.add_argument("--stressed", action="store_true", help="begin on the simulated stressed day")
    sub.add_argument("--interval", type=float, default=60.0, metavar="SECONDS",
                     help="simulated time between two prices (default 60)")
    sub.add_argument("--accounts", type=int, default=1000, metavar="N",
                     help="simulated accounts (default 1000)")
    sub.add_argument("--events", type=int, metavar="N", help="account events at each step; "
                     "default: one for twenty accounts, 20 at least")
    sub.add_argument("--model", default="deribit_spm", metavar="NAME", help="whose rules margin "
                     "the accounts (default deribit_spm)")
    sub.add_argument("--seed", type=int, default=7, metavar="N", help="of market and accounts")
    sub.add_argument("--speed", type=float, default=0.0, metavar="X", help="market time over real "
                     "time; 0 (default): as fast as it goes")
    sub.add_argument("--steps", type=int, metavar="N", help="stop after N steps")
    sub.add_argument("--until", metavar="TIME", help="stop before the first step after this time "
                     "of the market, such as 2026-01-14T13:00:00Z")
    sub.add_argument("--snapshot-every", type=int, default=50, metavar="N",
                     help="steps between two snapshots of the state (default 50)")
    sub.add_argument("--threads", type=int, default=1, metavar="N",
                     help="threads of the engine; the root stays the same")
    sub.add_argument("--desk", metavar="PLACE", help="where decisions on parameters are filed; "
                     "default: the folder desk inside STORE (counterpoise governance)")
    sub.add_argument("--json", action="store_true", help="print a JSON object for every batch "
                     "that is durable, and a last one")


def run_engine(given: Namespace) -> int:
    """Run the engine until its plan ends or a signal stops it; return the exit code."""
    from counterpoise.adapters.store.store import StoreStopped
    from counterpoise.apps.engine_run import market_in, run
    from counterpoise.apps.report.engine_view import progress_document, summary
    from counterpoise.apps.report.log_source import market_line

    plan = _plan(given)
    shown = plan.place.split("@")[-1]
    stop = threading.Event()
    source = market_line(market_in(plan.course))
    with _stopped_by_signals(stop), _watched(given.json, source) as seen:
        try:
            last = run(plan, stop=stop, seen=seen)
        except StoreStopped as stopped:
            raise bad_input(Reason.UNREADABLE, shown, f"takes nothing more ({stopped}); what was "
                            "acknowledged is kept: mend the disk or the server and run again"
                            ) from None
    if given.json:
        show_json_line({"ended": "signal" if stop.is_set() else "plan", **progress_document(last)})
    else:
        show(summary(last, shown))
    return ANSWERED


def _plan(given: Namespace) -> Any:
    from counterpoise.apps.crowd import Crowd
    from counterpoise.apps.engine_run import Plan

    for name, least in (("steps", 0), ("snapshot_every", 1), ("speed", 0), ("seed", 0)):
        value = getattr(given, name)
        if value is not None and not least <= value < 2**31:
            raise bad_input(Reason.BAD_VALUE, f"--{name.replace('_', '-')}", f"{value}; at least "
                            f"{least}")
    events = given.events if given.events is not None else max(
        20, given.accounts // _EVENTS_OF_ACCOUNTS)
    crowd = Crowd(accounts=given.accounts, events=events, model=given.model, seed=given.seed)
    return Plan(place=given.store, course=_course(given), crowd=crowd, threads=threads_of(given),
                speed=given.speed, steps=given.steps, snapshot_every=given.snapshot_every,
                desk=desk_of(given),
                until=given.until and parse_instant(given.until, subject="--until"))


def threads_of(given: Namespace) -> int:
    """Return --threads; raise `BadInput` where an engine cannot have so many or so few."""
    if not 1 <= given.threads <= THREADS_MAX:
        raise bad_input(Reason.BAD_VALUE, "--threads", f"{given.threads}; use 1 to {THREADS_MAX}")
    return int(given.threads)


def desk_of(given: Namespace) -> str:
    """Return where decisions on parameters are filed, "" for a server's log without --desk."""
    from counterpoise.adapters.desk import desk_place

    on_server = "://" in given.store and given.desk is None
    return "" if on_server else desk_place(given.store, given.desk)


def _course(given: Namespace) -> Any:
    from counterpoise.adapters.recorded_course import recorded_course
    from counterpoise.market.course import simulated_course

    if given.market is None:
        if not 0.1 <= given.interval <= 3600:
            raise bad_input(Reason.BAD_VALUE, "--interval", f"{given.interval:g}; use 0.1 to 3600 "
                            "seconds")
        return simulated_course(seed=given.seed, stressed=given.stressed,
                                interval_ns=round(given.interval * SECOND_NS))
    day = given.day and parse_instant(f"{given.day}T00:00:00Z", subject="--day")
    return recorded_course(given.market, coins=tuple(sorted(set(given.coins.split(",")))), day=day)


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Let signals ask for a clean end; a second one of a kind ends the process as usual."""
    before = {name: signal.getsignal(name) for name in _SIGNALS}

    def heard(number: int, _: Any) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    for name in _SIGNALS:
        signal.signal(name, heard)
    try:
        yield
    finally:
        for name in _SIGNALS:
            signal.signal(name, before[name])


@contextmanager
def _watched(as_json: bool, source: str) -> Iterator[Any]:
    """Yield what shows progress: JSON lines, a page on a terminal that has `rich`, or lines."""
    from counterpoise.apps.report.engine_view import page, progress_document, progress_line

    if as_json:
        yield lambda now: show_json_line(progress_document(now))
        return
    live = _live()
    if live is None:
        show([source])
        yield _now_and_then(lambda now: _say(progress_line(now)), _LINES_EVERY_SECONDS)
        return
    with live:
        yield _now_and_then(lambda now: live.update(page(now, source), refresh=True),
                            _PAGES_EVERY_SECONDS)


def _say(line: str) -> None:
    show([line])
    sys.stdout.flush()


def _live() -> Any:
    if not wants_bold(sys.stdout):
        return None
    try:
        from rich.console import Console
        from rich.live import Live
    except ImportError:
        return None
    return Live(auto_refresh=False, transient=True, console=Console(force_terminal=True))


def _now_and_then(shown: Any, seconds: float) -> Any:
    """Return what shows at most every so many seconds."""
    last = [-seconds]

    def seen(now: Any) -> None:
        if time.monotonic() - last[0] >= seconds:
            last[0] = time.monotonic()
            shown(now)

    return seen
