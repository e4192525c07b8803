"""Which events must wait for an answer that another one waits for?

Account events of a run that touch nothing in common do not see one another. What an event touches
is named: its id, the withdrawal it is about, and its accounts; an account that is tied to others is
read with all of its party and bears the party's name.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final, get_args

from counterpoise.engine.directory import number_of
from counterpoise.engine.events import (
    AccountEvent,
    Transferred,
    WithdrawalApproved,
    WithdrawalRejected,
    WithdrawalRequested,
)
from counterpoise.engine.state import State
from counterpoise.engine.ties import party_of

_TOUCHED: Final[dict[type, Callable[[Any], tuple[str, ...]]]] = dict.fromkeys(
    get_args(AccountEvent), attrgetter("account", "client_id")) | {
    Transferred: attrgetter("account", "client_id", "to")} | dict.fromkeys(
    (WithdrawalRequested, WithdrawalApproved, WithdrawalRejected),
    attrgetter("account", "client_id", "withdrawal"))


def touched(state: State, event: AccountEvent) -> tuple[str, ...]:
    """Return what an event reads or writes: later events that touch it too have to wait for it."""
    names = _TOUCHED[type(event)](event)
    if not state.ties.owner and not state.ties.head:
        return names
    return tuple([_party(state, name) for name in names])


def _party(state: State, name: str) -> str:
    number = number_of(state.directory, name)
    return name if number < 0 else state.directory.names[party_of(state.ties, number)]
