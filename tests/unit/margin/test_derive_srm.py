"""Derive standard margin against its rule, worked out here from the page."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import AccountMargin, compute_margin
from counterpoise.margin.requirement import Requirements
from counterpoise.market.conditions import NOTHING_KNOWN
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from markets import AS_OF, account, market

MODEL = model_named("derive_srm")
MARKET = market()
PERPETUAL = "BTC-USDC:USDC-PERP"
SOON = "BTC-USDC:USDC-20260215"
LOW, CALL, HIGH = f"{SOON}-58500-C", f"{SOON}-65000-C", f"{SOON}-71500-C"
PUT, LOW_PUT, HIGH_PUT = f"{SOON}-65000-P", f"{SOON}-58500-P", f"{SOON}-91000-P"
FORWARD = float(MARKET.forward[MARKET.catalogue.column[CALL]])


def margin(held: dict[str, float], snapshot: MarketSnapshot = MARKET, *,
           overrides: dict[str, Any] | None = None, **more: Any) -> AccountMargin:
    """Return the margin of one account that holds coins by instrument."""
    version = parameters_of(MODEL, AS_OF, overrides)
    return compute_margin(account(snapshot, held, **more), snapshot, model=MODEL, version=version)


def needs_of(held: dict[str, float], snapshot: MarketSnapshot = MARKET,
             **more: Any) -> Requirements:
    """Return the requirement of one account."""
    return margin(held, snapshot, **more).requirements


def mark(name: str) -> float:
    """Return the mark of one coin."""
    return float(MARKET.mark[MARKET.catalogue.column[name]])


def value(held: dict[str, float]) -> float:
    """Return what options are worth at their marks."""
    return sum(q * mark(name) for name, q in held.items())


def net(held: dict[str, float]) -> tuple[float, float]:
    """Return what counts of the options of one expiry, initial and maintenance: never above 0."""
    needs = needs_of(held)
    return (value(held) - float(needs.initial_components["options"][0]),
            value(held) - float(needs.maintenance_components["options"][0]))


def test_a_perpetual_needs_its_rate_of_the_mark() -> None:
    needs = needs_of({PERPETUAL: -2.0})

    assert needs.initial[0] == pytest.approx(2 * 0.10 * 65_000)
    assert needs.maintenance[0] == pytest.approx(2 * 0.065 * 65_000)


def test_long_options_need_their_premium() -> None:
    needs = needs_of({CALL: 2.0, LOW_PUT: 1.0})

    assert needs.initial[0] == pytest.approx(value({CALL: 2.0, LOW_PUT: 1.0}))
    assert net({CALL: 2.0, LOW_PUT: 1.0}) == pytest.approx((0, 0))


@pytest.mark.parametrize(("name", "out"), [(CALL, 0.0), (LOW, 0.0), (HIGH, 6_500.0)])
def test_a_naked_call_needs_spot_and_mark(name: str, out: float) -> None:
    """15 % less how far out of the money, at least 13 %; maintenance 9 %."""
    initial = max(0.15 * 65_000 - out, 0.13 * 65_000)

    assert net({name: -1.0}) == pytest.approx((-initial - mark(name), -0.09 * 65_000 - mark(name)))


def test_a_naked_put_needs_at_least_a_part_of_its_mark() -> None:
    """With half of the mark as rate, a put deep in the money needs that and not 9 % of spot."""
    rates = {"market": {"btc": {"option": {"put_mark_maintenance": 0.5}}}}
    held = {HIGH_PUT: -1.0}
    needs = needs_of(held, overrides=rates)
    maintenance = max(0.09 * 65_000, 0.5 * mark(HIGH_PUT)) + mark(HIGH_PUT)

    assert 0.5 * mark(HIGH_PUT) > 0.09 * 65_000
    assert value(held) - needs.maintenance_components["options"][0] == pytest.approx(-maintenance)
    assert value(held) - needs.initial_components["options"][0] == pytest.approx(
        -1.05 * maintenance)


@pytest.mark.parametrize(("held", "loss"), [
    ({LOW: -1.0, CALL: 1.0}, 6_500.0), ({LOW: 1.0, CALL: -1.0}, 0.0),
    ({PUT: -1.0, LOW_PUT: 1.0}, 6_500.0),
    ({LOW: 1.0, CALL: -2.0, HIGH: 1.0}, 0.0), ({LOW: -1.0, CALL: 2.0, HIGH: -1.0}, 6_500.0),
    ({CALL: -1.0, PUT: 1.0, HIGH: 1.0, f"{SOON}-71500-P": -1.0}, 6_500.0)])
def test_a_spread_needs_its_worst_settlement(held: dict[str, float], loss: float) -> None:
    assert net(held) == pytest.approx((-loss, -loss), abs=1e-9)


def test_calls_sold_beyond_those_bought_are_unpaired() -> None:
    """Half a call unpaired: 1.2 and 1.1 of the forward for it, beside 6,500 at the last strike."""
    held = {LOW: -1.0, CALL: 0.5}
    huge = {"market": {"btc": {"option": {"most": 9.0, "least": 9.0, "call_maintenance": 9.0}}}}
    needs = needs_of(held, overrides=huge)

    assert value(held) - needs.initial_components["options"][0] == pytest.approx(
        -6_500 - 0.5 * 1.2 * FORWARD)
    assert value(held) - needs.maintenance_components["options"][0] == pytest.approx(
        -6_500 - 0.5 * 1.1 * FORWARD)


def test_expiries_do_not_help_each_other() -> None:
    late = "BTC-USDC:USDC-20260327-65000-C"
    both = needs_of({CALL: -1.0, late: 1.0})
    apart = [needs_of(held).initial[0] for held in ({CALL: -1.0}, {late: 1.0})]

    assert both.initial[0] == pytest.approx(sum(apart))


@pytest.mark.parametrize("seed", range(8))
def test_the_worst_settlement_is_that_of_a_search(seed: int) -> None:
    """Random spreads with no call unpaired, against the pay-off at every strike and at zero."""
    rng = np.random.default_rng(seed)
    strikes = [45_500, 58_500, 65_000, 71_500, 91_000]
    held = {f"{SOON}-{k}-{r}": round(float(rng.uniform(-3, 3)), 3) for k in strikes for r in "CP"}
    held[f"{SOON}-45500-C"] += max(0.0, -sum(q for n, q in held.items() if n.endswith("C")))
    at = [sum(q * max((1 if n.endswith("C") else -1) * (p - int(n.split("-")[3])), 0)
              for n, q in held.items()) for p in (0, *strikes)]
    dear = {"market": {"btc": {"option": {
        "most": 9.0, "least": 9.0, "call_maintenance": 9.0, "put_maintenance": 9.0}}}}
    needs = needs_of(held, overrides=dear)

    assert value(held) - needs.maintenance_components["options"][0] == pytest.approx(
        min(0.0, *at), rel=1e-9)


def doubting(feed: tuple[str, str] | str, confidence: float) -> MarketSnapshot:
    """Return the market in which one feed is not sure; a name doubts the perpetual's mark."""
    if isinstance(feed, str):
        sure = np.where(np.array([c.id == feed for c in MARKET.catalogue.instruments]),
                        confidence, 1.0)
        return replaced(MARKET, conditions=replaced(NOTHING_KNOWN, columns={"confidence": sure}))
    return replaced(MARKET, conditions=replaced(
        NOTHING_KNOWN, confidences={(*feed, 0): confidence}))


