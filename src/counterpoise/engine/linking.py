"""How do accounts come to belong together? Pockets open, accounts link and part.

A link and its end are admitted by the hypothetical state of all concerned: the group as it would
be, and who would leave it, must each be covered at trusted prices. Accounts are margined as one
only by one set of rules: linked accounts share their segment.
"""

from typing import Any

from counterpoise.engine.admission import uncovered
from counterpoise.engine.draft import Draft
from counterpoise.engine.effects import LinkDecided
from counterpoise.engine.events import (
    AccountOpened,
)
from counterpoise.engine.groups import check_room, to_be_margined, together
from counterpoise.engine.lifecycle import account_opened
from counterpoise.engine.tie_events import AccountLinked, AccountUnlinked, PocketOpened
from counterpoise.engine.ties import GROUP_MAX, group_of, ties_of
from counterpoise.engine.trading import account_number
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input

POCKETS_MAX = 64
"""Open pockets of one owner."""


def pocket_opened(draft: Draft, event: PocketOpened) -> None:
    """Give a pocket the next row of its owner's segment."""
    owner = account_number(draft, event.owner)
    ties = draft.state.ties
    if owner in ties.owner:
        raise bad_input(Reason.NOT_APPLICABLE, event.owner, "is a pocket itself; open it for "
                        f"{_name(draft, ties.owner[owner])}")
    if len(ties.pockets.get(owner, ())) >= POCKETS_MAX:
        raise bad_input(Reason.TOO_LARGE, event.owner, f"has {POCKETS_MAX} pockets open, the most "
                        "there may be; close one first")
    segment = draft.state.segments[_segment(draft, owner)].name
    account_opened(draft, AccountOpened(client_id=event.client_id, time=event.time,
                                        account=event.account, segment=segment))
    pocket = draft.state.directory.count - 1
    draft.change(ties=ties_of(ties.owner | {pocket: owner}, ties.head))


def account_linked(draft: Draft, event: AccountLinked) -> None:
    """Link an account where the group that it would be in is covered."""
    number, head = account_number(draft, event.account), account_number(draft, event.to)
    ties = draft.state.ties
    wrong = _misfits(draft, number, head)
    if wrong:
        raise BadInput(*wrong)
    group = (*group_of(ties, head), number)
    check_room(draft, group)
    failures = uncovered(draft, _segment(draft, head), (
        together(draft, [draft.read(n) for n in group]),))
    if not failures:
        draft.change(ties=ties_of(ties.owner, ties.head | {number: head}))
        to_be_margined(draft, (number, head))
    _tell(draft, event, event.to, failures)


def account_unlinked(draft: Draft, event: AccountUnlinked) -> None:
    """Part an account from its group where both are covered without the other."""
    number, ties = account_number(draft, event.account), draft.state.ties
    head = ties.head.get(number)
    if head is None:
        raise bad_input(Reason.NOT_APPLICABLE, event.account, "is linked to no account" + (
            "; it heads a group: unlink the others" if number in ties.members else ""))
    rest = [draft.read(n) for n in group_of(ties, head) if n != number]
    failures = uncovered(draft, _segment(draft, head), (
        draft.read(number), together(draft, rest)))
    if not failures:
        draft.change(ties=ties_of(ties.owner, {n: h for n, h in ties.head.items() if n != number}))
        to_be_margined(draft, (number, head))
    _tell(draft, event, _name(draft, head), failures)


def _misfits(draft: Draft, number: int, head: int) -> list[Failure]:
    ties, name = draft.state.ties, _name(draft, number)
    found: list[tuple[Reason, int, str]] = []
    if number == head:
        found.append((Reason.BAD_VALUE, number, "cannot be linked to itself"))
    found += [(Reason.NOT_APPLICABLE, n, "is a pocket: it is margined by itself; link its owner")
              for n in dict.fromkeys((number, head)) if n in ties.owner]
    if number in ties.head:
        found.append((Reason.DUPLICATE, number, f"is linked to {_name(draft, ties.head[number])}; "
                      "unlink it first"))
    if number in ties.members:
        found.append((Reason.NOT_APPLICABLE, number, "heads a group; link the others to "
                      f"{_name(draft, head)} one by one"))
    if head in ties.head:
        found.append((Reason.NOT_APPLICABLE, head, f"is linked to {_name(draft, ties.head[head])};"
                      f" link {name} to that"))
    if len(group_of(ties, head)) >= GROUP_MAX:
        found.append((Reason.TOO_LARGE, head, f"heads a group of {GROUP_MAX}, the most there may "
                      "be"))
    mine, theirs = (draft.state.segments[_segment(draft, n)].name for n in (number, head))
    if mine != theirs:
        found.append((Reason.NOT_APPLICABLE, number, f"is margined by the rules of {mine}, "
                      f"{_name(draft, head)} by those of {theirs}; linked accounts share them"))
    return [Failure(reason=reason, subject=_name(draft, n), sentence=words)
            for reason, n, words in found]


def _tell(draft: Draft, event: AccountLinked | AccountUnlinked, to: str,
          failures: tuple[Failure, ...]) -> None:
    draft.tell(LinkDecided(
        position=draft.position, time=draft.state.time, account=event.account, to=to,
        linked=isinstance(event, AccountLinked), admitted=not failures, failures=failures))


def _segment(draft: Draft, number: int) -> int:
    return draft.shards[draft.state.directory.places[number][0]].segment


def _name(draft: Draft, number: int) -> Any:
    return draft.state.directory.names[number]
