"""What the positions of one account in one commodity need under SPAN, part by part.

    risk  = max(short option minimum, scan + calendar + delivery - inter-commodity credit)
    need  = max(0, risk - net option value)      beside it the exposure margin, where one is charged

Sources: ASX margin estimator, CME Group public SPAN pages; docs/methodology/span.md.
"""

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.valuation import contract_values
from counterpoise.instruments.catalogue import OPTION, Catalogue
from counterpoise.margin.pools import Bools, PoolRows, pool_of_instrument
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.commodities import (
    Commodities,
    column_of,
    commodities_of,
    judged,
    money,
    scan_ranges,
    tier_count,
    tier_table,
)
from counterpoise.margin.terms.composite_delta import composite_delta
from counterpoise.margin.terms.credits import (
    CreditRows,
    credits_of,
    price_risk,
    weighted_price_risk,
)
from counterpoise.margin.terms.rounding import added_rows
from counterpoise.margin.terms.span_parameters import SpanParameters
from counterpoise.margin.terms.spreads import calendar_charges
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.aggregation import Rows, exposures, grouped, worst_loss
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scanning import covered
from counterpoise.values.failure import Failure
from counterpoise.values.frozen import frozen


@frozen
class LotColumns:
    """What one lot adds to each part, [instrument], pool currency; NaN where it has no number.

    gains             [instrument, scenario] as they count: extremes by the part that is covered
    delta             composite delta, units of underlying
    value             market value of premium-style options, 0 for the rest
    minimum           short option minimum per lot sold
    exposure          exposure margin per lot: of futures either way, of options sold
    """

    known: Commodities
    gains: Floats
    delta: Floats
    value: Floats
    minimum: Floats
    exposure: Floats
    barred: Bools
    why: dict[int, Failure]


def lot_columns(arrays: RiskArrays, market: MarketSnapshot,
                parameters: SpanParameters) -> LotColumns:
    """Return the columns of a market under these parameters."""
    known, general, terms = commodities_of(market, parameters), parameters.general, market.catalogue
    option = terms.kind == OPTION
    barred, why = judged(known, market, parameters)
    read = general.risk_arrays == "read"
    delta = arrays.delta
    if not read:
        ranges = scan_ranges(known, market, extreme_multiplier=general.extreme_move_multiplier)
        delta = composite_delta(market, delta=delta, price_range=ranges.price[ranges.factor_of],
                                weights=general.delta_weights)
    units = np.where((terms.payoff == 1) & ~option, np.abs(arrays.delta), terms.unit)
    rate = np.array([0.0 if c is None else c.exposure_rate for c in known.terms])[known.of]
    reference = np.where(option | (terms.payoff == 1), known.price[known.of], market.mark)
    premium = option & (general.option_style == "premium")
    fraction = 1.0 if read else general.extreme_move_covered_fraction
    return LotColumns(
        known=known, gains=arrays.pnl * covered(fraction), delta=delta,
        value=np.where(premium, contract_values(market), 0.0),
        minimum=np.where(option, units * column_of(known, "short_option_minimum"), 0.0),
        exposure=rate * units * reference, barred=barred | arrays.failed, why=why)


@frozen
class SpanRows:
    """The parts of every (account, commodity), [unit row], pool currency, positive = needed.

    at               requirement row
    minimum          short option minimum
    option_value     net option value, positive = the account's
    exposure         exposure margin
    """

    rows: Rows
    at: Indices
    scan: Floats
    scenario: Indices
    calendar: Floats
    delivery: Floats
    credit: Floats
    minimum: Floats
    option_value: Floats
    exposure: Floats


