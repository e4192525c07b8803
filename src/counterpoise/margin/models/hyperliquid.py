"""Hyperliquid portfolio margin: lending against collateral and cross perpetuals in one account.

    maintenance requirement = 20 + sum of cross maintenance margins + borrowed
    liquidation value       = cash + sum over collateral of min(cap, min(held, cap) x price x T)
    ratio                   = requirement / liquidation value, liquidatable above 0.95

T = 0.5 + 0.5 LTV; borrowed is the cash below zero, unrealised P&L included. A requirement row is
put against the margin balance, liquidation value less borrowed, so that MM is where the ratio
reaches 0.95 and IM where what must be borrowed reaches LTV x collateral. Source: Hyperliquid docs,
trading/portfolio-margin (alpha) and trading/margin-tiers; docs/methodology/hyperliquid.md.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import AssetAmounts, asset_amounts
from counterpoise.collateral.schedule import (
    WHOLE,
    AssetTerms,
    CollateralSchedule,
    collateral_value,
)
from counterpoise.collateral.valuation import contract_values
from counterpoise.instruments.contracts import Instrument, Perpetual
from counterpoise.margin.compute import AccountMargin
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.pools import Bools, PoolRows, cross_pools
from counterpoise.margin.requirement import Floats, Requirements
from counterpoise.margin.terms.brackets import (
    Brackets,
    bracket_tables,
    bracketed,
    falling_rate,
)
from counterpoise.margin.terms.by_position import (
    failing,
    open_orders,
    requirements_of,
    summed_by_row,
)
from counterpoise.margin.terms.loans import unpriced, with_failures
from counterpoise.margin.terms.ranges import require_ranges
from counterpoise.margin.terms.rounding import added_up
from counterpoise.margin.vectors import RiskVectors
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.failure import Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

CASH: Final = "USDC"
_UNUSED: Final = int(Quality.MISSING_FORWARD | Quality.MISSING_INDEX)


@frozen
class GeneralParameters:
    """What all accounts share; amounts in USDC.

    min_borrow_offset      least maintenance requirement of an account at risk
    liquidatable_ratio     portfolio margin ratio above which an account is liquidated
    user_borrow_cap        most that an account may borrow, and that one collateral asset may count
    borrowable             assets that are cash: they can be borrowed, and count whole
    """

    min_borrow_offset: float
    liquidatable_ratio: float
    user_borrow_cap: float
    borrowable: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse amounts that have no meaning."""
        require_ranges(self, {"min_borrow_offset": (0, 1e9), "liquidatable_ratio": (0.01, 1),
                              "user_borrow_cap": (0, 1e15)})


@frozen
class InterestParameters:
    """Borrow rate per year, continuously compounded: base + slope x max(0, utilisation - kink)."""

    base_rate: float
    slope: float
    kink: float

    def __post_init__(self) -> None:
        """Refuse rates that have no meaning."""
        require_ranges(self, {"base_rate": (0, 10), "slope": (0, 1000), "kink": (0, 1)})


