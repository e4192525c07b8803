"""Who is called, who met a call, who is to be liquidated?

From the balances and requirements of a segment's accounts, [account, pool], and where they stood
before, comes where they stand now and what follows. A call asks for what restores the initial
requirement. It is met when the account has left every level that calls; it is escalated at its
deadline, or at once when the account falls to a level that liquidates. Where prices are doubtful
or a number is missing the account stays where it was: nothing is called and nothing liquidated.
"""

from typing import Any, Final

import numpy as np

from counterpoise.collateral.schedule import terms_of
from counterpoise.engine.draft import Draft
from counterpoise.engine.effects import (
    InitialBreached,
    LevelChanged,
    LiquidationOrdered,
    MarginCallEscalated,
    MarginCallIssued,
    MarginCallMet,
)
from counterpoise.engine.levels import Action, Level, Measure
from counterpoise.engine.margins import Table, model_of
from counterpoise.engine.state import Standing
from counterpoise.margin.compute import STATUS
from counterpoise.margin.model import CrossEquity
from counterpoise.values.assets import decimals_of
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.quantity import INT64_MAX, power_of_ten

Bools = np.ndarray[Any, np.dtype[np.bool_]]
Codes = np.ndarray[Any, np.dtype[np.uint8]]
ESCALATED: Final = -1
"""Stands for the deadline of a call that was escalated already."""
_UNKNOWN: Final = STATUS.index("unknown")
_CALLS: Final = ("call", "issued", "deadline", "amount")


@frozen
class Seat:
    """One account and pool of a segment whose standing is looked at."""

    segment: int
    row: int
    pool: int
    account: str


def reached(levels: tuple[Level, ...], table: Table, before: Codes) -> Codes:
    """Return the level of every account and pool, hysteresis included: 0 for none, else 1 + index.

    A level counts when the balance is below `at`, or was counted before and is below `clear_at`.
    """
    out = np.zeros(table.balance.shape, np.uint8)
    for k, level in enumerate(levels):
        low, high = _below(level, table, level.at), _below(level, table, level.clear_at)
        here = low | (high & (before > k))
        out = np.where(here, np.uint8(k + 1), out)
    return out


def _below(level: Level, table: Table, share: int) -> Bools:
    if level.measure is Measure.ZERO:
        return np.asarray(table.balance < 0.0)
    measure = table.initial if level.measure is Measure.INITIAL else table.maintenance
    return np.asarray(table.balance * 1000.0 < measure * float(share))


def judged(draft: Draft, segment: int, table: Table, was: Standing,
           held: Bools) -> tuple[Standing, int]:
    """Return where accounts stand now, and for how many a change was held back.

    `was` is aligned with the rows of the table; `held` [account] marks those whose prices are
    doubtful.
    """
    levels = draft.state.segments[segment].levels
    wanted = reached(levels, table, was.level)
    frozen_rows = held[:, None] | (table.status == _UNKNOWN)
    level = np.where(frozen_rows, was.level, wanted)
    due = (was.deadline > 0) & (was.deadline <= draft.state.time)
    pending = int(np.count_nonzero(np.logical_or.reduce(
        held[:, None] & ((wanted != was.level) | due), axis=1)))
    calls = {name: getattr(was, name).copy() for name in _CALLS}
    changed = (level != was.level) | (due & ~frozen_rows)
    for row, pool in zip(*(part.tolist() for part in np.nonzero(changed)), strict=True):
        number = int(draft.numbers_of(segment)[row])
        seat = Seat(segment=segment, row=row, pool=pool,
                    account=draft.state.directory.names[number])
        _follow(draft, seat, (int(was.level[row, pool]), int(level[row, pool])), table, calls)
    return replaced(was, pools=table.pools, initial=table.initial, level=level,
                    maintenance=table.maintenance, balance=table.balance, status=table.status,
                    **calls), pending


