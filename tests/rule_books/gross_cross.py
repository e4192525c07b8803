"""A small rule book of one pool: so much of every position's size, compared with all assets.

    IM = rate x sum |lots| x size in USD        MM = maintenance_share x IM

Nobody trades by it; it is small enough to be computed by hand.
"""

from typing import Any

import numpy as np

from counterpoise.collateral.schedule import CollateralSchedule
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.pools import cross_pools, failing_rows, position_accounts, summed
from counterpoise.margin.requirement import Requirements, WorstScenarios
from counterpoise.values.frozen import frozen


@frozen
class GrossRates:
    """Fractions of gross size."""

    rate: float
    maintenance_share: float


@frozen
class GrossParameters:
    """Rates, and what counts as collateral."""

    general: GrossRates
    collateral: CollateralSchedule


class GrossCross:
    """The model; it keeps `margin.model.MarginModel` and shows a figure of its own."""

    name = "gross_cross"
    title = "Gross size, one pool"
    parameters_type = GrossParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "homogeneous_scan",
                      "subadditive", "continuous"})

    def equity(self, parameters: GrossParameters) -> CrossEquity:
        """Return equity over all assets in USD, options included."""
        return CrossEquity(numeraire="USD", option_value=True, schedule=parameters.collateral,
                           reading="")

    def scenarios(self, market: Any, parameters: GrossParameters) -> tuple[()]:
        """Return none."""
        return ()

    def requirement(self, book: Any, arrays: Any, market: Any, parameters: GrossParameters,
                    threads: int) -> Requirements:
        """Return one row per account, USD."""
        rows = cross_pools(book, "USD")
        account = position_accounts(book.row_pointer)
        initial = summed(rows.row_of[account, 0], _sizes(book, market, parameters), len(rows))
        failure, failures = failing_rows(book, rows, market.quality != 0, market, {})
        initial = np.where(failure < 0, initial, np.nan)
        maintenance = initial * parameters.general.maintenance_share
        none = np.zeros(0, np.int32)
        return Requirements(
            pools=rows.pools, account=rows.account, pool=rows.pool, initial=initial,
            maintenance=maintenance, initial_components={"gross": initial},
            maintenance_components={"gross": maintenance}, candidates={}, failure=failure,
            failures=failures, worst=WorstScenarios(units=(), row=none, unit=none, scenario=none,
                                                    loss=np.zeros(0)))

    def contributions(self, book: Any, arrays: Any, market: Any,
                      parameters: GrossParameters) -> Contributions:
        """Return each position's own margin."""
        own = _sizes(book, market, parameters)[:, None]
        return Contributions(components=("gross",), initial=own,
                             maintenance=own * parameters.general.maintenance_share)

    def vectors(self, book: Any, arrays: Any, market: Any, parameters: Any) -> tuple[()]:
        """Return none."""
        return ()

    def our_readings(self, book: Any, market: Any, parameters: Any) -> tuple[str, ...]:
        """Return none: there is no venue."""
        return ()

    def reading_variants(self, book: Any, parameters: Any) -> tuple[()]:
        """Return none."""
        return ()

    def figures(self, margins: Any, book: Any, arrays: Any, market: Any,
                parameters: Any) -> dict[str, Any]:
        """Return maintenance over balance."""
        return {"margin_ratio": margins.requirements.maintenance / margins.margin_balance}


def _sizes(book: Any, market: Any, parameters: GrossParameters) -> Any:
    terms = market.catalogue
    dollars = np.where((terms.payoff == 1) & (terms.kind != 3), terms.unit,
                       terms.unit * market.index[terms.underlying])
    return parameters.general.rate * np.abs(book.lots) * dollars[book.instrument]


MODEL = GrossCross()