@frozen
class LeverageTiers:
    """Maximum leverage by notional: `up_to` are the ends of all tiers but the last, USDC."""

    up_to: tuple[float, ...]
    max_leverage: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse leverage below one and tiers that do not increase."""
        if not all(1 <= leverage <= 1000 for leverage in self.max_leverage):
            raise bad_input(Reason.BAD_VALUE, "max_leverage", f"{list(self.max_leverage)[:9]} must "
                            "lie between 1 and 1000")
        _brackets(self)


@frozen
class LendingTerms:
    """How an asset counts as collateral: loan to value, and the most of it that counts."""

    ltv: float
    user_supply_cap: float

    def __post_init__(self) -> None:
        """Refuse shares and amounts that are not above zero."""
        require_ranges(self, {"ltv": (1e-6, 1), "user_supply_cap": (1e-9, 1e15)})


@frozen
class HyperliquidParameters:
    """Tiers keyed by underlying (`btc`), collateral keyed by asset."""

    general: GeneralParameters
    interest: InterestParameters
    perpetual: dict[str, LeverageTiers]
    collateral: dict[str, LendingTerms]

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        return tuple(odd for key, tiers in self.perpetual.items()
                     for odd in falling_rate(f"perpetual.{key}", _brackets(tiers)))


class Hyperliquid:
    """The model; it keeps `margin.model.MarginModel` and has `figures`."""

    name = "hyperliquid"
    title = "Hyperliquid portfolio margin (alpha)"
    parameters_type = HyperliquidParameters
    given_names = frozenset({"open_orders_margin", "leverage"})
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "continuous"})

    def equity(self, parameters: HyperliquidParameters) -> CrossEquity:
        """Return cash in full, collateral by its liquidation threshold, in USDC."""
        return CrossEquity(numeraire=CASH, option_value=False, schedule=_schedule(parameters),
                           reading="an asset that is neither borrowable nor collateral counts "
                           "nothing")

    def scenarios(self, market: MarketSnapshot, parameters: HyperliquidParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: HyperliquidParameters, threads: int) -> Requirements:
        """Return one row per account, in USDC."""
        rows = cross_pools(book, CASH)
        owned, margin = _owned(book, rows, market), _position_margins(book, market, parameters)
        lending = _lending(owned, parameters)
        orders = open_orders(book, rows, market, lambda side: 2 * _position_margins(
            side, market, parameters))
        held = summed_by_row(book, rows, margin)
        maintenance = _maintenance(held, lending, parameters)
        initial = {"perpetuals": summed_by_row(book, rows, _initial_margins(book, market, margin)),
                   "open_orders_margin": orders}
        initial["borrowing"] = _borrowing(initial["perpetuals"] + orders, lending)
        short = added_up(maintenance) - added_up(initial)
        initial["minimum"] = np.maximum(short, 0.0)
        failed = failing(book, rows, market, unused=_UNUSED,
                         judge=lambda c: _not_applicable(c, parameters))
        return requirements_of(rows, initial=initial, maintenance=maintenance,
                               failed=with_failures(failed, _unknown(market, owned)))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: HyperliquidParameters) -> Contributions:
        """Return each position's own margin; borrowing is the account's as a whole."""
        margin = _position_margins(book, market, parameters)
        return Contributions(components=("perpetuals",), maintenance=margin[:, None],
                             initial=_initial_margins(book, market, margin)[:, None])

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: HyperliquidParameters) -> tuple[RiskVectors, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def figures(self, margins: AccountMargin, book: Book, arrays: tuple[RiskArrays, ...],
                market: MarketSnapshot, parameters: HyperliquidParameters) -> dict[str, Floats]:
        """Return what Hyperliquid shows, by requirement row.

        `portfolio_margin_ratio`, a fraction, NaN where nothing is owned;
        `cross_maintenance_margin`, `borrowed` and `borrow_capacity` (LTV x collateral, capped), in
        USDC.
        """
        rows = cross_pools(book, CASH)
        held = summed_by_row(book, rows, _position_margins(book, market, parameters))
        lending = _lending(_owned(book, rows, market), parameters)
        required = held + _offset(held, lending, parameters) + lending.borrowed
        value = margins.margin_balance + lending.borrowed
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(value > 0, required / value, np.nan)
        return {"portfolio_margin_ratio": ratio, "cross_maintenance_margin": held,
                "borrowed": lending.borrowed, "borrow_capacity": lending.capacity}

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: HyperliquidParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that Hyperliquid does not publish."""
        return tuple(sentence for applies, sentence in (
            (True, "all notionals in one value function in USDC; USDC and USDH are one cash"),
            ("leverage" not in book.position_given, "initial margin at the maximum leverage of "
             "each tier; a lower leverage chosen by the account needs more"),
            (True, "the caps of the venue as a whole are not looked at"),
            (True, self.equity(parameters).reading),
            (len(book.order_instrument) > 0, "open orders: larger side per instrument, IM only"),
        ) if applies)

    def reading_variants(self, book: Book, parameters: HyperliquidParameters,
                         ) -> tuple[tuple[tuple[str, HyperliquidParameters], ...], ...]:
        """Return none: no reading of this rule can be switched."""
        return ()


MODEL: Final = Hyperliquid()


def borrow_rate(interest: InterestParameters, utilisation: float) -> float:
    """Return the yearly borrow rate, continuously compounded, at a utilisation in 0..1."""
    return interest.base_rate + interest.slope * max(0.0, utilisation - interest.kink)


def liquidation_threshold(ltv: float) -> float:
    """Return the share of collateral that counts against liquidation: 0.5 + 0.5 LTV."""
    return 0.5 + 0.5 * ltv


@frozen
class Lending:
    """Cash, collateral and debt of every row, USDC.

    cash         net amount of borrowable assets less other debts, [row]
    borrowed     what is owed, >= 0, [row]
    counted      collateral by its liquidation threshold, [row]
    capacity     collateral by LTV: the most that may be borrowed against it, [row]
    """

    cash: Floats
    borrowed: Floats
    counted: Floats
    capacity: Floats


def _lending(owned: AssetAmounts, parameters: HyperliquidParameters) -> Lending:
    zero = np.zeros(len(owned.amount))
    cash, debt, counted, capacity = zero, zero, zero, zero
    for k, code in enumerate(owned.assets):
        amount = owned.amount[:, k]
        value = np.where(amount != 0, amount * owned.price[k], 0.0)
        if code in parameters.general.borrowable:
            cash = cash + value
            continue
        debt = debt - np.minimum(value, 0.0)
        terms = parameters.collateral.get(code.lower())
        if terms is not None:
            price = float(owned.price[k])
            mine = np.maximum(amount, 0.0)
            counted = counted + np.where(mine > 0, collateral_value(
                _asset_terms(terms, parameters), mine, price), 0.0)
            most = np.minimum(mine, terms.user_supply_cap)
            capacity = capacity + np.where(mine > 0, most * price * terms.ltv, 0.0)
    return Lending(cash=cash - debt, borrowed=np.maximum(-cash, 0.0) + debt, counted=counted,
                   capacity=np.minimum(capacity, parameters.general.user_borrow_cap))


