"""Deribit segregated portfolio margin (S:PM): what one settlement currency's book needs.

    RM = worst case of the risk matrix + roll shock + delta shock + correlation contingency
    MM = mm_factor x RM          IM = RM + open orders + MMP + spot margin

The worst case is the largest loss over nine price buckets x three volatility states and eight
extended moves, per currency pair; the pairs of one pool add up. Sources: Deribit support "Portfolio
Margin" and the `private/pme/simulate` reference; docs/methodology/deribit_spm.md walks through
every formula and says which parts are *our reading*.
"""

from typing import TYPE_CHECKING, Final

import numpy as np

from counterpoise import _core
from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION
from counterpoise.instruments.contracts import Instrument, Payoff, Spot
from counterpoise.margin.layout import Ints, Layout, chosen, layout_of
from counterpoise.margin.model import EquityRule, PricedMarket
from counterpoise.margin.pools import (
    NO_FAILURE,
    Bools,
    PoolRows,
    failing_entries,
    given_amount,
    named_failures,
)
from counterpoise.margin.requirement import Floats, Indices, Requirements, WorstScenarios
from counterpoise.margin.terms.orders import filled_sides
from counterpoise.margin.terms.risk_matrix import (
    RiskMatrixParameters,
    UnitResults,
    UnitTerms,
    matrix_scenarios,
    pairs_of,
    reading_variants,
    unit_names,
    unit_results,
    unit_terms,
)
from counterpoise.margin.terms.verdicts import verdicts
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.risk.aggregation import Rows, grouped
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen, replaced

if TYPE_CHECKING:  # what explains a number or prepares for another is loaded where it is asked for
    from counterpoise.margin.contributions import Contributions
    from counterpoise.margin.terms.prepared_units import MarketUnits, PoolTerms, PreparedUnits
    from counterpoise.margin.vectors import RiskVectors

_MATRIX: Final = ("worst_case", "roll_shock", "delta_shock")
_GIVEN: Final = ("open_orders_margin", "mmp_margin", "spot_margin")
_COLUMNS: Final = (*_MATRIX, "initial", "initial rounding", *(f"{n} x factor" for n in _MATRIX),
                   "maintenance", "maintenance rounding", "value", "rm")


