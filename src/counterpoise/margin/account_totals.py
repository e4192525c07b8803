"""What does an account need over all its pools, in US dollars?

    total = sum over its pools of amount x USD price of the pool's currency

How accounts under different rule books are laid side by side: pools, settlement currencies or
numeraires, differ between models, dollars do not. A pool that lacks a number leaves its account
without one. Excess in one pool does not cover another: a total is for comparing, never a status.
"""

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.compute import AccountMargin
from counterpoise.margin.leverage import carried_over_owned, carried_usd
from counterpoise.margin.pools import position_accounts, summed
from counterpoise.margin.requirement import Floats
from counterpoise.market.snapshot import MarketSnapshot, usd_price
from counterpoise.values.frozen import frozen


@frozen
class AccountTotals:
    """Requirements, equity and leverage of every account, USD, [account]; NaN where unknown.

    The components add up to `initial` and `maintenance`. `equity` and `margin_balance` count the
    pools in which the account needs anything; 0 and no leverage where it needs nothing.
    """

    initial: Floats
    maintenance: Floats
    initial_components: dict[str, Floats]
    maintenance_components: dict[str, Floats]
    equity: Floats
    margin_balance: Floats
    leverage: Floats


def account_totals(book: Book, market: MarketSnapshot, margins: AccountMargin) -> AccountTotals:
    """Return the totals of the accounts of `book` over their requirement rows."""
    rows = margins.requirements
    usd = np.array([usd_price(market, pool) for pool in rows.pools])[rows.pool]

    def total(column: Floats) -> Floats:
        return summed(rows.account, column * usd, len(book))

    owned = total(margins.margin_balance)
    gross = summed(position_accounts(book.row_pointer), carried_usd(book, market), len(book))
    return AccountTotals(
        initial=total(rows.initial), maintenance=total(rows.maintenance),
        initial_components={n: total(c) for n, c in rows.initial_components.items()},
        maintenance_components={n: total(c) for n, c in rows.maintenance_components.items()},
        equity=total(margins.equity), margin_balance=owned,
        leverage=carried_over_owned(gross, owned))
