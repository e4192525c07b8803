"""The auditor's books: an account, what venues quote, on which terms assets are owed.

Written from docs/methodology/engine.md in integers and fractions; nothing of the engine is called.
"""

from fractions import Fraction
from math import ceil

from counterpoise.instruments.contracts import Spot

FLOWS = ("realised", "funding", "fees", "interest")
YEAR = 365 * 86_400 * 10**9


class Divergence(AssertionError):
    """What the engine did is not what the rules say."""


class Account:
    """What one account has."""

    def __init__(self, codes):
        self.cash = dict.fromkeys(codes, 0)
        self.positions, self.orders = {}, {}
        self.level, self.call = 0, None
        self.sums = {(flow, code): 0 for flow in FLOWS for code in codes}

    def sum_up(self, flow, code, amount):
        """Count what the account got since it was opened."""
        self.sums[flow, code] += amount


def said_price(e):
    """Return the price that an event says."""
    return Fraction(e.price) * Fraction(10) ** e.price_exponent


def if_filled(books, account):
    """Return what an account would own, had its spot orders paid and delivered and got nothing."""
    owned = dict(account.cash)
    for name, lots, price in account.orders.values():
        contract = books.terms[name]
        if isinstance(contract, Spot) and lots > 0:
            owned[contract.quote] -= books.worth(contract, lots, price)
        elif isinstance(contract, Spot):
            units = lots * Fraction(10) ** (
                contract.lot_exponent + books.decimals[contract.underlying])
            owned[contract.underlying] -= ceil(-units)
    return owned


def median(pairs):
    """Return the value with half of the weight on either side, of (value, weight)."""
    pairs, mass = sorted(pairs), 0
    total = sum(w for _, w in pairs)
    for k, (value, weight) in enumerate(pairs):
        mass += weight
        if 2 * mass == total:
            return (value + pairs[k + 1][0]) / 2
        if 2 * mass > total:
            return value
    raise AssertionError("no pairs")


class Venues:
    """Rules of prices, what venues quoted last, and the band of every price made of it."""

    def __init__(self):
        self.rules, self.quotes, self.band = {}, {}, {}

    def ruled(self, rules):
        """Take other rules; quotes that they ask for are kept."""
        self.band = {name: band for name, band in self.band.items() if name in rules}
        self.rules = rules
        self.quotes = {k: q for k, q in self.quotes.items()
                       if k[0] in rules and k[1] in rules[k[0]].weights}

    def quoted(self, e):
        """Note what venues quoted."""
        for name, venue, price, at, depth in zip(e.name, e.venue, e.price, e.at, e.depth,
                                                 strict=True):
            self.quotes[name, venue] = Fraction(float(price)), int(at), float(depth)

    def made(self, time, restarted):
        """Return (name, sources, price, its time) of every rule; the price None with too few."""
        out = []
        for name, rule in self.rules.items():
            live = []
            for venue, weight in rule.weights.items():
                price, at, depth = self.quotes.get((name, venue), (0, -1, 0.0))
                if price and time - at <= rule.age_max_ns and at > restarted and (
                        not rule.depth_min or depth >= rule.depth_min):
                    live.append((price, weight, at))
            if len(live) < rule.sources_min:
                out.append((name, len(live), None, None))
                continue
            middle, cap = median([x[:2] for x in live]), Fraction(rule.cap)
            total = sum(w * min(max(p, middle * (1 - cap)), middle * (1 + cap))
                        for p, w, _ in live)
            self.band[name] = median([(abs(p - middle) / middle, w) for p, w, _ in live])
            out.append((name, len(live), total / sum(w for _, w, _ in live),
                        max(at for _, _, at in live)))
        return out

    def sure(self, name):
        """Return whether a price lies within the band of its rule."""
        return name not in self.rules or (
            self.band.get(name, 0) <= Fraction(self.rules[name].band_max))


def counts_at(terms, price, redeemed, confidence):
    """Return the price at which an asset counts as collateral."""
    if terms is None:
        return price
    if confidence is not None:
        price *= confidence if confidence >= Fraction(terms.confidence_min) else 0
    if terms.redeems and not terms.defaulted:
        value = Fraction(terms.redemption) * redeemed
        price = min(max(price, value * (1 - Fraction(terms.delay_haircut))), value)
    return price


class Lending:
    """Terms of borrowing now."""

    def __init__(self):
        self.assets, self.interval = {}, 3600 * 10**9

    def due(self, code, balance, before, time):
        """Return the interest on a balance, for every whole interval that ended since."""
        terms, instants = self.assets[code], time // self.interval - before // self.interval
        share = (Fraction(terms.rate) * Fraction(10) ** terms.rate_exponent
                 * Fraction(instants * self.interval, YEAR))
        return ceil(max(-balance, 0) * share)

    def least(self, code, before, owed):
        """Return how low a balance may be brought, where all accounts owe so much."""
        terms = self.assets.get(code)
        if terms is None:
            return 0
        room = max(terms.platform_max - owed, 0)
        return -min(terms.account_max, max(-before, 0) + room)
