"""What does one account event do? Fills, orders, cash in and out: everything or nothing.

Each verb checks first and writes then; what it finds wrong it raises, all of it, and the event has
changed nothing. What an account only asks for (an order, a transfer, a withdrawal) becomes a
`Question`, which `admission` answers by the margin of the changed account.
"""

from collections.abc import Callable
from typing import Any, Final

from counterpoise.engine.draft import CLEARING, EXTERNAL, FEES, WITHDRAWALS, Draft
from counterpoise.engine.events import (
    Deposited,
    FeeCharged,
    Filled,
    OrderCancelled,
    OrderChanged,
    OrderPlaced,
    Transferred,
    WithdrawalApproved,
    WithdrawalRejected,
    WithdrawalRequested,
)
from counterpoise.engine.fillable import fillable, orderable
from counterpoise.engine.groups import room_of
from counterpoise.engine.money import (
    EXPONENT_MAX,
    Worth,
    check_lots,
    check_money,
    delivered,
    lots_ordered,
    traded,
)
from counterpoise.engine.state import FEES_GOT, FLOWS, REALISED, Order, Row
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.quantity import LOTS_MAX


class Question:
    """A change that an account asks for.

    `after(size)` is what the account would hold with `size` of it, `size` being at most `wanted`
    (lots or smallest units, > 0); `accept` writes the whole of it. `leaves` says that assets go,
    to the account number `to` where that is not -1.
    """

    __slots__ = ("accept", "after", "event", "frame", "leaves", "number", "position", "sign",
                 "to", "wanted")

    def __init__(self, draft: Draft, event: Any, number: int, wanted: int) -> None:
        self.position, self.event, self.frame = draft.position, event, draft.frame
        self.number, self.wanted, self.sign, self.leaves = number, abs(wanted), 1, True
        self.to = -1
        if wanted < 0:
            self.sign = -1
        self.after: Callable[[int], Row]
        self.accept: Callable[[], None]


def account_number(draft: Draft, name: str) -> int:
    """Return the number of an open account.

    Raises
    ------
    BadInput
        If there is none of that name, or it was closed.
    """
    directory = draft.state.directory
    number = directory.numbers.get(name, -1)
    if not 0 <= number < directory.count:
        raise bad_input(Reason.UNKNOWN_ACCOUNT, name[:60], "is no account; open it first")
    k, row = directory.places[number]
    if row in draft.shards[k].closed:
        raise bad_input(Reason.CLOSED, name[:60], "is closed; use another account")
    return number


def asset_column(draft: Draft, code: str) -> int:
    """Return the column of an asset; BadInput where the ledger does not keep it."""
    for k, held in enumerate(draft.state.assets):
        if held.code == code:
            return k
    raise bad_input(Reason.UNKNOWN_ASSET, code[:60], "is no asset of this ledger; it keeps "
                    + ", ".join(a.code for a in draft.state.assets))


def _sized(subject: str, lots: int, price: int, exponent: int) -> list[Failure]:
    wrong = []
    if not lots or abs(lots) > LOTS_MAX:
        wrong.append((Reason.ABSURD_QUANTITY, f"{lots} lots: use 1 to {LOTS_MAX}, signed"))
    if price < 0:
        wrong.append((Reason.ABSURD_PRICE, f"price {price} is negative"))
    if abs(exponent) > EXPONENT_MAX:
        wrong.append((Reason.ABSURD_PRICE, f"price exponent {exponent}: use -{EXPONENT_MAX} to "
                      f"{EXPONENT_MAX}"))
    return [Failure(reason=reason, subject=subject, sentence=words) for reason, words in wrong]


def _positive(subject: str, amount: int) -> None:
    if amount <= 0:
        raise bad_input(Reason.BAD_VALUE, subject, f"an amount of {amount} cannot move; use 1 or "
                        "more smallest units")


