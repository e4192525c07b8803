"""What SPAN says: scan, calendar charge, delivery, credit, short option minimum, option value."""

import math

import numpy as np
import pytest

from clearing_house import (
    GENERAL,
    NOW,
    book,
    future,
    option,
    quoted,
    read_arrays,
    span_version,
    stock,
)
from counterpoise.accounts.book import Book
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import compute_margin, priced
from counterpoise.margin.models.span import MODEL
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.requirement import Requirements
from counterpoise.margin.terms.span_parameters import (
    CalendarSpread,
    Commodity,
    CreditLeg,
    InterCommoditySpread,
    Tier,
)
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.values.assets import asset
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.frozen import replaced

ONE = (Tier(days=1e6, price_scan_range=0.1, volatility_scan_range=0.3),)
PLAIN = Commodity(amounts="fraction", tiers=ONE)
X = {"X": 1000.0}


def needs(held: Book, market: MarketSnapshot, version: ParameterVersion) -> Requirements:
    """Return the requirement rows of a book."""
    return compute_margin(held, market, model=MODEL, version=version).requirements


def part(required: Requirements, name: str, row: int = 0) -> float:
    """Return one maintenance component."""
    return float(required.maintenance_components[name][row])


def calls(**more: object) -> MarketSnapshot:
    """Return a market of a future, a near call and put and a far call, at their Black-76 value."""
    listed = {future("f", days=30): 1000.0, option("c", strike=1000.0): 68.5,
              option("p", strike=1000.0, right="P"): 68.5, option("far", strike=1500.0): 0.8}
    return replaced(quoted(listed, index=X), **more)


MARKET = calls()


def test_a_future_needs_its_price_scan_range() -> None:
    required = needs(book(MARKET, {"f": 2}, {"f": -2}), MARKET, span_version({"x_usd": PLAIN}))

    assert required.maintenance.tolist() == pytest.approx([200.0, 200.0], rel=1e-12)
    assert required.worst.scenario.tolist() == [13, 11]


def test_initial_is_maintenance_by_its_factor() -> None:
    version = span_version({"x_usd": PLAIN}, initial_factor=1.1)
    required = needs(book(MARKET, {"f": 2}), MARKET, version)

    assert required.initial[0] == pytest.approx(220.0, rel=1e-12)
    assert required.maintenance[0] == pytest.approx(200.0, rel=1e-12)


def test_a_far_short_call_is_worst_in_the_extreme_move_which_counts_in_part() -> None:
    """At three scan ranges the far call is worth something; the cover is 35 % of that."""
    wide = span_version({"x_usd": PLAIN}, extreme_move_multiplier=5.0)
    all_of_it = span_version({"x_usd": PLAIN}, extreme_move_multiplier=5.0,
                             extreme_move_covered_fraction=1.0)
    some, whole = (needs(book(MARKET, {"far": -1}), MARKET, v) for v in (wide, all_of_it))

    assert some.worst.scenario[0] == 15
    assert part(some, "scan") == pytest.approx(0.35 * part(whole, "scan"), rel=1e-12)


def test_a_long_option_needs_nothing_and_a_short_one_its_premium_too() -> None:
    required = needs(book(MARKET, {"c": 1}, {"c": -1}), MARKET, span_version({"x_usd": PLAIN}))

    assert required.maintenance[0] == 0
    assert required.maintenance[1] == pytest.approx(part(required, "scan", 1) + 68.5, rel=1e-12)


def test_a_long_option_of_one_commodity_pays_for_no_other() -> None:
    """Each commodity ends at zero before commodities are added up."""
    market = quoted({future("f", days=30): 1000.0,
                     option("c", strike=10.0, underlying="Y"): 990.0}, index=X | {"Y": 1000.0})
    version = span_version({"x_usd": PLAIN, "y_usd": PLAIN})

    required = needs(book(market, {"f": 1}, {"f": 1, "c": 5}), market, version)
    assert required.maintenance[1] == pytest.approx(required.maintenance[0], rel=1e-12)


def test_futures_style_options_have_no_net_option_value() -> None:
    version = span_version({"x_usd": PLAIN}, option_style="futures")
    required = needs(book(MARKET, {"c": -1}), MARKET, version)

    assert required.maintenance[0] == pytest.approx(part(required, "scan"), rel=1e-12)
    assert MODEL.equity(version.parameters).option_value


