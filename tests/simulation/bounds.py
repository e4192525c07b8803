"""The auditor's opinion on limits of exposure: what counts, and what may be asked for."""

from fractions import Fraction

from counterpoise.engine import events as said
from counterpoise.instruments.contracts import Option, Payoff

CLOSE = Fraction(1, 10**9)


class Bounds:
    """Limits as they act, held against the books of an auditor."""

    def __init__(self, books):
        self.books = books
        self.exposure, self.later, self.pledged = None, [], {}

    def use(self, e):
        """Return what a limit would be held against: gross notional, or what stands behind.

        None where what stands behind has no price.
        """
        if self.exposure is None or self.books.market is None:
            return Fraction(0)
        if isinstance(e, said.OrderPlaced | said.OrderChanged):
            return sum((self.gross(group) for group in self.party(e.account)), Fraction(0))
        if not isinstance(e, said.Transferred):
            return Fraction(0)
        prices = self.books.prices()
        codes = {c for one in self.exposure.counterparties.values() if e.asset in one.assets
                 for c in one.assets}
        held = [(code, sum(a.cash[code] for a in group)) for group in self.party(e.to)
                for code in codes]
        held = [(code, amount) for code, amount in held if amount > 0]
        if any(code not in prices for code, _ in held):
            return None
        return sum((amount * prices[code] / 10 ** self.books.decimals[code]
                    for code, amount in held), Fraction(0))

    def party(self, name):
        """Return what one owner stands behind: a group, and each pocket, by itself."""
        owner = self.books.owner.get(name, name)
        group = self.books.group(owner)
        names = {n for n, account in self.books.accounts.items() if account in group}
        return [group, *([account] for n, account in self.books.accounts.items()
                         if self.books.owner.get(n) in names)]

    def gross(self, group):
        """Return the gross notional of accounts as one, orders on their worse side, USD."""
        total = Fraction(0)
        orders = [o for a in group for o in a.orders.values()]
        for name in {n for a in group for n in a.positions} | {o[0] for o in orders}:
            contract, (lots, _) = self.books.terms[name], self.books.held(group, name)
            bought = sum(n for c, n, _ in orders if c == name and n > 0)
            sold = -sum(n for c, n, _ in orders if c == name and n < 0)
            size = Fraction(str(contract.multiplier)) * Fraction(10) ** contract.lot_exponent
            if contract.payoff is not Payoff.INVERSE or isinstance(contract, Option):
                size *= self.books.market[1][contract.underlying]
            total += max(abs(lots), abs(lots + bought), abs(lots - sold)) * size
        return total

    def within(self, e, before):
        """Return whether what is asked for keeps within the limits, and whether that is sure."""
        limits, after = self.exposure, self.use(e)
        if limits is None or self.books.market is None:
            return True, True
        most = float("inf")
        if isinstance(e, said.OrderPlaced | said.OrderChanged):
            most = limits.gross_max
        elif isinstance(e, said.Transferred):
            if any(self.books.accounts[e.account] in group for group in self.party(e.to)):
                return True, True
            if limits.eligible is not None and e.asset not in limits.eligible:
                return False, True
            most, before = min([one.value_max for one in limits.counterparties.values()
                                if e.asset in one.assets], default=most), -1
        if most == float("inf"):
            return True, True
        if after is None:
            return False, True
        sure = abs(after - Fraction(most)) > CLOSE * (1 + after) or after <= before
        return after <= Fraction(most) or after <= before, sure

    def decree(self, e):
        self.later.append((e.effective_from, e.limits))
        self.later.sort(key=lambda pair: pair[0])
        self.act()

    def withdrawn(self, instant):
        """Forget the limits that wait for an instant; return whether there were any."""
        left = [pair for pair in self.later if pair[0] != instant]
        self.later, gone = left, len(self.later) - len(left)
        return bool(gone)

    def act(self):
        """Let limits act whose time has come."""
        due = [limits for since, limits in self.later if since <= self.books.time]
        if due:
            self.exposure, self.later = due[-1], self.later[len(due):]
            self.pledge()

    def pledge(self):
        """Look how much all accounts hold."""
        accounts, decimals = self.books.accounts.values(), self.books.decimals
        self.pledged = {code: Fraction(sum(max(a.cash[code], 0) for a in accounts),
                                       10 ** decimals[code]) for code in self.books.codes}

    def counted(self, values):
        """Return what amounts > 0, weighed and in USD, count within the limits, all together."""
        limits = self.exposure
        if limits is None:
            return sum(values.values(), Fraction(0))
        for code, cap in limits.platform.items():
            if code in values and self.pledged[code] > Fraction(cap):
                values[code] *= Fraction(cap) / self.pledged[code]
        if limits.eligible is not None:
            values = {code: value for code, value in values.items() if code in limits.eligible}
        whole = total = sum(values.values(), Fraction(0))
        for one in limits.counterparties.values():
            most = Fraction(one.share_max) * whole
            if one.value_max < float("inf"):
                most = min(most, Fraction(one.value_max))
            total -= max(sum(values.get(code, 0) for code in one.assets) - most, 0)
        return total


def keeps_within(limits, before, after):
    """Return whether a change keeps within limits, and whether that is sure.

    Few enough may stand worse, all together need little enough more, and nobody lose a number. What
    is needed more may be the limit itself but for rounding: then either answer is right.

    Both are (initial, maintenance, balance) by account, None where a number is missing; who stands
    where is known where all three are. Without limits only numbers that are lost count.
    """
    worse, extra, whole = [0] * 4, 0, 0
    for old, new in zip(before, after, strict=True):
        was, now = stands(old), stands(new)
        if (old[0] is not None and new[0] is None) or (was is not None and now is None):
            return False, True
        if was is not None and now is not None:
            worse[now] += now > was
        if old[0] is not None:
            extra, whole = extra + max(new[0] - old[0], 0), whole + old[0]
    if limits is None:
        return True, True
    names = ("below_initial", "below_maintenance", "bankrupt")
    few = all(count <= Fraction(getattr(limits, name)) * len(before) for name, count in
              zip(names, worse[1:], strict=True))
    most = Fraction(limits.extra) * whole
    return few and extra <= most, not few or abs(extra - most) > CLOSE * (1 + most)


def stands(numbers):
    """Return 0 to 3: covered, below initial, below maintenance, bankrupt; None where unknown."""
    if None in numbers:
        return None
    initial, maintenance, balance = numbers
    return 0 if balance >= initial else 1 if balance >= maintenance else 2 if balance >= 0 else 3