def filled(draft: Draft, event: Filled) -> None:
    """Book a trade: position, premium or gain, fee, and what it fills of its order."""
    number = account_number(draft, event.account)
    worth = fillable(draft, event)
    lots, price = event.lots, event.price
    if not 0 < abs(lots) <= LOTS_MAX or price <= 0 or abs(event.price_exponent) > EXPONENT_MAX:
        wrong = _sized(event.instrument, lots, price, event.price_exponent)
        if price == 0 and not worth.premium:
            wrong.append(Failure(reason=Reason.ABSURD_PRICE, subject=event.instrument,
                                 sentence="price 0: only an option can be had for nothing"))
        if wrong:
            raise BadInput(*wrong)
    held = draft.read(number)
    order = _order_filled(held, event, worth.column) if event.order else None
    old = (0, 0) if worth.other >= 0 else held.positions.get(worth.column, (0, 0))
    new, cost, realised = traded(worth, old, lots, (price, event.price_exponent))
    gained = -cost if worth.premium or worth.other >= 0 else realised
    balance = held.balances[worth.asset] + gained - event.fee
    flow = worth.asset * len(FLOWS)
    gains, fees = held.flows[flow + REALISED] + realised, held.flows[flow + FEES_GOT] - event.fee
    room = room_of(draft.state.ties, number)
    check_money(event.account, balance, new[1], gains, fees, room=room)
    check_lots(event.instrument, new[0], room=room)
    got = delivered(worth, lots, event.instrument) if worth.other >= 0 else 0
    if got:
        check_money(event.account, held.balances[worth.other] + got, room=room)
    mine = draft.write(number)
    mine.balances[worth.asset] = balance
    mine.flows[flow + REALISED], mine.flows[flow + FEES_GOT] = gains, fees
    draft.cash[CLEARING][worth.asset] -= gained
    draft.cash[FEES][worth.asset] += event.fee
    if worth.other >= 0:
        mine.balances[worth.other] += got
        draft.cash[CLEARING][worth.other] -= got
    else:
        put_position(mine, worth.column, new)
    clear(draft, event.instrument, lots, cost)
    if order is not None:
        _put_order(mine, event.order, order)


def put_position(row: Row, column: int, held: tuple[int, int]) -> None:
    """Write a position; one without lots is gone."""
    if held[0]:
        row.positions[column] = held
    else:
        row.positions.pop(column, None)


def clear(draft: Draft, name: str, lots: int, cost: int) -> None:
    """Book the other side of a trade with the clearing account."""
    there = draft.cleared.get(name, (0, 0, 0))
    draft.cleared[name] = (there[0] - lots, there[1] - cost, there[2] + 1)


def _order_filled(held: Row, event: Filled, column: int) -> Order:
    order = held.orders.get(event.order)
    if order is None:
        raise bad_input(Reason.UNKNOWN_ORDER, event.order[:60], f"is no open order of "
                        f"{event.account}")
    if order[0] != column or (order[1] > 0) != (event.lots > 0) or abs(event.lots) > abs(order[1]):
        raise bad_input(Reason.BAD_VALUE, event.order[:60], f"has {order[1]} lots open; a fill of "
                        f"{event.lots} lots of {event.instrument} is none of it")
    return (column, order[1] - event.lots, order[2], order[3])


def _put_order(row: Row, name: str, order: Order) -> None:
    if order[1]:
        row.orders[name] = order
    else:
        del row.orders[name]


def _unlimited(worth: Worth, lots: int, price: int) -> list[Failure]:
    """Return why an order to buy spot says too little of what it may cost."""
    if worth.other < 0 or lots < 0 or price:
        return []
    return [Failure(reason=Reason.ABSURD_PRICE, subject="price", sentence="is 0, which buys no "
                    "spot; say the highest price that the order may be filled at")]


def order_placed(draft: Draft, event: OrderPlaced) -> Question:
    """Ask for a new order."""
    number = account_number(draft, event.account)
    worth = orderable(draft, event.instrument)
    held = draft.read(number)
    wrong = _sized(event.instrument, event.lots, event.price, event.price_exponent)
    wrong += _unlimited(worth, event.lots, event.price)
    if event.order in held.orders:
        wrong.append(Failure(reason=Reason.DUPLICATE, subject=event.order[:60], sentence="is an "
                             "open order already; change it, or use another id"))
    if not event.order:
        wrong.append(Failure(reason=Reason.BAD_VALUE, subject="order", sentence="has no id; "
                             "give it one"))
    if len(held.orders) >= draft.state.rules.orders_max:
        wrong.append(Failure(reason=Reason.TOO_LARGE, subject=event.account, sentence=(
            f"has {len(held.orders)} orders open; at most {draft.state.rules.orders_max}")))
    if wrong:
        raise BadInput(*wrong)
    return _order_question(draft, event, number, (worth.column, event.lots, event.price,
                                                  event.price_exponent))


