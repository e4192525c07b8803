"""Binance portfolio margin and its Pro programme: bracket margins against haircut equity.

    MM       = sum over positions of bracket margin x price + sum over loans of loan rate x loan
    uniMMR   = (sum over assets of min(equity x collateral rate, equity) - open loss) / MM
    IM       = order level x MM + open loss          MM row = liquidation level x MM + open loss

No scenario is looked at and nothing is netted. A requirement row here is the equity at which
Binance acts: below IM (uniMMR 120 %) nothing may be opened, below MM (105 %) the account is
liquidated. The venue's own maintenance margin and uniMMR are figures. Source: Binance FAQ, "uniMMR"
(2024-11-06) and "Portfolio Margin Pro maintenance margin ratio"; docs/methodology/binance.md.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import prices_in
from counterpoise.collateral.schedule import AssetTerms, listed_schedule
from counterpoise.collateral.valuation import contract_values
from counterpoise.instruments.contracts import Future, Instrument, Perpetual
from counterpoise.margin.compute import AccountMargin
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.pools import PoolRows, cross_pools
from counterpoise.margin.requirement import Floats, Requirements
from counterpoise.margin.terms.brackets import (
    Brackets,
    bracket_tables,
    bracketed,
    falling_rate,
)
from counterpoise.margin.terms.by_position import (
    failing,
    requirements_of,
    stated_amount,
    summed_by_row,
)
from counterpoise.margin.terms.loans import borrowed, loans_of, unpriced, with_failures
from counterpoise.margin.terms.ranges import require_choice, require_ranges
from counterpoise.margin.vectors import RiskVectors
from counterpoise.market.snapshot import MarketSnapshot, Quality, price_of
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen

NUMERAIRE: Final = "USD"
RETAIL: Final = "portfolio_margin"
PRO: Final = "portfolio_margin_pro"
_UNUSED: Final = int(Quality.MISSING_FORWARD | Quality.MISSING_INDEX)


@frozen
class GeneralParameters:
    """The programme (`portfolio_margin` or `portfolio_margin_pro`) and what all accounts share.

    loan_rate           maintenance margin of a margin loan, fraction of the loan
    order_level         uniMMR below which no new risk may be taken
    liquidation_level   uniMMR below which the account is liquidated
    """

    programme: str
    loan_rate: float
    order_level: float
    liquidation_level: float

    def __post_init__(self) -> None:
        """Refuse a programme that there is not and levels that have no meaning."""
        require_choice(self, "programme", (RETAIL, PRO))
        require_ranges(self, {"loan_rate": (0, 1), "order_level": (1, 10),
                              "liquidation_level": (1, 10)})


@frozen
class Ladder:
    """What happens as uniMMR falls: at or below `level[k]`, falling, comes `action[k]`."""

    level: tuple[float, ...]
    action: tuple[str, ...]


@frozen
class BinancePmParameters:
    """Brackets keyed `underlying_settlement` (`btc_usdt`), collateral keyed by asset (`btc`)."""

    general: GeneralParameters
    perpetual: dict[str, Brackets]
    future: dict[str, Brackets]
    collateral: dict[str, AssetTerms]
    ladder: dict[str, Ladder]

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        tables = [(f"{kind}.{key}", brackets) for kind in ("perpetual", "future")
                  for key, brackets in getattr(self, kind).items()]
        falling = tuple(odd for name, brackets in tables for odd in falling_rate(name, brackets))
        general = self.general
        if general.liquidation_level > general.order_level:
            return (*falling, ("general", f"odd parameter: liquidation_level "
                               f"{general.liquidation_level:g} is above order_level "
                               f"{general.order_level:g}"))
        return (*falling, *listed_schedule(self.collateral, NUMERAIRE).oddities())


class BinancePm:
    """The model; it keeps `margin.model.MarginModel` and has `figures`."""

    name = "binance_pm"
    title = "Binance portfolio margin (uniMMR)"
    parameters_type = BinancePmParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "continuous"})
    given_names = frozenset({"open_loss", "loan_maintenance"})

    def equity(self, parameters: BinancePmParameters) -> CrossEquity:
        """Return all assets in USD by collateral rates; what is owed counts whole."""
        return CrossEquity(numeraire=NUMERAIRE, option_value=False,
                           schedule=listed_schedule(parameters.collateral, NUMERAIRE),
                           reading="an asset without a collateral rate here counts nothing")

    def scenarios(self, market: MarketSnapshot, parameters: BinancePmParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: BinancePmParameters, threads: int) -> Requirements:
        """Return one row per account, in USD."""
        rows, general = cross_pools(book, NUMERAIRE), parameters.general
        futures, loans = _maintenance_margins(book, rows, market, parameters)
        open_loss = _open_loss(book, rows, market, parameters)
        failed = failing(book, rows, market, unused=_UNUSED,
                         judge=lambda c: _not_applicable(c, market, parameters))
        initial, maintenance = (
            {"futures": level * futures, "loans": level * loans, "open_loss": open_loss}
            for level in (general.order_level, general.liquidation_level))
        codes = tuple(a.code for a in book.assets)
        owed = unpriced(market, codes, NUMERAIRE, loans_of(book)[rows.account] > 0)
        return requirements_of(rows, initial=initial, maintenance=maintenance,
                               failed=with_failures(failed, owed))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: BinancePmParameters) -> Contributions:
        """Return each position's own margin."""
        margin = _position_margins(book, market, parameters)[:, None]
        return Contributions(components=("futures",),
                             initial=parameters.general.order_level * margin,
                             maintenance=parameters.general.liquidation_level * margin)

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: BinancePmParameters) -> tuple[RiskVectors, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def figures(self, margins: AccountMargin, book: Book, arrays: tuple[RiskArrays, ...],
                market: MarketSnapshot, parameters: BinancePmParameters) -> dict[str, Floats]:
        """Return what Binance shows, by requirement row.

        `account_maint_margin` and the equities in USD; `uni_mmr`, a fraction, NaN without a
        position and a loan; `max_withdraw` in USD (2022); `ladder_step`, how many levels of the
        programme's ladder are reached.
        """
        rows = cross_pools(book, NUMERAIRE)
        futures, loans = _maintenance_margins(book, rows, market, parameters)
        margin = np.where(margins.requirements.failure < 0, futures + loans, np.nan)
        equity = margins.margin_balance - _open_loss(book, rows, market, parameters)
        with np.errstate(divide="ignore", invalid="ignore"):
            uni_mmr = np.where(margin > 0, equity / margin, np.nan)
        levels = parameters.ladder[parameters.general.programme].level
        step = np.add.reduce([(uni_mmr <= level).astype(np.float64) for level in levels])
        return {"uni_mmr": uni_mmr, "account_maint_margin": margin, "account_equity": equity,
                "actual_equity": margins.equity,
                "max_withdraw": np.maximum(equity - parameters.general.order_level * margin, 0.0),
                "ladder_step": np.where(np.isnan(uni_mmr), np.nan, step)}

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: BinancePmParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that Binance does not publish."""
        return tuple(sentence for applies, sentence in (
            (True, "initial margin: the equity below which Binance refuses new risk, "
             f"{parameters.general.order_level:g} x its maintenance margin"),
            (True, self.equity(parameters).reading),
            (bool(np.any(book.balances < 0)), "a negative balance is a loan at "
             f"{parameters.general.loan_rate:g}; Binance's rate depends on the leverage chosen"),
            (len(book.order_instrument) > 0, "open orders need nothing here but the open loss "
             "that the account states")) if applies)

    def reading_variants(self, book: Book, parameters: BinancePmParameters,
                         ) -> tuple[tuple[tuple[str, BinancePmParameters], ...], ...]:
        """Return none: no reading of this rule can be switched."""
        return ()


MODEL: Final = BinancePm()


def _brackets_of(contract: Instrument, parameters: BinancePmParameters) -> Brackets | None:
    key = f"{contract.underlying}_{contract.settlement}".lower()
    if isinstance(contract, Perpetual):
        return parameters.perpetual.get(key)
    return parameters.future.get(key) if isinstance(contract, Future) else None


def _position_margins(book: Book, market: MarketSnapshot,
                      parameters: BinancePmParameters) -> Floats:
    """Return the bracket margin of every position in USD, [position]."""
    terms = market.catalogue
    tables = bracket_tables(terms, lambda c: _brackets_of(c, parameters))
    price = np.take(prices_in(market, terms.settlements, NUMERAIRE), terms.settlement)
    return bracketed(book, tables, contract_values(market)) * price[book.instrument]


def _maintenance_margins(book: Book, rows: PoolRows, market: MarketSnapshot,
                         parameters: BinancePmParameters) -> tuple[Floats, Floats]:
    """Return Binance's maintenance margin of futures and of loans in USD, both [row]."""
    futures = summed_by_row(book, rows, _position_margins(book, market, parameters))
    stated = stated_amount(book, rows, market, "loan_maintenance")
    loans = parameters.general.loan_rate * borrowed(book, rows, market)
    return futures, np.where(np.isfinite(stated), stated, loans)


def _open_loss(book: Book, rows: PoolRows, market: MarketSnapshot,
               parameters: BinancePmParameters) -> Floats:
    """Return the stated loss of open orders in USD, [row]; the Pro programme deducts none."""
    if parameters.general.programme == PRO:
        return np.zeros(len(rows))
    return np.nan_to_num(stated_amount(book, rows, market, "open_loss"))


def _not_applicable(contract: Instrument, market: MarketSnapshot,
                    parameters: BinancePmParameters) -> Failure | None:
    if not isinstance(contract, Perpetual | Future):
        reason, sentence = Reason.NOT_APPLICABLE, (
            "binance_pm covers perpetuals and futures; hold spot as a balance, options belong to "
            "binance_options")
    elif _brackets_of(contract, parameters) is None:
        kind = type(contract).__name__.lower()
        reason, sentence = Reason.NO_PARAMETERS, (
            f"binance_pm has no {kind} brackets for {contract.underlying} settled in "
            f"{contract.settlement}; it has them for "
            + ", ".join(sorted(getattr(parameters, kind))))
    elif not price_of(market, contract.settlement) > 0:
        reason, sentence = Reason.MISSING_PRICE, (
            f"needs the USD price of {contract.settlement}; add it to market.assets")
    else:
        return None
    return Failure(reason=reason, subject=contract.id, sentence=sentence)
