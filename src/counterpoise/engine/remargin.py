"""Every account of a segment, or those that changed, margined at the snapshot.

Overlays become columns first, so that one computation sees the whole segment; where it stands, what
it is called for and what differs from before follow from the same table.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from counterpoise.accounts.book import Book, accounts_of
from counterpoise.engine.calls import judged
from counterpoise.engine.draft import Draft
from counterpoise.engine.effects import Alert, AlertTopic, RequirementsChanged
from counterpoise.engine.freshness import doubtful, trust
from counterpoise.engine.groups import as_groups, with_partners
from counterpoise.engine.margins import Table, can_margin, margins
from counterpoise.engine.shards import compacted, grown
from counterpoise.engine.state import NEVER, Shard, Standing, no_standing
from counterpoise.margin.compute import STATUS
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced

Ints = np.ndarray[Any, np.dtype[np.int64]]
_CODES = ("initial", "maintenance", "balance", "status")
_COLUMNS = ("initial", "maintenance", "balance", "status", "level", "call", "issued", "deadline",
            "amount")
ROWS_MAX = 1 << 20
"""Rows that one `RequirementsChanged` tells of, so that a record of a log takes it."""
_UNKNOWN = STATUS.index("unknown")


def remargined(draft: Draft, segment: int, *, changed_only: bool) -> None:
    """Margin the accounts of a segment at the snapshot, or only those that changed since theirs."""
    mine = [k for k, shard in enumerate(draft.shards) if shard.segment == segment]
    if not mine or not can_margin(draft, segment):
        return
    if changed_only and not any(_changed(draft.shards[k]) for k in mine):
        _overdue(draft, segment, mine)
        return
    shards, book = compacted([draft.shards[k] for k in mine])
    was = joined_standing(shards)
    rows = np.flatnonzero(was.snapshot == NEVER) if changed_only else np.arange(len(book))
    if changed_only:
        rows = np.union1d(rows, _due(was, draft.state.time))
    rows = with_partners(draft.state.ties, book.accounts, rows)
    asked = book if len(rows) == len(book) else accounts_of(book, rows)
    draft.row_numbers[segment] = asked.accounts
    _stood(draft, segment, (mine, shards), asked, (was, rows))


def _changed(shard: Shard) -> bool:
    standing = shard.standing.snapshot
    return bool(shard.overlay) or shard.size > len(standing) or bool((standing == NEVER).any())


def _due(standing: Standing, time: int) -> Ints:
    due = (standing.deadline > 0) & (standing.deadline <= time)
    return np.flatnonzero(np.logical_or.reduce(due, axis=1)) if due.size else np.zeros(0, np.int64)


def _overdue(draft: Draft, segment: int, mine: Sequence[int]) -> None:
    """Margin the accounts again whose deadline has come, where no account changed."""
    shards = [draft.shards[k] for k in mine]
    if not any(len(_due(s.standing, draft.state.time)) for s in shards):
        return
    made, book = compacted(shards)
    was = joined_standing(made)
    rows = with_partners(draft.state.ties, book.accounts, _due(was, draft.state.time))
    asked = accounts_of(book, rows)
    draft.row_numbers[segment] = asked.accounts
    _stood(draft, segment, (mine, made), asked, (was, rows))


def _stood(draft: Draft, segment: int, shards: tuple[Sequence[int], Sequence[Shard]],
           asked: Book, where: tuple[Standing, Ints]) -> None:
    """Write where accounts stand; a segment that cannot be margined stays as it was, and says so.

    `where` is the standing of all and the rows of `asked`.
    """
    asked = as_groups(draft.state.ties, asked)
    try:
        table = margins(draft, segment, asked)
    except BadInput as wrong:
        draft.tell(Alert(
            position=draft.position, time=draft.state.time, topic=AlertTopic.NO_MARGIN,
            subject=draft.state.segments[segment].name, sentence="cannot be margined at snapshot "
            f"{draft.snapshot()} and stays where it was: {wrong}"[:600]))
        return
    _put(draft, shards, _stand(draft, segment, asked, table, where))


def _stand(draft: Draft, segment: int, asked: Book, table: Table,
           where: tuple[Standing, Ints]) -> Standing:
    """Return the standing of all, with that of the rows asked for taken from a new table."""
    was, rows = where
    was = with_pools(was, table.pools)
    whole = len(rows) == len(was.snapshot)
    mine = was if whole else Standing(pools=was.pools, snapshot=was.snapshot[rows], **{
        name: getattr(was, name)[rows] for name in _COLUMNS})
    held = doubtful(draft.state, trust(draft, segment), asked)
    new, pending = judged(draft, segment, table, mine, held)
    _tell_changes(draft, segment, asked, (table, mine))
    _tell_doubts(draft, segment, table, pending)
    if whole:
        return replaced(new, snapshot=np.full(len(rows), draft.snapshot()))
    columns = {name: getattr(was, name).copy() for name in _COLUMNS}
    for name in _COLUMNS:
        columns[name][rows] = getattr(new, name)
    snapshot = was.snapshot.copy()
    snapshot[rows] = draft.snapshot()
    return Standing(pools=was.pools, snapshot=snapshot, **columns)


def _tell_changes(draft: Draft, segment: int, asked: Book,
                  between: tuple[Table, Standing]) -> None:
    table, was = between
    differs = np.zeros(table.initial.shape, bool)
    for name in _CODES:
        new, old = getattr(table, name), getattr(was, name)
        differs |= ~((new == old) | ((new != new) & (old != old)))
    rows, pools = np.nonzero(differs)
    for first in range(0, len(rows), ROWS_MAX):
        row, pool = rows[first:first + ROWS_MAX], pools[first:first + ROWS_MAX]
        draft.tell(RequirementsChanged(
            position=draft.position, time=draft.state.time,
            segment=draft.state.segments[segment].name, snapshot=draft.snapshot(),
            pools=table.pools, account=asked.accounts[row], pool=pool.astype(np.int32),
            **{name: getattr(table, name)[row, pool] for name in _CODES}))


def _tell_doubts(draft: Draft, segment: int, table: Table, pending: int) -> None:
    name = draft.state.segments[segment].name
    at: dict[str, Any] = {"position": draft.position, "time": draft.state.time, "subject": name}
    unknown = int(np.count_nonzero(table.status == _UNKNOWN))
    if unknown:
        why = "; ".join(f"{f.subject}: {f.sentence}" for f in table.failures[:3])
        draft.tell(Alert(**at, topic=AlertTopic.NO_MARGIN, sentence=(
            f"{unknown} requirement rows have no number: {why[:400]}")))
    if pending:
        draft.tell(Alert(**at, topic=AlertTopic.DECISIONS_HELD, sentence=(
            f"{pending} accounts would change level or are due, and depend on prices that are not "
            "trusted: nothing is called or liquidated")))


def _put(draft: Draft, shards: tuple[Sequence[int], Sequence[Shard]], standing: Standing) -> None:
    start = 0
    for k, shard in zip(*shards, strict=True):
        part = slice(start, start + shard.size)
        start += shard.size
        draft.shards[k] = replaced(shard, standing=Standing(
            pools=standing.pools, snapshot=standing.snapshot[part],
            **{name: getattr(standing, name)[part] for name in _COLUMNS}))


def joined_standing(shards: Sequence[Shard]) -> Standing:
    """Return the standing of the accounts of all shards, in order; those without have none."""
    pools = next((s.standing.pools for s in shards if s.standing.pools), ())
    parts = [with_pools(grown(s.standing, s.size), pools) for s in shards]
    return Standing(pools=pools, snapshot=np.concatenate([p.snapshot for p in parts]),
                    **{name: np.concatenate([getattr(p, name) for p in parts])
                       for name in _COLUMNS})


def with_pools(standing: Standing, pools: tuple[str, ...]) -> Standing:
    """Return a standing in other pools: what stood in a pool that is no more is forgotten."""
    if standing.pools == pools:
        return standing
    out = no_standing(pools, len(standing.snapshot))
    columns: dict[str, Any] = {name: getattr(out, name).copy() for name in _COLUMNS}
    for k, pool in enumerate(pools):
        if pool in standing.pools:
            for name in _COLUMNS:
                columns[name][:, k] = getattr(standing, name)[:, standing.pools.index(pool)]
    return replaced(out, snapshot=standing.snapshot, **columns)