def order_changed(draft: Draft, event: OrderChanged) -> Question:
    """Ask for another size or price of an open order."""
    number = account_number(draft, event.account)
    order = draft.read(number).orders.get(event.order)
    if order is None:
        raise bad_input(Reason.UNKNOWN_ORDER, event.order[:60], f"is no open order of "
                        f"{event.account}")
    worth = orderable(draft, draft.state.catalogue.instruments[order[0]].id)
    wrong = _sized(event.order, event.lots, event.price, event.price_exponent)
    wrong += _unlimited(worth, event.lots, event.price)
    if (event.lots > 0) != (order[1] > 0):
        wrong.append(Failure(reason=Reason.BAD_VALUE, subject=event.order[:60], sentence=(
            f"{event.lots} lots are on the other side; cancel it and place another")))
    if wrong:
        raise BadInput(*wrong)
    return _order_question(draft, event, number, (order[0], event.lots, event.price,
                                                  event.price_exponent))


def _order_question(draft: Draft, event: OrderPlaced | OrderChanged, number: int,
                    order: Order) -> Question:
    question = Question(draft, event, number, order[1])
    held, sign = draft.read(number), question.sign
    check_lots(draft.state.catalogue.instruments[order[0]].id,
               lots_ordered(held.orders | {event.order: order}, order[0]),
               room=room_of(draft.state.ties, number))

    def after(size: int) -> Row:
        orders = held.orders | {event.order: (order[0], sign * size, *order[2:])}
        if not size:
            del orders[event.order]
        return Row(held.positions, orders, held.balances)

    def accept() -> None:
        draft.write(number).orders[event.order] = order

    question.after, question.accept, question.leaves = after, accept, False
    return question


def order_cancelled(draft: Draft, event: OrderCancelled) -> None:
    """Take an order away."""
    number = account_number(draft, event.account)
    if event.order not in draft.read(number).orders:
        raise bad_input(Reason.UNKNOWN_ORDER, event.order[:60], f"is no open order of "
                        f"{event.account}")
    del draft.write(number).orders[event.order]


def transferred(draft: Draft, event: Transferred) -> Question:
    """Ask to move an amount to another account."""
    number, to = account_number(draft, event.account), account_number(draft, event.to)
    column = asset_column(draft, event.asset)
    if number == to:
        raise bad_input(Reason.BAD_VALUE, event.account, "cannot transfer to itself")
    _positive(event.account, event.amount)
    _check_pockets(draft, number, to)
    _check_balance(draft, to, column, event.amount)

    def accept() -> None:
        draft.write(number).balances[column] -= event.amount
        draft.write(to).balances[column] += event.amount

    question = _leaving(draft, event, (number, column), accept)
    question.to = to
    return question


def withdrawal_requested(draft: Draft, event: WithdrawalRequested) -> Question:
    """Ask to set an amount aside that is to leave."""
    number, column = account_number(draft, event.account), asset_column(draft, event.asset)
    _positive(event.account, event.amount)
    _not_in_pocket(draft, number, "transfer to its owner and withdraw there")
    if event.withdrawal in draft.withdrawals or not event.withdrawal:
        raise bad_input(Reason.DUPLICATE, event.withdrawal[:60], "is empty, or set aside already; "
                        "use another id")

    def accept() -> None:
        draft.write(number).balances[column] -= event.amount
        draft.cash[WITHDRAWALS][column] += event.amount
        draft.set_aside(event.withdrawal, (number, column, event.amount))

    return _leaving(draft, event, (number, column), accept)


