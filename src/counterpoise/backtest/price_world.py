"""What might markets have looked like on days of which only prices are left?

Where no option chain was recorded, a replay may stand on daily closes and a volatility per coin:
BTC and ETH options are quoted on the SSVI surface of `market.simulated`, whose 30-day volatility at
the money is the one of the day. That is a *proxy*, our reading, and every result says so: strikes,
skew and term structure are assumed, forwards are spot, and no dated future is listed, for their
basis is not known. Where a price or a volatility changes its origin between two days nothing is
compared.
"""

from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.instruments.catalogue import Catalogue, catalogue
from counterpoise.instruments.contracts import EXPIRY_TIME_NS, Instrument, Right
from counterpoise.instruments.listing import Listing, option, perpetual
from counterpoise.market.assemble import snapshot_of
from counterpoise.market.simulated import Coin, quoted
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
ORIGINS: Final = ("none", "volatility index", "fitted surface", "trailing volatility")
"""Where a volatility comes from, best first; an index into it stands in `volatility_origin`."""
INVERSE_COINS: Final = frozenset({"BTC", "ETH"})
"""Coins whose contracts are listed in coin, with options; the others are perpetuals in USDC."""
_TENORS_DAYS: Final = (7, 30, 60, 90)
_STRIKES: Final = 8
_RANGE_DEVIATIONS: Final = 2.4
_MONTH_YEARS: Final = 30 / 365
_REVERSION: Final = 2.0
_RHO: Final = -0.25
_ETA: Final = 1.0
_LONG_RUN_DAYS: Final = 365
_NICE: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@frozen
class PriceHistory:
    """Daily closes and volatilities, [day] or [day, coin]; NaN where not known, never filled.

    coins               sorted asset codes
    day                 instants (ns) of the closes, increasing
    close               USD
    origin              which series the close is from: closes of different ones do not compare
    volatility          30-day at the money, annualised, fraction; NaN: no options that day
    volatility_origin   index into `ORIGINS`
    funding             sum of funding rates over the day that ends at `day`, longs pay > 0
    source              one line that says where all this comes from
    simulated           generated from a seed, not observed
    """

    coins: tuple[str, ...]
    day: Ints
    close: Floats
    origin: Ints
    volatility: Floats
    volatility_origin: Ints
    funding: Floats
    source: str
    simulated: bool = False

    def __post_init__(self) -> None:
        """Check that the columns fit together; a mistake here is the programmer's."""
        shape = (len(self.day), len(self.coins))
        assert all(c.shape == shape for c in (
            self.close, self.origin, self.volatility, self.volatility_origin, self.funding))
        assert bool(np.all(np.diff(self.day) > 0)) and self.coins == tuple(sorted(self.coins))


@frozen
class PriceWorld:
    """A world (`backtest.world`) of daily closes, options on proxy surfaces."""

    history: PriceHistory

    @property
    def source(self) -> str:
        """Where the numbers come from; options on proxy surfaces."""
        return f"{self.history.source}; options on proxy surfaces, our reading"

    @property
    def simulated(self) -> bool:
        """Whether the closes were generated."""
        return self.history.simulated

    def days(self) -> Ints:
        """Return the days on which any coin has a close."""
        return np.asarray(self.history.day[np.isfinite(self.history.close).any(axis=1)])

    def market(self, at: int) -> MarketSnapshot:
        """Return the market of the day: perpetuals, and options where a volatility is known."""
        row = self._row(at)
        coins = self._coins(row, row)
        return self._quoted(catalogue(_listed(coins, at)), tuple(c for c, _ in coins), at)

    def again(self, held: MarketSnapshot, at: int) -> MarketSnapshot:
        """Return the market of another day in the instruments of `held`."""
        row, before = self._row(at), self._row(held.as_of)
        coins = self._coins(row, before)
        return self._quoted(held.catalogue, tuple(c for c, _ in coins), at)

    def delivery_price(self, underlying: str, expiry: int) -> float:
        """Return the last close at or before the expiry: our reading, for want of an average."""
        row = int(np.searchsorted(self.history.day, expiry, side="right")) - 1
        known = underlying in self.history.coins and row >= 0
        place = self.history.coins.index(underlying) if known else 0
        return float(self.history.close[row, place]) if known else float("nan")

    def funding(self, underlying: str, begin: int, end: int) -> float:
        """Return the sum of the daily funding between; NaN where a day is not known."""
        inside = (self.history.day > begin) & (self.history.day <= end)
        if underlying not in self.history.coins:
            return float("nan")
        return float(self.history.funding[inside, self.history.coins.index(underlying)].sum())

    def _row(self, at: int) -> int:
        row = int(np.searchsorted(self.history.day, at))
        assert row < len(self.history.day) and self.history.day[row] == at
        return row

    def _coins(self, row: int, before: int) -> list[tuple[Coin, bool]]:
        """Return (coin, whether its volatility is known) with a close that compares with before."""
        h, found = self.history, []
        for k, code in enumerate(h.coins):
            price, same = float(h.close[row, k]), h.origin[row, k] == h.origin[before, k]
            if not (price == price and same):
                continue
            volatility = float(h.volatility[row, k])
            known = (volatility == volatility and code in INVERSE_COINS
                     and h.volatility_origin[row, k] == h.volatility_origin[before, k])
            found.append((_coin(code, price, volatility if known else float("nan"),
                                self._long_run(row, k)), known))
        return found

    def _long_run(self, row: int, coin: int) -> float:
        """Return the mean variance of the year until this day, and of no later one."""
        past = self.history.volatility[max(row + 1 - _LONG_RUN_DAYS, 0):row + 1, coin]
        past = past[np.isfinite(past)]
        return float((past * past).mean()) if len(past) else float("nan")

    def _quoted(self, terms: Catalogue, coins: tuple[Coin, ...], at: int) -> MarketSnapshot:
        return snapshot_of(quoted(terms, coins, at), as_of=at, prices={"USDC": 1.0},
                           source=self.source, simulated=self.simulated)


