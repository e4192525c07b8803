"""Which commands are there for event logs? Their words, and nothing else."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Final

Answer = Callable[[Namespace], int]


def _place(sub: ArgumentParser) -> None:
    sub.add_argument("store", metavar="STORE", help="the folder of a log, or the address of a "
                     "PostgreSQL store: postgresql://user@host/database")


def _threads(sub: ArgumentParser) -> None:
    sub.add_argument("--threads", type=int, default=1, metavar="N",
                     help="threads of the engine; the root stays the same")


def _json(sub: ArgumentParser) -> None:
    sub.add_argument("--json", action="store_true", help="print one JSON object")


def _replays(sub: ArgumentParser) -> None:
    _place(sub)
    sub.add_argument("--from", dest="start", default="first", metavar="SNAPSHOT", help="first "
                     "(default), last, or the record of a snapshot")
    _threads(sub)
    _json(sub)


def _verifications(sub: ArgumentParser) -> None:
    _place(sub)
    sub.add_argument("--witness", metavar="NUMBER:HASH", help="a mark that was acknowledged and "
                     "must lie in the log: finds one that was cut off or replaced")
    _threads(sub)
    _json(sub)


def _inspections(sub: ArgumentParser) -> None:
    _place(sub)
    sub.add_argument("account", nargs="?", metavar="ACCOUNT", help="whose life; none: where all "
                     "accounts stand, the riskiest first")
    whole = sub.add_mutually_exclusive_group()
    whole.add_argument("--events", action="store_true", help="every event of the log as a line of "
                       "JSON, which counterpoise feed reads")
    whole.add_argument("--genesis", action="store_true", help="what the log began with, as the "
                       "file that counterpoise feed --new reads")
    _json(sub)


def _copies(sub: ArgumentParser) -> None:
    _place(sub)
    sub.add_argument("target", metavar="TARGET", help="a new folder, or a PostgreSQL address "
                     "without a store")
    _json(sub)


def _exports(sub: ArgumentParser) -> None:
    _place(sub)
    sub.add_argument("path", metavar="FILE", help="the Parquet file to write")
    _json(sub)


def _retentions(sub: ArgumentParser) -> None:
    _place(sub)
    sub.add_argument("--snapshots", type=int, default=2, metavar="N", help="how many of the newest "
                     "snapshots to keep (default 2), and the records after the oldest of them")
    _json(sub)


def _replay(given: Namespace) -> int:
    from counterpoise.apps.cli.live import threads_of
    from counterpoise.apps.cli.logs import replay

    return replay(given.store, start=given.start, threads=threads_of(given), as_json=given.json)


def _verify(given: Namespace) -> int:
    from counterpoise.apps.cli.live import threads_of
    from counterpoise.apps.cli.logs import verify

    return verify(given.store, witness=given.witness, threads=threads_of(given),
                  as_json=given.json)


def _inspect(given: Namespace) -> int:
    from counterpoise.apps.cli import logs

    if given.events or given.genesis:
        return (logs.events if given.events else logs.genesis)(given.store, given.account)
    return logs.inspect(given.store, given.account, as_json=given.json)


def _carry(given: Namespace) -> int:
    from counterpoise.apps.cli.logs import carry

    return carry(given.store, given.target, as_json=given.json,
                 upgrade=given.command == "upgrade")


def _export(given: Namespace) -> int:
    from counterpoise.apps.cli.logs import export

    return export(given.store, given.path, as_json=given.json)


def _retain(given: Namespace) -> int:
    from counterpoise.apps.cli.logs import retain

    return retain(given.store, snapshots=given.snapshots, as_json=given.json)


def _reindexings(sub: ArgumentParser) -> None:
    _place(sub)
    _json(sub)


def _reindex(given: Namespace) -> int:
    from counterpoise.apps.cli.logs import reindex

    return reindex(given.store, as_json=given.json)


def _runs(sub: ArgumentParser) -> None:
    from counterpoise.apps.cli.live import options

    options(sub)


def _run_engine(given: Namespace) -> int:
    from counterpoise.apps.cli.live import run_engine

    return run_engine(given)


def _feeds(sub: ArgumentParser) -> None:
    from counterpoise.apps.cli.feeding import options

    options(sub)


def _feed(given: Namespace) -> int:
    from counterpoise.apps.cli.feeding import feed_engine

    return feed_engine(given)


def _governances(sub: ArgumentParser) -> None:
    sub.add_argument("action", choices=("open", "propose", "impact", "approve", "activate",
                                        "withdraw", "list", "show"),
                     help="open a desk by a charter (FILE); propose terms or another charter "
                     "(FILE); impact: what a "
                     "proposal (ID) would do to every account, filed as what approvals refer to; "
                     "approve, activate or withdraw it; list all, or show one")
    _place(sub)
    sub.add_argument("what", nargs="?", metavar="ID|FILE", help="the proposal, or the JSON file of "
                     "a charter or a proposal (docs/methodology/governance.md)")
    sub.add_argument("--by", metavar="NAME", help="who does it")
    sub.add_argument("--reason", metavar="TEXT", help="why it is withdrawn")
    sub.add_argument("--desk", metavar="PLACE", help="where the desk lies; default: the folder "
                     "desk inside STORE")
    sub.add_argument("--plot", metavar="PAGE", help="impact: also write a page with a picture "
                     "(.html)")
    _threads(sub)
    _json(sub)


def _governance(given: Namespace) -> int:
    from counterpoise.apps.cli.governance import governance

    return governance(given)


LOG_COMMANDS: Final[tuple[tuple[str, str, Callable[[ArgumentParser], None], Answer], ...]] = (
    ("run", "the engine and its store on a simulated or recorded market, watched", _runs,
     _run_engine),
    ("feed", "events of your own into a log of the engine, as lines of JSON", _feeds, _feed),
    ("replay", "an event log applied again: the root it leads to", _replays, _replay),
    ("verify", "does an event log hold together and lead where it says; the first divergence",
     _verifications, _verify),
    ("reindex", "the index of an event log made again from its records", _reindexings, _reindex),
    ("inspect", "an account's life, event by event; or where all stand", _inspections, _inspect),
    ("governance", "parameters of a running engine: proposed, weighed, approved, activated",
     _governances, _governance),
    ("backup", "a checked copy of an event log, also while it is written", _copies, _carry),
    ("restore", "a backup carried to a new place", _copies, _carry),
    ("upgrade", "an older log format written in the newest to a new place", _copies, _carry),
    ("export", "an event log as a Parquet table", _exports, _export),
    ("retain", "forget old records that snapshots stand for", _retentions, _retain),
)
