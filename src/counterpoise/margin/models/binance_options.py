"""Binance options: every short option by itself, long options paid in full.

    IM = (max(initial x S - OTM, least_initial x S) + mark) x quantity sold
    MM = (max(maintenance x S - OTM, least_maintenance x S) + mark) x quantity sold

S is the index in the settlement asset. Binance publishes the four rates (`exchangeInfo`) and no
formula: the shape, which is that of other venues, is *our reading*, docs/methodology/binance.md.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.contracts import Instrument, Option, Payoff
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.model import EquityRule
from counterpoise.margin.pools import settlement_pools
from counterpoise.margin.requirement import Floats, Requirements
from counterpoise.margin.terms.by_position import (
    failing,
    open_orders,
    requirements_of,
    summed_by_row,
)
from counterpoise.margin.terms.ranges import require_ranges
from counterpoise.margin.terms.short_options import out_of_the_money, short_margin
from counterpoise.margin.vectors import RiskVectors
from counterpoise.market.snapshot import MarketSnapshot, Quality, price_of
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen

_UNUSED: Final = int(Quality.MISSING_FORWARD | Quality.MISSING_VOLATILITY
                     | Quality.ABSURD_VOLATILITY)


@frozen
class ShortOptionRates:
    """Rates of short options as fractions of the index, named as `exchangeInfo` names them."""

    initial_margin: float
    maintenance_margin: float
    min_initial_margin: float
    min_maintenance_margin: float

    def __post_init__(self) -> None:
        """Refuse rates that have no meaning."""
        require_ranges(self, {"initial_margin": (0, 1), "maintenance_margin": (0, 1),
                              "min_initial_margin": (0, 1), "min_maintenance_margin": (0, 1)})


@frozen
class BinanceOptionsParameters:
    """Rates keyed `underlying_settlement`, e.g. `btc_usdt`."""

    option: dict[str, ShortOptionRates]

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        return tuple((f"option.{key}", f"odd parameter: {low} {getattr(rates, low):g} of {key} is "
                      f"above {high} {getattr(rates, high):g}")
                     for key, rates in self.option.items() for low, high in (
                         ("maintenance_margin", "initial_margin"),
                         ("min_maintenance_margin", "min_initial_margin"))
                     if getattr(rates, low) > getattr(rates, high))


class BinanceOptions:
    """The model; it keeps `margin.model.MarginModel`."""

    name = "binance_options"
    title = "Binance options (standard margin)"
    parameters_type = BinanceOptionsParameters
    given_names = frozenset({"open_orders_margin"})
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "homogeneous_scan",
                      "long_option_at_most_premium", "subadditive", "continuous"})

    def equity(self, parameters: BinanceOptionsParameters) -> EquityRule:
        """Return premium-out equity: short margin contains the mark, so options count nowhere."""
        return EquityRule(option_value=False, haircuts={}, reading=(
            "equity leaves the market value of options out"))

    def scenarios(self, market: MarketSnapshot, parameters: BinanceOptionsParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: BinanceOptionsParameters, threads: int) -> Requirements:
        """Return one row per (account, settlement asset); amounts in that asset."""
        rows = settlement_pools(book)
        initial, maintenance = (_short_lot(market, parameters, level)
                                for level in ("initial", "maintenance"))
        return requirements_of(
            rows, failed=failing(book, rows, market, unused=_UNUSED,
                                 judge=lambda c: _not_applicable(c, market, parameters)),
            initial={"options": summed_by_row(book, rows, _sold(book, initial)),
                     "open_orders_margin": open_orders(
                         book, rows, market, lambda side: _sold(side, initial))},
            maintenance={"options": summed_by_row(book, rows, _sold(book, maintenance))})

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: BinanceOptionsParameters) -> Contributions:
        """Return each position's own margin."""
        initial, maintenance = (_sold(book, _short_lot(market, parameters, level))
                                for level in ("initial", "maintenance"))
        return Contributions(components=("options",), initial=initial[:, None],
                             maintenance=maintenance[:, None])

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: BinanceOptionsParameters) -> tuple[RiskVectors, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: BinanceOptionsParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that Binance does not publish."""
        return tuple(sentence for applies, sentence in (
            (True, "formula of short option margin: Binance publishes the rates, not the formula"),
            (len(book.order_instrument) > 0, "open orders: larger side per instrument, IM only"),
            (True, self.equity(parameters).reading)) if applies)

    def reading_variants(self, book: Book, parameters: BinanceOptionsParameters,
                         ) -> tuple[tuple[tuple[str, BinanceOptionsParameters], ...], ...]:
        """Return none: no reading of this rule can be switched."""
        return ()


MODEL: Final = BinanceOptions()


def _short_lot(market: MarketSnapshot, parameters: BinanceOptionsParameters,
               level: str) -> Floats:
    """Return the `initial` or `maintenance` margin per lot sold, [instrument], settlement asset."""
    terms = market.catalogue
    usd = np.array([price_of(market, code) for code in terms.settlements])
    index = market.index[terms.underlying] / np.take(usd, terms.settlement)
    margin = short_margin(price=index, out=out_of_the_money(terms, index), mark=market.mark,
                          rate=_column(market, parameters, f"{level}_margin"),
                          least=_column(market, parameters, f"min_{level}_margin"))
    return margin * terms.unit


def _column(market: MarketSnapshot, parameters: BinanceOptionsParameters, field: str) -> Floats:
    table = {key: getattr(rates, field) for key, rates in parameters.option.items()}
    return np.array([table.get(_key(c), np.nan) for c in market.catalogue.instruments])


def _sold(book: Book, per_lot: Floats) -> Floats:
    """Return the margin of every position by itself; zero for long ones."""
    sold = np.maximum(-book.lots, 0)
    return np.where(sold > 0, sold * per_lot[book.instrument], 0.0)


def _key(contract: Instrument) -> str:
    return f"{contract.underlying}_{contract.settlement}".lower()


def _not_applicable(contract: Instrument, market: MarketSnapshot,
                    parameters: BinanceOptionsParameters) -> Failure | None:
    if not isinstance(contract, Option) or contract.payoff is not Payoff.LINEAR:
        reason, sentence = Reason.NOT_APPLICABLE, (
            "binance_options covers options settled in their quote asset; perpetuals and futures "
            "belong to binance_pm")
    elif _key(contract) not in parameters.option:
        reason, sentence = Reason.NO_PARAMETERS, (
            f"binance_options has no rates for {_key(contract)}; it has them for "
            + ", ".join(sorted(parameters.option)))
    elif not price_of(market, contract.settlement) > 0:
        reason, sentence = Reason.MISSING_PRICE, (
            f"needs the USD price of {contract.settlement}; add it to market.assets")
    else:
        return None
    return Failure(reason=reason, subject=contract.id, sentence=sentence)
