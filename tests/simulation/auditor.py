"""A second opinion on what the engine did, from the rules of docs/methodology/engine.md alone.

Plain integers and fractions, one account after the other; nothing of the engine is called. The
auditor hears each event and what followed from it, keeps its own books, and names the first thing
that is not as the rules say.
"""

from fractions import Fraction
from math import ceil

from counterpoise.engine import effects as made
from counterpoise.engine import events as said
from counterpoise.instruments.contracts import Future, Option, Payoff, Right, Spot
from simulation.bounds import CLOSE, Bounds, keeps_within
from simulation.late import too_late
from simulation.side_books import (
    Account,
    Divergence,
    Lending,
    Venues,
    counts_at,
    if_filled,
    said_price,
)

WEIGHTS = {"BTC": Fraction(9, 10), "ETH": Fraction(8, 10), "USDC": Fraction(1), "USD": Fraction(1)}
LADDER = (("initial", 1000, 1000), ("maintenance", 1250, 1300), ("maintenance", 1000, 1050),
          ("maintenance", 800, 1000), ("zero", 0, 0))
CALL, LIQUIDATE = 3, 4
NEVER = -1


class Auditor:
    """Own books, own prices, own ladder."""

    def __init__(self, state, rates, rules):
        self.codes = [a.code for a in state.assets]
        self.decimals = {a.code: a.decimals for a in state.assets}
        self.terms = {c.id: c for c in state.catalogue.instruments}
        self.columns = [c.id for c in state.catalogue.instruments]
        self.rate, self.share = (Fraction(str(r)) for r in rates)
        self.rules, self.time = rules, state.time
        self.accounts, self.ids, self.applied, self.waiting = {}, {}, 0, {}
        self.fees = dict.fromkeys(self.codes, 0)
        self.interest, self.owed = dict.fromkeys(self.codes, 0), dict.fromkeys(self.codes, 0)
        self.venues, self.lending, self.counting, self.decreed = Venues(), Lending(), {}, []
        self.asset_price, self.confidence = {"USD": Fraction(1)}, {}
        self.outside = dict.fromkeys(self.codes, 0)
        self.delivered = dict.fromkeys(self.codes, 0)
        self.marks, self.index, self.market = {}, {}, None
        self.at, self.sources, self.since = {}, {}, {}
        self.restarted, self.grace = NEVER, 900 * 10**9
        self.fresh, self.next_call, self.expected, self.limits = {}, 0, [], None
        self.owner, self.head, self.settled = {}, {}, set()
        self.bounds = Bounds(self)

    def hear(self, event, effects, must_refuse):
        """Check one event and its effects, and book it."""
        refused = [e for e in effects if isinstance(e, made.EventRefused)]
        repeated = [e for e in effects if isinstance(e, made.EventRepeated)]
        before = self.ids.get(event.client_id)
        must_refuse = must_refuse or before != event and too_late(self, event)
        if bool(refused) != must_refuse:
            raise Divergence(f"refused: {refused}, expected a refusal: {must_refuse}")
        if bool(repeated) != (before == event and not must_refuse):
            raise Divergence(f"repeated: {repeated}; said before: {before}")
        if any(e.time < self.time for e in effects):
            raise Divergence("time went back")
        if refused or repeated:
            if len(effects) > 1:
                raise Divergence("something followed from an event that changes nothing")
            return
        self.ids[event.client_id] = event
        self.applied += 1
        self.expected = []
        getattr(self, type(event).__name__.lower())(event, effects)
        told = [(type(e).__name__, e.account) for e in effects if isinstance(
            e, made.LiquidationOrdered | made.MarginCallIssued | made.MarginCallMet
            | made.MarginCallEscalated)]
        if sorted(told) != sorted(self.expected):
            raise Divergence(f"calls and liquidations: {sorted(told)}, by the rules "
                             f"{sorted(self.expected)}")

    def filled(self, e, _):
        account, contract = self.accounts[e.account], self.terms[e.instrument]
        price = said_price(e)
        paid = contract.quote if isinstance(contract, Spot) else contract.settlement
        if isinstance(contract, Spot):
            units = Fraction(e.lots) * Fraction(10) ** (
                contract.lot_exponent + self.decimals[contract.underlying])
            account.cash[contract.underlying] += int(units)
            self.delivered[contract.underlying] += int(units)
            account.cash[paid] -= self.worth(contract, e.lots, price)
        else:
            account.cash[paid] += self.trade(account, contract, e.lots, price)
        account.cash[paid] -= e.fee
        account.sum_up("fees", paid, -e.fee)
        self.fees[paid] += e.fee
        if e.order:
            order = account.orders[e.order]
            order[1] -= e.lots
            if not order[1]:
                del account.orders[e.order]

    def trade(self, account, contract, lots, price):
        """Book a trade and return what it brings in cash before the fee."""
        held, cost = account.positions.pop(contract.id, (0, 0))
        premium = isinstance(contract, Option)
        if held * lots < 0 and abs(lots) > abs(held):
            account.positions[contract.id] = (held, cost)
            first = self.trade(account, contract, -held, price)
            return first + self.trade(account, contract, lots + held, price)
        value = self.worth(contract, lots, price)
        if held * lots >= 0:
            account.positions[contract.id] = (held + lots, cost + value)
            return -value if premium else 0
        gone = ceil(Fraction(cost * abs(lots), abs(held)))
        account.sum_up("realised", contract.settlement, -value - gone)
        if held + lots:
            account.positions[contract.id] = (held + lots, cost - gone)
        return -value if premium else -value - gone

    def worth(self, contract, lots, price):
        """Return what lots cost at a price, smallest units, rounded against the account."""
        paid = contract.quote if isinstance(contract, Spot) else contract.settlement
        size = (lots * Fraction(str(contract.multiplier)) * Fraction(10) ** contract.lot_exponent
                * 10 ** self.decimals[paid])
        inverse = contract.payoff is Payoff.INVERSE and not isinstance(contract, Option)
        return ceil(-size / price if inverse else size * price)

    def orderplaced(self, e, effects):
        orders, price = self.accounts[e.account].orders, said_price(e)
        self.asked(e, effects, lambda: orders.update({e.order: [e.instrument, e.lots, price]}))

    def orderchanged(self, e, effects):
        order = self.accounts[e.account].orders[e.order]
        self.asked(e, effects, lambda: order.__setitem__(slice(1, 3), [e.lots, said_price(e)]))

    def ordercancelled(self, e, _):
        del self.accounts[e.account].orders[e.order]

    def asked(self, e, effects, change):
        """Check an admission: by what the account needs and owns with the change made."""
        account, group = self.accounts[e.account], self.group(e.account)
        needed_before, _, _ = self.margin(group)
        before, could_own = self.bounds.use(e), if_filled(self, account)
        saved = {k: list(o) for k, o in account.orders.items()}, dict(account.cash)
        admitted = any(isinstance(x, made.OrderAdmitted) or getattr(x, "admitted", False)
                       for x in effects)
        change()
        needed, _, owned = self.margin(group)
        leaves = not isinstance(e, said.OrderPlaced | said.OrderChanged)
        covered, certain = covers(owned, needed)
        doubtful = self.doubtful(group)
        right = covered and not doubtful
        if not leaves:
            right = right or (None not in (owned, needed, needed_before)
                              and needed <= needed_before)
            certain = certain or needed == needed_before
        if any(left < self.lending.least(code, saved[1][code], self.owed[code])
               and (leaves or left < could_own[code])
               for code, left in if_filled(self, account).items()):
            right, certain = False, True
        if self.market is None:
            right, certain = False, True
        if doubtful:
            certain = True
        fits, sure = self.bounds.within(e, before)
        if not fits and sure:
            right, certain = False, True
        if certain and sure and admitted != right:
            raise Divergence(f"admitted: {admitted}, by the rules {right}: needs {needed}, "
                             f"before {needed_before}, owns {owned}, doubtful {doubtful}")
        if not admitted:
            account.orders, account.cash = saved

    def transferred(self, e, effects):
        cash, there = self.accounts[e.account].cash, self.accounts[e.to].cash
        self.only_with_owner(e.account, e.to)

        def move():
            cash[e.asset] -= e.amount
            there[e.asset] += e.amount

        self.asked(e, effects, move)
        if not effects[0].admitted:
            there[e.asset] -= e.amount

    def only_with_owner(self, *names):
        """Check that a pocket has to do with its owner alone."""
        for pocket, other in (names, names[::-1]):
            if self.owner.get(pocket, other) != other:
                raise Divergence(f"collateral moved between the pocket {pocket} and {other}")

    def exposurelimited(self, e, _):
        self.bounds.decree(e)

    def prices(self):
        return {**self.market[1], **self.market[2]}

    def pocketopened(self, e, _):
        self.accounts[e.account] = Account(self.codes)
        self.owner[e.account] = e.owner

    def accountlinked(self, e, effects):
        group = [*self.group(e.to), self.accounts[e.account]]
        if self.tied(e, effects, group):
            self.head[e.account] = e.to

    def accountunlinked(self, e, effects):
        alone = self.accounts[e.account]
        rest = [a for a in self.group(e.account) if a is not alone]
        if self.tied(e, effects, [alone], rest):
            del self.head[e.account]

    def tied(self, e, effects, *groups):
        """Check that who is to be margined as one, or no more, is covered; return whether it is."""
        right = self.market is not None
        for group in groups:
            needed, _, owned = self.margin(group)
            covered, certain = covers(owned, needed)
            right = right and covered and not self.doubtful(group)
            if not certain:
                return effects[0].admitted
        if effects[0].admitted != right:
            raise Divergence(f"{e}: {effects[0]}, by the rules {right}")
        return right

    def group(self, name):
        """Return all accounts that are margined as one with an account."""
        head = self.head.get(name, name)
        return [self.accounts[n] for n in self.accounts if self.head.get(n, n) == head]

    def deposited(self, e, _):
        self.accounts[e.account].cash[e.asset] += e.amount
        self.outside[e.asset] += e.amount

    def withdrawalrequested(self, e, effects):
        cash = self.accounts[e.account].cash
        self.asked(e, effects, lambda: cash.__setitem__(e.asset, cash[e.asset] - e.amount))
        if effects[0].admitted:
            self.waiting[e.withdrawal] = (e.asset, e.amount)

    def withdrawalapproved(self, e, _):
        code, amount = self.waiting.pop(e.withdrawal)
        self.outside[code] -= amount

    def withdrawalrejected(self, e, _):
        code, amount = self.waiting.pop(e.withdrawal)
        self.accounts[e.account].cash[code] += amount

    def feecharged(self, e, _):
        self.accounts[e.account].cash[e.asset] -= e.amount
        self.accounts[e.account].sum_up("fees", e.asset, -e.amount)
        self.fees[e.asset] += e.amount

    def accountopened(self, e, _):
        self.accounts[e.account] = Account(self.codes)

    def accountclosed(self, e, effects):
        account = self.accounts.pop(e.account)
        owed = {code: -amount for code, amount in account.cash.items() if amount}
        pocket = self.owner.pop(e.account, None)
        if account.positions or account.orders or (owed and not pocket) or min(
                owed.values(), default=1) < 0:
            raise Divergence(f"{e.account} was closed with something in it")
        told = {x.asset: x.amount for x in effects if isinstance(x, made.LossAbsorbed)}
        if told != owed or e.account in {*self.head.values(), *self.owner.values()}:
            raise Divergence(f"{e.account} was closed: {told} borne outside, owed {owed}")

    def segmentdefined(self, e, _):
        """Nothing to book."""

    def parametersactivated(self, e, effects):
        """Take other rates where what they do to the accounts keeps within the limits."""
        self.decree(e.effective_from, e.version, effects)

    def decree(self, at, what, effects):
        """Note what is to count from an instant on, where its impact keeps within the limits."""
        before = self.rate, self.share, self.lending.assets, self.counting
        for when, decreed in self.decreed:
            before = self.after(before, decreed) if when <= at else before
        if self.weigh(effects, before, self.after(before, what)):
            self.decreed.append((at, what))
            self.decreed.sort(key=lambda pair: pair[0])
            self.act()

    @staticmethod
    def after(terms, decreed):
        """Return (rate, share, terms of borrowing, of counting) after a change of some of them."""
        rate, share, lending, counting = terms
        if hasattr(decreed, "assets"):
            return rate, share, decreed.assets, counting
        if isinstance(decreed, dict):
            return rate, share, lending, decreed
        own = decreed.parameters.general
        return (Fraction(str(own.rate)), Fraction(str(own.maintenance_share)), lending, counting)

    def changewithdrawn(self, e, _):
        """Forget a version, or limits, that wait; each that is taken back has its own instant."""
        if self.bounds.withdrawn(e.effective_from):
            return
        left = [pair for pair in self.decreed
                if pair[0] != e.effective_from or not hasattr(pair[1], "parameters")]
        if len(left) + 1 != len(self.decreed):
            raise Divergence(f"{e} withdraws what does not wait: {self.decreed}")
        self.decreed = left

    def weigh(self, effects, before, after):
        """Return whether terms may follow others; they are as in `now` below."""
        told, = [x for x in effects if isinstance(x, made.ChangeDecided)]
        now, sides = (self.rate, self.share, self.lending.assets, self.counting), []
        for self.rate, self.share, self.lending.assets, self.counting in (before, after):
            groups = [self.group(name) for name in self.accounts if name not in self.head]
            sides.append([self.margin(group) for group in groups if self.has_a_row(group)])
        self.rate, self.share, self.lending.assets, self.counting = now
        fits, sure = (True, True) if self.market is None else keeps_within(self.limits, *sides)
        if sure and told.admitted != fits:
            raise Divergence(f"admitted: {told}, by the rules: {fits}")
        return told.admitted

    def has_a_row(self, group):
        cash, names = self.netted(group)
        return any(cash.values()) or names

    def impactlimited(self, e, _):
        self.limits = e.limits

    def countingchanged(self, e, effects):
        """Take other terms by which assets count, where that keeps within the limits."""
        self.decree(e.effective_from, e.counting, effects)

    def indexruleschanged(self, e, _):
        self.venues.ruled(e.rules)
        self.make_prices()
        self.look()

    def venuesquoted(self, e, _):
        self.moved(e)
        self.venues.quoted(e)
        self.make_prices()
        self.look()

    def make_prices(self):
        """Make the prices that have a rule of what venues quote now."""
        for name, sources, price, at in self.venues.made(self.time, self.restarted):
            self.sources[name] = sources
            if price is not None:
                (self.index if name in ("BTC", "ETH") else self.asset_price)[name] = price
                self.at[name] = at

    def borrowingchanged(self, e, effects):
        """Note other terms, where what they do to the accounts keeps within the limits."""
        self.decree(e.effective_from, e.borrowing, effects)

    def act(self):
        """Let what was decreed by now count."""
        while self.decreed and self.decreed[0][0] <= self.time:
            _, what = self.decreed.pop(0)
            self.rate, self.share, self.lending.assets, self.counting = self.after(
                (self.rate, self.share, self.lending.assets, self.counting), what)
            self.lending.interval = getattr(what, "interval_ns", self.lending.interval)

    def charge(self, before):
        """Charge interest on what is owed."""
        for code in self.lending.assets:
            for account in self.accounts.values():
                due = self.lending.due(code, account.cash[code], before, self.time)
                account.cash[code] -= due
                account.sum_up("interest", code, -due)
                self.interest[code] += due

    def fundingapplied(self, e, _):
        self.moved(e)
        contract = self.terms[e.instrument]
        price = said_price(e)
        rate = Fraction(e.rate) * Fraction(10) ** e.rate_exponent
        unit = (Fraction(str(contract.multiplier)) * Fraction(10) ** contract.lot_exponent
                * 10 ** self.decimals[contract.settlement])
        size = unit / price if contract.payoff is Payoff.INVERSE else unit * price
        for account in self.accounts.values():
            lots, _ = account.positions.get(e.instrument, (0, 0))
            paid = ceil(lots * size * rate)
            account.cash[contract.settlement] -= paid
            account.sum_up("funding", contract.settlement, -paid)

    def contractssettled(self, e, _):
        self.moved(e)
        price = said_price(e)
        self.settled.add((e.underlying, e.expiry))
        ended = [c for c in self.terms.values() if isinstance(c, Future | Option)
                 and (c.underlying, c.expiry) == (e.underlying, e.expiry)]
        for contract in ended:
            worth = price
            if isinstance(contract, Option):
                gap = price - Fraction(str(contract.strike))
                worth = max(gap if contract.right is Right.CALL else -gap, Fraction(0))
                worth = worth / price if contract.payoff is Payoff.INVERSE else worth
            for account in self.accounts.values():
                lots, _ = account.positions.get(contract.id, (0, 0))
                if lots:
                    gain = self.trade(account, contract, -lots, worth)
                    account.cash[contract.settlement] += gain
                account.orders = {k: o for k, o in account.orders.items() if o[0] != contract.id}

    def marketbatch(self, e, _):
        self.moved(e)
        for row, column in enumerate(e.quotes.column.tolist()):
            name = self.columns[column]
            self.marks[name] = Fraction(float(e.quotes.mark[row]))
            self.at[name], self.sources[name] = int(e.quotes.at[row]), int(e.quotes.sources[row])
        made = self.venues.rules
        for row, name in [(k, n) for k, n in enumerate(e.indices.names) if n not in made]:
            self.index[name] = Fraction(float(e.indices.price[row]))
            self.at[name], self.sources[name] = int(e.indices.at[row]), int(e.indices.sources[row])
        for row, name in [(k, n) for k, n in enumerate(e.assets.names) if n not in made]:
            self.asset_price[name] = Fraction(float(e.assets.price[row]))
            self.at[name], self.sources[name] = int(e.assets.at[row]), int(e.assets.sources[row])
        self.look()

    def marketassembled(self, e, _):
        self.moved(e)
        self.market = dict(self.marks), dict(self.index), dict(self.asset_price)
        self.confidence = {name: max(1 - self.venues.band.get(name, Fraction(0)), Fraction(0))
                           for name in self.venues.rules}
        self.bounds.pledge()
        self.judge()
        if self.lending.assets:
            self.owed = {code: -sum(min(a.cash[code], 0) for a in self.accounts.values())
                         for code in self.codes}

    def clockadvanced(self, e, _):
        self.moved(e)
        if self.market is not None:
            self.judge()

    def enginerestarted(self, e, _):
        self.moved(e)
        self.restarted = self.time
        self.look()

    def moved(self, e):
        """Let time pass."""
        if e.time < self.time and isinstance(e, said.ClockAdvanced):
            raise Divergence("time went back")
        before, self.time = self.time, max(self.time, e.time)
        self.charge(before)
        self.act()
        self.make_prices()
        self.bounds.act()
        self.look()

    def look(self):
        """Note which prices are fresh, and since when."""
        for name, at in self.at.items():
            fresh = (self.time - at <= self.rules.other_age_max_ns and at > self.restarted
                     and self.sources[name] >= self.rules.sources_min and self.venues.sure(name))
            self.since[name] = (self.since.get(name) or self.time) if fresh else None

    def trusted(self, name):
        """Return whether a price has been fresh for the calm time."""
        since = self.since.get(name)
        return since is not None and self.time - since >= self.rules.calm_ns

    def doubtful(self, group):
        """Return whether accounts, as one, depend on a price that is not trusted."""
        cash, names = self.netted(group)
        names |= {self.terms[n].underlying for n in names} | {
            self.terms[n].settlement for a in group for n in a.positions if self.held(group, n)[0]}
        names -= {"USD"}
        names |= {code for code, amount in cash.items() if amount and code != "USD"}
        return not all(self.trusted(name) for name in names)

    def netted(self, group):
        """Return cash and names of contracts of accounts as one: what cancelled is cash."""
        cash = {code: sum(a.cash[code] for a in group) for code in self.codes}
        names = {o[0] for a in group for o in a.orders.values()}
        for name in {n for a in group for n in a.positions}:
            contract, (lots, cost) = self.terms[name], self.held(group, name)
            if lots:
                names.add(name)
            elif not isinstance(contract, Option):
                cash[contract.settlement] -= cost
        return cash, names

    def held(self, group, name):
        """Return lots and entry cost of an instrument over accounts."""
        mine = [a.positions.get(name, (0, 0)) for a in group]
        return sum(lots for lots, _ in mine), sum(cost for _, cost in mine)

    def margin(self, group):
        """Return what accounts need as one, initially and to keep, and own, in USD, exactly.

        None stands for a number that is missing: an asset that is held or owed has no price.
        """
        if self.market is None:
            return Fraction(0), Fraction(0), Fraction(0)
        marks, index, _ = self.market
        owned = {code: Fraction(sum(a.cash[code] for a in group), 10 ** self.decimals[code])
                 for code in self.codes}
        initial, maintenance, gains = Fraction(0), Fraction(0), {}
        names = {n for a in group for n in (*a.positions, *(o[0] for o in a.orders.values()))}
        for name in names:
            contract = self.terms[name]
            lots, cost = self.held(group, name)
            unit = Fraction(str(contract.multiplier)) * Fraction(10) ** contract.lot_exponent
            option = isinstance(contract, Option)
            inverse = contract.payoff is Payoff.INVERSE and not option
            mark = marks[name]
            if lots or cost:
                value = -lots * unit / mark if inverse else lots * unit * mark
                cost = 0 if option else Fraction(cost, 10 ** self.decimals[contract.settlement])
                owned[contract.settlement] += value - cost
                if lots and contract.underlying in self.counting:
                    key, terms = (contract.underlying, contract.settlement), self.counting[
                        contract.underlying]
                    entry = Fraction(self.held(group, name)[1],
                                     10 ** self.decimals[contract.settlement])
                    gains[key] = gains.get(key, (0, 0))[0] + value - entry, Fraction(terms.gains)
            mine = [o[1] for a in group for o in a.orders.values() if o[0] == name]
            bought, sold = sum(x for x in mine if x > 0), -sum(x for x in mine if x < 0)
            size = unit if inverse else unit * index[contract.underlying]
            initial += max(abs(lots + bought), abs(lots - sold)) * size * self.rate
            maintenance += abs(lots) * size * self.rate * self.share
        prices = self.prices()
        cash, _ = self.netted(group)
        for code, terms in self.lending.assets.items():
            if cash[code] < 0 and (terms.initial or terms.maintenance):
                if code not in prices:
                    initial = maintenance = None
                    break
                value = Fraction(-cash[code], 10 ** self.decimals[code]) * prices[code]
                initial += value * Fraction(str(terms.initial))
                maintenance += value * Fraction(str(terms.maintenance))
        for (_, code), (gain, share) in gains.items():
            owned[code] -= max(gain, 0) * (1 - share)
        if any(amount and code not in prices for code, amount in owned.items()):
            return initial, maintenance, None
        balance = sum((amount * prices[code] for code, amount in owned.items() if amount < 0),
                      Fraction(0))
        balance += self.bounds.counted({
            code: amount * self.counts_at(code, prices) * WEIGHTS[code]
            for code, amount in owned.items() if amount > 0})
        return initial, maintenance, balance

    def counts_at(self, code, prices):
        """Return the price at which an asset counts as collateral."""
        terms = self.counting.get(code)
        return counts_at(terms, prices[code], prices.get(terms.redeems) if terms else None,
                         self.confidence.get(code))

    def judge(self):
        """Move every account on its ladder, and say which calls follow."""
        for name, account in self.accounts.items():
            group = [] if name in self.head else self.group(name)
            initial, maintenance, balance = self.margin(group)
            if self.doubtful(group) or None in (initial, maintenance, balance):
                continue
            level = 0
            for k, (measure, at, clear) in enumerate(LADDER):
                needed = {"initial": initial, "maintenance": maintenance, "zero": 0}[measure]
                low = balance < 0 if measure == "zero" else balance * 1000 < needed * at
                high = balance < 0 if measure == "zero" else balance * 1000 < needed * clear
                if low or (high and account.level > k):
                    level = k + 1
            self.follow(name, account, level)

    def follow(self, name, account, level):
        """Issue, meet and escalate calls."""
        before, account.level = account.level, level
        if level < CALL:
            if account.call:
                self.expected.append(("MarginCallMet", name))
            account.call = None
        elif level >= LIQUIDATE:
            if before < LIQUIDATE and account.call != "escalated":
                self.liquidate(name, account)
        elif account.call is None:
            self.expected.append(("MarginCallIssued", name))
            account.call = self.time + self.grace
        elif account.call != "escalated" and account.call <= self.time:
            self.liquidate(name, account)

    def liquidate(self, name, account):
        """Escalate an open call and order a liquidation."""
        if account.call:
            self.expected.append(("MarginCallEscalated", name))
            account.call = "escalated"
        self.expected.append(("LiquidationOrdered", name))


def covers(owned, needed):
    """Return whether what is owned covers what is needed, and whether that is sure.

    A number that is missing covers nothing.
    """
    if owned is None or needed is None:
        return False, True
    return owned >= needed, abs(owned - needed) > CLOSE * (1 + abs(needed))
