"""Deribit cross standard margin (X:SM): margins position by position, in one pool in USD.

    IM = sum over positions of the margin of S:SM x price of its settlement asset + open orders

Every position needs what it needs under segregated standard margin, and all assets of the account
cover it together. Sources: Deribit support "Margin types and usage" and those of
docs/methodology/standard.md.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import prices_in
from counterpoise.collateral.schedule import CollateralSchedule
from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.pools import PoolRows, cross_pools, either_failing, failing_rows
from counterpoise.margin.requirement import Floats, Indices, Requirements
from counterpoise.margin.terms.by_position import (
    open_orders,
    requirements_of,
    stated_amount,
    summed_by_row,
)
from counterpoise.margin.terms.standard_margins import (
    FutureParameters,
    OptionParameters,
    StandardParameters,
    position_margins,
    rates_of,
    shares,
    standard_failures,
)
from counterpoise.margin.vectors import RiskVectors
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen

NUMERAIRE: Final = "USD"


@frozen
class XsmParameters:
    """Rates keyed `underlying_settlement` as in standard margin, and what counts as collateral."""

    future: dict[str, FutureParameters]
    option: dict[str, OptionParameters]
    collateral: CollateralSchedule

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        return (*_rates(self).oddities(),
                *(("collateral", sentence) for _, sentence in self.collateral.oddities()))


class DeribitXsm:
    """The model; it keeps `margin.model.MarginModel`."""

    name = "deribit_xsm"
    title = "Deribit cross standard margin (X:SM)"
    parameters_type = XsmParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance",
                      "long_option_at_most_premium", "continuous"})

    def equity(self, parameters: XsmParameters) -> CrossEquity:
        """Return premium-out equity over all assets: short margin contains the mark."""
        return CrossEquity(numeraire=NUMERAIRE, option_value=False,
                           schedule=parameters.collateral, reading=(
                               "equity leaves the market value of options out"))

    def scenarios(self, market: MarketSnapshot, parameters: XsmParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: XsmParameters, threads: int) -> Requirements:
        """Return one row per account, USD."""
        rows, table = cross_pools(book, NUMERAIRE), _rates(parameters)
        initial, maintenance = _margins(book, market, table)
        option = market.catalogue.kind[book.instrument] == OPTION
        orders = open_orders(book, rows, market,
                             lambda filled: _margins(filled, market, table)[0])
        extra = {name: np.nan_to_num(stated_amount(book, rows, market, name))
                 for name in ("mmp_margin", "spot_margin")}
        im, mm = ({name: summed_by_row(book, rows, np.where(mine, margin, 0.0))
                   for name, mine in (("futures", ~option), ("options", option))}
                  for margin in (initial, maintenance))
        return requirements_of(
            rows, initial=im | {"open_orders_margin": orders} | extra, maintenance=mm,
            failed=either_failing(standard_failures(book, rows, market, table),
                                  _unpriced(book, rows, market)))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: XsmParameters) -> Contributions:
        """Return each position's own margin."""
        return shares(book, *_margins(book, market, _rates(parameters)))

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: XsmParameters) -> tuple[RiskVectors, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: XsmParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that Deribit does not publish."""
        held = market.catalogue.kind[book.instrument] == OPTION
        return tuple(sentence for applies, sentence in (
            (bool(np.any(held)), "option margin: from secondary sources, no published example"),
            (len(book.order_instrument) > 0, "open orders: larger side per instrument, IM only"),
            (True, "stablecoins count without haircut"),
            (True, self.equity(parameters).reading)) if applies)

    def reading_variants(self, book: Book, parameters: XsmParameters,
                         ) -> tuple[tuple[tuple[str, XsmParameters], ...], ...]:
        """Return none: no reading of this rule can be switched."""
        return ()


MODEL: Final = DeribitXsm()


def _rates(parameters: XsmParameters) -> StandardParameters:
    return StandardParameters(future=parameters.future, option=parameters.option)


def _margins(book: Book, market: MarketSnapshot,
             table: StandardParameters) -> tuple[Floats, Floats]:
    """Return (initial, maintenance) of every position by itself, USD, [position]."""
    terms = market.catalogue
    price = prices_in(market, terms.settlements, NUMERAIRE)[terms.settlement[book.instrument]]
    initial, maintenance = position_margins(book, rates_of(market, table))
    return initial * price, maintenance * price


def _unpriced(book: Book, rows: PoolRows,
              market: MarketSnapshot) -> tuple[Indices, tuple[Failure, ...]]:
    """Return the rows that hold a contract whose settlement asset has no price in USD."""
    terms = market.catalogue
    lost = ~(prices_in(market, terms.settlements, NUMERAIRE) > 0)[terms.settlement]
    why = {int(k): Failure(reason=Reason.MISSING_PRICE, subject=terms.instruments[k].id, sentence=(
        f"needs the USD price of {terms.instruments[k].settlement}; add it to market.assets"))
        for k in np.flatnonzero(lost)}
    return failing_rows(book, rows, lost, market, why)
