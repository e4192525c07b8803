"""What could a market look like? A seeded BTC and ETH market, plausible and never observed.

Options in coin and in USDC over eleven expiries, perpetuals, dated futures, spot. Total variance is
the SSVI surface of Gatheral and Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative
Finance 14 (2014), equation 4.1, with k = ln(K / F):

    w(k) = theta/2 (1 + rho phi k + sqrt((phi k + rho)^2 + 1 - rho^2)),
    phi  = eta / sqrt(theta (1 + theta))

theta rises with time, rho is one number per coin and eta (1 + |rho|) <= 2, hence no butterfly and
no calendar arbitrage (their theorem 4.1, corollary 4.1 and remark 4.4). theta is the integral of a
variance that returns from its level today to its long-run level.

Everything comes from + - * / sqrt, the core's own exp and log, and uniform draws of a seeded PCG64:
one seed is one market, bit for bit, on any machine.
"""

from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.instruments.catalogue import FUTURE, OPTION, PERPETUAL, SPOT, Catalogue, catalogue
from counterpoise.instruments.contracts import EXPIRY_TIME_NS, Instrument, Right
from counterpoise.instruments.listing import Listing, future, option, perpetual, spot
from counterpoise.market.assemble import snapshot_of
from counterpoise.market.quotes import Quotes, silence
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, YEAR_NS, parse_instant

Floats = np.ndarray[Any, np.dtype[np.float64]]
AS_OF: Final = parse_instant("2026-01-14T12:00:00Z")
_DAYS: Final = (1, 2, 3)
_WEEKS: Final = (1, 2, 3, 6, 10, 19, 32, 45)
_STEPS_DOWN: Final = 9
_STEPS_UP: Final = 14
_RANGE_DEVIATIONS: Final = 3.0
_NICE: Final = (1.0, 2.0, 2.5, 5.0)


@frozen
class Coin:
    """How one coin is simulated: price in USD, variances per year, smile, carry per year."""

    code: str
    price: float
    variance_now: float
    variance_long_run: float
    reversion_per_year: float
    rho: float
    eta: float
    carry: float
    perpetual_basis: float


_CALM: Final = (
    Coin(code="BTC", price=90_000.0, variance_now=0.16, variance_long_run=0.23,
         reversion_per_year=2.0, rho=-0.20, eta=1.0, carry=0.055, perpetual_basis=0.0003),
    Coin(code="ETH", price=3_100.0, variance_now=0.36, variance_long_run=0.42,
         reversion_per_year=2.0, rho=-0.15, eta=0.9, carry=0.045, perpetual_basis=0.0004),
)
_STRESSED: Final = (
    Coin(code="BTC", price=72_000.0, variance_now=1.10, variance_long_run=0.30,
         reversion_per_year=6.0, rho=-0.45, eta=1.2, carry=0.010, perpetual_basis=-0.0030),
    Coin(code="ETH", price=2_300.0, variance_now=1.75, variance_long_run=0.52,
         reversion_per_year=6.0, rho=-0.40, eta=1.1, carry=0.000, perpetual_basis=-0.0045),
)


def simulated_market(*, seed: int = 7, stressed: bool = False, as_of: int = AS_OF,
                     ) -> MarketSnapshot:
    """Return a simulated snapshot, labelled as such; the stressed day quotes the same instruments.

    `seed` moves prices, variances and smiles within a few percent of the stated levels.
    """
    days = [simulated_coins(seed=seed, stressed=day) for day in (False, True)]
    expiries = _expiries(as_of)
    instruments = catalogue([c for both in zip(*days, strict=True)
                             for c in _listed(both, expiries, as_of)])
    state = ", stressed" if stressed else ""
    return snapshot_of(quoted(instruments, days[stressed], as_of), as_of=as_of,
                       prices={"USDC": 1.0}, sequence=seed * 2 + stressed,
                       source=f"simulated, seed {seed}{state}, not observed", simulated=True)


def simulated_coins(*, seed: int, stressed: bool) -> tuple[Coin, ...]:
    """Return how the coins of a seed stand on its calm or its stressed day."""
    return tuple(_drawn(coin, seed) for coin in (_STRESSED if stressed else _CALM))


def quoted(instruments: Catalogue, coins: tuple[Coin, ...], as_of: int) -> Quotes:
    """Return quotes of the living instruments from the surfaces of their coins."""
    columns = silence(instruments)
    for coin in coins:
        k = instruments.underlyings.index(coin.code)
        columns["index"][k] = coin.price
        own = set(instruments.expiry[instruments.underlying == k].tolist())
        _quote(columns, instruments, coin, tuple(sorted(e for e in own if e > as_of)), as_of)
    return Quotes(catalogue=instruments, **columns)


