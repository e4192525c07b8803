"""OKX portfolio margin: risk units by coin, nine measures of risk each, loans beside them.

    MM = sum over units of max(max(MR1, MR2, MR6) + MR3 + MR4 + MR5 + MR9, MR7) + borrowing (MR8)
    IM = 1.3 x the units' part + borrowing at its initial rate

All in USD, against all assets by their discount rates. `terms.merged_units` has the units. Source:
OKX API v5 "Position builder" and OKX help; docs/methodology/okx_pm.md.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import AssetAmounts, asset_amounts, prices_in
from counterpoise.collateral.schedule import listed_schedule
from counterpoise.instruments.catalogue import OPTION
from counterpoise.instruments.contracts import Instrument, Payoff, Spot
from counterpoise.margin.compute import AccountMargin
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.pools import (
    Bools,
    PoolRows,
    cross_pools,
    failing_rows,
    given_in_numeraire,
    summed,
)
from counterpoise.margin.requirement import Floats, Indices, Requirements, WorstScenarios
from counterpoise.margin.terms.by_position import requirements_of
from counterpoise.margin.terms.loans import loans_of, unpriced, with_failures
from counterpoise.margin.terms.merged_unit_parameters import (
    ANNUALISED,
    FLAT,
    MERGED,
    MergedUnitParameters,
    borrow_margins,
)
from counterpoise.margin.terms.merged_unit_scenarios import (
    NUMERAIRE,
    POINTS,
    largest_move,
    merged_unit_scenarios,
)
from counterpoise.margin.terms.merged_unit_shares import (
    contributed,
    position_losses,
    unit_vectors,
)
from counterpoise.margin.terms.merged_units import UnitCharges, UnitTerms, unit_charges, unit_terms
from counterpoise.margin.terms.orders import accounts_with_orders, filled
from counterpoise.margin.terms.rounding import added_up
from counterpoise.margin.terms.stablecoin_hedge import CURRENCIES
from counterpoise.margin.terms.verdicts import verdicts
from counterpoise.margin.vectors import RiskVectors
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen, replaced


class OkxPm:
    """The model; it keeps `margin.model.MarginModel` and has `figures`."""

    name = "okx_pm"
    title = "OKX portfolio margin"
    parameters_type = MergedUnitParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "continuous"})
    given_names = frozenset({"open_orders_margin", "spot_in_use", "spot_in_use_max"})

    def equity(self, parameters: MergedUnitParameters) -> CrossEquity:
        """Return all assets in USD by discount rates, options at their value; debts whole."""
        return CrossEquity(numeraire=NUMERAIRE, option_value=True,
                           schedule=listed_schedule(parameters.collateral, NUMERAIRE),
                           reading="an asset without a discount rate here counts nothing; spot in "
                           "use counts at its discount rate, too")

    def scenarios(self, market: MarketSnapshot,
                  parameters: MergedUnitParameters) -> tuple[ScenarioSet, ...]:
        """Return the sets of MR1 (volatility in points, in percent), MR2 and MR6."""
        return merged_unit_scenarios(market, parameters)

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: MergedUnitParameters, threads: int) -> Requirements:
        """Return one row per account, in USD; the worst scenario is that of MR1."""
        rows = cross_pools(book, NUMERAIRE)
        barred, why = verdicts(market.catalogue, lambda c: _not_applicable(c, market, parameters))
        terms = unit_terms(arrays, market, parameters)
        found = unit_charges(book, terms, threads=threads)
        row = rows.row_of[found.rows.account, 0]
        units = {name: summed(row, column, len(rows))
                 for name, column in _unit_parts(book, terms, found).items()}
        debts = _debts(book, rows, market, parameters)
        factor = parameters.general.imr_factor
        ours = factor * _orders(book, terms, (arrays[POINTS].black_delta, found), threads)
        stated = given_in_numeraire(book, rows, "open_orders_margin", prices_in(
            market, tuple(a.code for a in book.assets), NUMERAIRE))
        initial = {name: factor * column for name, column in units.items()}
        initial |= {"mr8_borrowing": debts.initial,
                    "open_orders_margin": np.where(np.isnan(stated), ours[rows.account], stated)}
        needs = requirements_of(
            rows, initial=initial, maintenance=units | {"mr8_borrowing": debts.maintenance},
            failed=with_failures(failing_rows(book, rows, arrays[POINTS].failed | barred, market,
                                              why), debts.unknown))
        scenario = found.scenario % len(arrays[POINTS].scenarios)
        return replaced(
            needs, candidates={name: summed(row, getattr(found, name), len(rows))
                               for name in ("mr1", "mr2", "mr6", "mr7")},
            worst=WorstScenarios(units=terms.names, row=row, unit=found.rows.unit, loss=found.mr1,
                                 scenario=np.asarray(scenario, np.int32)))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: MergedUnitParameters) -> Contributions:
        """Return each position's part of the worst case, MR3, MR4 and MR5.

        MR7, MR9 and borrowing do not grow in proportion, and belong to the account as a whole.
        """
        terms = unit_terms(arrays, market, parameters)
        shares = contributed(book, terms, unit_charges(book, terms))
        maintenance = np.stack(list(shares.values()), axis=1)
        return Contributions(components=tuple(shares), maintenance=maintenance,
                             initial=parameters.general.imr_factor * maintenance)

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: MergedUnitParameters) -> tuple[RiskVectors, ...]:
        """Return gains and losses in every set, spot in use among the sums."""
        terms = unit_terms(arrays, market, parameters)
        return unit_vectors(book, terms, unit_charges(book, terms), arrays)

    def figures(self, margins: AccountMargin, book: Book, arrays: tuple[RiskArrays, ...],
                market: MarketSnapshot, parameters: MergedUnitParameters) -> dict[str, Floats]:
        """Return what OKX shows, by requirement row, in USD but for the ratio.

        `margin_ratio`: adjusted equity over maintenance margin and the fee on loans, a fraction;
        NaN where neither is needed.
        """
        rows = cross_pools(book, NUMERAIRE)
        debts = _debts(book, rows, market, parameters)
        total = margins.requirements.maintenance
        fee = reduction_fee(debts, parameters)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(total + fee > 0, margins.margin_balance / (total + fee), np.nan)
        return {"margin_ratio": ratio, "adj_eq": margins.margin_balance, "total_mmr": total,
                "total_imr": margins.requirements.initial, "deriv_mmr": total - debts.maintenance,
                "borrow_mmr": debts.maintenance, "borrow_imr": debts.initial,
                "reduction_fee": fee}

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: MergedUnitParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that OKX does not publish."""
        held = bool(len(book.instrument))
        options = bool(np.any(market.catalogue.kind[book.instrument] == OPTION))
        quotes = {market.catalogue.instruments[k].quote for k in np.unique(book.instrument)}
        return tuple(sentence for applies, sentence in _sentences(parameters) if {
            "held": held, "options": options, "quotes": len(quotes) > 1,
            "debts": bool(np.any(book.balances < 0)) or held,
            "coins": held and any(a.code in market.catalogue.underlyings and np.any(
                book.balances[:, k] != 0) for k, a in enumerate(book.assets)),
            "orders": len(book.order_instrument) > 0, "always": True}[applies])

    def reading_variants(self, book: Book, parameters: MergedUnitParameters,
                         ) -> tuple[tuple[tuple[str, MergedUnitParameters], ...], ...]:
        """Return both forms of MR4, where there are derivatives."""
        if not len(book.instrument):
            return ()
        return (tuple((f"basis={form}", replaced(parameters, general=replaced(
            parameters.general, basis=form))) for form in (FLAT, ANNUALISED)),)