def _follow(draft: Draft, seat: Seat, levels: tuple[int, int], table: Table,
            calls: dict[str, Any]) -> None:
    """Tell what follows from one account's move between two levels, or from its deadline."""
    rungs = draft.state.segments[seat.segment].levels
    before, after = levels
    at: dict[str, Any] = {"position": draft.position, "time": draft.state.time,
                          "account": seat.account}
    pool = table.pools[seat.pool]
    if before != after:
        name = ("", *(rung.name for rung in rungs))
        draft.tell(LevelChanged(**at, pool=pool, before=name[before], after=name[after]))
        needed, owned = (float(c[seat.row, seat.pool]) for c in (table.initial, table.balance))
        if before == 0 and owned < needed:
            draft.tell(InitialBreached(**at, pool=pool, initial=needed, balance=owned))
    action = rungs[after - 1].action if after else Action.NOTE
    was_action = rungs[before - 1].action if before else Action.NOTE
    open_call = int(calls["call"][seat.row, seat.pool])
    deadline = int(calls["deadline"][seat.row, seat.pool])
    if action is Action.NOTE:
        if open_call:
            _met(draft, seat, pool, calls)
    elif action is Action.LIQUIDATE:
        if was_action is not Action.LIQUIDATE and deadline != ESCALATED:
            _liquidate(draft, seat, rungs[after - 1].name, table, calls)
    elif not open_call:
        _issue(draft, seat, rungs[after - 1], table, calls)
    elif 0 < deadline <= draft.state.time:
        _liquidate(draft, seat, rungs[after - 1].name, table, calls)


def _issue(draft: Draft, seat: Seat, level: Level, table: Table, calls: dict[str, Any]) -> None:
    place, pool = (seat.row, seat.pool), table.pools[seat.pool]
    number = draft.next_call()
    amount = _call_amount(draft, pool, float(table.initial[place]) - float(table.balance[place]))
    for name, value in zip(_CALLS, (number, draft.state.time, draft.state.time + level.grace_ns,
                                    amount), strict=True):
        calls[name][place] = value
    draft.tell(MarginCallIssued(
        position=draft.position, time=draft.state.time, account=seat.account,
        call_identifier=_identifier(seat, pool, number), base_currency=pool, call_amount=amount,
        reg_margin_type="NonRegIM", eligible_collateral=eligible(draft, seat.segment, pool),
        deadline=draft.state.time + level.grace_ns, snapshot=draft.snapshot(),
        version=draft.version_number(seat.segment)))


def _call_amount(draft: Draft, pool: str, missing: float) -> int:
    """Return what is missing in the pool's smallest unit, rounded up, at least one."""
    known = {a.code: a.decimals for a in draft.state.assets}
    units = missing / power_of_ten(-known.get(pool, decimals_of(pool)))
    return max(min(int(np.ceil(units)), INT64_MAX), 1) if units == units else 1


def eligible(draft: Draft, segment: int, pool: str) -> tuple[tuple[str, float], ...]:
    """Return the (asset, weight of its first tier) that counts for a call in a pool."""
    version = draft.state.segments[segment].version
    assert version is not None
    rule = model_of(draft, segment).equity(version.parameters)
    if not isinstance(rule, CrossEquity):
        return ((pool, 1.0 - rule.haircuts.get(pool, 0.0)),)
    share = {} if rule.counts is None else rule.counts.share
    weights = [(a.code, terms_of(rule.schedule, a.code).weight[0]) for a in draft.state.assets
               if share.get(a.code, 1.0)]
    return tuple((code, weight) for code, weight in weights if weight > 0)


def _identifier(seat: Seat, pool: str, number: int) -> str:
    return f"{seat.account}/{pool}/{number}"


def _met(draft: Draft, seat: Seat, pool: str, calls: dict[str, Any]) -> None:
    place = (seat.row, seat.pool)
    number, issued = int(calls["call"][place]), int(calls["issued"][place])
    for name in _CALLS:
        calls[name][place] = 0
    draft.tell(MarginCallMet(position=draft.position, time=draft.state.time, account=seat.account,
                             call_identifier=_identifier(seat, pool, number),
                             open_ns=draft.state.time - issued))


def _liquidate(draft: Draft, seat: Seat, level: str, table: Table, calls: dict[str, Any]) -> None:
    place, pool = (seat.row, seat.pool), table.pools[seat.pool]
    number, issued = int(calls["call"][place]), int(calls["issued"][place])
    at: dict[str, Any] = {"position": draft.position, "time": draft.state.time,
                          "account": seat.account}
    if number:
        calls["deadline"][place] = ESCALATED
        draft.tell(MarginCallEscalated(**at, call_identifier=_identifier(seat, pool, number),
                                       level=level))
    draft.tell(LiquidationOrdered(
        **at, pool=pool, level=level, maintenance=float(table.maintenance[place]),
        balance=float(table.balance[place]), snapshot=draft.snapshot(),
        version=draft.version_number(seat.segment),
        lead_ns=draft.state.time - issued if number else -1))