def _drawn(coin: Coin, seed: int) -> Coin:
    number = int.from_bytes(coin.code.encode(), "big")
    u = np.random.Generator(np.random.PCG64([seed, number])).random(6) - 0.5
    # Prices on whole dollars, so that strikes are round and marks readable.
    return Coin(code=coin.code, price=float(np.rint(coin.price * (1 + 0.04 * u[0]))),
                variance_now=coin.variance_now * (1 + 0.1 * float(u[1])),
                variance_long_run=coin.variance_long_run * (1 + 0.1 * float(u[2])),
                reversion_per_year=coin.reversion_per_year, rho=coin.rho * (1 + 0.2 * float(u[3])),
                eta=coin.eta * (1 + 0.1 * float(u[4])), carry=coin.carry,
                perpetual_basis=coin.perpetual_basis * (1 + 0.5 * float(u[5])))


def _expiries(as_of: int) -> tuple[int, ...]:
    """Return three daily expiries and Fridays out to ten months, at 08:00 UTC."""
    today = as_of // DAY_NS
    # Day 0 of the epoch was a Thursday, so Fridays are the days 1 modulo 7.
    friday = today + 4 + (1 - (today + 4)) % 7
    days = [today + d for d in _DAYS] + [friday + 7 * (w - 1) for w in _WEEKS]
    return tuple(d * DAY_NS + EXPIRY_TIME_NS for d in days)


def _listed(days: tuple[Coin, ...], expiries: tuple[int, ...], as_of: int) -> list[Instrument]:
    """Return what is listed on one coin: strikes around the price of the calm and stressed day."""
    code = days[0].code
    inverse = Listing(underlying=code, quote="USD", settlement=code)
    linear = Listing(underlying=code, quote="USDC", settlement="USDC")
    listed: list[Instrument] = [spot(code, "USDC"), perpetual(inverse), perpetual(linear)]
    listed += [future(inverse, expiry) for expiry in expiries[len(_DAYS):]]
    for expiry in expiries:
        years = (expiry - as_of) / YEAR_NS
        strikes = sorted({strike for coin in days for strike in _strikes(coin, years)})
        listed += [option(line, expiry=expiry, strike=strike, right=right) for strike in strikes
                   for line in (inverse, linear) for right in (Right.CALL, Right.PUT)]
    return listed


def _strikes(coin: Coin, years: float) -> list[float]:
    """Return round strikes over about three standard deviations on both sides of the forward."""
    middle = _forward(coin, years)
    deviation = float(np.sqrt(_theta(coin, np.array([years]))[0]))
    step = _round_step(middle * deviation * _RANGE_DEVIATIONS / _STEPS_DOWN)
    at_the_money = float(np.rint(middle / step))
    counts = np.arange(at_the_money - _STEPS_DOWN, at_the_money + _STEPS_UP + 1)
    return [float(strike) for strike in counts[counts > 0] * step]


def _round_step(size: float) -> float:
    power = 1.0
    while power * 10 <= size:
        power *= 10
    return max(nice * power for nice in _NICE if nice * power <= size or nice == 1.0)


def _forward(coin: Coin, years: float) -> float:
    return coin.price * (1.0 + coin.carry * years)


def _theta(coin: Coin, years: Floats) -> Floats:
    """Return at-the-money total variance, rising in time."""
    k = coin.reversion_per_year
    excess = (coin.variance_now - coin.variance_long_run) / k
    return coin.variance_long_run * years - excess * _core.expm1(-k * years)


def _quote(columns: dict[str, Any], instruments: Catalogue, coin: Coin,
           expiries: tuple[int, ...], as_of: int) -> None:
    mine = instruments.underlying == instruments.underlyings.index(coin.code)
    columns["mark"][mine & (instruments.kind == SPOT)] = coin.price
    columns["mark"][mine & (instruments.kind == PERPETUAL)] = (
        coin.price * (1.0 + coin.perpetual_basis))
    for expiry in expiries:
        years = (expiry - as_of) / YEAR_NS
        there = mine & (instruments.expiry == expiry)
        columns["mark"][there & (instruments.kind == FUTURE)] = _forward(coin, years)
        _quote_options(columns, instruments, there & (instruments.kind == OPTION), (coin, years))


def _quote_options(columns: dict[str, Any], instruments: Catalogue,
                   there: np.ndarray[Any, np.dtype[np.bool_]], line: tuple[Coin, float]) -> None:
    coin, years = line
    forward = np.full(int(there.sum()), _forward(coin, years))
    strike, horizon = instruments.strike[there], np.full(len(forward), years)
    volatility = np.sqrt(total_variance(coin, _core.log(strike / forward), horizon) / horizon)
    value = _core.black76(forward=forward, strike=strike, years=horizon, volatility=volatility,
                          right=instruments.right[there], rate=np.zeros(len(forward)))[0]
    inverse = instruments.payoff[there] == 1
    columns["forward"][there] = forward
    columns["volatility"][there] = volatility
    columns["mark"][there] = np.where(inverse, value / forward, value)


def total_variance(coin: Coin, log_moneyness: Floats, years: Floats) -> Floats:
    """Return the SSVI total variance at k = ln(K / F), elementwise."""
    theta = _theta(coin, years)
    phi = coin.eta / np.sqrt(theta * (1.0 + theta))
    tilt = phi * log_moneyness + coin.rho
    root = np.sqrt(tilt * tilt + (1.0 - coin.rho * coin.rho))
    variance: Floats = 0.5 * theta * (1.0 + coin.rho * phi * log_moneyness + root)
    return variance