MODEL: Final = OkxPm()


@frozen
class Debts:
    """What accounts owe, USD, [row]: the amount, its margins, and {Failure: [row]} unknown ones."""

    owed: Floats
    maintenance: Floats
    initial: Floats
    unknown: dict[Failure, Bools]


def reduction_fee(debts: Debts, parameters: MergedUnitParameters) -> Floats:
    """Return the fee that the margin ratio adds: on what is owed and its margin, USD, [row]."""
    return parameters.general.reduction_fee_rate * (debts.owed + debts.maintenance)


def _unit_parts(book: Book, terms: UnitTerms, found: UnitCharges) -> dict[str, Floats]:
    """Return the addends of MM of every unit row; `spot_in_use` is what the coins add or save."""
    of_positions = position_losses(book, terms, found)
    whole = np.max(np.stack((found.mr1, found.mr2, found.mr6)), axis=0, initial=0.0)
    parts = {"worst_case": of_positions,
             "spot_in_use": whole - of_positions + found.mr4_spot,
             "mr3_vega": found.mr3, "mr4_basis": found.mr4 - found.mr4_spot,
             "mr5_rates": found.mr5, "mr9_stablecoins": found.mr9}
    parts["spot_in_use"] = np.where(found.spot != 0, parts["spot_in_use"], 0.0)
    parts["mr7_minimum"] = np.maximum(found.mr7 - added_up(parts), 0.0)
    return parts


