"""Which accounts belong together: pockets with their owners, linked accounts with their head?

A *pocket* is an account of its own, ring-fenced: it is margined by itself, and collateral comes
from and goes to its *owner* alone. *Linked* accounts are margined as one book, in the row of the
account at the *head* of their group. The *party* of an account is all that one owner stands behind:
its group and the pockets of those in it.
"""

from typing import Any, Final

import numpy as np

from counterpoise.values.frozen import frozen

Ints = np.ndarray[Any, np.dtype[np.int64]]
GROUP_MAX: Final = 64
"""Accounts in a group, its head included."""


@frozen
class Ties:
    """By account number; make it with `ties_of`.

    owner     {pocket: its owner}
    head      {linked account: the head of its group}
    pockets   {owner: its pockets, increasing}
    members   {head: the accounts linked to it, increasing}
    linked    linked accounts, increasing, [link]; `heads` their heads
    """

    owner: dict[int, int]
    head: dict[int, int]
    pockets: dict[int, tuple[int, ...]]
    members: dict[int, tuple[int, ...]]
    linked: Ints
    heads: Ints


def ties_of(owner: dict[int, int], head: dict[int, int]) -> Ties:
    """Return the ties of pockets to owners and of linked accounts to heads."""
    linked = sorted(head)
    return Ties(owner=owner, head=head, pockets=_by_target(owner), members=_by_target(head),
                linked=np.array(linked, np.int64),
                heads=np.array([head[n] for n in linked], np.int64))


def _by_target(ties: dict[int, int]) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[int]] = {}
    for number in sorted(ties):
        found.setdefault(ties[number], []).append(number)
    return {target: tuple(numbers) for target, numbers in found.items()}


NO_TIES: Final = ties_of({}, {})


def group_of(ties: Ties, number: int) -> tuple[int, ...]:
    """Return the accounts margined as one with an account, the head first; itself where alone."""
    head = ties.head.get(number, number)
    return (head, *ties.members.get(head, ()))


def grouped_accounts(ties: Ties) -> tuple[int, ...]:
    """Return every account that is margined as one with another."""
    return (*ties.head, *ties.members)


def party_of(ties: Ties, number: int) -> int:
    """Return the account that stands for all of an account's party: its owner's head."""
    owner = ties.owner.get(number, number)
    return ties.head.get(owner, owner)