def _coin(code: str, price: float, volatility: float, long_run: float) -> Coin:
    """Return a coin whose surface has that volatility at the money in 30 days.

    theta(T) = L T + (v - L)(1 - exp(-k T))/k is solved for v, the variance today.
    """
    span = -float(_core.expm1(np.array([-_REVERSION * _MONTH_YEARS]))[0]) / _REVERSION
    now = long_run + (volatility * volatility - long_run) * _MONTH_YEARS / span
    return Coin(code=code, price=price, variance_now=max(now, 0.05 * volatility * volatility),
                variance_long_run=long_run, reversion_per_year=_REVERSION, rho=_RHO, eta=_ETA,
                carry=0.0, perpetual_basis=0.0)


def _listed(coins: list[tuple[Coin, bool]], at: int) -> list[Instrument]:
    listed: list[Instrument] = []
    for coin, with_options in coins:
        inverse = coin.code in INVERSE_COINS
        line = Listing(underlying=coin.code, quote="USD" if inverse else "USDC",
                       settlement=coin.code if inverse else "USDC")
        listed.append(perpetual(line))
        for expiry in _fridays(at) if with_options else ():
            years = (expiry - at) / (365 * DAY_NS)
            listed += [option(line, expiry=expiry, strike=strike, right=right)
                       for strike in _strikes(coin, years) for right in (Right.CALL, Right.PUT)]
    return listed


def _fridays(at: int) -> tuple[int, ...]:
    """Return the Fridays, 08:00 UTC, nearest to the tenors and at least two days ahead."""
    today = at // DAY_NS
    # Day 0 of the epoch was a Thursday, so Fridays are the days 1 modulo 7.
    first = today + 2 + (1 - (today + 2)) % 7
    days = {max(first, first + 7 * round((today + t - first) / 7)) for t in _TENORS_DAYS}
    return tuple(int(d) * DAY_NS + EXPIRY_TIME_NS for d in sorted(days))


def _strikes(coin: Coin, years: float) -> list[float]:
    """Return round strikes over some standard deviations on both sides of the price."""
    level = max(coin.variance_now, coin.variance_long_run)
    step = _round_step(coin.price * _RANGE_DEVIATIONS * float(np.sqrt(level * years)) / _STRIKES)
    middle = float(np.rint(coin.price / step))
    counts = np.arange(middle - _STRIKES, middle + 2 * _STRIKES + 1)
    return [float(strike) for strike in counts[counts > 0] * step]


def _round_step(size: float) -> float:
    power = 1e-6
    while power * 10 <= size:
        power *= 10
    return max(nice * power for nice in _NICE if nice * power <= size or nice == 1.0)


def simulated_history(*, seed: int, days: int, begin: int) -> PriceHistory:
    """Return simulated closes of BTC and ETH: volatility that clusters, falls that are shared.

    Volatilities follow ln v' = 0.97 ln v + 0.03 ln v0 + shocks that are larger on falls; returns
    are Student's t with 4 degrees of freedom. Seeded; labelled as simulated.
    """
    coins, base = ("BTC", "ETH"), np.array([0.55, 0.70])
    chance = np.random.Generator(np.random.PCG64(seed))
    shared, own = chance.standard_t(4, days), chance.standard_t(4, (days, 2))
    shock = (0.85 * shared[:, None] + 0.53 * own) / np.sqrt(2.0)
    jolt = chance.standard_normal((days, 2))
    log_vol, log_price = np.log(base), np.log(np.array([30_000.0, 2_000.0]))
    close, volatility = np.empty((days, 2)), np.empty((days, 2))
    for t in range(days):
        move = np.exp(log_vol) / np.sqrt(365.0) * shock[t]
        log_price = log_price + np.clip(move, -0.6, 0.6)
        log_vol = (0.97 * log_vol + 0.03 * np.log(base) + 0.03 * jolt[t]
                   + 0.06 * np.maximum(-shock[t] - 1.0, 0.0))
        close[t], volatility[t] = np.exp(log_price), np.exp(log_vol)
    same = np.ones((days, 2), np.int64)
    return PriceHistory(
        coins=coins, day=begin + DAY_NS * np.arange(days, dtype=np.int64), close=close,
        origin=same, volatility=volatility, volatility_origin=same, funding=np.zeros((days, 2)),
        source=f"simulated closes, seed {seed}, not observed", simulated=True)
