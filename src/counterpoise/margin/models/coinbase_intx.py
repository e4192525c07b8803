"""Coinbase International Exchange: a rate for every perpetual, with a credit for opposite pairs.

    IM = notional x max(base IM, RP x sqrt(CoH))         MM = 2/3 IM
    credit of a pair = credit rate x matched notional x (IM rate of one + IM rate of the other)

Long BTC against short ETH, or the other way round, is matched up to the smaller notional. The
numbers of RP and CoH are not published. Source: help.coinbase.com, International Exchange, margin
requirements and margin offset (2024-05-24); docs/methodology/coinbase_intx.md.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.schedule import AssetTerms, listed_schedule
from counterpoise.collateral.valuation import contract_values
from counterpoise.instruments.contracts import Instrument, Perpetual
from counterpoise.margin.compute import AccountMargin
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.pools import PoolRows, cross_pools, position_accounts, summed
from counterpoise.margin.requirement import Floats, Requirements
from counterpoise.margin.terms.by_position import (
    failing,
    open_orders,
    requirements_of,
    summed_by_row,
)
from counterpoise.margin.terms.ranges import require_ranges
from counterpoise.margin.vectors import RiskVectors
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen

CASH: Final = "USDC"
_UNUSED: Final = int(Quality.MISSING_FORWARD | Quality.MISSING_INDEX)


@frozen
class GeneralParameters:
    """Shares of the initial margin, and how far below maintenance the close-out margin may lie.

    close-out margin rate = max(close_out_share x IM rate, MM rate - close_out_distance)
    """

    maintenance_share: float
    close_out_share: float
    close_out_distance: float

    def __post_init__(self) -> None:
        """Refuse shares that have no meaning."""
        require_ranges(self, {"maintenance_share": (0, 10), "close_out_share": (0, 10),
                              "close_out_distance": (0, 1)})


@frozen
class ProductRates:
    """Rates of a perpetual: `base_im` a fraction of notional; `rp` and `coh` as Coinbase names
    them, 0 as long as nobody knows them."""

    base_im: float
    rp: float
    coh: float

    def __post_init__(self) -> None:
        """Refuse rates that have no meaning."""
        require_ranges(self, {"base_im": (0, 1), "rp": (0, 10), "coh": (0, 1e9)})


@frozen
class PairCredit:
    """The part of both margins that is forgiven on the matched notional of two underlyings."""

    first: str
    second: str
    credit: float

    def __post_init__(self) -> None:
        """Refuse a credit that has no meaning."""
        require_ranges(self, {"credit": (0, 1)})


@frozen
class CoinbaseIntxParameters:
    """Rates keyed by underlying (`btc`), credits by pair (`btc_eth`), collateral by asset."""

    general: GeneralParameters
    product: dict[str, ProductRates]
    offset: dict[str, PairCredit]
    collateral: dict[str, AssetTerms]

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        share = self.general.maintenance_share
        above = (("general", f"odd parameter: maintenance_share {share:g} puts the maintenance "
                  "margin above the initial margin"),) if share > 1 else ()
        return (*above, *listed_schedule(self.collateral, CASH).oddities())


class CoinbaseIntx:
    """The model; it keeps `margin.model.MarginModel` and has `figures`."""

    name = "coinbase_intx"
    title = "Coinbase International Exchange (perpetuals)"
    parameters_type = CoinbaseIntxParameters
    given_names = frozenset({"open_orders_margin"})
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "homogeneous_scan",
                      "continuous"})

    def equity(self, parameters: CoinbaseIntxParameters) -> CrossEquity:
        """Return all assets in USDC by collateral weights."""
        return CrossEquity(numeraire=CASH, option_value=False,
                           schedule=listed_schedule(parameters.collateral, CASH),
                           reading="an asset without a collateral weight here counts nothing")

    def scenarios(self, market: MarketSnapshot, parameters: CoinbaseIntxParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: CoinbaseIntxParameters, threads: int) -> Requirements:
        """Return one row per account, in USDC."""
        rows = cross_pools(book, CASH)
        held = summed_by_row(book, rows, _position_margins(book, market, parameters))
        credit = summed_by_row(book, rows, _credits(book, rows, market, parameters))
        orders = open_orders(book, rows, market,
                             lambda side: _position_margins(side, market, parameters))
        share = parameters.general.maintenance_share
        return requirements_of(
            rows, failed=failing(book, rows, market, unused=_UNUSED,
                                 judge=lambda c: _not_applicable(c, parameters)),
            initial={"perpetuals": held, "pair_credit": credit, "open_orders_margin": orders},
            maintenance={"perpetuals": share * held, "pair_credit": share * credit})

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: CoinbaseIntxParameters) -> Contributions:
        """Return each position's margin and its share of the credits."""
        rows = cross_pools(book, CASH)
        shares = np.stack([_position_margins(book, market, parameters),
                           _credits(book, rows, market, parameters)], axis=1)
        return Contributions(components=("perpetuals", "pair_credit"), initial=shares,
                             maintenance=parameters.general.maintenance_share * shares)

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: CoinbaseIntxParameters) -> tuple[RiskVectors, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def figures(self, margins: AccountMargin, book: Book, arrays: tuple[RiskArrays, ...],
                market: MarketSnapshot, parameters: CoinbaseIntxParameters) -> dict[str, Floats]:
        """Return the close-out margin by requirement row, USDC, pair credits left out.

        Below it positions go to the Liquidity Support Program.
        """
        rows, general = cross_pools(book, CASH), parameters.general
        rate = _rates(market, parameters)
        close_out = np.maximum(general.close_out_share * rate,
                               general.maintenance_share * rate - general.close_out_distance)
        notional = np.abs(_notional(book, market))
        margin = summed_by_row(book, rows, notional * close_out[book.instrument])
        return {"close_out_margin": np.where(margins.requirements.failure < 0, margin, np.nan)}

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: CoinbaseIntxParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that Coinbase does not publish."""
        unknown = any(p.rp * p.coh == 0 for p in parameters.product.values())
        return tuple(sentence for applies, sentence in (
            (unknown, "RP x sqrt(CoH) is left out where its numbers are not published: the "
             "requirement is the least that Coinbase asks"),
            (len(parameters.offset) > 0, "pair credit on the matched notional, at both initial "
             "margin rates; in maintenance margin by the same share"),
            (len(book.order_instrument) > 0, "open orders: larger side per instrument, IM only, "
             "no credit"),
            (True, self.equity(parameters).reading)) if applies)

    def reading_variants(self, book: Book, parameters: CoinbaseIntxParameters,
                         ) -> tuple[tuple[tuple[str, CoinbaseIntxParameters], ...], ...]:
        """Return none: no reading of this rule can be switched."""
        return ()


MODEL: Final = CoinbaseIntx()


def _rates(market: MarketSnapshot, parameters: CoinbaseIntxParameters) -> Floats:
    """Return the initial margin rate of every instrument, NaN where it has none."""
    table = {key.upper(): max(p.base_im, p.rp * float(np.sqrt(p.coh)))
             for key, p in parameters.product.items()}
    terms = market.catalogue
    by_underlying = np.array([table.get(u, np.nan) for u in terms.underlyings])
    return np.take(by_underlying, terms.underlying)


def _notional(book: Book, market: MarketSnapshot) -> Floats:
    """Return the signed notional of every position, USDC, [position]."""
    return np.asarray(book.lots * contract_values(market)[book.instrument])


def _position_margins(book: Book, market: MarketSnapshot,
                      parameters: CoinbaseIntxParameters) -> Floats:
    rate = _rates(market, parameters)
    return np.abs(_notional(book, market)) * rate[book.instrument]


def _credits(book: Book, rows: PoolRows, market: MarketSnapshot,
             parameters: CoinbaseIntxParameters) -> Floats:
    """Return each position's share of its row's pair credits, <= 0, USDC, [position].

    Notional that one pair has matched is not there for the next; a side's credit is shared by its
    positions in proportion to signed notional.
    """
    row = rows.row_of[position_accounts(book.row_pointer), 0]
    notional, rate = _notional(book, market), _rates(market, parameters)
    underlying = market.catalogue.underlying[book.instrument]
    sides = {code: underlying == k for k, code in enumerate(market.catalogue.underlyings)}
    whole = {code: summed(row, np.where(mine, notional, 0.0), len(rows))
             for code, mine in sides.items()}
    left = dict(whole)
    credit = np.zeros(len(notional))
    for pair in parameters.offset.values():
        if pair.first not in left or pair.second not in left:
            continue
        a, b = left[pair.first], left[pair.second]
        matched = np.where(a * b < 0, np.minimum(np.abs(a), np.abs(b)), 0.0)
        for code in (pair.first, pair.second):
            with np.errstate(divide="ignore", invalid="ignore"):
                part = np.where(matched > 0, matched / np.abs(whole[code]), 0.0)
            mine = sides[code]
            sign = np.sign(whole[code])[row]
            share = pair.credit * part[row] * sign * notional * rate[book.instrument]
            credit = credit - np.where(mine, share, 0.0)
            left[code] = left[code] - np.sign(left[code]) * matched
    return credit


def _not_applicable(contract: Instrument, parameters: CoinbaseIntxParameters) -> Failure | None:
    if not isinstance(contract, Perpetual) or contract.settlement != CASH:
        return Failure(reason=Reason.NOT_APPLICABLE, subject=contract.id, sentence=(
            "coinbase_intx covers perpetuals settled in USDC; hold spot as a balance"))
    if contract.underlying.lower() not in parameters.product:
        return Failure(reason=Reason.NO_PARAMETERS, subject=contract.id, sentence=(
            f"coinbase_intx has no rates for {contract.underlying}; it has them for "
            + ", ".join(sorted(parameters.product)).upper()))
    return None