def _leaving(draft: Draft, event: Transferred | WithdrawalRequested, place: tuple[int, int],
             accept: Callable[[], None]) -> Question:
    question = Question(draft, event, place[0], event.amount)
    held = draft.read(place[0])

    def after(size: int) -> Row:
        balances = list(held.balances)
        balances[place[1]] -= size
        return Row(held.positions, held.orders, balances)

    question.after, question.accept = after, accept
    return question


def _set_aside(draft: Draft, event: WithdrawalApproved | WithdrawalRejected,
               ) -> tuple[int, int, int]:
    number = account_number(draft, event.account)
    found = draft.withdrawals.get(event.withdrawal)
    if found is None or found[0] != number:
        raise bad_input(Reason.UNKNOWN_WITHDRAWAL, event.withdrawal[:60], "is not set aside for "
                        f"{event.account}; it was never admitted, or is done")
    return found


def withdrawal_approved(draft: Draft, event: WithdrawalApproved) -> None:
    """Let go what was set aside."""
    _, column, amount = _set_aside(draft, event)
    draft.cash[WITHDRAWALS][column] -= amount
    draft.cash[EXTERNAL][column] += amount
    draft.set_aside(event.withdrawal, None)


def withdrawal_rejected(draft: Draft, event: WithdrawalRejected) -> None:
    """Give back what was set aside."""
    number, column, amount = _set_aside(draft, event)
    _check_balance(draft, number, column, amount)
    draft.write(number).balances[column] += amount
    draft.cash[WITHDRAWALS][column] -= amount
    draft.set_aside(event.withdrawal, None)


def deposited(draft: Draft, event: Deposited) -> None:
    """Take in an amount."""
    _positive(event.account, event.amount)
    _not_in_pocket(draft, account_number(draft, event.account),
                   "deposit to its owner and transfer from there")
    _moved(draft, event, event.amount, EXTERNAL)


def fee_charged(draft: Draft, event: FeeCharged) -> None:
    """Take a fee, or give a rebate."""
    if not event.amount:
        raise bad_input(Reason.BAD_VALUE, event.account, "a fee of 0 is none; leave it out")
    number, column = account_number(draft, event.account), asset_column(draft, event.asset)
    flow = column * len(FLOWS) + FEES_GOT
    fees = draft.read(number).flows[flow] - event.amount
    check_money(event.account, fees)
    _moved(draft, event, -event.amount, FEES)
    draft.write(number).flows[flow] = fees


def _moved(draft: Draft, event: Deposited | FeeCharged, amount: int, house: str) -> None:
    number, column = account_number(draft, event.account), asset_column(draft, event.asset)
    _check_balance(draft, number, column, amount)
    draft.write(number).balances[column] += amount
    draft.cash[house][column] -= amount


def _check_balance(draft: Draft, number: int, column: int, amount: int) -> None:
    check_money(draft.state.directory.names[number], draft.read(number).balances[column] + amount,
                room=room_of(draft.state.ties, number))


def _check_pockets(draft: Draft, number: int, to: int) -> None:
    """Refuse that collateral moves between a pocket and anybody but its owner."""
    owner, names = draft.state.ties.owner, draft.state.directory.names
    for pocket, other in ((number, to), (to, number)):
        if owner.get(pocket, other) != other:
            raise bad_input(Reason.NOT_APPLICABLE, names[pocket], "is a pocket of "
                            f"{names[owner[pocket]]}; collateral comes from and goes to its owner")


def _not_in_pocket(draft: Draft, number: int, instead: str) -> None:
    if number in draft.state.ties.owner:
        raise bad_input(Reason.NOT_APPLICABLE, draft.state.directory.names[number], "is a pocket; "
                        + instead)


VERBS: Final[dict[type, Callable[[Draft, Any], Question | None]]] = {
    Filled: filled, OrderPlaced: order_placed, OrderChanged: order_changed,
    OrderCancelled: order_cancelled, Transferred: transferred, Deposited: deposited,
    WithdrawalRequested: withdrawal_requested, WithdrawalApproved: withdrawal_approved,
    WithdrawalRejected: withdrawal_rejected, FeeCharged: fee_charged}
