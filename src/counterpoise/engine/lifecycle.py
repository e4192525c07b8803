"""What do the rarer events do? Accounts begin and end, funding is paid, contracts end.

Each verb takes the draft and the event, checks first and writes then; what it finds wrong it
raises. All of them are marks of the run: what came before has been applied to the last cent.
"""

from itertools import chain
from typing import Any

import numpy as np

from counterpoise.accounts.book import book_of, orders_of, positions_of, rows_at
from counterpoise.engine.directory import number_of, with_account
from counterpoise.engine.draft import CLEARING, DUST, EXTERNAL, FUNDING, Draft
from counterpoise.engine.effects import Alert, AlertTopic, ContractsDelivered, LossAbsorbed
from counterpoise.engine.events import (
    AccountClosed,
    AccountOpened,
    ContractsSettled,
    FundingApplied,
)
from counterpoise.engine.groups import check_room
from counterpoise.engine.money import (
    Held,
    Worth,
    check_money,
    expiry_paid,
    funding_paid,
    total_of,
)
from counterpoise.engine.quoting import check_price
from counterpoise.engine.shards import grown
from counterpoise.engine.state import (
    FLOWS,
    FUNDING_GOT,
    REALISED,
    SHARD_ACCOUNTS,
    Shard,
    Standing,
    empty_shard,
)
from counterpoise.engine.ties import grouped_accounts, ties_of
from counterpoise.engine.trading import account_number, clear
from counterpoise.instruments.contracts import Future, Option, Perpetual
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import replaced

Ints = np.ndarray[Any, np.dtype[np.int64]]
Closed = tuple[Future | Option, Worth, int, int, int]
"""(contract, its worth, lots held, what closing them cost, what it brought in cash)."""
DELIVERY_EXPONENT = -6
COVERED_MIN = 0.5
"""Our own average settles contracts where at least this share of its window was seen."""
DIFFERS_MAX = 0.005


def account_opened(draft: Draft, event: AccountOpened) -> None:
    """Give an account the next row of its segment."""
    state, wrong = draft.state, list[Failure]()
    segment = next((k for k, s in enumerate(state.segments) if s.name == event.segment), -1)
    if segment < 0:
        wrong.append(Failure(reason=Reason.UNKNOWN_SEGMENT, subject=event.segment[:60],
                             sentence="is no segment; define it first"))
    if number_of(state.directory, event.account) >= 0:
        wrong.append(Failure(reason=Reason.DUPLICATE, subject=event.account[:60],
                             sentence="is open already, or was; names are used once"))
    if not 0 < len(event.account) <= 64 or not event.account.isprintable():
        wrong.append(Failure(reason=Reason.BAD_VALUE, subject=repr(event.account)[:60],
                             sentence="is no name of 1 to 64 printable characters"))
    if wrong:
        raise BadInput(*wrong)
    k = draft.last_shard(segment)
    if k < 0 or draft.shards[k].size >= SHARD_ACCOUNTS:
        draft.shards.append(empty_shard(state.catalogue, state.assets, segment,
                                        () if k < 0 else draft.shards[k].standing.pools))
        k = draft.last[segment] = len(draft.shards) - 1
    shard, number = draft.shards[k], state.directory.count
    draft.shards[k] = replaced(shard, size=shard.size + 1, numbers=(*shard.numbers, number))
    draft.change(directory=with_account(state.directory, event.account, (k, shard.size)))