MONTHS = {"M2": 500.0, "M3": 500.0, "M4": 750.0}
CHARGED = Commodity(
    amounts="money",
    tiers=tuple(Tier(days=30.0 * (k + 1), price_scan_range=rate, volatility_scan_range=0.0)
                for k, rate in enumerate(MONTHS.values())),
    calendar_spreads=(CalendarSpread(tier_a=1, tier_b=2, rate=200.0),
                      CalendarSpread(tier_a=1, tier_b=3, rate=50.0),
                      CalendarSpread(tier_a=2, tier_b=3, rate=0.0)))
CURVE = quoted({future(month, days=30.0 * (k + 1)): 10_000.0 for k, month in enumerate(MONTHS)},
               index={"X": 10_000.0})


def test_calendar_spreads_of_the_exchange_page() -> None:
    """cmegroup.com, spread calculator: 200, 300 and 250 for the three one-lot spreads."""
    held = book(CURVE, {"M2": 1, "M3": -1}, {"M2": 1, "M4": -1}, {"M3": 1, "M4": -1})

    assert needs(held, CURVE, span_version({"x_usd": CHARGED})).maintenance.tolist() == [
        200.0, 300.0, 250.0]


def test_deltas_taken_by_one_spread_are_gone_for_the_next() -> None:
    """Long 2 of M2 against one of each later month: one spread of each kind, by priority."""
    required = needs(book(CURVE, {"M2": 2, "M3": -1, "M4": -1}), CURVE,
                     span_version({"x_usd": CHARGED}))

    assert part(required, "calendar_spreads") == 200.0 + 50.0


def test_deltas_of_one_sign_form_no_spread() -> None:
    required = needs(book(CURVE, {"M2": 1, "M3": 1}), CURVE, span_version({"x_usd": CHARGED}))

    assert part(required, "calendar_spreads") == 0


def test_spread_ratios_say_how_much_delta_a_spread_takes() -> None:
    """Two of the first for one of the second: three and one make one spread of 200."""
    one = replaced(CHARGED, calendar_spreads=(
        CalendarSpread(tier_a=1, tier_b=2, rate=200.0, ratio_a=2.0),))
    required = needs(book(CURVE, {"M2": 3, "M3": -1}), CURVE, span_version({"x_usd": one}))

    assert part(required, "calendar_spreads") == 200.0


def test_delivery_is_charged_by_delta_inside_and_outside_spreads() -> None:
    """Three in the spot month, one of them in a spread: 1 x 10 + 2 x 30."""
    tiers = (replaced(CHARGED.tiers[0], delivery_spread_rate=10.0, delivery_outright_rate=30.0),
             *CHARGED.tiers[1:])
    required = needs(book(CURVE, {"M2": 3, "M3": -1}), CURVE,
                     span_version({"x_usd": replaced(CHARGED, tiers=tiers)}))

    assert part(required, "delivery") == 70.0


@pytest.mark.parametrize(("method", "minimum"), [("both", 500.0), ("greater", 300.0)])
def test_short_options_need_a_minimum_each(method: str, minimum: float) -> None:
    """Two calls and three puts sold at a tenth of the price each, against their own hedge."""
    tiers = (replaced(ONE[0], price_scan_range=0.0, volatility_scan_range=0.0,
                      short_option_minimum=0.1),)
    version = span_version({"x_usd": Commodity(amounts="fraction", tiers=tiers,
                                               short_option_method=method)})
    required = needs(book(MARKET, {"c": -2, "p": -3}), MARKET, version)

    assert required.candidates["short_option_minimum"][0] == pytest.approx(minimum, rel=1e-12)
    assert required.maintenance[0] == pytest.approx(minimum + 5 * 68.5, rel=1e-12)


def test_exposure_margin_is_on_futures_and_short_options() -> None:
    """2 % of the future's price and of the underlying's, nothing for the long option."""
    version = span_version({"x_usd": replaced(PLAIN, exposure_rate=0.02)})
    required = needs(book(MARKET, {"f": -1}, {"c": -1}, {"c": 1}), MARKET, version)

    assert required.maintenance_components["exposure_margin"].tolist() == pytest.approx(
        [20.0, 20.0, 0.0], rel=1e-12)


