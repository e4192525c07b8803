"""SPAN, TIMS and the PRISMA terms: published risk arrays, spread charges, grids and add-ons.

Sources: McMillan, "Options as a Strategic Investment", ch. 34; cmegroup.com spread calculator; NSE
Clearing and the marginism notes on its files; OCC customer portfolio margin; Eurex PRISMA.
"""

from typing import Any

import numpy as np

from clearing_house import (
    NOW,
    arrays_of,
    book,
    future,
    option,
    quoted,
    read_arrays,
    span_version,
    stock,
)
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.models import span, tims
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.terms.class_groups import (
    ClassGroup,
    ClassRange,
    TimsParameters,
    points,
)
from counterpoise.margin.terms.span_parameters import CalendarSpread, Commodity, Tier
from counterpoise.risk.liquidity import LiquidityTable, liquidity_charge, liquidity_factor
from counterpoise.risk.robust import tail_scaling
from counterpoise.scenarios.scanning import THIRDS
from golden.compared import Cases, Compared, compared_fields

ARRAYS = ("span/scanning_risk_mcmillan__mcmillan_long_1_dec410_call.json",
          "span/scanning_risk_mcmillan__mcmillan_long_1_sp_future.json",
          "span/scanning_risk_mcmillan__mcmillan_short_1_sp_future.json")
SPREAD = "span/spreads_cme_hkex__cme_intra_M2_M3.json"
SHORT_CALL = "span/nse_marginism__short_call_nov.json"
OFFICIAL = "span/nse_marginism__official_parameters.json"
GRIDS = "span/tims_cpm__tims_grids.json"
SHARES = "span/tims_cpm__tims_long_100_shares.json"
MINIMUM = "span/tims_cpm__tims_far_otm_short_minimum.json"
LIQUIDITY = "span/prisma__prisma_liquidity_constructed.json"
ROBUST = "span/prisma__prisma_robust_var_scaling.json"
SPAN = "span"
FREE = Tier(days=1e6, price_scan_range=0.0, volatility_scan_range=0.0)


def compared(cases: Cases) -> list[Compared]:
    """Return every published field of SPAN, TIMS and PRISMA beside ours."""
    return [*(line for name in ARRAYS for line in _scanned(name, cases(name))),
            *_calendar(cases(SPREAD)), *_short_call(cases(SHORT_CALL)), *_official(cases(OFFICIAL)),
            *_grids(cases(GRIDS)), *_shares(cases(SHARES)), *_minimum(cases(MINIMUM)),
            *_liquidity(cases(LIQUIDITY)), *_robust(cases(ROBUST))]


def _scanned(name: str, case: Any) -> list[Compared]:
    """Scan published risk arrays; the price of the contract does not matter."""
    position = case["inputs"]["positions"][0]
    market = quoted({future(position["inst"], days=30): 1.0}, index={"X": 1.0})
    version = span_version({"x_usd": Commodity(amounts="money", tiers=(FREE,))},
                           risk_arrays="read")
    arrays = (read_arrays(market, case["inputs"]["risk_arrays"]),)
    held = book(market, {position["inst"]: position["qty"]})
    needs = compute_margin(held, market, model=span.MODEL, version=version, arrays=arrays)
    vector = span.MODEL.vectors(held, arrays, market, version.parameters)[0].counted[0]
    ours = {"scanning_risk": float(needs.requirements.initial_components["scan"][0]),
            "worst_scenarios": np.flatnonzero(vector == vector.min()).tolist()}
    return _lines(SPAN, name, case, ours)


def _calendar(case: Any) -> list[Compared]:
    """Scan each month with its own range and charge the spread, all amounts in money."""
    given = case["parameters"]
    months = {month: 30.0 * (k + 1) for k, month in enumerate(given["rates"])}
    tiers = tuple(Tier(days=days, price_scan_range=given["rates"][month],
                       volatility_scan_range=0.0) for month, days in months.items())
    order = list(months)
    spreads = tuple(CalendarSpread(tier_a=order.index(a) + 1, tier_b=order.index(b) + 1, rate=rate)
                    for (a, b), rate in ((pair.split("/"), rate)
                                         for pair, rate in given["charges"].items()))
    market = quoted({future(month, days=days): 10_000.0 for month, days in months.items()},
                    index={"X": 10_000.0})
    version = span_version({"x_usd": Commodity(amounts="money", tiers=tiers,
                                               calendar_spreads=spreads)})
    held = book(market, {p["month"]: p["qty"] for p in case["inputs"]["positions"]})
    needs = compute_margin(held, market, model=span.MODEL, version=version).requirements
    ours = {"total_margin": float(needs.initial[0]),
            "scan_risk": float(needs.initial_components["scan"][0]),
            "intra_spread_charge": float(needs.initial_components["calendar_spreads"][0])}
    return _lines(SPAN, SPREAD, case, ours)


