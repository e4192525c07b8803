"""What might happen? A seeded stream of events: trades, cash, prices that jump and gap, errors.

Every event comes with whether the engine must refuse it. The stream depends on its seed and on what
the engine admitted, never on chance or time.
"""

from typing import Any

import numpy as np

from counterpoise.collateral.borrowing import Borrowing, BorrowTerms
from counterpoise.collateral.counting import CountingTerms
from counterpoise.collateral.limits import Counterparty, ExposureLimits
from counterpoise.engine import asset_events as of_assets
from counterpoise.engine import events as said
from counterpoise.engine.levels import DEFAULT_LEVELS
from counterpoise.governance.guardrails import ImpactLimits
from counterpoise.instruments.contracts import Option, Perpetual, Spot
from counterpoise.margin.parameter_version import version_digest
from counterpoise.margin.scheduled import digest_of_terms
from counterpoise.market.index import IndexRule
from counterpoise.values.time import DAY_NS, SECOND_NS
from engine_world import EXPIRY, World, parameters

VENUES = ("one", "two", "three", "four")
NAMES = ("a", "b", "c", "d", "e", "f")
CASH = {"BTC": 10**8, "ETH": 10**9, "USDC": 50_000 * 10**6, "USD": 1_000 * 10**6}


class Workload:
    """A stream over a world; `turn` returns the next batch of (event, must it be refused)."""

    def __init__(self, seed: int, world: World) -> None:
        self.chance = np.random.Generator(np.random.PCG64(seed))
        self.world, self.prices = world, {"BTC": 70_000.0, "ETH": 3_500.0}
        self.settled, self.number, self.orders, self.pockets = False, 2, 0, 0

    def begin(self) -> list[tuple[Any, bool]]:
        """Return a segment, accounts and their first cash."""
        make = self.world.event
        out = [make(said.SegmentDefined, segment="retail", model="gross_orders",
                    levels=DEFAULT_LEVELS),
               make(said.ParametersActivated, segment="retail", version=parameters(),
                    effective_from=0)]
        if self.one(2):
            out.append(make(of_assets.BorrowingChanged, segment="retail", borrowing=self.lending(),
                            effective_from=0))
        out += [event for event, _ in self.limits()] if self.one(2) else []
        out += [make(said.AccountOpened, account=name, segment="retail") for name in NAMES]
        out += [make(said.Deposited, account=name, asset=code, amount=amount)
                for name in NAMES for code, amount in CASH.items() if self.one(4)]
        return [(event, False) for event in out]

    def one(self, n: int) -> int:
        """Return an integer below n."""
        return int(self.chance.integers(n))

    def pick(self, things: Any) -> Any:
        """Return one of some things."""
        return things[self.one(len(things))]

    def turn(self) -> list[tuple[Any, bool]]:
        """Return the next batch; it is to be applied before the next turn."""
        if self.one(4) == 0:
            return self.ties()
        kinds = (self.trade, self.trade, self.trade, self.order, self.order, self.cash, self.leave,
                 self.prices_move, self.prices_move, self.prices_move, self.prices_move,
                 self.prices_move, self.rare, self.error)
        out: list[tuple[Any, bool]] = []
        touched: set[Any] = set()
        for _ in range(1 + self.one(4)):
            kind = self.pick(kinds)
            for event, wrong in kind():
                # What refers to the state is said at most once a batch for an account.
                mine = {getattr(event, n, None) for n in ("account", "to")} - {None}
                if not wrong and isinstance(event, said.OrderChanged | said.OrderCancelled
                                            | said.WithdrawalApproved | said.WithdrawalRejected
                                            | said.Filled) and mine & touched and (
                                                getattr(event, "order", "") or not hasattr(
                                                    event, "instrument")):
                    continue
                touched |= mine
                out.append((event, wrong))
            if kind == self.rare:
                break
        return out

    def live(self) -> list[Any]:
        """Return the instruments that can be traded now."""
        return [c for c in self.world.state.catalogue.instruments
                if not 0 < getattr(c, "expiry", 0) <= self.world.time]

    def trade(self) -> list[tuple[Any, bool]]:
        """Return two sides of a trade, or now and then one only, that its other side never met."""
        contract, size = self.pick(self.live()), (1 + self.one(1000)) * self.pick((1, 5, 40))
        price = self.price(contract)
        if isinstance(contract, Spot):
            lots = size * 10**6
        elif contract.payoff == "inverse" and not isinstance(contract, Option):
            lots = size * 10**10 + self.one(1000)
        else:
            lots = size * 10**6 + self.one(1000)
        buyer, seller = self.pick(self.names()), self.pick(self.names())
        lots *= 1 if self.one(2) else -1
        sides = [(buyer, lots), (seller, -lots)][:1 + (self.one(20) > 0)]
        return [(self.world.event(
            said.Filled, account=name, order="", instrument=contract.id, lots=side, price=price,
            price_exponent=-4, fee=self.one(50) - 5), False) for name, side in sides]

    def price(self, contract: Any) -> int:
        """Return a price near the market, in ten-thousandths."""
        level = self.prices[contract.underlying] * (1 + (self.one(201) - 100) / 20_000)
        if isinstance(contract, Option):
            level = 0.05 if contract.payoff == "inverse" else 0.05 * level
        return max(int(level * 10_000), 1)

    def order(self) -> list[tuple[Any, bool]]:
        """Return an order, a change, a cancel, or a fill of one."""
        name, kind = self.pick(self.names()), self.one(5)
        mine = self.read(name).orders
        if kind < 3 or not mine:
            spot = [c for c in self.live() if isinstance(c, Spot)]
            contract = self.pick(self.live() if self.one(3) else spot)
            inverse = contract.payoff == "inverse" and not isinstance(contract, Option)
            lots = (1 + self.one(3000)) * (10**11 if inverse else
                                           10**6 if contract in spot else 10**7)
            self.orders += 1
            return [(self.world.event(
                said.OrderPlaced, account=name, order=f"o{self.orders}", instrument=contract.id,
                lots=lots if self.one(2) else -lots, price=self.price(contract),
                price_exponent=-4), False)]
        order = self.pick(sorted(mine))
        column, lots, price, exponent = mine[order]
        who = {"account": name, "order": order}
        if kind == 3:
            return [(self.world.event(said.OrderCancelled, **who), False)]
        if self.one(2):
            more = lots * (1 + self.one(3))
            return [(self.world.event(said.OrderChanged, **who, lots=more, price=price,
                                      price_exponent=exponent), False)]
        contract = self.world.state.catalogue.instruments[column]
        part = lots if isinstance(contract, Spot) else lots // (1 + self.one(3)) or lots
        return [(self.world.event(said.Filled, **who, instrument=contract.id, lots=part, fee=3,
                                  price=price, price_exponent=exponent), False)]

    def read(self, name: str) -> Any:
        """Return what the engine says an account holds."""
        return self.world.row(name)

    def cash(self) -> list[tuple[Any, bool]]:
        """Return cash that comes, is charged, or moves between accounts."""
        name, code, kind = self.pick(self.names()), self.pick(sorted(CASH)), self.one(4)
        amount = 1 + self.one(CASH[code])
        if kind == 0:
            return [(self.world.event(said.Deposited, account=name, asset=code, amount=amount),
                     name not in NAMES)]
        if kind == 1:
            return [(self.world.event(said.FeeCharged, account=name, asset=code,
                                      amount=amount // 1000 + 1), False)]
        to = self.pick([n for n in self.names() if n != name])
        return [(self.world.event(said.Transferred, account=name, to=to, asset=code,
                                  amount=amount),
                 self.owner(name) not in (name, to) or self.owner(to) not in (name, to))]

    def names(self) -> list[str]:
        """Return the accounts that are open, pockets too."""
        state = self.world.state
        return [*NAMES, *(state.directory.names[p] for p in sorted(state.ties.owner))]

    def owner(self, name: str) -> str:
        """Return the owner of a pocket, any other account itself."""
        state = self.world.state
        number = state.directory.numbers[name]
        return str(state.directory.names[state.ties.owner.get(number, number)])

    def ties(self) -> list[tuple[Any, bool]]:
        """Return what becomes of pockets and linked accounts; a batch of its own."""
        make, kind = self.world.event, self.one(9)
        pockets = self.names()[len(NAMES):]
        if kind < 4 and pockets:
            return self.pocket(self.pick(pockets), kind)
        if kind < 6:
            owner, code = self.pick(NAMES), self.pick(sorted(CASH))
            self.pockets += 1
            name = f"{owner}/{self.pockets}"
            return [(make(said.PocketOpened, account=name, owner=owner), False),
                    (make(said.Transferred, account=owner, to=name, asset=code,
                          amount=CASH[code] // (1 + self.one(9))), False)]
        state = self.world.state
        linked = {state.directory.names[n]: state.directory.names[h]
                  for n, h in state.ties.head.items()}
        if kind == 6:
            name = self.pick(sorted(linked) if linked and self.one(4) else NAMES)
            return [(make(said.AccountUnlinked, account=name), name not in linked)]
        name, to = self.pick(NAMES), self.pick(NAMES)
        wrong = name == to or name in linked or to in linked or name in linked.values()
        return [(make(said.AccountLinked, account=name, to=to), wrong)]

    def pocket(self, name: str, kind: int) -> list[tuple[Any, bool]]:
        """Return what happens to a pocket: collateral moves, all is closed out, it ends."""
        make, held = self.world.event, self.read(name)
        codes = [a.code for a in self.world.state.assets]
        if kind == 0:
            pair = [name, self.owner(name)][::1 if self.one(2) else -1]
            code = self.pick(sorted(CASH))
            return [(make(said.Transferred, account=pair[0], to=pair[1], asset=code,
                          amount=1 + self.one(CASH[code])), False)]
        if kind == 1:
            wrong = bool(held.positions or held.orders) or max(held.balances) > 0
            return [(make(said.AccountClosed, account=name), wrong)]
        out = [make(said.OrderCancelled, account=name, order=order) for order in held.orders]
        contracts = self.world.state.catalogue.instruments
        live = [(contracts[c], lots) for c, (lots, _) in held.positions.items()
                if contracts[c] in self.live()]
        out += [make(said.Filled, account=name, order="", instrument=c.id, lots=-lots, fee=1,
                     price=self.price(c), price_exponent=-4) for c, lots in live]
        out += [make(said.Transferred, account=name, to=self.owner(name), asset=code, amount=left)
                for code, left in zip(codes, held.balances, strict=True) if left > 0]
        return [(event, False) for event in out]

    def leave(self) -> list[tuple[Any, bool]]:
        """Return a withdrawal, or what becomes of one."""
        waiting = self.world.state.withdrawals
        if waiting and self.one(2):
            name = self.pick(sorted(waiting))
            owner = self.world.state.directory.names[waiting[name][0]]
            kind = self.pick((said.WithdrawalApproved, said.WithdrawalRejected))
            return [(self.world.event(kind, account=owner, withdrawal=name), False)]
        code, who = self.pick(sorted(CASH)), self.pick(self.names())
        self.orders += 1
        return [(self.world.event(
            said.WithdrawalRequested, account=who, withdrawal=f"w{self.orders}",
            asset=code, amount=1 + self.one(CASH[code])), who not in NAMES)]

    def prices_move(self) -> list[tuple[Any, bool]]:
        """Return a step of the market: a small one, a jump, a gap, or thin sources."""
        kind = self.one(24)
        for coin in self.prices:
            step = (self.one(2001) - 1000) / 1000
            self.prices[coin] *= 1 + step * (0.35 if kind == 0 else 0.04)
        self.world.time += round((30 if kind == 1 else 1 + self.one(4)) * SECOND_NS)
        out = [self.world.batch(self.prices, 1 if kind == 2 else 3), *self.venues()]
        if self.one(3):
            out.append(self.world.event(said.MarketAssembled, segments=()))
        if kind == 3:
            self.world.time += 40 * SECOND_NS
            out.append(self.world.event(said.ClockAdvanced))
        return [(event, False) for event in out]

    def rare(self) -> list[tuple[Any, bool]]:
        """Return funding, new parameters or terms, a restart, a long silence, or an expiry."""
        make, kind = self.world.event, self.one(11)
        if kind > 8:
            return self.unlimited() or self.limits()
        if kind == 0:
            contract = self.pick([c for c in self.live() if isinstance(c, Perpetual)])
            return [(make(said.FundingApplied, instrument=contract.id, rate=self.one(201) - 100,
                          rate_exponent=-6, price=self.price(contract), price_exponent=-4), False)]
        if kind == 1:
            self.number += 1
            version = parameters(0.05 + 0.01 * self.one(15), self.number, 0.5 + 0.1 * self.one(5))
            limits = ImpactLimits(below_initial=0.25 * self.one(5), extra=0.3125 * self.one(9),
                                  below_maintenance=0.25 * self.one(5), bankrupt=1.0)
            later = self.pick((0, self.world.time + (20 + self.one(300)) * SECOND_NS))
            out = [(make(said.ParametersActivated, segment="retail", version=version,
                         effective_from=later), False)]
            return out if self.one(2) else [(make(
                said.ImpactLimited, segment="retail", digest="", limits=limits), False), *out]
        if kind == 2:
            leap = make(said.EngineRestarted, engine="test",
                        time=self.world.time + (367 + self.one(20_000)) * DAY_NS)
            return [(leap, False), (make(said.EngineRestarted, engine="test"), False)]
        if kind == 3 and self.settled:
            return self.settle()
        if kind == 3:
            self.settled, self.world.time = True, EXPIRY
            return [(make(said.ClockAdvanced), False), *self.changed_late(), *self.late(),
                    *self.settle(), *self.late()]
        if kind == 5:
            return [(make(of_assets.IndexRulesChanged, rules=self.rules()), False)] if self.one(
                2) else [(make(of_assets.CountingChanged, segment="retail", effective_from=0,
                               counting=self.counting()), False)]
        if kind == 4:
            later = self.pick((0, self.world.time + 20 * SECOND_NS))
            return [(make(of_assets.BorrowingChanged, segment="retail", borrowing=self.lending(),
                          effective_from=later), False)]
        waiting = [p for p in self.world.state.segments[0].pending
                   if p.version is not None and p.effective_from > self.world.time]
        if kind in (6, 7) and waiting:
            gone = self.pick(waiting)
            return [(make(said.ChangeWithdrawn, segment="retail", digest=version_digest(
                gone.version), effective_from=gone.effective_from), False)]
        self.world.time += 400 * SECOND_NS
        return [(make(said.ClockAdvanced), False)]

    def settle(self) -> list[tuple[Any, bool]]:
        """Return settlements of what ended; the auditor says which have been."""
        return [(self.world.event(said.ContractsSettled, underlying=coin, expiry=EXPIRY,
                                  price=int(price * 10_000), price_exponent=-4), False)
                for coin, price in self.prices.items()]

    def limits(self) -> list[tuple[Any, bool]]:
        """Return limits of exposure, at once or later."""
        code, far = self.pick(sorted(CASH)), float("inf")
        decimals = {a.code: a.decimals for a in self.world.state.assets}
        cap = (1 + self.one(6)) * CASH[code] / 10 ** decimals[code]
        issuer = Counterparty(assets=("USDC",), share_max=self.pick((0.25, 0.5, 1.0)),
                              value_max=self.pick((far, 20_000.0, 100_000.0)))
        limits = ExposureLimits(
            eligible=None if self.one(4) else ("BTC", "USD", "USDC"),
            platform={code: cap} if self.one(3) else {},
            counterparties={"issuer": issuer} if self.one(3) else {},
            gross_max=self.pick((far, 100_000.0, 1_000_000.0)))
        return [(self.world.event(
            said.ExposureLimited, segment="retail", limits=limits,
            effective_from=self.pick((0, self.world.time + self.pick((7, 500)) * SECOND_NS))),
            False)]

    def unlimited(self) -> list[tuple[Any, bool]]:
        """Return the withdrawal of limits that wait for an instant alone, none without any."""
        state = self.world.state
        waiting = state.exposure[0].waiting if state.exposure else ()
        instants = [since for since, _ in waiting] + [
            p.effective_from for s in state.segments for p in s.pending]
        alone = [w for w in waiting if w[0] > self.world.time and instants.count(w[0]) == 1]
        if not alone:
            return []
        since, limits = self.pick(alone)
        return [(self.world.event(said.ChangeWithdrawn, segment="retail", effective_from=since,
                                  digest=digest_of_terms(limits)), False)]

    def ended(self) -> list[Any]:
        """Return the instruments that end first."""
        return [c for c in self.world.state.catalogue.instruments
                if getattr(c, "expiry", 0) == EXPIRY]

    def late(self) -> list[tuple[Any, bool]]:
        """Return fills around the expiry and orders after it; the auditor says what is too late."""
        out, ended = [], self.ended()
        for _ in range(4):
            contract, lots = self.pick(ended), (1 + self.one(1000)) * 10**6
            what = {"account": self.pick(NAMES), "instrument": contract.id,
                    "price": self.price(contract), "price_exponent": -4}
            out += [self.world.event(said.Filled, **what, order="", fee=1, lots=-lots,
                                     time=EXPIRY + (self.one(61) - 58) * SECOND_NS // 2),
                    self.world.event(said.OrderPlaced, **what, order=f"late{self.world.count}",
                                     lots=lots)]
        return [(event, False) for event in out]

    def changed_late(self) -> list[tuple[Any, bool]]:
        """Return changes of orders on what has ended."""
        columns = {self.world.state.catalogue.column[c.id] for c in self.ended()}
        mine = [(name, order, held) for name in NAMES
                for order, held in self.read(name).orders.items() if held[0] in columns]
        return [(self.world.event(said.OrderChanged, account=name, order=order, lots=2 * lots,
                                  price=price, price_exponent=exponent), False)
                for name, order, (_, lots, price, exponent) in mine]

    def lending(self) -> Borrowing:
        """Return terms of borrowing, now and then tight ones, of some assets."""
        some = [code for code in sorted(CASH) if self.one(3)]
        return Borrowing(interval_ns=60 * SECOND_NS, assets={code: BorrowTerms(
            account_max=self.pick((0, CASH[code] // 4, 2 * CASH[code])),
            platform_max=self.pick((CASH[code] // 2, 20 * CASH[code])), rate=self.one(3000),
            rate_exponent=-2, initial=self.pick((0.0, 0.1)), maintenance=0.0) for code in some})

    def rules(self) -> dict[str, IndexRule]:
        """Return rules of an index for some prices.

        That of ETH follows its marks: the snapshot drops marks that are far from their index.
        """
        even = {"ETH": IndexRule(weights=dict.fromkeys(VENUES[:3], 1), age_max_ns=15 * SECOND_NS,
                                 cap=self.pick((0.0, 0.005)))}
        uneven = {"USDC": IndexRule(
            weights={venue: 1 + self.one(3) for venue in VENUES[:3 + self.one(2)]},
            age_max_ns=15 * SECOND_NS, cap=self.pick((0.0, 0.005)), sources_min=2 + self.one(2),
            depth_min=self.pick((0.0, 1e6)))}
        return (even if self.one(4) else {}) | (uneven if self.one(4) else {})

    def counting(self) -> dict[str, CountingTerms]:
        """Return terms by which some assets count."""
        floored = CountingTerms(redeems="USD", redemption=1.0, delay_haircut=0.02,
                                defaulted=not self.one(4), confidence_min=self.pick((0.0, 0.995)))
        thin = CountingTerms(gains=self.pick((0.0, 0.5)), confidence_min=self.pick((0.0, 0.999)))
        return {code: terms for code, terms in (("USDC", floored), ("ETH", thin)) if self.one(4)}

    def venues(self) -> list[Any]:
        """Return what venues quote: one may be far off, one silent, one thin."""
        rules = self.world.state.board.venues.rules
        levels = {"USDC": self.pick((1.0, 1.0, 0.97, 0.7)), **self.prices}
        rows = [(name, venue) for name in rules for venue in rules[name].weights
                if name == "ETH" or self.one(9)]
        if not rows:
            return []
        price = [levels[name] * (1 + (self.one(41) - 20) / 20_000) for name, _ in rows]
        if self.one(3) == 0:  # one row, so one venue of one price
            price[self.one(len(price))] *= self.pick((0.01, 0.65, 1.5, 100.0))
        depth = [self.pick((float("nan"), 1e5, 1e7, 1e7, 1e7)) for _ in rows]
        return [self.world.event(
            of_assets.VenuesQuoted, name=tuple(n for n, _ in rows),
            venue=tuple(v for _, v in rows), price=np.array(price), depth=np.array(depth),
            at=np.full(len(rows), self.world.time))]

    def error(self) -> list[tuple[Any, bool]]:
        """Return an event that must change nothing."""
        make, last = self.world.event, self.pick(self.world.applied[-20:])
        fill = {"account": "a", "order": "", "instrument": "BTC-USD:BTC-PERP", "lots": 10**10,
                "price": 7, "price_exponent": 4, "fee": 0}
        wrong = [
            make(said.Filled, **fill | {"lots": 0}), make(said.Filled, **fill | {"price": 0}),
            make(said.Filled, **fill | {"account": "nobody"}),
            make(said.Filled, **fill | {"instrument": "DOGE"}),
            make(said.Filled, **fill | {"time": self.world.state.time + 10**13}),
            make(said.Filled, **fill | {"time": self.world.state.time - 10**13}),
            make(said.Filled, **fill | {"lots": 2**62 + 1}),
            make(said.Deposited, account="a", asset="USDC", amount=-1),
            make(said.Deposited, account="a", asset="GOLD", amount=1),
            make(said.OrderCancelled, account="a", order="none"),
            make(said.AccountOpened, account="a", segment="retail"),
            make(said.WithdrawalApproved, account="a", withdrawal="none"),
            make(said.ClockAdvanced, time=self.world.state.time - 1),
            make(said.UnreadableReceived, digest="ab", size=3, sentence="is nothing"),
            make(said.FeeCharged, account="a", asset="USDC", amount=1, client_id="c1"),
            make(said.MarketAssembled, segments=("nowhere",)),
            make(of_assets.IndexRulesChanged, rules={"GOLD": IndexRule(
                weights={"one": 1, "two": 1, "three": 1}, age_max_ns=10**9)}),
            make(of_assets.BorrowingChanged, segment="nowhere", borrowing=Borrowing(assets={}),
                 effective_from=0),
        ]
        if self.one(4) == 0:
            return [(last, False)]
        return [(self.pick(wrong), True)]
