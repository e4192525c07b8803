"""Which events come at a time that the rules refuse? What had ended, and restarts that leap."""

from counterpoise.engine import events as said

OUTAGE_MAX = 366 * 86_400 * 10**9


def too_late(books, e):
    """Return whether an event is to be refused for its time, by the auditor's books."""
    return ended(books, e) or leaps(books, e)


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


def leaps(books, e):
    """Return whether a restart would move the time further than any outage lasts."""
    return isinstance(e, said.EngineRestarted) and e.time - books.time > OUTAGE_MAX