def _debts(book: Book, rows: PoolRows, market: MarketSnapshot,
           parameters: MergedUnitParameters) -> Debts:
    """Return what is owed: negative equity of an asset, or the loan stated, if that is more."""
    owned: AssetAmounts = asset_amounts(book, market, accounts=rows.account, numeraire=NUMERAIRE,
                                        option_value=True)
    stated = dict(zip((a.code for a in book.assets), loans_of(book).T, strict=True))
    sums = np.zeros((3, len(rows)))
    short = np.zeros(owned.amount.shape, bool)
    for k, code in enumerate(owned.assets):
        owed = np.maximum(-owned.amount[:, k], 0.0)
        if book.loans is not None and code in stated:
            owed = np.maximum(owed, stated[code][rows.account])
        short[:, k] = owed > 0
        for total, amount in zip(sums, (owed, *borrow_margins(parameters, code, owed)),
                                 strict=True):
            total += np.where(short[:, k], amount * owned.price[k], 0.0 * owed)
    entry = Failure(reason=Reason.MISSING_ENTRY, subject="entry_price", sentence=(
        "is missing for a position: what the account owes depends on its unrealised P&L"))
    unknown = {entry: owned.no_entry} | unpriced(market, owned.assets, NUMERAIRE, short)
    return Debts(owed=sums[0], maintenance=sums[1], initial=sums[2], unknown=unknown)


def _orders(book: Book, terms: UnitTerms, held: tuple[Floats, UnitCharges],
            threads: int) -> Floats:
    """Return what the worse side of open orders adds to the units' MM, USD, [account]."""
    delta, found = held
    extra = np.zeros(len(book))
    accounts: Indices = accounts_with_orders(book)
    if len(accounts):
        now = summed(found.rows.account, found.mmr, len(book))[accounts]
        given = {name: table[accounts] for name, table in book.given.items()}
        worst = now
        for sign in (1.0, -1.0):
            side = replaced(filled(book, accounts, sign * np.nan_to_num(delta)),
                            assets=book.assets, balances=book.balances[accounts], given=given)
            then = unit_charges(side, terms, threads=threads)
            worst = np.maximum(worst, summed(then.rows.account, then.mmr, len(accounts)))
        extra[accounts] = worst - now
    return extra


def _sentences(parameters: MergedUnitParameters) -> tuple[tuple[str, str], ...]:
    general, options = parameters.general, parameters.options
    return (
        ("held", "indices in USDT and USDC: the USD index over the price of the currency"),
        ("held", "MR4 flat on every leg, options of one expiry as one leg; OKX has announced an "
         "annualised form and not published it" if general.basis == FLAT else
         "MR4 annualised: rate x |sum of cash delta x years to expiry|"),
        ("held", "MR7: rates seen for BTC and LTC stand for their groups, 1 % and the tiers of BTC "
         "for other coins; options and futures by gross cash delta"),
        ("options", "MR1: volatility shocks beyond day 0 are ours; the larger loss of points and "
         "percent counts"),
        ("options", f"MR2: loss as {options.theta_days:g} day passes; MR3: "
         f"{options.term_volatility:g} of volatility x vega that nets between expiries; MR5: "
         f"{options.rate_move:g} of rate x |rho|"),
        ("options", "MR6: volatility unchanged, half of the loss"),
        ("coins", "spot in use: the balance of the coin against the Black delta of its derivatives"
         + ("" if general.unit == MERGED else f", in the {general.spot_offset} unit")),
        ("quotes", "MR9: rates of the third tier and below 0.99 are ours, at the cheaper currency "
         "of a pair; spot in use is not matched"),
        ("debts", "MR8: rates seen for USDT, first tier, stand for every asset and amount"),
        ("orders", "open orders: the worse of long-delta and short-delta orders filled, IM only"),
        ("always", MODEL.equity(parameters).reading))


def _not_applicable(contract: Instrument, market: MarketSnapshot,
                    parameters: MergedUnitParameters) -> Failure | None:
    coin = contract.underlying
    price = 1.0 if contract.quote == NUMERAIRE else price_of(market, contract.quote)
    if isinstance(contract, Spot):
        reason, sentence = Reason.NOT_APPLICABLE, "hold spot as a balance: it joins the risk unit"
    elif contract.payoff is Payoff.QUANTO or contract.quote not in CURRENCIES:
        reason, sentence = Reason.NOT_APPLICABLE, (
            "okx_pm covers contracts quoted in " + ", ".join(CURRENCIES)
            + " and settled there or in the coin")
    elif not market.index[market.catalogue.underlyings.index(coin)] > 0:
        reason, sentence = Reason.MISSING_INDEX, f"needs the index of {coin}; add market.indices"
    elif not price > 0:
        reason, sentence = Reason.MISSING_PRICE, (
            f"needs the USD price of {contract.quote}; add it to market.assets")
    elif price <= largest_move(parameters):
        reason, sentence = Reason.NOT_APPLICABLE, (
            f"{contract.quote} at {price:g} USD is too far from par for moves of "
            f"{largest_move(parameters):.0%}")
    else:
        return None
    return Failure(reason=reason, subject=contract.id, sentence=sentence)