def account_closed(draft: Draft, event: AccountClosed) -> None:
    """End an account that holds nothing; what a pocket still owes is written off."""
    number = account_number(draft, event.account)
    held, ties = draft.read(number), draft.state.ties
    pocket = number in ties.owner
    waiting = sorted(w for w, (owner, _, _) in draft.withdrawals.items() if owner == number)
    wrong = [Failure(reason=Reason.NOT_EMPTY, subject=event.account, sentence=sentence)
             for there, sentence in (
                 (held.positions, "holds positions; close them first"),
                 (held.orders, "has open orders; cancel them first"),
                 (any(held.balances) and not pocket, "owns or owes assets; settle them first"),
                 (pocket and max(held.balances) > 0, "owns assets; transfer them to its owner, or "
                  "pay with them what it owes"),
                 (number in ties.pockets, "has pockets open; close them first"),
                 (number in ties.head or number in ties.members, "is linked; unlink first"),
                 (waiting, f"has withdrawals set aside: {', '.join(waiting)[:200]}")) if there]
    if wrong:
        raise BadInput(*wrong)
    k, row = draft.state.directory.places[number]
    shard = draft.shards[k]
    draft.shards[k] = replaced(shard, closed=shard.closed | {row},
                               standing=_left(grown(shard.standing, shard.size), row))
    if pocket:
        _write_off(draft, event.account, number)


def _left(standing: Standing, row: int) -> Standing:
    """Return a standing in which an account is at no level and called for nothing."""
    if not standing.call[row].any() and not standing.level[row].any():
        return standing
    columns = {name: getattr(standing, name).copy()
               for name in ("level", "call", "issued", "deadline", "amount")}
    for column in columns.values():
        column[row] = 0
    return replaced(standing, **columns)


def _write_off(draft: Draft, name: str, number: int) -> None:
    """End a pocket: its loss is limited to it, so the world outside bears what it owes."""
    ties, owed = draft.state.ties, draft.read(number).balances
    for k, asset in enumerate(draft.state.assets):
        if owed[k]:
            draft.tell(LossAbsorbed(position=draft.position, time=draft.state.time, account=name,
                                    asset=asset.code, amount=-owed[k]))
            draft.cash[EXTERNAL][k] += owed[k]
    draft.write(number).balances[:] = [0] * len(owed)
    draft.change(ties=ties_of({n: o for n, o in ties.owner.items() if n != number}, ties.head))


def funding_applied(draft: Draft, event: FundingApplied) -> None:
    """Let holders pay one another; what rounding leaves goes to the dust account."""
    worth = draft.worth(event.instrument)
    if worth is None or not isinstance(draft.state.catalogue.instruments[worth.column], Perpetual):
        raise bad_input(Reason.UNKNOWN_INSTRUMENT, event.instrument[:60], "is no perpetual that is "
                        "listed; only perpetuals have funding")
    check_price(event.instrument, event.price, event.price_exponent)
    check_price(event.instrument, abs(event.rate), event.rate_exponent, 0)
    rate, price = (event.rate, event.rate_exponent), (event.price, event.price_exponent)
    draft.in_columns()
    paying = [(k, *_paying(shard, worth, rate, price)) for k, shard in enumerate(draft.shards)]
    charge(draft, event.instrument, (worth.asset, FUNDING_GOT), paying)
    check_room(draft, grouped_accounts(draft.state.ties))
    total = total_of(chain.from_iterable(pays for _, _, pays in paying))
    flat = draft.cleared.get(event.instrument, (0, 0, 0))[0] == 0
    draft.cash[DUST if flat else FUNDING][worth.asset] += total


def charge(draft: Draft, subject: str, to: tuple[int, int],
           paying: list[tuple[int, Ints, list[int]]]) -> None:
    """Take from rows of shards in columns what they pay; `to` is (asset, flow).

    `paying` is (shard, its rows, what each pays, received < 0).

    Raises
    ------
    BadInput
        If a balance or a sum of flows would leave 64 bits; nothing is written then.
    """
    flow, made = to[0] * len(FLOWS) + to[1], list[tuple[int, Ints, list[int], list[int]]]()
    for k, rows, pays in paying:
        shard = draft.shards[k]
        left, sums = ([old - p for old, p in zip(column[rows].tolist(), pays, strict=True)]
                      for column in (shard.book.balances[:, to[0]], shard.flows[:, flow]))
        check_money(subject, *left, *sums)
        made.append((k, rows, left, sums))
    for k, rows, left, sums in made:
        if left:
            shard = draft.shards[k]
            balances, flows = shard.book.balances.copy(), shard.flows.copy()
            balances[rows, to[0]], flows[rows, flow] = left, sums
            draft.write_columns(k, rows, replaced(shard.book, balances=balances), flows)


