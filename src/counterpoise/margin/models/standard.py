"""Deribit standard margin (S:SM): every position by itself, no offsets between instruments.

    futures  IM = |q| (im0 + k |q|) x price      MM = |q| (mm0 + k |q|) x price
    options  short only: IM = max(max(0.15 - OTM/U, 0.10) + m, MM for puts), MM = 0.075 + m (calls)

q is in coins, `price` 1 for inverse contracts and the index in the settlement asset for linear
ones, m the premium and OTM/U the out-of-the-money amount as fractions of the forward U. Sources:
Deribit support "Linear Perpetual" and API reference for futures (published, exact); the option rule
is from secondary sources: docs/methodology/standard.md.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.model import EquityRule
from counterpoise.margin.pools import (
    PoolRows,
    given_amount,
    pool_of_instrument,
    position_accounts,
    settlement_pools,
    summed,
)
from counterpoise.margin.requirement import Floats, Requirements, WorstScenarios
from counterpoise.margin.terms.by_position import open_orders
from counterpoise.margin.terms.rounding import with_rounding
from counterpoise.margin.terms.standard_margins import (
    Rates,
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


class Standard:
    """The model; it keeps `margin.model.MarginModel`."""

    name = "standard"
    title = "Deribit standard margin (S:SM)"
    parameters_type = StandardParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance",
                      "long_option_at_most_premium", "continuous"})

    def equity(self, parameters: StandardParameters) -> EquityRule:
        """Return premium-out equity: short margin contains the mark, so options count nowhere."""
        return EquityRule(option_value=False, haircuts={}, reading=(
            "equity leaves the market value of options out"))

    def scenarios(self, market: MarketSnapshot, parameters: StandardParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: StandardParameters, threads: int) -> Requirements:
        """Return one row per (account, settlement currency); amounts in that currency."""
        pools = settlement_pools(book)
        rates = rates_of(market, parameters)
        parts = _parts(book, pools, rates)
        orders = open_orders(book, pools, market, lambda filled: position_margins(filled, rates)[0])
        failure, failures = standard_failures(book, pools, market, parameters)
        good = failure < 0
        extra = {name: np.nan_to_num(given_amount(book, pools, name))
                 for name in ("mmp_margin", "spot_margin")}
        initial = np.where(good, parts["futures"] + parts["options"] + orders
                           + extra["mmp_margin"] + extra["spot_margin"], np.nan)
        mm = {"futures": parts["futures_mm"], "options": parts["options_mm"]}
        maintenance = np.where(good, mm["futures"] + mm["options"], np.nan)
        im = {"futures": parts["futures"], "options": parts["options"],
              "open_orders_margin": orders} | extra
        nothing = np.zeros(0, np.int32)
        return Requirements(
            pools=pools.pools, account=pools.account, pool=pools.pool, initial=initial,
            maintenance=maintenance, initial_components=with_rounding(im, initial),
            maintenance_components=with_rounding(mm, maintenance), candidates={},
            failure=failure, failures=failures, worst=WorstScenarios(
                units=(), row=nothing, unit=nothing, scenario=nothing, loss=np.zeros(0)))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: StandardParameters) -> Contributions:
        """Return each position's own margin."""
        return shares(book, *position_margins(book, rates_of(market, parameters)))

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: StandardParameters) -> tuple[RiskVectors, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: StandardParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that Deribit does not publish."""
        held = market.catalogue.kind[book.instrument] == OPTION
        linear = market.catalogue.payoff[book.instrument] == 0
        return tuple(sentence for applies, sentence in (
            (bool(np.any(held)), "option margin: from secondary sources, no published example"),
            (bool(np.any(held & linear)), "linear options take the coin-settled factors"),
            (len(book.order_instrument) > 0, "open orders: larger side per instrument, IM only"),
            (True, self.equity(parameters).reading)) if applies)

    def reading_variants(self, book: Book, parameters: StandardParameters,
                         ) -> tuple[tuple[tuple[str, StandardParameters], ...], ...]:
        """Return none: no reading of this rule can be switched."""
        return ()


MODEL: Final = Standard()


def _parts(book: Book, pools: PoolRows, rates: Rates) -> dict[str, Floats]:
    account = position_accounts(book.row_pointer)
    row = pools.row_of[account, pool_of_instrument(book, pools.pools)[book.instrument]]
    option = rates.option[book.instrument]
    initial, maintenance = position_margins(book, rates)
    return {name: summed(row, np.where(mine, column, 0.0), len(pools))
            for name, mine, column in (("futures", ~option, initial), ("options", option, initial),
                                       ("futures_mm", ~option, maintenance),
                                       ("options_mm", option, maintenance))}