@pytest.mark.parametrize(("feed", "held", "coins"), [
    (("index", "BTC"), {PERPETUAL: -2.0, CALL: -3.0, PUT: 1.0}, 5.0),
    (("forward", "BTC"), {PERPETUAL: 1.0, CALL: -3.0}, 3.0),
    (("volatility", "BTC"), {CALL: -3.0, PUT: 4.0}, 3.0), (("rate", "BTC"), {CALL: -3.0}, 0.0),
    (PERPETUAL, {PERPETUAL: 2.0, CALL: -3.0}, 2.0), (("index", "ETH"), {CALL: -3.0}, 0.0)])
def test_doubt_in_a_feed_is_charged_on_what_could_owe(
        feed: Any, held: dict[str, float], coins: float) -> None:
    """At 0.3, below the threshold of 0.55: 0.7 x 0.5 of the notional, initial margin only."""
    needs = needs_of(held, doubting(feed, 0.3))

    assert needs.initial_components["oracle_contingency"][0] == pytest.approx(
        coins * 65_000 * 0.7 * 0.5)
    assert needs_of(held, doubting(feed, 0.55)).initial[0] == needs_of(held).initial[0]


def test_assets_count_by_weight_and_doubt() -> None:
    """2 ETH at 1,900 count 80 %, initial 75 %; a doubted spot takes off 0.7 x 0.5 more."""
    own = margin({}, balances={"ETH": 2})
    doubted = needs_of({}, doubting(("index", "ETH"), 0.3), balances={"ETH": 2})

    assert own.maintenance_excess[0] == pytest.approx(0.80 * 3_800)
    assert own.initial_excess[0] == pytest.approx(0.75 * 3_800)
    assert doubted.initial_components["assets_oracle"][0] == pytest.approx(0.35 * 3_800)


