"""Paradex portfolio margin: 24 weighted scenarios, a least charge on delta, funding and fees.

    unit = max(SCAN, (u |net| + h hedged) S)       hedged = (gross - |net|) / 2, deltas per asset
    IM   = sum of units + funding provision + fee provision + open orders
    MM   = mm_factor x sum of units + funding provision + fee provision

Sources: Paradex documentation, risk system, portfolio margin (2026-08-20) and the parameters of
`GET /system/margin-config`; docs/methodology/paradex.md says what is *our reading*.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION, PERPETUAL
from counterpoise.instruments.contracts import Instrument, Payoff, Spot
from counterpoise.margin.contributions import Contributions, contributions_of
from counterpoise.margin.model import EquityRule
from counterpoise.margin.pools import (
    PoolRows,
    failing_rows,
    given_amount,
    pool_of_instrument,
    position_accounts,
    settlement_pools,
    summed,
)
from counterpoise.margin.requirement import Floats, Indices, Requirements, WorstScenarios
from counterpoise.margin.terms.minimum_delta import minimum_delta_charge
from counterpoise.margin.terms.orders import accounts_with_orders, filled
from counterpoise.margin.terms.ranges import require_choice, require_ranges
from counterpoise.margin.terms.rounding import added_up, with_rounding
from counterpoise.margin.terms.verdicts import verdicts
from counterpoise.margin.vectors import RiskVectors, risk_vectors
from counterpoise.market.conditions import column_of
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.risk.aggregation import Rows, UnitTransform, exposures, grouped, worst_loss
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.grid import ShockTerms
from counterpoise.scenarios.listed import ShockList, listed_scenarios
from counterpoise.scenarios.scenario_set import ScenarioSet, VolRule
from counterpoise.values.failure import Failure, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced

SWITCH_DAYS: Final = 30.0
_PAID_IN: Final = "USDC"
_VOL_FLOORS: Final = ("shocked_volatility", "raw_shock")


@frozen
class AssetParameters:
    """Scenarios and factors of one base asset.

    move, vol_move, weight      [scenario] as published: fractions of spot, of volatility at 30
                                days, and the share of the loss that counts
    min_vol_shock_up            least volatility after an upward move
    unhedged_margin_factor, hedged_margin_factor
                                charge on net and on hedged delta, fractions of the spot price
    """

    move: tuple[float, ...]
    vol_move: tuple[float, ...]
    weight: tuple[float, ...]
    min_vol_shock_up: float
    unhedged_margin_factor: float
    hedged_margin_factor: float

    def __post_init__(self) -> None:
        """Refuse lists of different lengths and moves that leave no price, all at once."""
        if not len(self.move) == len(self.vol_move) == len(self.weight) > 0:
            raise bad_input(Reason.BAD_VALUE, "move", f"has {len(self.move)} entries, vol_move "
                            f"{len(self.vol_move)}, weight {len(self.weight)}; they must be as "
                            "many, and at least one")
        if not all(-1 < m <= 1000 for m in self.move):
            raise bad_input(Reason.BAD_VALUE, "move", "every move must lie above -1 (-100 %)")
        if not all(-1 <= v <= 100 for v in self.vol_move):
            raise bad_input(Reason.BAD_VALUE, "vol_move", "every move must be at least -1")
        if not all(0 <= w <= 10 for w in self.weight):
            raise bad_input(Reason.BAD_VALUE, "weight", "every weight must lie between 0 and 10")
        require_ranges(self, {"min_vol_shock_up": (0, 20), "unhedged_margin_factor": (0, 1),
                              "hedged_margin_factor": (0, 1)})


@frozen
class GeneralParameters:
    """Factors of the whole model; `vol_floor` is *our reading* of what `min_vol_shock_up` bounds.

    vol_floor   "shocked_volatility": the volatility after the move; "raw_shock": the move itself
                before it is scaled by tenor, which no published list reaches
    fee_rate    taker fee of closing, fraction of the notional at the index
    """

    mm_factor: float
    short_vega_power: float
    long_vega_power: float
    days_floor: float
    funding_provision_hours: float
    fee_rate: float
    vol_floor: str = "shocked_volatility"

    def __post_init__(self) -> None:
        """Refuse powers, hours and rates that have no meaning."""
        require_choice(self, "vol_floor", _VOL_FLOORS)
        require_ranges(self, {"mm_factor": (0, 10), "short_vega_power": (0, 2),
                              "long_vega_power": (0, 2), "days_floor": (1e-4, 365),
                              "funding_provision_hours": (0, 8760), "fee_rate": (0, 0.1)})


@frozen
class ParadexParameters:
    """All parameters; `asset` is keyed by the base asset in small letters."""

    general: GeneralParameters
    asset: dict[str, AssetParameters]

    def __post_init__(self) -> None:
        """Refuse assets whose lists differ in length: scenario s is one world for all."""
        if len({len(a.move) for a in self.asset.values()}) > 1:
            raise bad_input(Reason.BAD_VALUE, "asset", "has lists of different lengths; scenario s "
                            "must be one joint world of all assets")

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        odd = [(f"asset.{name}", f"odd parameter: hedged_margin_factor {a.hedged_margin_factor:g} "
                f"of {name} is above unhedged_margin_factor {a.unhedged_margin_factor:g}")
               for name, a in self.asset.items()
               if a.hedged_margin_factor > a.unhedged_margin_factor]
        if self.general.mm_factor > 1:
            odd.append(("general", f"odd parameter: mm_factor {self.general.mm_factor:g} puts the "
                        "maintenance margin above the initial margin"))
        return tuple(odd)


class Paradex:
    """The model; it keeps `margin.model.MarginModel`."""

    name = "paradex"
    title = "Paradex portfolio margin"
    parameters_type = ParadexParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "subadditive",
                      "homogeneous_scan", "hedge_never_raises_scan", "continuous"})

    def equity(self, parameters: ParadexParameters) -> EquityRule:
        """Return account value: balance, unrealised P&L and option value, no haircut."""
        return EquityRule(option_value=True, haircuts={}, reading=(
            "account value counts the market value of options"))

    def scenarios(self, market: MarketSnapshot, parameters: ParadexParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return the published list of every underlying as one set."""
        underlyings = market.catalogue.underlyings or ("",)
        return (listed_scenarios(
            underlyings=underlyings, lists=[_shocks(u, parameters) for u in underlyings],
            terms=ShockTerms(spot="index", delta_one="index", option="forward",
                             numeraire="settlement")),)

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: ParadexParameters, threads: int) -> Requirements:
        """Return one row per account, in USDC."""
        pools = settlement_pools(book)
        terms = _terms(arrays[0], market, parameters)
        units = _units(book, arrays[0], terms, threads)
        row = _rows_of_units(pools, units.rows)
        charges = {name: summed(row, column, len(pools)) for name, column in (
            ("scan", units.scan), ("minimum_delta", np.maximum(units.least - units.scan, 0.0)))}
        provisions = _provisions(book, pools, terms)
        given = given_amount(book, pools, "open_orders_margin")
        orders = np.where(np.isfinite(given), given, _open_orders(book, pools, arrays[0], terms))
        failure, failures = _failing(book, pools, arrays[0], market, parameters)
        good = failure < 0
        mm = {name: parameters.general.mm_factor * c for name, c in charges.items()} | provisions
        im = charges | provisions | {"open_orders_margin": orders}
        initial, maintenance = (np.where(good, added_up(parts), np.nan)
                                for parts in (im, mm))
        kept = np.flatnonzero(good[row])
        return Requirements(
            pools=pools.pools, account=pools.account, pool=pools.pool, initial=initial,
            maintenance=maintenance, initial_components=with_rounding(im, initial),
            maintenance_components=with_rounding(mm, maintenance),
            candidates={"minimum_delta_charge": summed(row, units.least, len(pools))},
            failure=failure, failures=failures, worst=WorstScenarios(
                units=book.catalogue.underlyings, row=row[kept], unit=units.rows.key[kept],
                scenario=units.scenario[kept], loss=units.scan[kept]))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: ParadexParameters) -> Contributions:
        """Return Euler contributions to the scan, to what the least charge adds, and provisions."""
        terms = _terms(arrays[0], market, parameters)
        units = _units(book, arrays[0], terms, 1)
        scan, least = _shares(units, arrays[0], terms)
        by_position = {"scan": (scan, units.rows.order),
                       "minimum_delta": (least, units.rows.order)}
        size = np.abs(book.lots)
        shares = contributions_of(by_position | {
            "funding_provision": (np.maximum(book.lots * terms.funding[book.instrument], 0.0),
                                  None),
            "fee_provision": (size * terms.fee[book.instrument], None)}, maintenance_factor=1.0)
        factor = parameters.general.mm_factor
        return Contributions(
            components=shares.components, initial=shares.initial,
            maintenance=shares.initial * np.array([factor, factor, 1.0, 1.0]))

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: ParadexParameters) -> tuple[RiskVectors, ...]:
        """Return the weighted gains and losses by scenario, of one set."""
        terms = _terms(arrays[0], market, parameters)
        return (risk_vectors(arrays[0], _unit_rows(book), terms.transform, terms.weight,
                             book.catalogue.underlyings),)

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: ParadexParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that Paradex does not publish."""
        options = bool(np.any(market.catalogue.kind[book.instrument] == OPTION))
        return tuple(sentence for applies, sentence in (
            (options, "options are priced by undiscounted Black-76 on the shocked forward"),
            (options, "min_vol_shock_up bounds the shocked volatility"),
            (True, "funding provision: what is paid at the present rate, never what is received"),
            (True, "fee provision: the taker fee on every position at the index"),
            (len(book.order_instrument) > 0, "open orders: the worst of long-delta and "
             "short-delta orders filled"),
            (True, self.equity(parameters).reading)) if applies)

    def reading_variants(self, book: Book, parameters: ParadexParameters,
                         ) -> tuple[tuple[tuple[str, ParadexParameters], ...], ...]:
        """Return the two readings of the volatility floor."""
        return (tuple((f"vol_floor={choice}", replaced(parameters, general=replaced(
            parameters.general, vol_floor=choice))) for choice in _VOL_FLOORS),)


MODEL: Final = Paradex()


@frozen
class _Terms:
    """What positions are measured by: [unit] factors, [unit, scenario] weights, [instrument] rates.

    net, hedged     [unit] charge per coin of net and of hedged delta, USDC
    delta           [instrument] coins per lot
    funding, fee    [instrument] provision per lot, USDC; funding signed, paid by longs > 0
    """

    transform: UnitTransform
    weight: Floats
    net: Floats
    hedged: Floats
    delta: Floats
    funding: Floats
    fee: Floats


@frozen
class _Units:
    """Results of unit rows, one per (account, underlying)."""

    rows: Rows
    scan: Floats
    scenario: Indices
    least: Floats


def _shocks(underlying: str, parameters: ParadexParameters) -> ShockList:
    # An underlying without parameters gets the shape of a known one and then a Failure, no number.
    asset = parameters.asset.get(underlying.lower()) or next(iter(parameters.asset.values()))
    general = parameters.general
    floor = asset.min_vol_shock_up if general.vol_floor == "shocked_volatility" else 0.0
    return ShockList(move=np.array(asset.move), vol_shift=np.array(asset.vol_move), rule=VolRule(
        relative=True, power_short=general.short_vega_power, power_long=general.long_vega_power,
        switch_days=SWITCH_DAYS, days_floor=general.days_floor, whole_days=False, floor_up=floor))


def _terms(arrays: RiskArrays, market: MarketSnapshot, parameters: ParadexParameters) -> _Terms:
    terms, general = market.catalogue, parameters.general
    assets = [parameters.asset.get(u.lower()) for u in terms.underlyings]
    index = market.index / price_of(market, _PAID_IN)
    count = len(arrays.scenarios)
    weight = np.array([(1.0, *a.weight) if a else (1.0,) * count for a in assets])
    notional = terms.unit * index[terms.underlying]
    return _Terms(
        transform=UnitTransform(weight=weight.reshape(-1, count)),
        weight=weight.reshape(-1, count), net=_factor(assets, "unhedged_margin_factor") * index,
        hedged=_factor(assets, "hedged_margin_factor") * index, delta=arrays.black_delta,
        funding=notional * _funding(market, general) * (general.funding_provision_hours / 8.0),
        fee=notional * general.fee_rate)


def _funding(market: MarketSnapshot, general: GeneralParameters) -> Floats:
    """Return the rate per 8 hours, [instrument]: 0 but for perpetuals, and where none is asked."""
    if general.funding_provision_hours == 0:
        return np.zeros(len(market.catalogue))
    rate = column_of(market.conditions, "funding_rate", market.catalogue)
    return np.where(market.catalogue.kind == PERPETUAL, rate, 0.0)


def _factor(assets: list[AssetParameters | None], field: str) -> Floats:
    return np.array([getattr(a, field) if a else np.nan for a in assets])


def _unit_rows(book: Book) -> Rows:
    """Return the rows of (account, underlying); contracts paid otherwise are left out."""
    terms = book.catalogue
    paid = np.array([s == _PAID_IN for s in terms.settlements], bool)[terms.settlement]
    return grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=np.where(paid, terms.underlying, np.int32(-1)))


def _units(book: Book, arrays: RiskArrays, terms: _Terms, threads: int) -> _Units:
    rows = _unit_rows(book)
    loss, scenario = worst_loss(rows, arrays.pnl, terms.transform, threads=threads)
    net, _, gross = (c[:, 0] for c in exposures(rows, terms.delta[:, None], threads=threads))
    least = minimum_delta_charge(net, gross, per_net=terms.net[rows.key],
                                 per_hedged=terms.hedged[rows.key])
    return _Units(rows=rows, scan=loss, scenario=scenario, least=least)


def _provisions(book: Book, pools: PoolRows, terms: _Terms) -> dict[str, Floats]:
    row = pools.row_of[position_accounts(book.row_pointer),
                       pool_of_instrument(book, pools.pools)[book.instrument]]
    funding = np.maximum(book.lots * terms.funding[book.instrument], 0.0)
    fee = np.abs(book.lots) * terms.fee[book.instrument]
    return {"funding_provision": summed(row, funding, len(pools)),
            "fee_provision": summed(row, fee, len(pools))}


def _rows_of_units(pools: PoolRows, rows: Rows) -> Indices:
    if not len(rows):
        return np.zeros(0, np.int32)
    return np.asarray(pools.row_of[rows.account, pools.pools.index(_PAID_IN)])


def _open_orders(book: Book, pools: PoolRows, arrays: RiskArrays, terms: _Terms) -> Floats:
    """Return what the worse side of the open orders adds to the units of each row."""
    extra = np.zeros(len(pools))
    accounts = accounts_with_orders(book)
    if not len(accounts) or _PAID_IN not in pools.pools:
        return extra
    direction = np.nan_to_num(terms.delta)
    needs = []
    for sign in (0.0, 1.0, -1.0):
        units = _units(filled(book, accounts, sign * direction), arrays, terms, 1)
        needs.append(summed(units.rows.account, np.maximum(units.scan, units.least),
                            len(accounts)))
    row = pools.row_of[accounts, pools.pools.index(_PAID_IN)]
    worse = np.maximum(np.maximum(needs[1], needs[2]) - needs[0], 0)
    extra[row[row >= 0]] = worse[row >= 0]
    return extra


def _shares(units: _Units, arrays: RiskArrays, terms: _Terms) -> tuple[Floats, Floats]:
    """Return each position's share of the scan and of what the least charge adds, in row order."""
    rows = units.rows
    row = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(rows.pointer))
    key, scenario = rows.key[row], units.scenario[row]
    loss = -rows.lots * arrays.pnl[rows.instrument, scenario] * terms.weight[key, scenario]
    scan = np.where(units.scan[row] > 0, loss, 0.0)
    delta = rows.lots * terms.delta[rows.instrument]
    with_net = np.sign(np.bincount(row, weights=delta, minlength=len(rows)))[row] * delta
    least = terms.net[key] * with_net + terms.hedged[key] * (np.abs(delta) - with_net) / 2
    return scan, np.where((units.least > units.scan)[row], least - scan, 0.0)


