"""What an account has borrowed, asset by asset, in USD.

A loan is what the account states (gross: an asset may be held and owed at once), else the amount by
which its balance is below zero.
"""

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.borrowing import BorrowTerms
from counterpoise.collateral.cross import prices_in
from counterpoise.collateral.tiers import marginal
from counterpoise.margin.pools import Bools, PoolRows
from counterpoise.margin.requirement import Floats, Indices, Requirements
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import power_of_ten


def loans_of(book: Book) -> Floats:
    """Return the amount borrowed of each asset, >= 0, asset's own units, [account, asset]."""
    units = np.array([power_of_ten(a.decimals) for a in book.assets])
    short = np.maximum(-book.balances, 0) / units
    if book.loans is None:
        return np.asarray(short)
    return np.asarray(np.where(book.loans > 0, book.loans / units, short), np.float64)


def borrowed(book: Book, rows: PoolRows, market: MarketSnapshot) -> Floats:
    """Return the loans of every row, one per account, in its currency, added up by asset."""
    loans = loans_of(book)[rows.account]
    price = prices_in(market, tuple(a.code for a in book.assets), rows.pools[0])
    total = np.zeros(len(rows))
    for k in range(len(book.assets)):
        total = total + np.where(loans[:, k] > 0, loans[:, k] * price[k], 0.0)
    return total


def tiered_margin(loans: Floats, price: Floats, tiers: list[tuple[tuple[float, ...], Floats]],
                  ) -> Floats:
    """Return the margin of what accounts owe, each part of a loan at the rate of its tier, [row].

    `loans` [row, asset] in the asset's own units, >= 0; `price` [asset] in the row's currency;
    `tiers` (upper ends of all tiers but the last, rate by tier) of every asset. A loan without a
    price gives NaN.
    """
    total = np.zeros(len(loans))
    for k, (up_to, rate) in enumerate(tiers):
        owed = loans[:, k]
        total = total + np.where(owed > 0, marginal(owed, (*up_to, np.inf), rate) * price[k], 0.0)
    return total


def with_loans(needs: Requirements, book: Book, market: MarketSnapshot,
               terms: dict[str, BorrowTerms]) -> Requirements:
    """Return requirement rows of one pool with the margin of what accounts owe, component "loans".

    What is owed of an asset without terms, or on terms that ask for no margin, is a debt alone and
    adds nothing. A loan that needs margin and has no price leaves the row without a number.
    """
    codes = tuple(a.code for a in book.assets)
    rates = {name: np.array([getattr(terms[c], name) if c in terms else 0.0 for c in codes])
             for name in ("initial", "maintenance")}
    owed = np.where(rates["initial"] > 0, loans_of(book)[needs.account], 0.0)
    price = prices_in(market, codes, needs.pools[0])
    more = {name: tiered_margin(owed, price, [((), rate[k:k + 1]) for k in range(len(codes))])
            for name, rate in rates.items()}
    failure, failures = with_failures((needs.failure, needs.failures), unpriced(
        market, codes, needs.pools[0], owed > 0))
    return replaced(
        needs, initial=needs.initial + more["initial"],
        maintenance=needs.maintenance + more["maintenance"],
        initial_components=needs.initial_components | {"loans": more["initial"]},
        maintenance_components=needs.maintenance_components | {"loans": more["maintenance"]},
        failure=failure, failures=failures)


def with_failures(failed: tuple[Indices, tuple[Failure, ...]], more: dict[Failure, Bools],
                  ) -> tuple[Indices, tuple[Failure, ...]]:
    """Return the failing rows with those that `more` marks, [row], and that had no failure yet."""
    failure, failures = np.array(failed[0]), failed[1]
    for reason, marked in more.items():
        first = marked & (failure < 0)
        if first.any():
            failure[first] = len(failures)
            failures = (*failures, reason)
    return failure, failures


def unpriced(market: MarketSnapshot, codes: tuple[str, ...], numeraire: str,
             needed: Bools) -> dict[Failure, Bools]:
    """Return the rows that need an asset without a price in the numeraire, [row], by Failure.

    `needed` [row, asset] marks what a row owns or owes. Where the asset has a USD price it is the
    numeraire's that is missing.
    """
    found: dict[Failure, Bools] = {}
    for k in np.flatnonzero(np.isnan(prices_in(market, codes, numeraire)) & needed.any(axis=0)):
        known = price_of(market, codes[k]) > 0
        code, what = (numeraire, "is what the account is valued in") if known else (
            codes[k], "is held or borrowed")
        failure = Failure(reason=Reason.MISSING_PRICE, subject=code, sentence=(
            f"{what} and has no price; add market.assets.{code}"))
        found[failure] = found.get(failure, np.zeros(len(needed), bool)) | needed[:, k]
    return found