def _paying(shard: Shard, worth: Worth, rate: tuple[int, int],
            price: tuple[int, int]) -> tuple[Ints, list[int]]:
    """Return which rows of a shard in columns pay funding, and what each pays."""
    book = shard.book
    at = np.flatnonzero(book.instrument == worth.column)
    rows = np.searchsorted(book.row_pointer, at, side="right") - 1
    return rows, [funding_paid(worth, lots, rate, price) for lots in book.lots[at].tolist()]


def contracts_settled(draft: Draft, event: ContractsSettled) -> None:
    """Close every position in the contracts of an expiry at the delivery price, drop their orders.

    Raises
    ------
    BadInput
        If there are none, they have not expired, are settled already, or no delivery price is
        known.
    """
    ended = _ended(draft, event)
    price, covered = _delivery(draft, event, ended)
    worths = {worth.column: (contract, worth) for contract in ended
              if (worth := draft.worth(contract.id)) is not None}
    unmatched = [(contract.id, worth) for contract, worth in worths.values()
                 if draft.cleared.get(contract.id, (0, 0, 0))[0]]
    draft.in_columns()
    closings = [_closing(draft, shard, worths, price) for shard in draft.shards]
    for k, (columns, closed) in enumerate(closings):
        _close(draft, k, columns, list(worths))
        for contract, worth, lots, value, gain in closed:
            draft.cash[CLEARING][worth.asset] -= gain
            clear(draft, contract.id, -lots, value)
    check_room(draft, grouped_accounts(draft.state.ties))
    for name, worth in unmatched:
        _end_unmatched(draft, name, worth)
    draft.change(settled=tuple(sorted((*draft.state.settled, (event.underlying, event.expiry)))))
    draft.tell(ContractsDelivered(
        position=draft.position, time=draft.state.time, underlying=event.underlying,
        expiry=event.expiry, price=price[0], price_exponent=price[1], covered=covered))


def _closing(draft: Draft, shard: Shard, worths: dict[int, tuple[Future | Option, Worth]],
             price: tuple[int, int]) -> tuple[tuple[Ints, Ints], list[Closed]]:
    """Return balances and flows of a shard in columns whose contracts are closed, and what did."""
    book, closed = shard.book, list[Closed]()
    at = np.flatnonzero(np.isin(book.instrument, list(worths)))
    rows = (np.searchsorted(book.row_pointer, at, side="right") - 1).tolist()
    owned, sums = dict[tuple[int, int], int](), dict[tuple[int, int], int]()
    held = zip(book.instrument[at].tolist(), book.lots[at].tolist(), book.entry_cost[at].tolist(),
               strict=True)
    for row, (column, lots, cost) in zip(rows, held, strict=True):
        contract, worth = worths[column]
        value = expiry_paid(worth, contract, -lots, price)
        gain, key = _gain(worth, (lots, cost), value), (row, worth.asset)
        owned[key] = owned.get(key, int(book.balances[key])) + gain
        flow = (row, worth.asset * len(FLOWS) + REALISED)
        sums[flow] = sums.get(flow, int(shard.flows[flow])) - value - cost
        closed.append((contract, worth, lots, value, gain))
    balances, flows = book.balances.copy(), shard.flows.copy()
    for columns, changed in ((balances, owned), (flows, sums)):
        for key, left in changed.items():
            check_money(draft.state.directory.names[shard.numbers[key[0]]], left)
            columns[key] = left
    return (balances, flows), closed