def span_rows(book: Book, pools: PoolRows, columns: LotColumns, arrays: RiskArrays,
              parameters: SpanParameters, *, threads: int) -> SpanRows:
    """Return the parts of every commodity that an account holds."""
    known = columns.known
    rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=known.of)
    pool = pool_of_instrument(book, pools.pools)
    unit_pool = np.zeros(len(known.name), np.int32)
    unit_pool[known.of] = pool
    at = pools.row_of[rows.account, unit_pool[rows.key]]
    scan, scenario = worst_loss(rows, columns.gains, threads=threads)
    tiers = tier_count(known)
    summed_up = exposures(rows, _exposed(columns, book.catalogue), threads=threads)
    net, long, gross = (np.ascontiguousarray(part.T) for part in summed_up)
    calendar, left = _calendar(rows, net[:tiers], known)
    calls, puts, value, of_futures, of_options, time_risk = range(tiers, len(net))
    short = long - net
    deltas = SpanDeltas(first=net[:tiers], left=left, time_risk=net[time_risk])
    return SpanRows(
        rows=rows, at=at, scan=scan, scenario=scenario, calendar=calendar,
        delivery=_delivery(rows, deltas, known),
        credit=_credits(rows, at, deltas, (scan, scenario), columns, parameters),
        minimum=_minimum(rows, short[calls], short[puts], known), option_value=net[value],
        exposure=gross[of_futures] + short[of_options])


def _exposed(columns: LotColumns, terms: Catalogue) -> Floats:
    """Return the columns summed by row, [instrument, column].

    Composite delta by tier; minimum of calls, of puts; value; exposure of futures, of options;
    loss at an unmoved price.
    """
    known, option = columns.known, terms.kind == OPTION
    by_tier = np.zeros((len(terms), tier_count(known)))
    by_tier[np.arange(len(terms)), known.tier] = columns.delta
    return np.column_stack((
        by_tier, np.where(terms.right > 0, columns.minimum, 0.0),
        np.where(terms.right < 0, columns.minimum, 0.0), columns.value,
        np.where(option, 0.0, columns.exposure), np.where(option, columns.exposure, 0.0),
        -(columns.gains[:, 1] + columns.gains[:, 2]) / 2))


@frozen
class SpanDeltas:
    """Composite deltas of unit rows before (`first`) and after calendar spreads, [tier, row].

    `time_risk` [row] is the mean loss of scenarios 1 and 2.
    """

    first: Floats
    left: Floats
    time_risk: Floats


def _calendar(rows: Rows, delta: Floats, known: Commodities) -> tuple[Floats, Floats]:
    charge, left = np.zeros(len(rows)), delta.copy()
    scale = money(known)
    for unit, commodity in enumerate(known.terms):
        if commodity is not None and commodity.calendar_spreads:
            mine = np.flatnonzero(rows.key == unit)
            stated, left[:, mine] = calendar_charges(delta[:, mine], commodity.calendar_spreads)
            charge[mine] = stated * scale[unit]
    return charge, left


def _delivery(rows: Rows, deltas: SpanDeltas, known: Commodities) -> Floats:
    inside, outside = ((tier_table(known, f"delivery_{n}_rate") * money(known)[:, None]).T
                       for n in ("spread", "outright"))
    if not (inside.any() or outside.any()):
        return np.zeros(len(rows))
    outright = np.abs(deltas.left)
    taken = np.abs(deltas.first) - outright
    return added_rows(taken * inside[:, rows.key] + outright * outside[:, rows.key])


def _minimum(rows: Rows, calls: Floats, puts: Floats, known: Commodities) -> Floats:
    greater = np.array([c is not None and c.short_option_method == "greater" for c in known.terms])
    return np.where(greater[rows.key], np.maximum(calls, puts), calls + puts)


def _credits(rows: Rows, at: Indices, deltas: SpanDeltas, worst: tuple[Floats, Indices],
             columns: LotColumns, parameters: SpanParameters) -> Floats:
    if not parameters.inter_commodity:
        return np.zeros(len(rows))
    (scan, scenario), known = worst, columns.known
    spreads = sorted(parameters.inter_commodity.values(), key=lambda s: s.priority)
    risk = price_risk(rows, columns.gains, loss=scan, scenario=scenario,
                      time_risk=deltas.time_risk)
    per_delta = weighted_price_risk(
        parameters.general.weighted_price_risk, risk=risk,
        delta=added_rows(deltas.first), scan_range=_narrowest(known)[rows.key])
    ready = CreditRows(key=rows.key, at=at, net=added_rows(deltas.left), scan=scan,
                       price_risk=per_delta)
    return credits_of(ready, known.name, tuple(spreads))


def _narrowest(known: Commodities) -> Floats:
    """Return the smallest price scan range per unit of delta over the tiers, [unit] (ours)."""
    ranges = np.array([0.0 if c is None else min(t.price_scan_range for t in c.tiers)
                       for c in known.terms])
    return ranges * money(known)
