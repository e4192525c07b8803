"""What does an account put at stake? Its positions, and what it owns in each asset, in whole units.

Owned is balance, unrealised P&L and option value; of a positive amount only what the schedule lets
count is at stake, since only that is collateral. A position whose entry nobody stated is taken as
entered at the mark: its profit so far is not known, its risk is.
"""

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import AssetAmounts, asset_amounts
from counterpoise.collateral.schedule import CollateralSchedule, collateral_value, terms_of
from counterpoise.collateral.valuation import contract_values
from counterpoise.margin.pools import Bools, Ints
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.dynamic_parameters import NUMERAIRE, IssuerTerms
from counterpoise.margin.terms.dynamic_sets import Units, units_of
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.aggregation import Rows
from counterpoise.values.assets import decimals_of
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.quantity import LOTS_MAX, UNKNOWN, power_of_ten


@frozen
class Holdings:
    """What accounts own and stake.

    owned     before haircuts, in the assets' own units
    staked    [account, asset] what counts of it, in smallest units; debts whole
    """

    owned: AssetAmounts
    units: Units
    staked: Ints


def holdings_of(book: Book, market: MarketSnapshot, schedule: CollateralSchedule, *,
                threads: int = 1) -> Holdings:
    """Return what every account of a book owns and stakes."""
    owned = asset_amounts(entered(book, market), market, option_value=True, numeraire=NUMERAIRE,
                          accounts=np.arange(len(book), dtype=np.int32), threads=threads)
    known = {a.code: a.decimals for a in book.assets}
    units = units_of(owned.assets, {c: known.get(c, decimals_of(c)) for c in owned.assets})
    counted = np.zeros(owned.amount.shape)
    for k, code in enumerate(owned.assets):
        amount, price = owned.amount[:, k], float(owned.price[k])
        used = np.where(owned.unused[:, k], np.minimum(amount, 0.0), amount)
        worth = collateral_value(terms_of(schedule, code), used, price)
        counted[:, k] = np.where(used > 0, worth / price if price > 0 else 0.0, used)
    whole = np.rint(np.nan_to_num(counted * units.per_asset))
    limit = float(LOTS_MAX)
    return Holdings(owned=owned, units=units,
                    staked=np.minimum(np.maximum(whole, -limit), limit).astype(np.int64))


def entered(book: Book, market: MarketSnapshot) -> Book:
    """Return a book in which every entry is known: where nobody stated it, at the mark."""
    unknown = book.entry_cost == UNKNOWN
    if not unknown.any():
        return book
    terms = book.catalogue
    smallest = np.array([power_of_ten(a) for a in _decimals(book)])[terms.settlement]
    value = book.lots * (contract_values(market) * smallest)[book.instrument]
    at_mark = np.rint(np.nan_to_num(value)).astype(np.int64)
    return replaced(book, entry_cost=np.where(unknown, at_mark, book.entry_cost))


def _decimals(book: Book) -> list[int]:
    known = {a.code: a.decimals for a in book.assets}
    return [known.get(code, decimals_of(code)) for code in book.catalogue.settlements]


def staking_rows(book: Book, staked: Ints) -> Rows:
    """Return one row per account: its positions, then its assets as columns after the catalogue."""
    positions, held = np.diff(book.row_pointer), staked != 0
    pointer = np.concatenate(([0], np.cumsum(positions + np.count_nonzero(held, axis=1))))
    account, asset = np.nonzero(held)
    first = np.searchsorted(account, np.arange(len(book)))
    at = (np.repeat(pointer[:-1] - book.row_pointer[:-1], positions)
          + np.arange(len(book.instrument)))
    below = (pointer[:-1] + positions - first)[account] + np.arange(len(account))
    instrument, lots = np.empty(pointer[-1], np.int32), np.empty(pointer[-1], np.int64)
    instrument[at], lots[at] = book.instrument, book.lots
    instrument[below], lots[below] = len(book.catalogue) + asset, staked[account, asset]
    return _rows(pointer, instrument, lots)


def position_rows(book: Book) -> Rows:
    """Return one row per account: its positions alone."""
    return _rows(book.row_pointer, book.instrument, book.lots)


def _rows(pointer: Ints, instrument: Indices, lots: Ints) -> Rows:
    count = len(pointer) - 1
    return Rows(pointer=pointer, account=np.arange(count, dtype=np.int32),
                key=np.zeros(count, np.int32), instrument=instrument, lots=lots)


@frozen
class Default:
    """One issuer fails.

    accounts   who stakes what it issued, increasing
    staked     [account, asset] what is left at stake besides
    jump       [account] USD lost at once
    """

    issuer: str
    accounts: Indices
    staked: Ints
    jump: Floats


def defaults_of(holdings: Holdings, wrong_way: dict[str, IssuerTerms]) -> tuple[Default, ...]:
    """Return what the default of each issuer takes from those who stake what it issued."""
    found = []
    for issuer in sorted({terms.issuer for terms in wrong_way.values()}):
        staked, jump = np.array(holdings.staked), np.zeros(len(holdings.staked))
        for code, terms in sorted(wrong_way.items()):
            if terms.issuer == issuer and code.upper() in holdings.owned.assets:
                k = holdings.owned.assets.index(code.upper())
                mine = np.maximum(staked[:, k], 0)
                price = float(holdings.owned.price[k]) / float(holdings.units.per_asset[k])
                jump = jump + np.where(mine > 0, mine * price * (1.0 - terms.recovery), 0.0)
                staked[:, k] -= mine
        hit: Bools = np.logical_or.reduce(staked != holdings.staked, axis=1)
        at = np.flatnonzero(hit).astype(np.int32)
        found.append(Default(issuer=issuer, accounts=at, staked=staked[at], jump=jump[at]))
    return tuple(found)


