"""Aevo standard margin: every perpetual and every short option by itself, over all collateral.

    perpetual    IM = im x notional                                      MM = mm x notional
    short call   IM = max(0.15 - OTM/S, 0.10) S + mark                   MM = 0.10 S + mark
    short put    IM = max(max(0.15 - OTM/S, 0.10) S + mark, MM)          MM = max(0.10 S, 0.10 mark)
                                                                              + mark

S is the index in USDC; a long option needs nothing beyond its premium. Portfolio margin is not
here: its floor is not published. Source: docs.aevo.xyz, "Standard Margin", "Cross-Margin Collateral
Framework" and contract specifications; docs/methodology/aevo.md.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import prices_in
from counterpoise.collateral.schedule import AssetTerms, listed_schedule
from counterpoise.instruments.catalogue import OPTION
from counterpoise.instruments.contracts import Future, Instrument, Option, Spot
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.pools import cross_pools
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

CASH: Final = "USDC"
_UNUSED: Final = int(Quality.MISSING_FORWARD | Quality.MISSING_VOLATILITY
                     | Quality.ABSURD_VOLATILITY)


@frozen
class PerpetualRates:
    """Rates of a perpetual as fractions of notional."""

    initial_margin: float
    maintenance_margin: float

    def __post_init__(self) -> None:
        """Refuse rates that have no meaning."""
        require_ranges(self, {"initial_margin": (0, 1), "maintenance_margin": (0, 1)})


@frozen
class ShortOptionFactors:
    """Factors of short options as fractions of the index; `maintenance` of a put's mark too."""

    initial: float
    least_initial: float
    maintenance: float

    def __post_init__(self) -> None:
        """Refuse factors that have no meaning."""
        require_ranges(self, {"initial": (0, 1), "least_initial": (0, 1), "maintenance": (0, 1)})


@frozen
class AevoParameters:
    """Rates and factors keyed by underlying (`eth`), collateral by asset."""

    perpetual: dict[str, PerpetualRates]
    option: dict[str, ShortOptionFactors]
    collateral: dict[str, AssetTerms]

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        perpetuals = tuple((f"perpetual.{key}", f"odd parameter: maintenance_margin of {key} is "
                            "above its initial_margin") for key, p in self.perpetual.items()
                           if p.maintenance_margin > p.initial_margin)
        options = tuple((f"option.{key}", f"odd parameter: maintenance of a {key} call is above "
                         "its least_initial") for key, p in self.option.items()
                        if p.maintenance > p.least_initial)
        return (*perpetuals, *options, *listed_schedule(self.collateral, CASH).oddities())