PAIR = quoted({future("f", days=30): 1000.0, option("c", strike=1000.0): 68.5,
               option("p", strike=1000.0, right="P"): 68.5,
               future("g", days=30, underlying="Y"): 100.0}, index=X | {"Y": 100.0})
LEGS = (CreditLeg(commodity="x_usd", ratio=1.0, side="a"),
        CreditLeg(commodity="y_usd", ratio=10.0, side="b"))
CREDIT = {"pair": InterCommoditySpread(priority=1, credit=0.6, legs=LEGS)}
METHODS = ("normal", "scanrange", "scanrange_cap")


def pair_version(method: str) -> ParameterVersion:
    """Return two commodities that offset at 60 %."""
    return span_version({"x_usd": PLAIN, "y_usd": PLAIN}, inter_commodity=CREDIT,
                        weighted_price_risk=method)


@pytest.mark.parametrize("method", METHODS)
def test_a_matched_pair_of_futures_needs_the_uncredited_part_of_both(method: str) -> None:
    """HKEX PRiME: (r M_A + M_B)(1 - rate)."""
    alone = needs(book(PAIR, {"f": 1}, {"g": -10}), PAIR, pair_version(method)).maintenance
    both = needs(book(PAIR, {"f": 1, "g": -10}), PAIR, pair_version(method))

    assert both.maintenance[0] == pytest.approx((alone[0] + alone[1]) * 0.4, rel=1e-12)


def test_legs_on_one_side_of_the_market_get_no_credit() -> None:
    required = needs(book(PAIR, {"f": 1, "g": 10}), PAIR, pair_version("scanrange"))

    assert part(required, "inter_commodity_credit") == 0


def test_only_matched_deltas_get_credit() -> None:
    """Half of the first leg has a counterpart."""
    half = needs(book(PAIR, {"f": 1, "g": -5}), PAIR, pair_version("scanrange"))

    assert part(half, "inter_commodity_credit") == pytest.approx(-0.6 * (50 + 50), rel=1e-12)


def test_price_risk_per_delta_blows_up_for_a_straddle_and_the_cap_repairs_it() -> None:
    """A short straddle with a delta near zero: NORMAL finds a huge risk per delta."""
    straddle = {"c": -10, "p": -10, "g": 10}
    credit = {method: -part(needs(book(PAIR, straddle), PAIR, pair_version(method)),
                            "inter_commodity_credit") for method in METHODS}

    assert credit["normal"] > 1.5 * credit["scanrange"]
    assert credit["scanrange_cap"] <= credit["scanrange"]


def test_credits_of_a_leg_end_at_its_scan_risk() -> None:
    """A call spread has much delta and little risk: the credit cannot exceed the risk."""
    held = book(PAIR, {"f": 3, "c": -3, "p": 3, "g": -30})
    required = needs(held, PAIR, pair_version("scanrange"))

    scan = {u: float(loss) for u, loss in zip(required.worst.unit, required.worst.loss,
                                              strict=True)}
    assert scan[0] < 1.0
    assert -part(required, "inter_commodity_credit") <= scan[0] + 0.6 * scan[1] + 1e-9


def test_a_commodity_without_delta_gets_no_credit() -> None:
    required = needs(book(PAIR, {"f": 0, "g": -10}), PAIR, pair_version("normal"))

    assert part(required, "inter_commodity_credit") == 0


def test_spreads_of_smaller_priority_come_first() -> None:
    """The whole delta goes to the better credit when it comes first, and to the worse one else."""
    def credit(first: str) -> float:
        rates = {"good": 0.8, "poor": 0.2}
        spreads = {name: InterCommoditySpread(priority=1 if name == first else 2, credit=rate,
                                              legs=LEGS) for name, rate in rates.items()}
        version = span_version({"x_usd": PLAIN, "y_usd": PLAIN}, inter_commodity=spreads)
        return part(needs(book(PAIR, {"f": 1, "g": -10}), PAIR, version),
                    "inter_commodity_credit")

    assert credit("good") == pytest.approx(-160.0, rel=1e-12)
    assert credit("poor") == pytest.approx(-40.0, rel=1e-12)


