"""Which events come too late? What trades or settles what had ended, and restarts that leap."""

from counterpoise.engine import events as said

OUTAGE_MAX = 366 * 86_400 * 10**9


def too_late(books, e):
    """Return whether an event is to be refused for its time, by the auditor's books."""
    return ended(books, e) or leaps(books, e) or settled(books, e)


def ended(books, e):
    """Return whether an event trades or orders what had ended."""
    name = getattr(e, "instrument", "")
    if isinstance(e, said.OrderChanged):
        name = books.accounts[e.account].orders[e.order][0]
    contract = books.terms.get(name)
    expiry = getattr(contract, "expiry", 0)
    if not expiry:
        return False
    if isinstance(e, said.Filled):
        return e.time >= expiry or (contract.underlying, expiry) in books.settled
    return isinstance(e, said.OrderPlaced | said.OrderChanged) and books.time >= expiry


def settled(books, e):
    """Return whether an expiry is to be settled that is settled already."""
    return isinstance(e, said.ContractsSettled) and (e.underlying, e.expiry) in books.settled


def leaps(books, e):
    """Return whether a restart would move the time further than any outage lasts."""
    return isinstance(e, said.EngineRestarted) and e.time - books.time > OUTAGE_MAX
