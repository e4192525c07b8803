"""Do the books of the engine and of its auditor say the same, to the last unit?"""

from fractions import Fraction

from counterpoise.instruments.contracts import Option, Spot
from simulation.side_books import FLOWS, Divergence


def compare(books, state, read):
    """Compare the books of the engine with these; `read(name)` returns an account's row."""
    if state.applied != books.applied or state.time != books.time:
        raise Divergence(f"applied {state.applied} at {state.time}, by the auditor "
                         f"{books.applied} at {books.time}")
    total = {code: sum(row[k] for row in state.ledger.cash.values())
             for k, code in enumerate(books.codes)}
    for name, mine in books.accounts.items():
        row = read(name)
        theirs = dict(zip(books.codes, row.balances, strict=True))
        positions = {books.columns[c]: held for c, held in row.positions.items()}
        orders = {k: [books.columns[o[0]], o[1], Fraction(o[2]) * Fraction(10) ** o[3]]
                  for k, o in row.orders.items()}
        sums = dict(zip([(flow, code) for code in books.codes for flow in FLOWS], row.flows,
                        strict=True))
        for what, a, b in (("balances", theirs, mine.cash), ("orders", orders, mine.orders),
                           ("flows", sums, mine.sums),
                           ("positions", positions, mine.positions)):
            if a != b:
                raise Divergence(f"{what} of {name}: {a}, by the auditor {b}")
        total = {code: total[code] + amount for code, amount in theirs.items()}
    if any(total.values()):
        raise Divergence(f"assets are not conserved: {total}")
    compare_house(books, state)


def compare_house(books, state):
    """Compare what the house holds; rounding may only ever be in its favour."""
    cash = {name: dict(zip(books.codes, row, strict=True))
            for name, row in state.ledger.cash.items()}
    waiting = dict.fromkeys(books.codes, 0)
    for code, amount in books.waiting.values():
        waiting[code] += amount
    for name, mine in (("fees", books.fees), ("withdrawals", waiting),
                       ("interest", books.interest)):
        if cash[name] != mine:
            raise Divergence(f"{name} {cash[name]}, by the auditor {mine}")
    for name, contract in books.terms.items():
        lots = sum(a.positions.get(name, (0, 0))[0] for a in books.accounts.values())
        there = state.ledger.cleared.get(name, (0, 0))[0]
        if lots + there and not isinstance(contract, Spot):
            raise Divergence(f"{name}: accounts hold {lots}, clearing {there}")
    for code in books.codes:
        paid = {n: c.quote if isinstance(c, Spot) else c.settlement
                for n, c in books.terms.items()}
        owed = sum(held[1] for a in books.accounts.values() for n, held in a.positions.items()
                   if paid[n] == code and not isinstance(books.terms[n], Option))
        there = sum(held[1] for n, held in state.ledger.cleared.items() if paid[n] == code)
        moved = books.delivered[code]
        if owed + there + cash["clearing"][code] + moved:
            raise Divergence(f"clearing of {code}: entries {owed}, other sides {there}, cash "
                             f"{cash['clearing'][code]}, delivered {moved}")
    if min(cash["dust"].values()) < 0:
        raise Divergence(f"rounding went against the house: {cash['dust']}")
