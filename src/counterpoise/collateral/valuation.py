"""What an account owns in each asset: balance, unrealised P&L and, where a rule counts it, the
market value of its options.

    equity[c] = balance[c] + sum over contracts settled in c of (lots x value per lot - entry cost)

A future's contract value is u P (linear) or -u / P (inverse), so that the difference is its P&L; an
option is worth its premium. Amounts are in the asset's own units, positive = owned.
"""

from typing import Any

import numpy as np

from counterpoise import _core
from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION
from counterpoise.market.snapshot import Floats, MarketSnapshot
from counterpoise.values.assets import asset
from counterpoise.values.frozen import frozen
from counterpoise.values.quantity import UNKNOWN, power_of_ten

Bools = np.ndarray[Any, np.dtype[np.bool_]]


@frozen
class Equity:
    """Equity of accounts by asset, before haircuts; [account, asset].

    `assets` are the codes of the columns: every balance asset and settlement asset, sorted. NaN in
    `amount` where a number is missing; `unpriced` [instrument] marks contracts without a usable
    mark, `no_entry` [account, asset] positions whose entry price nobody stated.
    """

    assets: tuple[str, ...]
    amount: Floats
    option_value: Floats
    unpriced: Bools
    no_entry: Bools


def equity_of(book: Book, market: MarketSnapshot, *, option_value: bool) -> Equity:
    """Return the equity of every account in every asset.

    `option_value` says whether the market value of options counts. A balance, entry cost or mark
    that is missing makes that account's amount NaN, never zero.
    """
    assets = tuple(sorted({a.code for a in book.assets} | set(book.catalogue.settlements)))
    place = np.array([assets.index(s) for s in book.catalogue.settlements], np.int32)
    balance = _balances(book, assets)
    value, entry, no_entry = _positions(book, market, place, len(assets))
    amount = balance + value[..., 0] - entry
    if option_value:
        amount = amount + value[..., 1]
    unpriced = ~np.isfinite(contract_values(market))
    stated = book.given.get("equity")
    if stated is not None:
        columns = [assets.index(a.code) for a in book.assets]
        known = np.isfinite(stated)
        amount[:, columns] = np.where(known, stated, amount[:, columns])
        no_entry[:, columns] &= ~known
    amount[no_entry] = np.nan
    return Equity(assets=assets, amount=amount, option_value=value[..., 1], unpriced=unpriced,
                  no_entry=no_entry)


def contract_values(market: MarketSnapshot) -> Floats:
    """Return the value per lot at the mark, in the settlement asset; NaN without a usable mark.

    An option's is its premium, a future's u P or -u / P (a level, to be compared with entry).
    """
    terms = market.catalogue
    inverse = (terms.payoff == 1) & (terms.kind != OPTION)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(inverse, -terms.unit / market.mark, terms.unit * market.mark)


def _balances(book: Book, assets: tuple[str, ...]) -> Floats:
    out = np.zeros((len(book), len(assets)))
    for k, a in enumerate(book.assets):
        out[:, assets.index(a.code)] = book.balances[:, k] / power_of_ten(a.decimals)
    return out


def _positions(book: Book, market: MarketSnapshot, place: np.ndarray[Any, np.dtype[np.int32]],
               width: int) -> tuple[Floats, Floats, Bools]:
    terms = book.catalogue
    pointer, account, key, order = _core.group(
        row_pointer=book.row_pointer, instrument=book.instrument, key=place[terms.settlement])
    instrument = book.instrument if order is None else book.instrument[order]
    lots = book.lots if order is None else book.lots[order]
    cost = book.entry_cost if order is None else book.entry_cost[order]
    per_lot = contract_values(market)
    option = terms.kind == OPTION
    columns = np.stack([np.where(option, 0.0, per_lot), np.where(option, per_lot, 0.0)], axis=1)
    net, _, _ = _core.exposures(pointer=pointer, instrument=instrument, lots=lots, columns=columns,
                                threads=1)
    value = np.zeros((len(book), width, 2))
    value[account, key] = net
    entry, no_entry = np.zeros((len(book), width)), np.zeros((len(book), width), bool)
    future = ~option[instrument]
    unknown = future & (cost == UNKNOWN)
    entry[account, key] = (_sums(np.where(future & ~unknown, cost, 0), pointer)
                           / _smallest_units(book)[key])
    no_entry[account, key] = _sums(unknown.astype(np.int64), pointer) > 0
    return value, entry, no_entry


def _sums(column: np.ndarray[Any, np.dtype[np.int64]],
          pointer: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    if not len(column):
        return np.zeros(len(pointer) - 1, np.int64)
    return np.add.reduceat(column, pointer[:-1])


def _smallest_units(book: Book) -> Floats:
    known = {a.code: a.decimals for a in book.assets}
    codes = sorted(set(known) | set(book.catalogue.settlements))
    return np.array([power_of_ten(known.get(c, asset(c).decimals)) for c in codes])
