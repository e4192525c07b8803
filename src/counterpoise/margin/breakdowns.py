"""What if the machinery fails on a bad day? Stale feeds, a venue that is down, late liquidation.

    stale feed    the engine sees one underlying where it was: what it does not see is hidden
    venue down    gains of contracts settled in one asset are not paid, their losses are
    late          the account is closed n minutes after it fell below maintenance, at prices then

All of them read the same markets as `margin.stress`; none has a formula for margin. *Our reading*:
no venue publishes what its outage costs. A settlement asset stands for a venue or a clearing pool,
since contracts of different venues on one book differ in it more often than in anything else.
"""

from typing import Any

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.stress import StressedMargins
from counterpoise.market.snapshot import Floats
from counterpoise.risk.moved_market import MovedMarkets
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

Flags = np.ndarray[Any, np.dtype[np.bool_]]


@frozen
class Late:
    """A liquidation that came too late, [row]; amounts in the currency of the row's pool.

    called    step at which the account is first below maintenance, -1 where it never is
    closed    step at which it is closed
    lost      between the two, loss > 0
    left      margin balance when closed, negative: owed
    required  maintenance when called: lost / required is the level that would have held
    """

    delay: float
    called: np.ndarray[Any, np.dtype[np.int64]]
    closed: np.ndarray[Any, np.dtype[np.int64]]
    lost: Floats
    left: Floats
    required: Floats


def late_liquidation(path: StressedMargins, minutes: Floats, *, delay_minutes: float) -> Late:
    """Return what a delay costs along a path; `minutes` [scenario] rise, 0 first.

    The account is closed at the first step at or after the call and the delay, or at the last one.

    Raises
    ------
    BadInput
        If minutes do not rise from 0, or the delay is negative.
    """
    rising = len(minutes) == len(path.labels) and minutes[0] == 0 and np.all(np.diff(minutes) > 0)
    if not rising or not 0 <= delay_minutes < np.inf:
        raise bad_input(Reason.BAD_TIME, "path", "needs minutes that rise from 0, one for each "
                        "step, and a delay of at least 0 minutes")
    below = path.balance < path.maintenance
    ever = below.any(axis=0)
    called = np.where(ever, below.argmax(axis=0), -1)
    due = minutes[np.maximum(called, 0)] + delay_minutes
    closed = np.minimum(np.searchsorted(minutes, due), len(minutes) - 1)
    rows = np.arange(path.balance.shape[1])
    at_call, at_close = path.balance[called, rows], path.balance[closed, rows]
    return Late(delay=delay_minutes, called=called, closed=np.where(ever, closed, -1),
                lost=np.where(ever, at_call - at_close, 0.0),
                left=np.where(ever, at_close, path.balance[-1]),
                required=np.where(ever, path.maintenance[called, rows], np.nan))


def unpaid_gains(book: Book, moved: MovedMarkets, settlement: str) -> Floats:
    """Return the gains of contracts settled in one asset that do not arrive, [scenario, account].

    USD, at least 0: the net gain of an account's contracts of that settlement in the scenario.
    """
    terms = book.catalogue
    down = np.array([c.settlement == settlement for c in terms.instruments], bool)
    out = np.zeros((len(moved.scenarios), len(book)))
    for account in range(len(book)):
        total = np.zeros(len(moved.scenarios))
        for k in range(int(book.row_pointer[account]), int(book.row_pointer[account + 1])):
            instrument = int(book.instrument[k])
            if down[instrument]:
                total += float(book.lots[k]) * moved.pnl[instrument]
        out[:, account] = np.maximum(total, 0.0)
    return out


def hidden_loss(seen: StressedMargins, real: StressedMargins) -> Floats:
    """Return what a stale feed hides, [scenario, row]: the balance seen less the real one."""
    return np.asarray(seen.balance - real.balance)
