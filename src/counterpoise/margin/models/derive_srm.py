"""Derive SRM, standard margin: perpetuals by rate, options by expiry, assets by weight.

    need = sum over perpetuals of |coins| mark rate + sum over expiries of the options' need
         + value of assets less what counts of it + what the peg of cash adds + doubt in the feeds

Options need the smaller of naked margin and worst settlement (`margin.terms.standard_options`). The
requirement is put against mark-to-market plus cash, so that Derive's own net margin is margin
balance less requirement. Sources: github derivexyz/v2-core (2026-01-21), docs/managers/SRM.md;
docs/methodology/derive_srm.md says what is *our reading*.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import AssetAmounts, asset_amounts
from counterpoise.collateral.schedule import WHOLE, CollateralSchedule
from counterpoise.instruments.catalogue import OPTION, PERPETUAL
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.pools import cross_pools, given_in_numeraire
from counterpoise.margin.requirement import Floats, Requirements
from counterpoise.margin.terms.by_position import failing, requirements_of, summed_by_row
from counterpoise.margin.terms.cash_accounts import CASH, account_failures, contract_failure
from counterpoise.margin.terms.confidence import (
    asset_confidences,
    confidences_of,
    penalty,
)
from counterpoise.margin.terms.loans import with_failures
from counterpoise.margin.terms.srm_parameters import SrmMarket, SrmParameters
from counterpoise.margin.terms.standard_options import option_needs
from counterpoise.margin.terms.verdicts import verdicts
from counterpoise.margin.vectors import RiskVectors
from counterpoise.market.snapshot import MarketSnapshot, Quality, price_of
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet

_UNUSED: Final = int(Quality.MISSING_VOLATILITY | Quality.ABSURD_VOLATILITY
                     | Quality.MISSING_INDEX)


class DeriveSrm:
    """The model; it keeps `margin.model.MarginModel`."""

    name = "derive_srm"
    title = "Derive standard margin (SRM)"
    parameters_type = SrmParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "homogeneous_scan",
                      "continuous", "long_option_at_most_premium"})
    given_names = frozenset({"open_orders_margin"})

    def equity(self, parameters: SrmParameters) -> CrossEquity:
        """Return mark-to-market plus cash, listed assets in full, in USDC."""
        listed = {code.upper(): WHOLE for code in parameters.asset}
        return CrossEquity(numeraire=CASH, option_value=True, schedule=CollateralSchedule(
            numeraire=CASH, other=None, assets=listed), reading=(
            "options count in equity at the marks given; Derive's marks are its model values"))

    def scenarios(self, market: MarketSnapshot, parameters: SrmParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return none: the rule looks at settlement prices, not at scenarios."""
        return ()

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: SrmParameters, threads: int) -> Requirements:
        """Return one row per account, in USDC."""
        rows = cross_pools(book, CASH)
        owned = asset_amounts(book, market, accounts=rows.account, numeraire=CASH,
                              option_value=True)
        initial, maintenance = ({name: summed_by_row(book, rows, each)
                                 for name, each in part.items()}
                                for part in _by_position(book, market, parameters))
        more, kept = _assets(market, owned, parameters)
        stated = given_in_numeraire(book, rows, "open_orders_margin", owned.price)
        known = failing(book, rows, market, unused=_UNUSED, judge=lambda c: contract_failure(
            c, market, self.name, parameters.market))
        return requirements_of(
            rows, initial=initial | more | {"open_orders_margin": np.nan_to_num(stated)},
            maintenance=maintenance | kept, failed=with_failures(known, account_failures(
                market, owned, [code.upper() for code in parameters.asset])))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: SrmParameters) -> Contributions:
        """Return each position's margin, or its share in the need of its expiry."""
        initial, maintenance = _by_position(book, market, parameters)
        none = np.zeros(len(book.instrument))
        return Contributions(components=tuple(initial), initial=np.stack(
            list(initial.values()), axis=1), maintenance=np.stack(
                [maintenance.get(name, none) for name in initial], axis=1))

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: SrmParameters) -> tuple[RiskVectors, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: SrmParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that Derive does not publish."""
        said = market.conditions
        return tuple(sentence for applies, sentence in (
            (True, self.equity(parameters).reading),
            (True, "put_mark_maintenance and the factor on doubted notional are example numbers of "
             "ours; set them from the chain"),
            (not said.confidences or "confidence" not in said.columns,
             "a confidence that nobody states counts as full"),
            (len(book.order_instrument) > 0, "open orders need nothing before they trade, unless "
             "open_orders_margin is stated")) if applies)

    def reading_variants(self, book: Book, parameters: SrmParameters,
                         ) -> tuple[tuple[tuple[str, SrmParameters], ...], ...]:
        """Return none: no reading of this rule can be switched."""
        return ()


MODEL: Final = DeriveSrm()


def _markets(market: MarketSnapshot, parameters: SrmParameters) -> list[SrmMarket]:
    # An underlying without parameters gets those of a known one and then a Failure, no number.
    some = next(iter(parameters.market.values()))
    return [parameters.market.get(u.lower(), some) for u in market.catalogue.underlyings or ("",)]


def _by_position(book: Book, market: MarketSnapshot, parameters: SrmParameters,
                 ) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return what positions need, {name: [position]}: initial, then maintenance margin."""
    terms, held = book.catalogue, book.instrument
    own = _markets(market, parameters)
    barred, _ = verdicts(terms, lambda c: contract_failure(c, market, MODEL.name,
                                                           parameters.market))
    perpetual = terms.kind[held] == PERPETUAL
    coins = book.lots * terms.unit[held]
    rates = np.array([(m.perpetual.initial, m.perpetual.maintenance)
                      for m in own])[terms.underlying[held]]
    value = np.where(perpetual, np.abs(coins) * market.mark[held], 0.0)
    options = option_needs(book, market, own, barred)
    # What could make the account owe: perpetuals of either side and options sold.
    exposed = np.where(perpetual, np.abs(coins), np.where(
        terms.kind[held] == OPTION, np.maximum(-coins, 0.0), 0.0))
    notional = exposed * market.index[terms.underlying[held]]
    short = max(0.0, parameters.peg.threshold - price_of(market, CASH)) * parameters.peg.factor
    maintenance = {"perpetuals": value * rates[:, 1], "options": options.maintenance}
    return {"perpetuals": value * rates[:, 0], "options": options.initial,
            "peg": notional * short,
            "oracle_contingency": notional * _doubt(market, own)[held]}, maintenance


def _doubt(market: MarketSnapshot, own: list[SrmMarket]) -> Floats:
    """Return the penalty on one unit of notional, [instrument]."""
    terms, known = market.catalogue, confidences_of(market, with_rate=False)
    least = np.minimum(known.index[terms.underlying], np.where(
        terms.kind == PERPETUAL, known.perpetual[terms.underlying], known.option))
    out = np.zeros(len(terms))
    for k, m in enumerate(own):
        for kind, threshold in ((PERPETUAL, m.oracle.perpetual_threshold),
                                (OPTION, m.oracle.option_threshold)):
            mine = (terms.underlying == k) & (terms.kind == kind)
            out[mine] = penalty(least[mine], threshold=threshold, margin=m.oracle.factor)
    return out


def _assets(market: MarketSnapshot, owned: AssetAmounts, parameters: SrmParameters,
            ) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return what assets are worth beyond what counts of them, {name: [row]}, initial first."""
    zero = np.zeros(len(owned.amount))
    initial, maintenance, doubt = zero, zero, zero
    spot = owned.price * price_of(market, CASH)
    sure = _asset_confidences(market, owned.assets)
    for k, code in enumerate(owned.assets):
        terms = parameters.asset.get(code.lower())
        if terms is None or code == CASH:
            continue
        amount = np.nan_to_num(np.maximum(owned.amount[:, k], 0.0))
        value, notional = amount * np.nan_to_num(owned.price[k]), amount * np.nan_to_num(spot[k])
        maintenance = maintenance + (value - notional * terms.factor)
        initial = initial + (value - notional * (terms.factor * terms.initial_scale))
        doubt = doubt + notional * penalty(
            sure[k:k + 1], threshold=terms.confidence_threshold, margin=terms.oracle_factor)
    return ({"assets": initial, "assets_oracle": doubt}, {"assets": maintenance})


def _asset_confidences(market: MarketSnapshot, assets: tuple[str, ...]) -> Floats:
    """Return the confidence in the price of each asset: its own, and that of its market's spot."""
    index = dict(zip(market.catalogue.underlyings,
                     confidences_of(market, with_rate=False).index.tolist(), strict=True))
    spot = np.array([index.get(code, 1.0) for code in assets])
    return np.asarray(np.minimum(asset_confidences(market, assets), spot))