def _short_call(case: Any) -> list[Compared]:
    """Take scan risk and option value as given, by unit; a long call loses at most its premium."""
    given, told, units = case["inputs"], case["expected"], 65
    call = option("call", strike=23_700.0, days=32.0)
    market = quoted({call: -given["net_option_value"] / units}, index={"X": given["spot"]})
    version = span_version({"x_usd": Commodity(
        amounts="money", tiers=(FREE,), exposure_rate=case["parameters"]["exposure_rate"])},
        risk_arrays="read")
    most, premium = given["scan_risk"] / units, -given["net_option_value"] / units
    gains = [max(most * move, -premium) for move in (*(third / 3 for third in THIRDS), 0.7, -0.7)]
    arrays = (read_arrays(market, {"call": gains}),)
    short, long = (compute_margin(book(market, {"call": lots}), market, model=span.MODEL,
                                  version=version, arrays=arrays).requirements
                   for lots in (-units, units))
    exposure = float(short.initial_components["exposure_margin"][0])
    total = float(short.initial[0])
    ours = {"span": total - exposure, "exposure": exposure, "total": total}
    broker = ours | {"premium": -given["net_option_value"]}
    tolerance = case["tolerance"]
    return [*compared_fields(model=SPAN, case=SHORT_CALL, ours=ours | {
                "long_call_span": float(long.initial[0])}, theirs=told, absolute=tolerance["abs"]),
            *compared_fields(model=SPAN, case=SHORT_CALL, ours={"broker": broker}, theirs=told,
                             relative=tolerance["broker_rel"])]


def _official(case: Any) -> list[Compared]:
    """Read the preset back; its price scan ranges are compared in the tests of the model."""
    version = parameters_of(span.NSE, NOW)
    general, commodity = version.parameters.general, version.parameters.commodity
    call = option("call", strike=100.0, underlying="NIFTY", paid="INR")
    market = quoted({call: 1.0}, index={"NIFTY": 100.0})
    ours = {"scenarios": len(span.NSE.scenarios(market, version.parameters)[0]) - 1,
            "extreme_multiplier": general.extreme_move_multiplier,
            "extreme_cover": general.extreme_move_covered_fraction,
            "lookahead_days": general.lookahead_days,
            "inter_commodity_credit": len(version.parameters.inter_commodity),
            "som_rate": max(t.short_option_minimum for c in commodity.values() for t in c.tiers),
            "files_per_day": general.files_per_day,
            "index_exposure": commodity["nifty_inr"].exposure_rate,
            "stock_exposure": commodity["reliance_inr"].exposure_rate}
    return _lines(span.NSE.name, OFFICIAL, case, ours)


def _grids(case: Any) -> list[Compared]:
    ranges = parameters_of(tims.MODEL, NOW).parameters.class_range
    return _lines(tims.MODEL.name, GRIDS, case,
                  {name: points(ranges[name]).tolist() for name in case["expected"]})


def _tims(of_class: ClassRange) -> ParameterVersion:
    return ParameterVersion(model="tims", number=0, parameters=TimsParameters(
        class_range={"own": of_class}, class_group={"x_usd": ClassGroup(of_class="own")},
        product_group={}))


def _shares(case: Any) -> list[Compared]:
    position = case["inputs"]["positions"][0]
    down, up = case["parameters"]["range"]
    market = quoted({stock("share"): position["price"]}, index={"X": position["price"]})
    version = _tims(ClassRange(down=-down, up=up, minimum=0.375, amounts="money"))
    needs = compute_margin(book(market, {"share": position["qty"]}), market, model=tims.MODEL,
                           version=version).requirements
    ours = {"worst_loss": float(needs.worst.loss[0]), "requirement": float(needs.initial[0])}
    return _lines(tims.MODEL.name, SHARES, case, ours)


def _minimum(case: Any) -> list[Compared]:
    """Take the grid loss as given: a far call that loses it at the highest point alone."""
    position = case["inputs"]["positions"][0]
    call = option("call", strike=200.0, multiplier=float(position["multiplier"]))
    market = quoted({call: 0.01}, index={"X": 100.0})
    version = _tims(ClassRange(down=0.15, up=0.15, amounts="money",
                               minimum=case["parameters"]["min_per_contract"]))
    gain = position["worst_grid_loss"] / position["contracts"]
    arrays = (arrays_of(market, tims.MODEL.scenarios(market, version.parameters)[0],
                        [[0.0] * 10 + [gain]]),)
    needs = compute_margin(book(market, {"call": -position["contracts"]}), market,
                           model=tims.MODEL, version=version, arrays=arrays).requirements
    ours = {"minimum": float(needs.candidates["minimum"][0]),
            "requirement": float(needs.initial[0])}
    return _lines(tims.MODEL.name, MINIMUM, case, ours)


def _liquidity(case: Any) -> list[Compared]:
    given, rows = case["inputs"], case["parameters"]["factor_table_pct"]
    table = LiquidityTable(size=tuple(row[0] / 100 for row in rows),
                           factor=tuple(row[2] for row in rows))
    held = abs(given["position_contracts"])
    size = np.array([held / given["market_capacity"]])
    risk = np.array([given["instrument_var"] * held * given["trade_unit_value"]])
    value = np.array([held * given["trade_unit_value"] * given["price"]])
    spread = np.array([(given["ask"] - given["bid"]) / (given["ask"] + given["bid"])])
    charge = liquidity_charge(risk, size=size, table=table, value=value, half_spread=spread)
    ours = {"rel_size_pct": 100 * float(size[0]), "pos_var": float(risk[0]),
            "liquidity_factor": float(liquidity_factor(size, table)[0]), "lc": float(charge[0])}
    return _lines("prisma", LIQUIDITY, case, ours)


def _robust(case: Any) -> list[Compared]:
    ours = {}
    for field in case["expected"]:
        degrees, anchor = (float(part.split("=")[1]) for part in field.split(","))
        ours[field] = tail_scaling(anchor=anchor, level=0.99, degrees=int(degrees))
    return _lines("prisma", ROBUST, case, ours)


def _lines(model: str, name: str, case: Any, ours: Any) -> list[Compared]:
    tolerance = case["tolerance"]
    return compared_fields(model=model, case=name, ours=ours, theirs=case["expected"],
                           absolute=tolerance.get("abs", 0.0), relative=tolerance.get("rel", 0.0))
