"""Derive PMRM_2: scenarios, discounts by the sign of each expiry, skew, tails, contingencies.

    g_e  = damping x (D(value_e shocked) - value_e), or -|g_e| where the smile is tilted
    B    = sum over expiries of min(0, value_e(forward up or down) - value_e) (add + multiply T)
    loss = -min(0, B, min over scenarios of sum of g_e + perpetuals + collateral that offsets)
    IM   = (initial_factor + peg) loss + contingencies        MM = maintenance_factor loss + ...

D discounts gains and inflates debts. The requirement is put against mark-to-market plus cash, so
that Derive's own net margin is margin balance less requirement. Sources: github derivexyz/v2-core
(2026-01-21); docs.derive.xyz, PM2. docs/methodology/derive_pmrm.md says what is *our reading*.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import AssetAmounts, asset_amounts
from counterpoise.collateral.schedule import WHOLE, CollateralSchedule
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.pools import (
    Bools,
    PoolRows,
    cross_pools,
    given_in_numeraire,
    position_accounts,
    summed,
)
from counterpoise.margin.requirement import Floats, Indices, Requirements, WorstScenarios
from counterpoise.margin.terms.by_position import failing, requirements_of, summed_by_row
from counterpoise.margin.terms.cash_accounts import CASH, account_failures, contract_failure
from counterpoise.margin.terms.loans import with_failures
from counterpoise.margin.terms.pmrm_charges import charges_of, collateral_doubt
from counterpoise.margin.terms.pmrm_parameters import PmrmParameters
from counterpoise.margin.terms.pmrm_scenarios import pmrm_scenarios
from counterpoise.margin.terms.pmrm_units import (
    PmrmTerms,
    offset_losses,
    pmrm_terms,
    pmrm_units,
    pmrm_vectors,
    position_losses,
)
from counterpoise.margin.terms.rounding import added_rows
from counterpoise.margin.terms.verdicts import verdicts
from counterpoise.margin.vectors import RiskVectors
from counterpoise.market.conditions import Conditions
from counterpoise.market.snapshot import MarketSnapshot, Quality, price_of
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen, replaced


class DerivePmrm:
    """The model; it keeps `margin.model.MarginModel`."""

    name = "derive_pmrm"
    title = "Derive PMRM_2"
    parameters_type = PmrmParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "homogeneous_scan",
                      "continuous"})
    given_names = frozenset({"open_orders_margin"})

    def equity(self, parameters: PmrmParameters) -> CrossEquity:
        """Return mark-to-market plus cash, listed collateral in full, in USDC."""
        listed = {code.upper(): WHOLE for code in parameters.collateral}
        return CrossEquity(numeraire=CASH, option_value=True, schedule=CollateralSchedule(
            numeraire=CASH, other=None, assets=listed), reading=(
            "options count in equity at the marks given; Derive's marks are its model values"))

    def scenarios(self, market: MarketSnapshot, parameters: PmrmParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return the list of every market and the moves of the basis contingency as one set."""
        return (pmrm_scenarios(market, parameters),)

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: PmrmParameters, threads: int) -> Requirements:
        """Return one row per account, in USDC."""
        rows = cross_pools(book, CASH)
        terms, held = _terms(arrays, market, parameters), _held(book, rows, market, parameters)
        units = pmrm_units(book, terms, _by_account(book, rows, held.offsets), threads)
        row = rows.row_of[units.rows.account, 0]
        loss, offset = (summed(row, each, len(rows)) for each in (
            units.loss, offset_losses(units, terms)))
        maintenance, initial = _addends(book, rows, market, parameters, held)
        needs = requirements_of(
            rows, initial=_losses(loss, offset, _initial_factors(market, parameters)) | initial,
            maintenance=_losses(loss, offset, {"scan": parameters.general.maintenance_factor})
            | maintenance, failed=_failed(book, rows, market, parameters, held))
        kept = np.flatnonzero((needs.failure < 0)[row])
        return replaced(needs, candidates={"basis_contingency": summed(
            row, units.basis_loss, len(rows))}, worst=WorstScenarios(
                units=book.catalogue.underlyings, row=row[kept], unit=units.rows.unit[kept],
                scenario=units.scenario[kept], loss=units.loss[kept]))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: PmrmParameters) -> Contributions:
        """Return Euler contributions to the loss, and each position's own contingencies."""
        rows = cross_pools(book, CASH)
        terms, held = _terms(arrays, market, parameters), _held(book, rows, market, parameters)
        units = pmrm_units(book, terms, _by_account(book, rows, held.offsets), 1)
        share = position_losses(book, units, terms)
        charges = charges_of(book, market, parameters)
        initial = {name: factor * share for name, factor in _initial_factors(
            market, parameters).items()} | charges.initial
        maintenance = {"scan": parameters.general.maintenance_factor * share} | charges.maintenance
        none = np.zeros(len(share))
        return Contributions(components=tuple(initial), initial=np.stack(
            list(initial.values()), axis=1), maintenance=np.stack(
                [maintenance.get(name, none) for name in initial], axis=1))

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: PmrmParameters) -> tuple[RiskVectors, ...]:
        """Return gains and losses by scenario, damped and discounted, of one set."""
        rows = cross_pools(book, CASH)
        held = _held(book, rows, market, parameters)
        return (pmrm_vectors(book, arrays[0], _terms(arrays, market, parameters),
                             _by_account(book, rows, held.offsets)),)

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: PmrmParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that Derive does not publish."""
        return tuple(sentence for applies, sentence in (
            (True, self.equity(parameters).reading),
            (len(book.catalogue.underlyings) > 1, "an account with several markets is margined as "
             "one portfolio per market that share cash; Derive keeps one market per account"),
            (True, "collateral offsets its market where the account trades it, or trades nothing"),
            (True, "discounts, shocks, contingencies and haircuts without a public source are "
             "example numbers of ours; set them from the chain"),
            (_silent(market.conditions), "a confidence that nobody states counts as full"),
            (len(book.order_instrument) > 0, "open orders need nothing before they trade, unless "
             "open_orders_margin is stated")) if applies)

    def reading_variants(self, book: Book, parameters: PmrmParameters,
                         ) -> tuple[tuple[tuple[str, PmrmParameters], ...], ...]:
        """Return none: no reading of this rule can be switched."""
        return ()


MODEL: Final = DerivePmrm()


@frozen
class _Collateral:
    """Collateral that the parameters list, values in USDC.

    codes      the assets listed that the book knows
    value      [row, asset] >= 0
    offsets    [row, underlying] value that moves with the spot of a market of the account
    active     [row, underlying] 1 where the account has that market
    owned      what accounts own of every asset
    adrift     [row, asset] where an account without positions holds collateral whose market is
               not in the catalogue
    """

    codes: tuple[str, ...]
    value: Floats
    offsets: Floats
    active: Floats
    owned: AssetAmounts
    adrift: Bools


def _terms(arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
           parameters: PmrmParameters) -> PmrmTerms:
    barred, _ = verdicts(market.catalogue, lambda c: contract_failure(
        c, market, MODEL.name, parameters.market))
    return pmrm_terms(arrays[0], market, parameters, barred)


def _held(book: Book, rows: PoolRows, market: MarketSnapshot,
          parameters: PmrmParameters) -> _Collateral:
    owned = asset_amounts(book, market, accounts=rows.account, numeraire=CASH, option_value=True)
    listed = [k for k, code in enumerate(owned.assets) if code.lower() in parameters.collateral]
    codes = tuple(owned.assets[k] for k in listed)
    amount = np.nan_to_num(np.maximum(owned.amount[:, listed], 0.0))
    value = amount * np.nan_to_num(owned.price[listed])
    known = book.catalogue.underlyings
    target = [parameters.collateral[code.lower()].offsets for code in codes]
    offset = np.zeros((len(rows), len(known)))
    for k, name in enumerate(target):
        if name in known:
            offset[:, known.index(name)] += value[:, k]
    traded = np.zeros((len(rows), len(known)))
    account = position_accounts(book.row_pointer)
    traded[rows.row_of[account, 0], book.catalogue.underlying[book.instrument]] = 1.0
    idle = ~traded.any(axis=1, keepdims=True)
    active = np.where(idle, offset > 0, traded > 0).astype(np.float64)
    unlisted = [bool(name) and name not in known for name in target]
    return _Collateral(codes=codes, value=value, offsets=offset * active, active=active,
                       owned=owned, adrift=idle & (value > 0) & np.array(unlisted, bool))


def _by_account(book: Book, rows: PoolRows, table: Floats) -> Floats:
    """Return a table of rows as one of all accounts, 0 for those without a row."""
    out = np.zeros((len(book), table.shape[1]))
    out[rows.account] = table
    return out


def _initial_factors(market: MarketSnapshot, parameters: PmrmParameters) -> dict[str, float]:
    """Return what initial margin multiplies the loss with: its factor, and what the peg adds."""
    general = parameters.general
    short = max(0.0, general.peg_threshold - price_of(market, CASH))
    return {"scan": general.initial_factor, "peg": short * general.peg_factor}


def _losses(loss: Floats, offset: Floats, factors: dict[str, float]) -> dict[str, Floats]:
    """Return the loss by factor: that of positions, and that of the collateral among them."""
    parts = {name: factor * (loss - offset) for name, factor in factors.items()}
    added = np.add.reduce(list(factors.values()))
    return parts | {"collateral_loss": added * offset}


def _addends(book: Book, rows: PoolRows, market: MarketSnapshot, parameters: PmrmParameters,
             held: _Collateral) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return the contingencies of maintenance and initial margin, [row]."""
    charges = charges_of(book, market, parameters)
    maintenance, initial = ({name: summed_by_row(book, rows, each) for name, each in part.items()}
                            for part in (charges.maintenance, charges.initial))
    terms = [parameters.collateral[code.lower()] for code in held.codes]
    kept = np.array([t.maintenance_haircut for t in terms])
    more = np.array([t.initial_haircut for t in terms])
    maintenance["collateral_contingency"] = added_rows((held.value * kept).T)
    initial["collateral_contingency"] = added_rows((held.value * (kept + more)).T)
    doubt = collateral_doubt(market, held.codes, held.active, parameters)
    initial["collateral_oracle"] = added_rows((held.value * doubt).T)
    stated = given_in_numeraire(book, rows, "open_orders_margin", held.owned.price)
    initial["open_orders_margin"] = np.nan_to_num(stated)
    return maintenance, initial


def _silent(conditions: Conditions) -> bool:
    return not conditions.confidences or "confidence" not in conditions.columns


def _failed(book: Book, rows: PoolRows, market: MarketSnapshot, parameters: PmrmParameters,
            held: _Collateral) -> tuple[Indices, tuple[Failure, ...]]:
    known = failing(book, rows, market, unused=int(Quality.MISSING_INDEX),
                    judge=lambda c: contract_failure(c, market, MODEL.name, parameters.market))
    adrift = {Failure(reason=Reason.MISSING_INDEX, subject=code, sentence=(
        "moves with a market of which no instrument is quoted; add the perpetual of that market "
        "and its index")): held.adrift[:, k] for k, code in enumerate(held.codes)}
    return with_failures(known, account_failures(market, held.owned, held.codes) | adrift)