def test_cash_below_its_peg_is_charged_on_what_could_owe() -> None:
    """0.04 below the threshold, times 2, on a perpetual and a call sold, not on a call bought."""
    cheap = replaced(MARKET, price=np.array([65_000, 1_900, 0.95]))
    needs = needs_of({PERPETUAL: 1.0, CALL: -1.0, HIGH: 3.0}, cheap)

    assert needs.initial_components["peg"][0] == pytest.approx(0.04 * 2 * 2 * 65_000)
    assert "peg" not in needs.maintenance_components


@pytest.mark.parametrize(("held", "more", "word"), [
    ({"BTC-USD:BTC-PERP": 1.0}, {}, "paid in USDC"), ({SOON: 1.0}, {}, "perpetuals and options"),
    ({PERPETUAL: 1.0}, {"balances": {"BTC": -1}}, "lends cash alone")])
def test_what_does_not_apply_is_a_failure(held: Any, more: Any, word: str) -> None:
    needs = needs_of(held, **more)

    assert np.isnan(needs.initial[0]) and word in needs.failures[needs.failure[0]].sentence


@pytest.mark.parametrize("overrides", [
    {"market": {"btc": {"perpetual": {"initial": -0.1}}}}, {"peg": {"threshold": 2}},
    {"asset": {"btc": {"factor": -1}}}, {"market": {"btc": {"option": {"most": 99}}}}])
def test_parameters_without_meaning_are_refused(overrides: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        parameters_of(MODEL, AS_OF, overrides)


@pytest.mark.parametrize(("overrides", "word"), [
    ({"market": {"btc": {"perpetual": {"maintenance": 0.2}}}}, "perpetuals of BTC"),
    ({"market": {"btc": {"option": {"call_maintenance": 0.2}}}}, "naked calls of BTC"),
    ({"market": {"btc": {"option": {"maintenance_offset": 0.9}}}}, "naked puts of BTC"),
    ({"market": {"btc": {"option": {"unpaired_initial": 1.0}}}}, "unpaired calls of BTC"),
    ({"asset": {"btc": {"factor": 1.1}}}, "BTC counts for more")])
def test_parameters_that_turn_the_rule_around_are_odd(
        overrides: dict[str, Any], word: str) -> None:
    odd = parameters_of(MODEL, AS_OF, overrides).parameters.oddities()

    assert any(word in sentence for _, sentence in odd)


# Laws that the rule book breaks, each with its reason.


def test_two_accounts_may_need_more_together_than_apart() -> None:
    """One is naked, the other a spread: together one of the two ways must do for both."""
    far = f"{SOON}-91000-C"
    parts = ({far: -1.0}, {LOW: -1.0, CALL: 1.0})
    apart = sum(needs_of(held).initial[0] for held in parts)

    assert needs_of(parts[0] | parts[1]).initial[0] > apart


def test_a_hedge_may_raise_the_need() -> None:
    """Perpetuals and options do not offset: a call sold against a perpetual needs its own."""
    assert needs_of({PERPETUAL: 1.0, CALL: -0.5}).maintenance[0] > needs_of(
        {PERPETUAL: 1.0}).maintenance[0]


def test_spreads_of_one_width_need_the_same_wherever_they_stand() -> None:
    strikes = [58_500, 65_000, 71_500]
    needs = [net({f"{SOON}-{a}-C": -1.0, f"{SOON}-{b}-C": 1.0})[1] for a, b in pairwise(strikes)]

    assert needs == pytest.approx([-6_500, max(-6_500, -0.09 * 65_000 - mark(CALL))])