def test_open_orders_cost_their_worst_side_and_only_initially() -> None:
    held = book(MARKET, {"f": 2}, orders={"f": 1, "c": -1})
    version = span_version({"x_usd": PLAIN})

    required = needs(held, MARKET, version)
    longer = needs(book(MARKET, {"f": 3}), MARKET, version)
    assert required.maintenance[0] == pytest.approx(200.0, rel=1e-12)
    assert required.initial[0] == pytest.approx(longer.initial[0], rel=1e-12)


ZERO = [0.0] * 16
READ = {"f": [0.0] * 10 + [-100.0] * 2 + [100.0] * 2 + [-250.0, 250.0],
        "c": ZERO, "p": ZERO, "far": ZERO}


def test_extreme_losses_in_a_file_are_covered_already() -> None:
    version = span_version({"x_usd": PLAIN}, risk_arrays="read")
    arrays = (read_arrays(MARKET, READ),)
    required = compute_margin(book(MARKET, {"f": 1}), MARKET, model=MODEL, version=version,
                              arrays=arrays).requirements

    assert required.maintenance[0] == 250.0


def test_arrays_that_are_to_be_read_are_not_computed() -> None:
    version = span_version({"x_usd": PLAIN}, risk_arrays="read")

    with pytest.raises(BadInput, match="read from the clearing house's file"):
        priced(MARKET, model=MODEL, version=version)


@pytest.mark.parametrize(("listed", "commodity", "reason", "says"), [
    (stock("s"), PLAIN, Reason.NOT_APPLICABLE, "hold spot as a balance"),
    (future("f", days=1, underlying="Z"), PLAIN, Reason.NO_PARAMETERS, "commodity.z_usd"),
    (future("f", days=1), replaced(CHARGED, tiers=(replaced(
        CHARGED.tiers[2], price_scan_range=900.0),), calendar_spreads=()), Reason.BAD_VALUE,
     "leaves no price"),
])
def test_what_does_not_apply_is_a_failure_that_names_it(listed, commodity, reason, says) -> None:
    market = quoted({listed: 1000.0}, index={listed.underlying: 1000.0})
    required = needs(book(market, {listed.id: 1}), market, span_version({"x_usd": commodity}))

    failure = required.failures[required.failure[0]]
    assert math.isnan(required.initial[0]) and failure.subject == listed.id
    assert failure.reason is reason and says in failure.sentence


def test_coin_settled_contracts_need_fractions() -> None:
    market = quoted({future("f", days=1, paid="X"): 1000.0}, index=X)
    required = needs(book(market, {"f": 1}), market, span_version({"x_x": CHARGED}))

    assert "state fractions" in required.failures[required.failure[0]].sentence


def test_a_missing_index_or_premium_is_a_failure() -> None:
    version = span_version({"x_usd": PLAIN})
    no_index = replaced(MARKET, index=np.array([np.nan]))
    no_mark = replaced(MARKET, mark=MARKET.mark * np.nan, quality=np.full(
        4, Quality.MISSING_MARK, np.uint16))
    found = [needs(book(MARKET, {"c": -1}), market, version) for market in (no_index, no_mark)]

    assert [r.failures[r.failure[0]].reason for r in found] == [
        Reason.MISSING_INDEX, Reason.MISSING_MARK]


def test_merging_accounts_can_add_a_calendar_charge() -> None:
    """Not declared: two months without risk of their own are charged when they meet."""
    still = replaced(CHARGED, tiers=tuple(replaced(t, price_scan_range=0.0)
                                          for t in CHARGED.tiers))
    version = span_version({"x_usd": still})
    apart = needs(book(CURVE, {"M2": 1}, {"M3": -1}), CURVE, version).maintenance
    together = needs(book(CURVE, {"M2": 1, "M3": -1}), CURVE, version).maintenance

    assert "subadditive" not in MODEL.laws
    assert apart.tolist() == [0.0, 0.0] and together[0] == 200.0