class DeribitSpm:
    """The model; it keeps `margin.model.MarginModel`."""

    name = "deribit_spm"
    title = "Deribit segregated portfolio margin (S:PM)"
    parameters_type = RiskMatrixParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "hedge_never_raises_scan",
                      "continuous"})

    def equity(self, parameters: RiskMatrixParameters) -> EquityRule:
        """Return portfolio-margin equity: option value counts, haircut on positive amounts."""
        haircuts = {c.upper(): p.haircut for c, p in parameters.currency.items()}
        return EquityRule(option_value=True, haircuts=haircuts, reading=(
            "equity counts the market value of options"))

    def scenarios(self, market: MarketSnapshot, parameters: RiskMatrixParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return the standard and the extended table as one set."""
        return (matrix_scenarios(market, parameters),)

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: RiskMatrixParameters, threads: int) -> Requirements:
        """Return one row per (account, settlement currency); amounts in that currency."""
        layout = self.layout(book, threads)
        priced = self.with_terms(PricedMarket(market=market, arrays=arrays, parameters=parameters))
        results = self.measured(layout, priced, tuple(range(len(layout.blocks))), threads)
        return self.required(layout, results, priced, None, threads)[0]

    def layout(self, book: Book, threads: int) -> Layout:
        """Return the rows of a book: units are pairs of underlying and settlement currency."""
        unit, _, settlement = pairs_of(book.catalogue)
        return layout_of(book, unit=unit, pool=settlement, threads=threads)

    def with_terms(self, priced: PricedMarket) -> PricedMarket:
        """Return a priced market with the terms of its units and to what the model applies."""
        barred, why = _verdicts(priced.market, priced.parameters)
        return replaced(priced, terms=_Terms(
            units=unit_terms(priced.arrays[0], priced.market, priced.parameters),
            bad=priced.arrays[0].failed | barred, why=why))

    def measured(self, layout: Layout, priced: PricedMarket, blocks: tuple[int, ...],
                 threads: int) -> tuple[UnitResults, ...]:
        """Return worst case, roll shock, delta shock and value of the unit rows of `blocks`."""
        terms = _terms_of(priced)
        return tuple(unit_results(b.rows, terms.units, priced.arrays[0].pnl, bad=terms.bad,
                                  threads=threads, columns=slice(b.start, b.stop))
                     for b in (layout.blocks[k] for k in blocks))

    def required(self, layout: Layout, results: tuple[UnitResults, ...], priced: PricedMarket,
                 rows: Ints | None, threads: int) -> tuple[Requirements, Floats]:
        """Return requirement rows, and the value of their positions, from their units."""
        book, pools = layout.book, chosen(layout.pools, rows)
        given = {name: _given(book, pools, name) for name in _GIVEN}
        extra = _orders(layout, results, rows, priced, threads)
        given["open_orders_margin"] = _stated_or(given["open_orders_margin"], extra)
        failure, failures = _failing(layout, pools, rows, results, priced)
        columns, worst = _totals(layout, results, rows, priced, _Sums(
            given=given, failure=failure if failures else None, total=False,
            threads=threads))
        needs = Requirements(
            pools=pools.pools, account=pools.account, pool=pools.pool,
            initial=columns["initial"], maintenance=columns["maintenance"],
            initial_components={n: columns[n] for n in (*_MATRIX, *_GIVEN)}
            | {"rounding": columns["initial rounding"]},
            maintenance_components={n: columns[f"{n} x factor"] for n in _MATRIX}
            | {"rounding": columns["maintenance rounding"]},
            candidates={}, failure=failure, failures=failures, worst=worst)
        return needs, columns["value"]

    def market_units(self, priced: PricedMarket) -> "MarketUnits":
        """Return what all accounts that are made ready for what-if share at one snapshot."""
        from counterpoise.margin.terms.prepared_units import market_units

        terms = _terms_of(priced)
        return market_units(priced.arrays[0], terms.units, bad=terms.bad,
                            factor=priced.parameters.general.mm_factor)

    def prepared(self, book: Book, market: "MarketUnits") -> "PreparedUnits":
        """Return an account, a book of one row, ready for what-if (`margin.whatif`)."""
        from counterpoise.margin.terms.prepared_units import prepared_units

        return prepared_units(book, market, pools=_pool_terms(book, market.terms, market.bad))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: RiskMatrixParameters) -> "Contributions":
        """Return Euler contributions of positions to worst case, roll shock and delta shock."""
        from counterpoise.margin.contributions import contributions_of
        from counterpoise.margin.terms.delta_shock import delta_shares
        from counterpoise.margin.terms.roll import roll_shares

        terms = unit_terms(arrays[0], market, parameters)
        rows = _unit_rows(book, terms)
        found = unit_results(rows, terms, arrays[0].pnl, bad=arrays[0].failed)
        return contributions_of(
            {"worst_case": (_worst_case_shares(rows, found, terms, arrays[0]), rows.order),
             "roll_shock": roll_shares(book, segment=terms.segment, delta=terms.roll_delta,
                                       rate=terms.rate),
             "delta_shock": (delta_shares(rows, found.columns[:, 2], delta=terms.delta,
                                          option_delta=terms.long_delta), rows.order)},
            maintenance_factor=parameters.general.mm_factor)

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: RiskMatrixParameters) -> "tuple[RiskVectors, ...]":
        """Return the standard and extended vectors, scenario by scenario, of one set."""
        from counterpoise.margin.vectors import risk_vectors

        terms = unit_terms(arrays[0], market, parameters)
        return (risk_vectors(arrays[0], _unit_rows(book, terms), terms.transform, terms.weight,
                             terms.units.name),)

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: RiskMatrixParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these requirements that Deribit does not publish."""
        options = bool(np.any(market.catalogue.kind[book.instrument] == OPTION))
        linear = bool(np.any(market.catalogue.payoff[book.instrument] != 1))
        return tuple(sentence for applies, sentence in (
            (options, "option P&L in the risk matrix: no published number to compare with"),
            (options, "option deltas in the roll shock and the delta shock"),
            (linear, "linear contracts take the coin's parameters, P&L in the settlement asset"),
            (len(book.order_instrument) > 0, "open orders: the worst of long-delta and "
             "short-delta orders filled"),
            (True, "size of the extended dampener, delta shock, exponential roll rate"),
            (True, self.equity(parameters).reading)) if applies)

    def reading_variants(self, book: Book, parameters: RiskMatrixParameters,
                         ) -> tuple[tuple[tuple[str, RiskMatrixParameters], ...], ...]:
        """Return the readings of the matrix and those of the roll shock; one group with orders."""
        return reading_variants(parameters, together=len(book.order_lots) > 0)


MODEL: Final = DeribitSpm()


@frozen
class _Terms:
    """What market and parameters alone decide: unit terms, columns without a number, and why."""

    units: UnitTerms
    bad: Bools
    why: dict[int, Failure]


def _terms_of(priced: PricedMarket) -> _Terms:
    found: _Terms = (priced if priced.terms is not None else MODEL.with_terms(priced)).terms
    return found


@frozen
class _Sums:
    """How unit results become rows: amounts given by row, rows without a number, RM itself."""

    given: dict[str, Floats | None]
    failure: Indices | None
    total: bool
    threads: int


def _totals(layout: Layout, results: tuple[UnitResults, ...], rows: Ints | None,
            priced: PricedMarket, sums: _Sums) -> tuple[dict[str, Floats], WorstScenarios]:
    """Return the columns of the rows; worst cases are rounded to 9 decimals, as published.

    RM = sum of worst cases, their rounding, roll shocks and delta shocks; IM is rounded to 9
    decimals and MM = mm_factor RM to 12.
    """
    columns, loss, scenario, row, unit = _core.totals(
        members=layout.members, member=layout.member, blocks=[r.columns for r in results],
        scenarios=[r.scenario for r in results], rows=rows, others=tuple(sums.given.values()),
        failure=sums.failure, factor=priced.parameters.general.mm_factor, ten_initial=1e9,
        ten_maintenance=1e12, sums=sums.total, threads=sums.threads)
    named = dict(zip(_COLUMNS, columns, strict=False))
    zero = np.zeros(len(columns[0]))
    named |= {name: zero if amount is None else amount for name, amount in sums.given.items()}
    return named, WorstScenarios(
        units=unit_names(layout.book.catalogue), scenario=scenario, loss=loss,
        row=layout.member[:, 3] if row is None else row,
        unit=layout.member[:, 2] if unit is None else unit)


def _given(book: Book, pools: PoolRows, name: str) -> Floats | None:
    """Return what accounts state by row, 0 where nothing; NaN there for orders, None if none."""
    if name not in book.given:
        return None
    amount = given_amount(book, pools, name)
    return amount if name == "open_orders_margin" else np.nan_to_num(amount)


def _orders(layout: Layout, results: tuple[UnitResults, ...], rows: Ints | None,
            priced: PricedMarket, threads: int) -> Floats | None:
    """Return what open orders add: the RM of their worst side less RM; None if there are none."""
    book, pools = layout.book, chosen(layout.pools, rows)
    if not len(book.order_lots):
        return None
    extra = np.zeros(len(pools))
    mine = np.flatnonzero(np.diff(book.order_pointer)[pools.account])
    if len(mine):
        alone = _rm(layout, results, mine if rows is None else rows[mine], priced, threads)
        accounts, where = np.unique(pools.account[mine], return_inverse=True)
        sides, moves = filled_sides(book, accounts, np.nan_to_num(priced.arrays[0].delta),
                                    pools.pools)
        moved = _by_account_and_pool(sides, priced, pools.pools, threads)
        worse = alone
        for side in (where, where + len(accounts)):
            at = side, pools.pool[mine]
            worse = np.maximum(worse, np.where(moves[at], moved[at], alone))
        extra[mine] = np.maximum(worse - alone, 0)
    return extra


def _stated_or(given: Floats | None, extra: Floats | None) -> Floats | None:
    """Return the amount given where there is one, else ours, 0 where there is none either."""
    if given is None:
        return extra
    return np.where(np.isfinite(given), given, 0.0 if extra is None else extra)


def _by_account_and_pool(book: Book, priced: PricedMarket, pools: tuple[str, ...],
                         threads: int) -> Floats:
    """Return the RM of positions alone, [account, pool]."""
    layout = MODEL.layout(book, threads)
    results = MODEL.measured(layout, priced, tuple(range(len(layout.blocks))), threads)
    out = np.zeros((len(book), len(pools)))
    place = np.array([pools.index(p) for p in layout.pools.pools], np.int32)
    out[layout.pools.account, place[layout.pools.pool]] = _rm(layout, results, None, priced,
                                                              threads)
    return out


def _rm(layout: Layout, results: tuple[UnitResults, ...], rows: Ints | None,
        priced: PricedMarket, threads: int) -> Floats:
    """Return the RM of the positions of rows, all where None."""
    columns, _ = _totals(layout, results, rows, priced, _Sums(
        given=dict.fromkeys(_GIVEN), failure=None, total=True, threads=threads))
    return columns["rm"]


def _failing(layout: Layout, pools: PoolRows, rows: Ints | None,
             results: tuple[UnitResults, ...], priced: PricedMarket,
             ) -> tuple[Indices, tuple[Failure, ...]]:
    terms, book = _terms_of(priced), layout.book
    entries = [failing_entries(book, layout.pools, terms.bad,
                               (book.order_pointer, book.order_instrument))]
    for block, found in zip(layout.blocks, results, strict=True):
        entries.append((block.at[found.failed], found.failed_by + block.start))
    if not any(len(row) for row, _ in entries):
        return np.broadcast_to(np.int32(-1), len(pools)), ()
    worst = np.full(len(layout.pools), NO_FAILURE, np.int64)
    for row, column in entries:
        np.minimum.at(worst, row, column)
    return named_failures(worst if rows is None else worst[rows], priced.market,
                          terms.why)


def _verdicts(market: MarketSnapshot,
              parameters: RiskMatrixParameters) -> tuple[Bools, dict[int, Failure]]:
    """Return which instruments the model does not apply to, and why."""
    return verdicts(market.catalogue, lambda c: _not_applicable(c, market, parameters))


def _not_applicable(contract: Instrument, market: MarketSnapshot,
                    parameters: RiskMatrixParameters) -> Failure | None:
    coin = contract.underlying
    index = market.index[market.catalogue.underlyings.index(coin)]
    inverse = contract.payoff is Payoff.INVERSE
    if not (f"{coin.lower()}_usd" in parameters.currency_pair
            and coin.lower() in parameters.currency):
        reason, sentence = Reason.NO_PARAMETERS, (
            f"deribit_spm has no parameters for {coin}; it has them for "
            + ", ".join(sorted(parameters.currency)).upper())
    elif isinstance(contract, Spot) or contract.payoff is Payoff.QUANTO:
        reason, sentence = Reason.NOT_APPLICABLE, (
            "segregated portfolio margin covers inverse and linear perpetuals, futures and "
            "options; hold spot as a balance")
    elif not index > 0:
        reason, sentence = Reason.MISSING_INDEX, f"needs the index of {coin}; add market.indices"
    elif not inverse and not price_of(market, contract.settlement) > 0:
        reason, sentence = Reason.MISSING_PRICE, (
            f"needs the USD price of {contract.settlement}; add it to market.assets")
    else:
        return None
    return Failure(reason=reason, subject=contract.id, sentence=sentence)


def _pool_terms(book: Book, terms: UnitTerms, bad: Bools) -> "PoolTerms":
    """Return what the pool of every unit needs beside its units."""
    from counterpoise.margin.terms.prepared_units import PoolTerms

    codes = [a.code for a in book.assets]
    stated = {name: np.array([book.given[name][0, codes.index(p)] if name in book.given
                              and p in codes else np.nan for p in terms.units.settlement])
              for name in _GIVEN}
    orders = stated["open_orders_margin"]
    settlement = np.array(terms.units.settlement)
    held = np.unique(np.concatenate((book.instrument, book.order_instrument)))
    lost = settlement[terms.units.of[held[bad[held]]]]
    return PoolTerms(
        fixed=(np.nan_to_num(orders) + np.nan_to_num(stated["mmp_margin"]))
        + np.nan_to_num(stated["spot_margin"]),
        orders_given=np.isfinite(orders), barred=np.isin(settlement, lost),
        decimals=9, maintenance_decimals=12)


def _unit_rows(book: Book, terms: UnitTerms) -> Rows:
    return grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=terms.units.of)


def _worst_case_shares(rows: Rows, found: UnitResults, terms: UnitTerms,
                       arrays: RiskArrays) -> Floats:
    row = np.repeat(np.arange(len(rows.key), dtype=np.int32), np.diff(rows.pointer))
    scenario = found.scenario[row]
    loss = (-rows.lots * arrays.pnl[rows.instrument, scenario]
            * terms.weight[rows.key[row], scenario])
    whole = np.bincount(row, weights=loss, minlength=len(rows.key))
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.where(whole > 0, found.columns[:, 0] / whole, 0.0)
    return np.asarray(loss * kept[row])