class Aevo:
    """The model; it keeps `margin.model.MarginModel`."""

    name = "aevo"
    title = "Aevo standard margin"
    parameters_type = AevoParameters
    given_names = frozenset({"open_orders_margin"})
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "homogeneous_scan",
                      "long_option_at_most_premium", "subadditive", "continuous"})

    def equity(self, parameters: AevoParameters) -> CrossEquity:
        """Return collateral by its ratios, and options at their marks."""
        return CrossEquity(numeraire=CASH, option_value=True,
                           schedule=listed_schedule(parameters.collateral, CASH),
                           reading="equity counts the market value of options, short ones too; an "
                           "asset without a collateral ratio here counts nothing")

    def scenarios(self, market: MarketSnapshot, parameters: AevoParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: AevoParameters, threads: int) -> Requirements:
        """Return one row per account, in USDC."""
        rows = cross_pools(book, CASH)
        initial, maintenance = _per_lot(market, parameters)
        return requirements_of(
            rows, failed=failing(book, rows, market, unused=_UNUSED,
                                 judge=lambda c: _not_applicable(c, market, parameters)),
            initial={name: summed_by_row(book, rows, own)
                     for name, own in _by_kind(book, _margins(book, initial)).items()}
            | {"open_orders_margin": open_orders(book, rows, market,
                                                 lambda side: _margins(side, initial))},
            maintenance={name: summed_by_row(book, rows, own)
                         for name, own in _by_kind(book, _margins(book, maintenance)).items()})

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: AevoParameters) -> Contributions:
        """Return each position's own margin."""
        initial, maintenance = (_by_kind(book, _margins(book, per_lot))
                                for per_lot in _per_lot(market, parameters))
        return Contributions(components=tuple(initial),
                             initial=np.stack(list(initial.values()), axis=1),
                             maintenance=np.stack(list(maintenance.values()), axis=1))

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: AevoParameters) -> tuple[RiskVectors, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: AevoParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that Aevo does not publish."""
        return tuple(sentence for applies, sentence in (
            (True, "notional of a perpetual at its mark, S at the index"),
            (len(book.order_instrument) > 0, "open orders: larger side per instrument, IM only; "
             "the premium of an option order is not reserved"),
            (True, self.equity(parameters).reading)) if applies)

    def reading_variants(self, book: Book, parameters: AevoParameters,
                         ) -> tuple[tuple[tuple[str, AevoParameters], ...], ...]:
        """Return none: no reading of this rule can be switched."""
        return ()


MODEL: Final = Aevo()


def _per_lot(market: MarketSnapshot, parameters: AevoParameters) -> tuple[Floats, Floats]:
    """Return initial and maintenance margin per lot that is charged, [instrument], USDC."""
    terms, mark = market.catalogue, market.mark
    in_cash = prices_in(market, ("USD",), CASH)[0]
    index = market.index[terms.underlying] * in_cash
    rate, least, kept = (_column(market, parameters.option, field)
                         for field in ("initial", "least_initial", "maintenance"))
    initial = short_margin(price=index, out=out_of_the_money(terms, index), mark=mark, rate=rate,
                           least=least)
    call = terms.right > 0
    maintenance = np.where(call, kept * index, np.maximum(kept * index, kept * mark)) + mark
    initial = np.where(call, initial, np.maximum(initial, maintenance))
    option = terms.kind == OPTION
    futures = (_column(market, parameters.perpetual, f"{level}_margin") * mark
               for level in ("initial", "maintenance"))
    first, second = (np.where(option, sold, held) * terms.unit
                     for sold, held in zip((initial, maintenance), futures, strict=True))
    return first, second


def _column(market: MarketSnapshot, table: dict[str, Any], field: str) -> Floats:
    by_underlying = np.array([getattr(table[u.lower()], field) if u.lower() in table else np.nan
                              for u in market.catalogue.underlyings])
    return np.take(by_underlying, market.catalogue.underlying)


def _margins(book: Book, per_lot: Floats) -> Floats:
    """Return the margin of every position by itself; none for a long option."""
    option = book.catalogue.kind[book.instrument] == OPTION
    charged = np.where(option, np.maximum(-book.lots, 0), np.abs(book.lots))
    return np.where(charged > 0, charged * per_lot[book.instrument], 0.0)


def _by_kind(book: Book, margin: Floats) -> dict[str, Floats]:
    option = book.catalogue.kind[book.instrument] == OPTION
    return {"perpetuals": np.where(option, 0.0, margin), "options": np.where(option, margin, 0.0)}


def _not_applicable(contract: Instrument, market: MarketSnapshot,
                    parameters: AevoParameters) -> Failure | None:
    if isinstance(contract, Spot | Future) or contract.settlement != CASH:
        return Failure(reason=Reason.NOT_APPLICABLE, subject=contract.id, sentence=(
            "aevo covers perpetuals and options settled in USDC; hold spot as a balance"))
    name, table = ("option", parameters.option) if isinstance(contract, Option) else (
        "perpetual", parameters.perpetual)
    if contract.underlying.lower() not in table:
        return Failure(reason=Reason.NO_PARAMETERS, subject=contract.id, sentence=(
            f"aevo has no {name} rates for {contract.underlying}; it has them for "
            + ", ".join(sorted(table)).upper()))
    if isinstance(contract, Option) and not price_of(market, CASH) > 0:
        return Failure(reason=Reason.MISSING_PRICE, subject=contract.id, sentence=(
            f"needs the USD price of {CASH}; add it to market.assets"))
    return None