def _owned(book: Book, rows: PoolRows, market: MarketSnapshot) -> AssetAmounts:
    return asset_amounts(book, market, accounts=rows.account, numeraire=CASH, option_value=False)


def _offset(held: Floats, lending: Lending, parameters: HyperliquidParameters) -> Floats:
    """Return the minimum offset of accounts with a position or a loan, [row]."""
    at_risk = (held > 0) | (lending.borrowed > 0)
    return np.where(at_risk, parameters.general.min_borrow_offset, 0.0)


def _maintenance(held: Floats, lending: Lending,
                 parameters: HyperliquidParameters) -> dict[str, Floats]:
    """Return the addends of MM: with them MM > margin balance where the ratio is above its limit.

    requirement / (balance + borrowed) > limit is the same as
    requirement - borrowed + (1 / limit - 1) requirement > balance.
    """
    offset = _offset(held, lending, parameters)
    above = 1.0 / parameters.general.liquidatable_ratio - 1.0
    return {"perpetuals": held, "min_borrow_offset": offset,
            "liquidation_buffer": above * (held + offset + lending.borrowed)}


def _borrowing(margin: Floats, lending: Lending) -> Floats:
    """Return what must be owned beyond `margin` for the loan to fit into LTV x collateral.

    With b = margin - cash the loan that a trade would need, b <= capacity is the same as
    margin + (counted / capacity - 1) b <= cash + counted, the margin balance.
    """
    need = np.maximum(margin - lending.cash, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        above = np.where(lending.capacity > 0, lending.counted / lending.capacity - 1.0, 0.0)
    return np.maximum(above, 0.0) * need


def _unknown(market: MarketSnapshot, owned: AssetAmounts) -> dict[Failure, Bools]:
    """Return the rows whose loan nobody can know, [row], by Failure."""
    entry = Failure(reason=Reason.MISSING_ENTRY, subject="entry_price", sentence=(
        "is missing for a position: what the account borrows depends on its unrealised P&L"))
    return {entry: owned.no_entry} | unpriced(market, owned.assets, CASH, owned.amount != 0)


def _position_margins(book: Book, market: MarketSnapshot,
                      parameters: HyperliquidParameters) -> Floats:
    """Return the maintenance margin of every position by itself, USDC, [position]."""
    tables = bracket_tables(market.catalogue, lambda c: _brackets_of(c, parameters))
    return bracketed(book, tables, contract_values(market))


def _initial_margins(book: Book, market: MarketSnapshot, maintenance: Floats) -> Floats:
    """Return notional over the leverage that the account chose, [position].

    At least twice the maintenance margin, which is the margin at maximum leverage and what counts
    where no leverage is stated.
    """
    least = 2 * maintenance
    leverage = book.position_given.get("leverage")
    if leverage is None:
        return least
    notional = np.abs(book.lots * contract_values(market)[book.instrument])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(leverage >= 1, np.maximum(notional / leverage, least), least)


def _brackets_of(contract: Instrument, parameters: HyperliquidParameters) -> Brackets | None:
    tiers = parameters.perpetual.get(contract.underlying.lower())
    covered = isinstance(contract, Perpetual) and contract.settlement == CASH
    return _brackets(tiers) if covered and tiers is not None else None


def _brackets(tiers: LeverageTiers) -> Brackets:
    """Return half the initial margin at maximum leverage, tier by tier."""
    return Brackets(up_to=tiers.up_to, rate=tuple(0.5 / x for x in tiers.max_leverage))


def _asset_terms(terms: LendingTerms, parameters: HyperliquidParameters) -> AssetTerms:
    return AssetTerms(up_to=(terms.user_supply_cap,), weight=(liquidation_threshold(terms.ltv),),
                      value_cap=parameters.general.user_borrow_cap)


def _schedule(parameters: HyperliquidParameters) -> CollateralSchedule:
    lent = {code.upper(): _asset_terms(terms, parameters)
            for code, terms in parameters.collateral.items()}
    cash = dict.fromkeys(parameters.general.borrowable, WHOLE)
    return CollateralSchedule(numeraire=CASH, other=None, assets=lent | cash)


def _not_applicable(contract: Instrument, parameters: HyperliquidParameters) -> Failure | None:
    if not isinstance(contract, Perpetual) or contract.settlement != CASH:
        return Failure(reason=Reason.NOT_APPLICABLE, subject=contract.id, sentence=(
            "hyperliquid covers perpetuals settled in USDC; hold spot as a balance"))
    if _brackets_of(contract, parameters) is None:
        return Failure(reason=Reason.NO_PARAMETERS, subject=contract.id, sentence=(
            f"hyperliquid has no leverage tiers for {contract.underlying}; it has them for "
            + ", ".join(sorted(parameters.perpetual)).upper()))
    return None
