"""What an account owns in each asset: balance, unrealised P&L and, where a rule counts it, the
market value of its options.

    equity[c] = balance[c] - entry costs + sum over underlyings of (sum over their contracts
                settled in c of lots x value per lot)
                + funding earned and not paid yet, where stated

A future's contract value is u P (linear) or -u / P (inverse), so that the difference is its P&L; an
option is worth its premium. Amounts are in the asset's own units, positive = owned.
"""

from typing import Any

import numpy as np

from counterpoise import _core
from counterpoise.accounts.book import Book, Codes, Columns
from counterpoise.instruments.catalogue import OPTION, Catalogue
from counterpoise.market.snapshot import Floats, MarketSnapshot
from counterpoise.values.assets import Asset, asset
from counterpoise.values.frozen import frozen
from counterpoise.values.latest import of_latest
from counterpoise.values.quantity import UNKNOWN, power_of_ten

Bools = np.ndarray[Any, np.dtype[np.bool_]]
Indices = np.ndarray[Any, np.dtype[np.int32]]


@frozen
class Owners:
    """Rows of (account, asset): `account` increasing, `asset` indexes the codes `assets`, [row]."""

    assets: tuple[str, ...]
    account: Indices
    asset: Indices


@frozen
class Cash:
    """What rows own beside the value of their positions: it stands while the market moves, [row].

    amount      balance less entry costs, with funding earned and not paid yet; or the equity that
                the account states
    stated      True where the amount is stated: no value of positions is added
    no_entry    True where the amount is NaN since a position's entry price is missing
    """

    amount: Floats
    stated: Bools
    no_entry: Bools


@frozen
class Equity:
    """Equity before haircuts, [row]: NaN in `amount` where a number is missing.

    `no_entry` marks rows with a position whose entry price nobody stated.
    """

    amount: Floats
    no_entry: Bools


def equity_of(book: Book, market: MarketSnapshot, owners: Owners, *, option_value: bool,
              threads: int = 1) -> Equity:
    """Return the equity of every row.

    `option_value` says whether the market value of options counts. A balance, entry cost or mark
    that is missing makes that row's amount NaN, never zero. An equity that the account states
    (`given`) stands for the amount.
    """
    per_lot = contract_values(market)
    values = per_lot if option_value else np.where(market.catalogue.kind == OPTION, 0.0, per_lot)
    return with_value(*_owned(book, owners, values, threads))


def cash_of(book: Book, owners: Owners, *, threads: int = 1) -> Cash:
    """Return what every row owns whatever its positions are worth."""
    return _owned(book, owners, _worth_nothing(book.catalogue), threads)[0]


def with_value(cash: Cash, value: Floats) -> Equity:
    """Return equity: cash and the value of positions, [row], summed by underlying."""
    amount = cash.amount + value
    if cash.stated.any():
        amount[cash.stated] = cash.amount[cash.stated]
    return Equity(amount=amount, no_entry=cash.no_entry)


def _owned(book: Book, owners: Owners, values: Floats, threads: int) -> tuple[Cash, Floats]:
    codes = owners.assets
    of = _of_contracts(book.catalogue, codes, book.assets)
    amount, value, stated, no_entry = _core.owned(
        row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
        entry_cost=book.entry_cost, account=owners.account, pool=owners.asset,
        pool_of=of.pool, part_of=book.catalogue.underlying, has_entry=of.has_entry, values=values,
        asset_of=of.asset, smallest=of.smallest, balances=np.ascontiguousarray(book.balances),
        stated=_contiguous(book.given.get("equity")), unknown=UNKNOWN, threads=threads)
    cash = Cash(amount=amount + _funding(book, owners), stated=stated, no_entry=no_entry)
    return cash, value


def _funding(book: Book, owners: Owners) -> Floats | float:
    """Return the funding that positions earned and nobody paid yet, [row]; 0 where equity is."""
    stated = book.position_given.get("unrealised_funding")
    if stated is None:
        return 0.0
    width = len(owners.assets)
    place = np.array([owners.assets.index(s) for s in book.catalogue.settlements])
    account = np.repeat(np.arange(len(book)), np.diff(book.row_pointer))
    cell = account * width + place[book.catalogue.settlement[book.instrument]]
    total = np.bincount(cell, weights=np.nan_to_num(stated), minlength=len(book) * width)
    funding = total[owners.account * width + owners.asset]
    for k, a in enumerate(book.assets if "equity" in book.given else ()):
        mine = owners.asset == owners.assets.index(a.code)
        known = np.isfinite(book.given["equity"][owners.account, k])
        funding = np.where(mine & known, 0.0, funding)
    return np.asarray(funding)


def contract_values(market: MarketSnapshot) -> Floats:
    """Return the value per lot at the mark, in the settlement asset; NaN without a usable mark.

    An option's is its premium, a future's u P or -u / P (a level, to be compared with entry).
    """
    terms = market.catalogue
    inverse = (terms.payoff == 1) & (terms.kind != OPTION)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(inverse, -terms.unit / market.mark, terms.unit * market.mark)


@frozen
class _OfContracts:
    """What all books have in common: `pool` [instrument], and whether an entry price counts.

    `asset` [pool] is the column of its balances, -1 where there is none, `smallest` [pool] what a
    smallest unit is worth.
    """

    pool: Columns
    has_entry: Codes
    asset: Columns
    smallest: Floats


@of_latest
def _of_contracts(terms: Catalogue, codes: tuple[str, ...],
                  assets: tuple[Asset, ...]) -> _OfContracts:
    place = np.array([codes.index(s) for s in terms.settlements], np.int32)
    column = {a.code: k for k, a in enumerate(assets)}
    known = {a.code: a.decimals for a in assets}
    return _OfContracts(
        pool=np.take(place, terms.settlement), has_entry=(terms.kind != OPTION).view(np.uint8),
        asset=np.array([column.get(c, -1) for c in codes], np.int32),
        smallest=np.array([power_of_ten(known[c] if c in known else asset(c).decimals)
                           for c in codes]))


@of_latest
def _worth_nothing(terms: Catalogue) -> Floats:
    nothing = np.zeros(len(terms))
    nothing.flags.writeable = False
    return nothing


def _contiguous(amounts: Floats | None) -> Floats | None:
    return None if amounts is None else np.ascontiguousarray(amounts)
