"""A small rule book that counts open orders too, on their worst side.

    IM = rate x sum over instruments of max(|held + bought|, |held - sold|) x size in USD
    MM = maintenance_share x rate x sum |held| x size in USD

`bought` and `sold` are the lots of open orders. Nobody trades by it; it is small enough to be
computed by hand.
"""

from typing import Any

import numpy as np

from counterpoise.margin.pools import cross_pools, failing_rows, position_accounts
from counterpoise.margin.requirement import Requirements, WorstScenarios
from rule_books.gross_cross import GrossCross, GrossParameters


class GrossOrders(GrossCross):
    """The model; it keeps `margin.model.MarginModel`."""

    name = "gross_orders"
    title = "Gross size with orders, one pool"

    def requirement(self, book: Any, arrays: Any, market: Any, parameters: GrossParameters,
                    threads: int) -> Requirements:
        """Return one row per account, USD."""
        rows = cross_pools(book, "USD")
        shape, rates = (len(book), len(book.catalogue)), parameters.general
        net, bought, sold = (np.zeros(shape, np.int64) for _ in range(3))
        net[position_accounts(book.row_pointer), book.instrument] = book.lots
        at = position_accounts(book.order_pointer), book.order_instrument
        np.add.at(bought, at, np.maximum(book.order_lots, 0))
        np.add.at(sold, at, np.maximum(-book.order_lots, 0))
        size = _sizes(market)
        worst = np.maximum(np.abs(net + bought), np.abs(net - sold))
        initial = np.where(worst > 0, worst * size, 0.0).sum(axis=1)[rows.account] * rates.rate
        held = np.where(net != 0, np.abs(net) * size, 0.0).sum(axis=1)[rows.account]
        maintenance = held * rates.rate * rates.maintenance_share
        failure, failures = failing_rows(book, rows, market.quality != 0, market, {})
        initial = np.where(failure < 0, initial, np.nan)
        maintenance = np.where(failure < 0, maintenance, np.nan)
        none = np.zeros(0, np.int32)
        return Requirements(
            pools=rows.pools, account=rows.account, pool=rows.pool, initial=initial,
            maintenance=maintenance, initial_components={"gross": initial},
            maintenance_components={"gross": maintenance}, candidates={}, failure=failure,
            failures=failures, worst=WorstScenarios(units=(), row=none, unit=none, scenario=none,
                                                    loss=np.zeros(0)))


def _sizes(market: Any) -> Any:
    """Return the USD size of one lot of every instrument, [instrument]."""
    terms = market.catalogue
    return np.where((terms.payoff == 1) & (terms.kind != 3), terms.unit,
                    terms.unit * market.index[terms.underlying])