def test_the_credit_jumps_where_another_scenario_becomes_the_worst() -> None:
    """Not declared: losses up and down are equal, their paired losses are not."""
    version = span_version({"x_usd": PLAIN, "y_usd": PLAIN}, inter_commodity=CREDIT,
                           risk_arrays="read", weighted_price_risk="normal")

    def initial(up: float) -> float:
        gains = {"f": [0.0] * 10 + [-up, -90.0, -100.0, 0.0, 0.0, 0.0], "c": ZERO, "p": ZERO,
                 "g": [0.0] * 10 + [-10.0] * 2 + [10.0] * 2 + [0.0] * 2}
        return float(compute_margin(
            book(PAIR, {"f": 1, "g": -10}), PAIR, model=MODEL, version=version,
            arrays=(read_arrays(PAIR, gains),)).requirements.initial[0])

    assert "continuous" not in MODEL.laws
    assert initial(100.0 - 1e-9) - initial(100.0 + 1e-9) > 10


@pytest.mark.parametrize(("wrong", "says"), [
    ({"price_scan_range": -0.1}, "price_scan_range"), ({"days": -1.0}, "days"),
    ({"volatility_scan_range": math.nan}, "volatility_scan_range")])
def test_tiers_without_meaning_are_refused_by_name(wrong, says) -> None:
    with pytest.raises(BadInput, match=says):
        replaced(ONE[0], **wrong)


@pytest.mark.parametrize(("wrong", "says"), [
    ({"tiers": ()}, "at least one tier"), ({"tiers": (ONE[0], ONE[0])}, "must increase"),
    ({"amounts": "percent"}, "amounts"), ({"short_option_method": "most"}, "short_option_method"),
    ({"calendar_spreads": (CalendarSpread(tier_a=1, tier_b=2, rate=1.0),)}, "tier 2")])
def test_commodities_without_meaning_are_refused_by_name(wrong, says) -> None:
    with pytest.raises(BadInput, match=says):
        replaced(PLAIN, **wrong)


def test_other_parameters_without_meaning_are_refused_by_name() -> None:
    for make, says in (
            (lambda: CalendarSpread(tier_a=1, tier_b=1, rate=1.0), "two tiers"),
            (lambda: CreditLeg(commodity="x_usd", ratio=1.0, side="up"), "side"),
            (lambda: InterCommoditySpread(priority=1, credit=0.5, legs=LEGS[:1]), "legs"),
            (lambda: InterCommoditySpread(priority=1, credit=1.5, legs=LEGS), "credit"),
            (lambda: replaced(GENERAL, delta_weights=(1.0,)), "delta_weights"),
            (lambda: replaced(GENERAL, weighted_price_risk="least"), "weighted_price_risk"),
            (lambda: span_version({"x_usd": PLAIN}, extreme_move_multiplier=10.0), "leaves no")):
        with pytest.raises(BadInput, match=says):
            make()


def test_a_charge_above_both_legs_is_odd() -> None:
    odd = replaced(CHARGED, calendar_spreads=(CalendarSpread(tier_a=1, tier_b=2, rate=2000.0),))
    found = span_version({"x_usd": odd}).parameters.oddities()

    assert found[0][0] == "commodity.x_usd" and "2000" in found[0][1]


@pytest.mark.parametrize(("other", "why"), [
    ("y_eur", "settled in eur and usd"), ("z_usd", "no commodity z_usd")])
def test_a_spread_that_can_never_be_formed_is_odd(other: str, why: str) -> None:
    legs = (LEGS[0], CreditLeg(commodity=other, ratio=1.0, side="b"))
    version = span_version({"x_usd": PLAIN, "y_eur": PLAIN}, inter_commodity={
        "pair": InterCommoditySpread(priority=1, credit=0.5, legs=legs)})

    assert why in version.parameters.oddities()[0][1]


def test_amounts_of_open_orders_that_are_given_replace_our_reading() -> None:
    held = book(MARKET, {"f": 2}, orders={"f": 1})
    stated = replaced(held, assets=(asset("USD"),), balances=np.zeros((1, 1), np.int64),
                      given={"open_orders_margin": np.array([[7.0]])})
    version = span_version({"x_usd": PLAIN})

    assert needs(stated, MARKET, version).initial[0] == pytest.approx(207.0, rel=1e-12)


def test_the_example_says_that_it_is_one() -> None:
    version = parameters_of(MODEL, NOW)
    readings = MODEL.our_readings(book(MARKET, {"f": 1}), MARKET, version.parameters)

    assert any("example" in sentence for sentence in readings)
    assert version.notes == ()