def _failing(book: Book, pools: PoolRows, arrays: RiskArrays, market: MarketSnapshot,
             parameters: ParadexParameters) -> tuple[Indices, tuple[Failure, ...]]:
    barred, why = verdicts(market.catalogue, lambda c: _not_applicable(c, market, parameters))
    unfunded = np.isnan(_funding(market, parameters.general)) & ~barred
    why |= {int(k): _no_funding(market.catalogue.instruments[k].id)
            for k in np.flatnonzero(unfunded)}
    return failing_rows(book, pools, arrays.failed | barred | unfunded, market, why)


def _no_funding(name: str) -> Failure:
    return Failure(reason=Reason.MISSING_NUMBER, subject=name, sentence=(
        "needs its funding rate for the funding provision; state funding_rate of the instrument, "
        "or set general.funding_provision_hours to 0"))


def _not_applicable(contract: Instrument, market: MarketSnapshot,
                    parameters: ParadexParameters) -> Failure | None:
    if isinstance(contract, Spot) or contract.payoff is not Payoff.LINEAR \
            or contract.settlement != _PAID_IN:
        return Failure(reason=Reason.NOT_APPLICABLE, subject=contract.id, sentence=(
            "Paradex portfolio margin covers linear perpetuals, futures and options paid in USDC"))
    if contract.underlying.lower() not in parameters.asset:
        return Failure(reason=Reason.NO_PARAMETERS, subject=contract.id, sentence=(
            f"paradex has no parameters for {contract.underlying}; it has them for "
            + ", ".join(sorted(parameters.asset)).upper()))
    if not market.index[market.catalogue.underlyings.index(contract.underlying)] > 0:
        return Failure(reason=Reason.MISSING_INDEX, subject=contract.id, sentence=(
            f"needs the index of {contract.underlying}; add market.indices"))
    if not price_of(market, _PAID_IN) > 0:
        return Failure(reason=Reason.MISSING_PRICE, subject=contract.id, sentence=(
            "needs the USD price of USDC; add it to market.assets"))
    return None
