"""How does the value of a book move with price, volatility, time and rates, and what is it worth?

Black-76 on the forward F of each expiry (`pricing.black`), per lot and summed over the positions of
an account in each (underlying, expiry). An amount arises as Black's own money V, the same claim
whether it is paid in dollars or, divided by F, in coin:

    usd = V x price of the quote asset          coin = usd / F

so an inverse option and a linear one with the same terms have equal sensitivities and hedge each
other to zero. Futures and perpetuals are worth nothing by themselves (their profit is part of
equity) and have delta only. docs/methodology/greeks.md derives every column.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION, SPOT, Catalogue
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.pricing.black import BlackValues, black76
from counterpoise.pricing.kernel import pricing_columns
from counterpoise.risk.aggregation import exposures, grouped
from counterpoise.scenarios.scenario_set import ScenarioSet, VolRule
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Columns = np.ndarray[Any, np.dtype[np.int32]]

UNITS: Final = {
    "value_coin": "coin", "value_usd": "USD", "mark_value_usd": "USD",
    "delta": "coin", "premium_adjusted_delta": "coin", "delta_usd": "USD",
    "gamma": "coin per USD", "gamma_usd": "USD of delta per 1 %",
    "vega_coin": "coin per vol point", "vega_usd": "USD per vol point",
    "theta_coin": "coin per day", "theta_usd": "USD per day",
    "rho_coin": "coin per 1 %", "rho_usd": "USD per 1 %",
}
"""The columns of `Greeks.amount` and the unit of each.

value                    Black value of options; spot at its mark; futures 0
mark_value_usd           the same at the mark: premium x price of the settlement asset today
delta                    Black: coins of underlying, dV/dF; a future its coins (inverse u / P)
premium_adjusted_delta   the same less the premium in coin for coin-settled options: what to sell
                         to be neutral in dollars when the option itself is held in coin
delta_usd                delta x F
gamma, gamma_usd         change of delta per dollar of F; of delta_usd per 1 % of F, F^2 gamma / 100
vega                     one point is 0.01 of volatility
theta                    one calendar day (1/365 year), negative for a long option at rate 0
rho                      0.01 of the discount rate with the forward held fixed
"""
_UNMOVED: Final = VolRule(relative=False, power_short=0.0, power_long=0.0, switch_days=0.0,
                          days_floor=0.0, whole_days=False, floor_up=0.0)


@frozen
class Greeks:
    """Sensitivities of a book, one row per account and (underlying, expiry) it holds.

    account      index of the account, [row]
    underlying   index into the catalogue's underlyings, [row]
    expiry       ns, NO_EXPIRY for spot and perpetual, [row]
    amount       [row, column], columns as in `UNITS`; NaN where the row holds an instrument that
                 cannot be valued
    """

    account: Columns
    underlying: Columns
    expiry: np.ndarray[Any, np.dtype[np.int64]]
    amount: Floats


def greeks(book: Book, market: MarketSnapshot, *, threads: int = 1) -> Greeks:
    """Return the sensitivities of every account of a book by underlying and expiry."""
    terms = market.catalogue
    pairs = np.stack([terms.underlying.astype(np.int64), terms.expiry], axis=1)
    distinct, key = np.unique(pairs, axis=0, return_inverse=True)
    rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=key.reshape(-1).astype(np.int32))
    net, _, _ = exposures(rows, per_lot(market), threads=threads)
    return Greeks(account=rows.account, underlying=distinct[rows.key, 0].astype(np.int32),
                  expiry=distinct[rows.key, 1], amount=net)


def per_lot(market: MarketSnapshot) -> Floats:
    """Return the sensitivities of one lot of every instrument, [instrument, column of `UNITS`].

    NaN where a number that the valuation needs is missing (docs/methodology/market.md). Inside the
    settlement window an option is one on the index average: F is its expected delivery price and
    only the part still to be averaged moves, so delta scales with variable / F and gamma with its
    square. Quotes elsewhere of vega or theta in dollars are at F too, not at the index.
    """
    terms = market.catalogue
    columns = pricing_columns(market, _unshocked(terms))
    price, option = columns.price, terms.kind == OPTION
    quote = _asset_prices(market, [c.quote for c in terms.instruments])
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(option, market.forward / price, 1.0)
        black = _of_options(market, price, columns.years, option)
        coins = np.where(terms.payoff == 1, terms.unit / price, terms.unit + 0 * price)
        value = np.where(option, black.value, np.where(terms.kind == SPOT, price, 0 * price))
        premium = np.where(option & (terms.payoff == 1), black.value / price, 0.0)
        delta = np.where(option, terms.unit * black.delta, coins) * share
        gamma = terms.unit * black.gamma * share * share
        money = {"value": value, "vega": black.vega / 100, "theta": black.theta / 365,
                 "rho": black.rho / 100}
        usd = {name: terms.unit * amount * quote for name, amount in money.items()}
        coin = {name: amount / price for name, amount in usd.items()}
    found = {f"{name}_usd": amount for name, amount in usd.items()}
    found |= {f"{name}_coin": amount for name, amount in coin.items()}
    found |= {"mark_value_usd": _at_mark(market, price), "delta": delta, "gamma": gamma,
              "premium_adjusted_delta": delta - terms.unit * premium * share,
              "delta_usd": delta * price * quote, "gamma_usd": gamma * price * price * quote / 100}
    return np.stack([found[name] for name in UNITS], axis=1)


def _unshocked(terms: Catalogue) -> ScenarioSet:
    """Return the set of scenario 0 alone: today's prices and nothing else."""
    still = np.zeros((1, len(terms.underlyings)))
    return ScenarioSet(
        labels=("unshocked",), factors=terms.underlyings, move=still, vol_shift=still,
        vol_rules=(_UNMOVED,) * len(terms.underlyings), time_shift_days=np.zeros(1),
        weight=np.zeros(1), base_spot="mark", base_delta_one="mark", base_option="forward",
        numeraire="settlement")


def _of_options(market: MarketSnapshot, price: Floats, years: Floats,
                option: np.ndarray[Any, np.dtype[np.bool_]]) -> BlackValues:
    """Return Black values in catalogue order; a delta-one contract has zeros, NaN if unpriced."""
    at = np.flatnonzero(option)
    terms = market.catalogue
    black = black76(forward=price[at], strike=terms.strike[at], years=years[at],
                    volatility=market.volatility[at], right=terms.right[at], rate=market.rate[at])

    def spread(column: Floats) -> Floats:
        out = 0 * price
        out[at] = column
        return out

    return BlackValues(value=spread(black.value), delta=spread(black.delta),
                       gamma=spread(black.gamma), vega=spread(black.vega),
                       theta=spread(black.theta), rho=spread(black.rho))


def _at_mark(market: MarketSnapshot, price: Floats) -> Floats:
    terms = market.catalogue
    paid = _asset_prices(market, [c.settlement for c in terms.instruments])
    owned = (terms.kind == OPTION) | (terms.kind == SPOT)
    return np.where(owned, terms.unit * market.mark * paid, 0 * price)


def _asset_prices(market: MarketSnapshot, assets: list[str]) -> Floats:
    known = {a: price_of(market, a) for a in set(assets)} | {"USD": 1.0}
    return np.array([known[a] for a in assets], np.float64)