def _close(draft: Draft, k: int, after: tuple[Ints, Ints], columns: list[int]) -> None:
    """Write a shard in columns without positions and orders in some contracts."""
    shard = draft.shards[k]
    parts = positions_of(shard.book), orders_of(shard.book)
    gone = [np.isin(part.instrument, columns) for part in parts]
    changed = np.union1d(*(part.account[g] for part, g in zip(parts, gone, strict=True)))
    if not len(changed):
        return
    positions, orders = (rows_at(part, np.flatnonzero(~g))
                         for part, g in zip(parts, gone, strict=True))
    book = book_of(catalogue=shard.book.catalogue, accounts=shard.book.accounts,
                   positions=positions, orders=orders, balances=(shard.book.assets, after[0]))
    left = {row: {name: order for name, order in held.items() if order[0] not in columns}
            for row, held in shard.orders.items()}
    draft.write_columns(k, changed, book, after[1],
                        {row: held for row, held in left.items() if held})


def _gain(worth: Worth, held: Held, value: int) -> int:
    """Return what closing a position for `value` brings in cash."""
    return -value if worth.premium else -value - held[1]


def _end_unmatched(draft: Draft, name: str, worth: Worth) -> None:
    """Let the world outside bear what the sides that never came would have gained or lost."""
    _, cost, _ = draft.cleared.pop(name)
    draft.cash[CLEARING][worth.asset] += cost
    draft.cash[EXTERNAL][worth.asset] -= cost


def _ended(draft: Draft, event: ContractsSettled) -> list[Future | Option]:
    found = [c for c in draft.state.catalogue.instruments if isinstance(c, Future | Option)
             and c.underlying == event.underlying and c.expiry == event.expiry]
    if not found:
        raise bad_input(Reason.UNKNOWN_INSTRUMENT, f"{event.underlying[:30]} {event.expiry}",
                        "has no contracts that end then")
    if event.expiry > draft.state.time:
        raise bad_input(Reason.BAD_TIME, event.underlying, "has not expired yet; wait for the "
                        "clock")
    if (event.underlying, event.expiry) in draft.state.settled:
        raise bad_input(Reason.DUPLICATE, f"{event.underlying} {event.expiry}", "is settled "
                        "already; an expiry is settled once, nothing is left to pay")
    return found


def _delivery(draft: Draft, event: ContractsSettled,
              ended: list[Future | Option]) -> tuple[tuple[int, int], float]:
    """Return the delivery price, and the share of the window that our own average saw."""
    board = draft.state.board
    column = draft.state.catalogue.column[ended[0].id]
    window = ended[0].settlement_window_ns
    seen = int(board.window_ns[column])
    covered = seen / window if window else 0.0
    own = float(board.window_sum[column]) / seen if seen else 0.0
    if event.price:
        check_price(event.underlying, event.price, event.price_exponent)
        stated = event.price * float(f"1e{event.price_exponent}")
        if own and abs(stated - own) > DIFFERS_MAX * own:
            draft.tell(Alert(
                position=draft.position, time=draft.state.time, subject=event.underlying,
                topic=AlertTopic.DELIVERY_DIFFERS, sentence=f"the stated delivery price {stated!r} "
                f"is far from our own average {own!r}; it was used all the same"))
        return (event.price, event.price_exponent), covered
    if covered < COVERED_MIN:
        raise bad_input(Reason.MISSING_PRICE, event.underlying, f"was seen in {covered:.0%} of its "
                        f"settlement window, less than {COVERED_MIN:.0%}; state the venue's price")
    units = int(np.rint(own * 1e6))
    check_price(event.underlying, units, DELIVERY_EXPONENT)
    return (units, DELIVERY_EXPONENT), covered


def swept(draft: Draft) -> None:
    """Settle what the clearing account is left with in instruments of which it holds nothing.

    What rounding can have left, at most two units a trade and never less than nothing, is dust; any
    other amount says that the two sides did not trade at one price: the world outside bears it.
    Done at market events, so that the order of fills between two of them does not matter.
    """
    for name in [name for name, held in draft.cleared.items() if not held[0]]:
        worth: Any = draft.worth(name)
        _, cost, trades = draft.cleared.pop(name)
        house = DUST if 0 <= -cost <= 2 * trades else EXTERNAL
        draft.cash[CLEARING][worth.asset] += cost
        draft.cash[house][worth.asset] -= cost
