"""What would the same risk be, written in linear contracts settled in another asset?

    inverse future of u dollars at P -> u / P coins       option on q coins -> option on q coins

Underlyings, expiries, strikes and coins stay, so that a rule book that lists no coin-settled
contracts can be asked about a coin-settled account. What changes is what an inverse contract alone
has: its P&L is linear in the price instead of paid in coin. Profit and loss so far goes into the
balances; the restated futures are entered at the mark.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book, Entries, Ints, book_of, entries_of
from counterpoise.collateral.valuation import contract_values
from counterpoise.instruments.catalogue import OPTION, SPOT, Catalogue, catalogue
from counterpoise.instruments.contracts import Future, Instrument, Option, Perpetual
from counterpoise.instruments.listing import Listing, future, option, perpetual
from counterpoise.margin.pools import position_accounts
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.values.assets import Asset, asset
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.quantity import UNKNOWN, power_of_ten

_COLUMNS: Final = ("mark", "forward", "forward_fixed", "volatility", "rate", "quality",
                   "quote_age_ns")


@frozen
class _Twins:
    """Linear contracts: `of` [instrument] their column or -1, `source` [twin] whose quotes."""

    terms: Catalogue
    of: Indices
    source: Indices


def restated(book: Book, market: MarketSnapshot, cash: str) -> tuple[Book, MarketSnapshot]:
    """Return the accounts in linear contracts settled in `cash`, and the market of those.

    The market holds what the accounts hold and no more; where it has no price of `cash`, one is
    taken as a dollar. Amounts that accounts state (`given`) belong to other contracts and are left
    out.
    """
    twins = _twins(book, market, cash)
    coins = _coins_per_lot(market)
    held = entries_of(book.row_pointer, book.instrument, book.lots, book.entry_cost)
    ordered = entries_of(book.order_pointer, book.order_instrument, book.order_lots)
    assets, balances = _with_profit(book, market)
    prices = _market(market, twins, cash)
    written = book_of(catalogue=twins.terms, accounts=book.accounts,
                      positions=_written(held, twins, coins, prices),
                      orders=_written(ordered, twins, coins, prices),
                      balances=(assets, balances))
    return written, prices


def _twins(book: Book, market: MarketSnapshot, cash: str) -> _Twins:
    terms = market.catalogue
    columns = np.unique(np.concatenate((book.instrument, book.order_instrument)))
    columns = columns[terms.kind[columns] != SPOT]
    contracts = [_linear(terms.instruments[k], cash) for k in columns]
    distinct = catalogue(list({c.id: c for c in contracts}.values()))
    of = np.full(len(terms), -1, np.int32)
    of[columns] = [distinct.column[c.id] for c in contracts]
    source = np.zeros(len(distinct), np.int32)
    source[of[columns[::-1]]] = columns[::-1]
    return _Twins(terms=distinct, of=of, source=source)


def _linear(contract: Instrument, cash: str) -> Instrument:
    line = Listing(underlying=contract.underlying, quote=cash, settlement=cash)
    match contract:
        case Option():
            return option(line, expiry=contract.expiry, strike=contract.strike,
                          right=contract.right)
        case Future():
            return future(line, contract.expiry)
        case Perpetual():
            return perpetual(line)
        case _:
            raise AssertionError("spot is a balance, not a position")


def _coins_per_lot(market: MarketSnapshot) -> Floats:
    terms = market.catalogue
    inverse = (terms.payoff == 1) & (terms.kind != OPTION)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(inverse, terms.unit / market.mark, terms.unit)


def _written(rows: Entries, twins: _Twins, coins: Floats, prices: MarketSnapshot) -> Entries:
    kept = twins.of[rows.instrument] >= 0
    column, sizes = twins.of[rows.instrument[kept]], coins[rows.instrument[kept]]
    lots = np.rint(np.nan_to_num(rows.lots[kept] * sizes / twins.terms.unit[column]))
    at_mark = np.rint(np.nan_to_num(lots * contract_values(prices)[column])
                      * power_of_ten(_decimals(twins.terms))).astype(np.int64)
    unknown = rows.entry_cost[kept] == UNKNOWN
    return Entries(account=rows.account[kept], instrument=column, lots=lots.astype(np.int64),
                   entry_cost=np.where(unknown, UNKNOWN, at_mark))


def _decimals(terms: Catalogue) -> int:
    return asset(terms.settlements[0]).decimals if terms.settlements else 0


def _with_profit(book: Book, market: MarketSnapshot) -> tuple[tuple[Asset, ...], Ints]:
    """Return assets and balances with what futures have gained or lost since entry."""
    terms = market.catalogue
    codes = sorted({a.code for a in book.assets} | set(terms.settlements))
    assets = tuple(asset(code) for code in codes)
    balances = np.zeros((len(book), len(codes)), np.int64)
    balances[:, [codes.index(a.code) for a in book.assets]] = book.balances
    smallest = np.array([power_of_ten(a.decimals) for a in assets])
    place = np.array([codes.index(s) for s in terms.settlements], np.int32)[terms.settlement]
    known = (terms.kind[book.instrument] != OPTION) & (book.entry_cost != UNKNOWN)
    column = book.instrument[known]
    value = book.lots[known] * contract_values(market)[column] * smallest[place[column]]
    gained = np.rint(np.nan_to_num(value)).astype(np.int64) - book.entry_cost[known]
    np.add.at(balances, (position_accounts(book.row_pointer)[known], place[column]), gained)
    return assets, balances


def _market(market: MarketSnapshot, twins: _Twins, cash: str) -> MarketSnapshot:
    """Return the quotes of the twins: a premium in coin is worth its coins at the forward."""
    terms = market.catalogue
    known = price_of(market, cash)
    worth = known if known > 0 else 1.0
    coin = (terms.kind == OPTION) & (terms.payoff == 1)
    premium = np.where(coin, market.mark * (market.forward + market.forward_fixed) / worth,
                       market.mark)
    columns = {name: getattr(market, name)[twins.source] for name in _COLUMNS}
    index = [terms.underlyings.index(u) for u in twins.terms.underlyings]
    others = [k for k, code in enumerate(market.assets) if code != cash]
    return replaced(market, **(columns | {
        "catalogue": twins.terms, "mark": premium[twins.source], "index": market.index[index],
        "assets": (*(market.assets[k] for k in others), cash),
        "price": np.append(market.price[others], worth)}))
