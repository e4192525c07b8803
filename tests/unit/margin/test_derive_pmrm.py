"""Derive PMRM_2 against its rule, worked out here with loops and the textbook's Black-76."""

import json
from math import erf, exp, log, sqrt
from typing import Any

import numpy as np
import pytest

from counterpoise.accounts.book import Book
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.requirement import Requirements
from counterpoise.margin.worst import in_words, worst_scenarios
from counterpoise.market.conditions import NOTHING_KNOWN
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS
from markets import AS_OF, account, market

MODEL = model_named("derive_pmrm")
VERSION = parameters_of(MODEL, AS_OF)
TOLD = VERSION.parameters
BTC = TOLD.market["btc"]
MARKET = market()
PERPETUAL, OTHER = "BTC-USDC:USDC-PERP", "ETH-USDC:USDC-PERP"
SOON, LATE = "BTC-USDC:USDC-20260215", "BTC-USDC:USDC-20270101"
CALL, PUT, FAR = f"{SOON}-65000-C", f"{SOON}-65000-P", f"{LATE}-71500-C"
BOOKS: list[dict[str, float]] = [
    {CALL: 1.0}, {CALL: -1.0}, {FAR: 2.0}, {FAR: -2.0, PERPETUAL: 1.0}, {CALL: 3.0, FAR: -3.0},
    {PUT: -1.0, CALL: 1.0}, {PUT: 2.0, FAR: -1.0, PERPETUAL: -0.5}, {PERPETUAL: -1.0}]


def margin(book: Book, snapshot: MarketSnapshot = MARKET,
           overrides: dict[str, Any] | None = None) -> AccountMargin:
    """Return the margin of one account."""
    version = parameters_of(MODEL, AS_OF, overrides)
    return compute_margin(book, snapshot, model=MODEL, version=version)


def needs_of(held: dict[str, float], snapshot: MarketSnapshot = MARKET, *,
             overrides: dict[str, Any] | None = None, **more: Any) -> Requirements:
    """Return the requirement of one account that holds coins by instrument."""
    return margin(account(snapshot, held, **more), snapshot, overrides).requirements


def black(forward: float, strike: float, years: float, volatility: float, right: int) -> float:
    """Return the undiscounted value of an option, from the textbook."""
    width = volatility * sqrt(years)
    if width == 0:
        return max(right * (forward - strike), 0.0)
    d = [log(forward / strike) / width + half * width for half in (0.5, -0.5)]
    n = [(1 + erf(right * x / sqrt(2))) / 2 for x in d]
    return right * (forward * n[0] - strike * n[1])


def years_of(snapshot: MarketSnapshot, name: str) -> float:
    """Return the years to expiry."""
    expiry = int(snapshot.catalogue.expiry[snapshot.catalogue.column[name]])
    return (expiry - snapshot.as_of) / (365 * DAY_NS)


def shocked_volatility(vol: float, moneyness: float, years: float, what: str) -> float:
    """Return the volatility that a scenario leaves, by the rule's words."""
    level, skew = BTC.volatility, BTC.skew
    days = years * 365
    power = level.short_term_power if days <= 30 else level.long_term_power
    tenor = (30 / max(days, level.days_floor)) ** power
    if what == "up":
        return max(vol * (1 + level.range_up * tenor), level.least_up)
    if what == "down":
        return vol * max(0.0, 1 - level.range_down * tenor)
    if what == "none":
        return vol
    base, slope = ((skew.linear_cap, skew.linear_cap_slope) if what == "linear" else
                   (skew.absolute_cap, skew.absolute_cap_slope))
    k = moneyness if what == "linear" else abs(moneyness)
    cap = slope * sqrt(years) + base
    wide = max(skew.least_width, sqrt(years) * skew.width_scale
               * (skew.width_static + skew.width_slope * sqrt(years)))
    return vol * max(0.0, 1 + min(max(k * cap / wide, -cap), cap))


def value_of(snapshot: MarketSnapshot, name: str, spot: float, what: str) -> float:
    """Return what one coin of an option is worth in a scenario."""
    k = snapshot.catalogue.column[name]
    fixed, moving = float(snapshot.forward_fixed[k]), float(snapshot.forward[k])
    strike, years = float(snapshot.catalogue.strike[k]), years_of(snapshot, name)
    vol = shocked_volatility(float(snapshot.volatility[k]), log(strike / (fixed + moving)), years,
                             what)
    return exp(-float(snapshot.rate[k]) * years) * black(
        moving * spot + fixed, strike, years, vol, int(snapshot.catalogue.right[k]))


def discounted(value: float, years: float, rate: float) -> float:
    """Return a shocked value after the static discount of its sign."""
    d = BTC.discount
    if value >= 0:
        return value * d.long_base * exp(-years * (rate * d.long_rate_scale + d.long_rate_add))
    return value * min(exp(rate * years), d.short_base * exp(
        years * (rate * d.short_rate_scale + d.short_rate_add)))


def loss_of(snapshot: MarketSnapshot, held: dict[str, float]) -> float:
    """Return the worst loss of BTC positions: list and basis contingency."""
    terms = snapshot.catalogue
    expiries: dict[int, list[str]] = {}
    for name in held:
        expiries.setdefault(int(terms.expiry[terms.column[name]]), []).append(name)
    linear = [n for n in expiries.pop(0, [])]
    worst, basis = 0.0, 0.0
    grid = zip(BTC.grid.spot, BTC.grid.volatility, BTC.grid.damping, strict=True)
    for spot, what, damping in grid:
        gain = sum(held[n] * (spot - 1) * float(snapshot.mark[terms.column[n]]) for n in linear)
        for names in expiries.values():
            years, rate = years_of(snapshot, names[0]), float(snapshot.rate[terms.column[names[0]]])
            before = sum(held[n] * value_of(snapshot, n, 1.0, "none") for n in names)
            after = sum(held[n] * value_of(snapshot, n, spot, what) for n in names)
            change = discounted(after, years, rate) - before
            gain += -abs(change) if what in ("linear", "absolute") else change
        worst = max(worst, -damping * gain)
    for names in expiries.values():
        years = years_of(snapshot, names[0])
        before = sum(held[n] * value_of(snapshot, n, 1.0, "none") for n in names)
        moves = [sum(held[n] * value_of(snapshot, n, spot, "none") for n in names) - before
                 for spot in (BTC.basis.up, BTC.basis.down)]
        basis += -min(0.0, *moves) * (BTC.basis.add + BTC.basis.multiply * years)
    return max(worst, basis)


def with_rate(snapshot: MarketSnapshot, rate: float) -> MarketSnapshot:
    """Return the market with one interest rate for all options."""
    return replaced(snapshot, rate=np.where(snapshot.catalogue.kind == 3, rate, 0.0))


@pytest.mark.parametrize("held", BOOKS)
@pytest.mark.parametrize("rate", [0.0, 0.08])
def test_the_loss_is_the_worst_of_list_and_basis(held: dict[str, float], rate: float) -> None:
    snapshot = with_rate(MARKET, rate)
    needs = needs_of(held, snapshot)

    assert needs.maintenance_components["scan"][0] == pytest.approx(
        0.8 * loss_of(snapshot, held), rel=1e-9)
    assert needs.initial_components["scan"][0] == pytest.approx(
        loss_of(snapshot, held), rel=1e-9)


def test_an_outright_perpetual_needs_its_grid_and_contingency() -> None:
    """18 % of 65,000 and 3 %, 4 % for initial margin; no tail costs more than 13.86 %."""
    needs = needs_of({PERPETUAL: 1.0})

    assert needs.maintenance[0] == pytest.approx((0.8 * 0.18 + 0.03) * 65_000)
    assert needs.initial[0] == pytest.approx((0.18 + 0.04) * 65_000)


@pytest.mark.parametrize(("held", "words"), [
    ({PERPETUAL: 1.0}, "-18 %, vol up"), ({CALL: -1.0}, "+18 %, vol up"),
    ({f"{LATE}-65000-C": 1.0, f"{LATE}-65000-P": -1.0, CALL: -1.0, PUT: 1.0},
     "basis contingency, forwards up")])
def test_the_worst_scenario_is_said_as_it_is(held: dict[str, float], words: str) -> None:
    arrays = priced(MARKET, model=MODEL, version=VERSION)
    worst = worst_scenarios(needs_of(held), arrays)

    assert words == in_words(worst[0][0])


def test_a_calendar_of_forwards_pays_the_basis_contingency() -> None:
    """Long late, short soon: no spot move hurts as much as forwards that move apart."""
    needs = needs_of({f"{LATE}-65000-C": 1.0, f"{LATE}-65000-P": -1.0, CALL: -1.0, PUT: 1.0})
    worst = MODEL.scenarios(MARKET, TOLD)[0].labels[needs.worst.scenario[0]]

    assert worst == "basis contingency, forwards up"
    assert needs.candidates["basis_contingency"][0] == pytest.approx(
        needs.initial_components["scan"][0])


@pytest.mark.parametrize(("held", "naked"), [
    ({CALL: -2.0}, 2.0), ({CALL: -2.0, PUT: -1.0}, 3.0), ({CALL: -2.0, PUT: 1.5}, 0.5),
    ({CALL: 2.0, PUT: -2.0}, 0.0), ({CALL: 2.0, f"{SOON}-71500-C": -2.0}, 2.0),
    ({CALL: 2.0, f"{LATE}-65000-C": -2.0}, 2.0)])
def test_shorts_are_naked_by_strike_and_expiry(held: dict[str, float], naked: float) -> None:
    needs = needs_of(held)

    assert needs.maintenance_components["option_contingency"][0] == pytest.approx(
        naked * 0.004 * 65_000, abs=1e-9)
    assert needs.initial_components["option_contingency"][0] == pytest.approx(
        naked * 0.008 * 65_000, abs=1e-9)


def doubting(feed: tuple[str, str] | str, confidence: float) -> MarketSnapshot:
    """Return the market in which one feed is not sure; a name doubts the perpetual's mark."""
    if isinstance(feed, str):
        sure = np.where(np.array([c.id == feed for c in MARKET.catalogue.instruments]),
                        confidence, 1.0)
        return replaced(MARKET, conditions=replaced(NOTHING_KNOWN, columns={"confidence": sure}))
    return replaced(MARKET, conditions=replaced(
        NOTHING_KNOWN, confidences={(*feed, 0): confidence}))


@pytest.mark.parametrize(("feed", "held", "coins"), [
    (("index", "BTC"), {PERPETUAL: -2.0, CALL: 3.0}, 5.0), (("forward", "BTC"), {CALL: 3.0}, 3.0),
    (("volatility", "BTC"), {CALL: -3.0, PUT: 1.0}, 4.0), (("rate", "BTC"), {CALL: 3.0}, 3.0),
    (PERPETUAL, {PERPETUAL: -2.0}, 2.0), (PERPETUAL, {PERPETUAL: -2.0, CALL: 3.0}, 5.0),
    (PERPETUAL, {CALL: 3.0}, 0.0), (("forward", "BTC"), {PERPETUAL: -2.0, CALL: 3.0}, 3.0),
    (("index", "ETH"), {PERPETUAL: 1.0}, 0.0)])
def test_doubt_in_a_feed_is_charged_on_what_rests_on_it(
        feed: Any, held: dict[str, float], coins: float) -> None:
    """At 0.3 below the threshold of 0.55: 0.7 x 0.6 of the notional, initial margin only."""
    needs = needs_of(held, doubting(feed, 0.3))

    assert needs.initial_components["oracle_contingency"][0] == pytest.approx(
        coins * 65_000 * 0.7 * 0.6)
    assert "oracle_contingency" not in needs.maintenance_components
    assert needs_of(held, doubting(feed, 0.56)).initial[0] == needs_of(held).initial[0]


@pytest.mark.parametrize(("feed", "held", "rate"), [
    (("asset", "ETH"), {PERPETUAL: 1.0}, 0.42), (("index", "BTC"), {PERPETUAL: 1.0}, 0.42),
    (("index", "ETH"), {PERPETUAL: 1.0}, 0.0), (("asset", "BTC"), {PERPETUAL: 1.0}, 0.0)])
def test_doubt_in_collateral_is_its_own_or_that_of_the_market_held(
        feed: tuple[str, str], held: dict[str, float], rate: float) -> None:
    needs = needs_of(held, doubting(feed, 0.3), balances={"ETH": 10})

    assert needs.initial_components["collateral_oracle"][0] == pytest.approx(rate * 19_000)


def test_cash_below_its_peg_raises_the_initial_factor() -> None:
    """At 0.95 the factor is 1 + 4 x 0.04."""
    cheap = replaced(MARKET, price=np.array([65_000, 1_900, 0.95]))
    needs = needs_of({PERPETUAL: 1.0}, cheap)

    assert needs.initial_components["peg"][0] == pytest.approx(4 * 0.04 * 0.18 * 65_000)
    assert needs.maintenance[0] == needs_of({PERPETUAL: 1.0}).maintenance[0]


def test_collateral_of_the_market_held_offsets_it() -> None:
    """One coin against a short perpetual: nothing is lost; haircuts and contingency remain."""
    needs = needs_of({PERPETUAL: -1.0}, balances={"BTC": 1})

    assert needs.initial[0] == pytest.approx((0.04 + 0.15) * 65_000)
    assert needs.maintenance[0] == pytest.approx((0.03 + 0.10) * 65_000)


@pytest.mark.parametrize(("held", "moves"), [({OTHER: 1.0}, 0.0), ({}, 1.0), ({CALL: 1.0}, 1.0)])
def test_collateral_moves_in_its_own_market_or_without_any(
        held: dict[str, float], moves: float) -> None:
    more = [needs_of(held, balances=b).initial_components for b in ({"BTC": 1}, {"USDC": 1})]
    scan = [c["scan"][0] + c["collateral_loss"][0] for c in more]

    assert scan[0] - scan[1] == pytest.approx(moves * 0.18 * 65_000, rel=0.3 if held else 1e-12)


def test_equity_is_mark_to_market_plus_cash() -> None:
    """2 coins at 1,900, a call at its mark, 100 of cash worth a dollar each."""
    own = margin(account(MARKET, {CALL: 2.0}, balances={"ETH": 2, "USDC": 100}))
    mark = float(MARKET.mark[MARKET.catalogue.column[CALL]])

    assert own.equity[0] == pytest.approx(100 + 2 * mark + 2 * 1_900)
    assert own.initial_excess[0] == pytest.approx(own.equity[0] - own.requirements.initial[0])


def test_the_fixed_part_of_a_forward_does_not_move() -> None:
    column = MARKET.catalogue.column[CALL]
    half = np.where(np.arange(len(MARKET.catalogue)) == column, 0.5, 1.0)
    split = replaced(MARKET, forward=MARKET.forward * half,
                     forward_fixed=MARKET.forward * (1 - half))
    loss = needs_of({CALL: -1.0}, split).initial_components["scan"][0]

    assert loss == pytest.approx(loss_of(split, {CALL: -1.0}), rel=1e-9)
    assert loss < 0.7 * loss_of(MARKET, {CALL: -1.0})


def test_a_rate_below_zero_counts_as_zero() -> None:
    held = {CALL: -1.0, FAR: 1.0}
    below, zero = (needs_of(held, with_rate(MARKET, rate)) for rate in (-0.4, 0.0))

    assert below.initial[0] == pytest.approx(zero.initial[0], rel=1e-12)


@pytest.mark.parametrize(("held", "more", "word"), [
    ({"BTC-USD:BTC-PERP": 1.0}, {}, "paid in USDC"), ({SOON: 1.0}, {}, "perpetuals and options"),
    ({PERPETUAL: 1.0}, {"balances": {"BTC": -1}}, "lends cash alone")])
def test_what_does_not_apply_is_a_failure(held: Any, more: Any, word: str) -> None:
    needs = needs_of(held, **more)

    assert np.isnan(needs.initial[0]) and word in needs.failures[needs.failure[0]].sentence


def test_an_expired_option_is_a_failure() -> None:
    gone = np.where(np.arange(len(MARKET.catalogue)) == MARKET.catalogue.column[CALL],
                    np.uint16(Quality.EXPIRED), MARKET.quality).astype(np.uint16)
    needs = needs_of({CALL: 1.0}, replaced(MARKET, quality=gone))

    assert np.isnan(needs.initial[0]) and "expired" in needs.failures[0].sentence


def test_cash_without_a_price_is_a_failure() -> None:
    needs = needs_of({PERPETUAL: 1.0}, replaced(MARKET, price=np.array([65_000, 1_900, np.nan])))

    assert np.isnan(needs.initial[0]) and "market.assets.USDC" in needs.failures[0].sentence


@pytest.mark.parametrize("grid", [
    {"spot": [1.1]}, {"spot": [], "volatility": [], "damping": []},
    {"spot": [1.1], "volatility": ["linear"], "damping": [1]},
    {"spot": [0], "volatility": ["up"], "damping": [1]},
    {"spot": [1.1], "volatility": ["sideways"], "damping": [1]},
    {"spot": [1.1], "volatility": ["up"], "damping": [-1]}])
def test_a_grid_without_meaning_is_refused(grid: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        parameters_of(MODEL, AS_OF, {"market": {"btc": {"grid": grid}, "eth": {"grid": grid}}})


@pytest.mark.parametrize(("overrides", "word"), [
    ({"general": {"maintenance_factor": 1.2}}, "maintenance_factor 1.2"),
    ({"market": {"btc": {"discount": {"long_base": 1.05}}}}, "long_base 1.05"),
    ({"market": {"btc": {"discount": {"short_base": 0.95}}}}, "short_base 0.95"),
    ({"collateral": {"btc": {"maintenance_haircut": 0.99}}}, "haircuts of BTC")])
def test_parameters_that_turn_the_rule_around_are_odd(
        overrides: dict[str, Any], word: str) -> None:
    odd = parameters_of(MODEL, AS_OF, overrides).parameters.oddities()

    assert any(word in sentence for _, sentence in odd)


# Laws that the rule book breaks, each with its reason.


def test_a_long_option_may_need_more_than_its_premium() -> None:
    """The basis contingency multiplies the loss of a late expiry by more than one."""
    wing = f"{LATE}-45500-P"
    premium = float(MARKET.mark[MARKET.catalogue.column[wing]])
    steep = {"market": {"btc": {"basis": {"up": 2.0, "add": 2.0}}}}

    assert needs_of({wing: 1.0}, overrides=steep).initial[0] > premium


def test_two_accounts_may_need_more_together_than_apart() -> None:
    """Coins pledged for another market move only once their own market is traded, too."""
    coins = {"balances": {"BTC": 10}}
    apart = needs_of({OTHER: 1.0}, **coins).initial[0] + needs_of({PERPETUAL: 1.0}).initial[0]
    together = needs_of({OTHER: 1.0, PERPETUAL: 1.0}, **coins).initial[0]

    assert together > apart


def test_a_hedge_may_raise_the_loss() -> None:
    """At high rates the discount of a debt grows faster than the hedge saves."""
    dear = with_rate(MARKET, 2.0)
    hedge = {f"{LATE}-45500-C": -0.5, f"{LATE}-45500-P": 0.5}

    alone, hedged = (needs_of(held, dear).maintenance[0] for held in (
        {PERPETUAL: 1.0}, {PERPETUAL: 1.0} | hedge))
    assert hedged > alone


def test_many_kinds_of_collateral_need_the_same_alone_as_among_others() -> None:
    codes = [f"C{k}" for k in range(12)]
    terms = {c.lower(): {"maintenance_haircut": 0.03 + k / 90, "initial_haircut": 0.02,
                         "offsets": ""} for k, c in enumerate(codes)}

    def needs(accounts: list[int]) -> Requirements:
        portfolio = read_portfolio(json.dumps({
            "as_of": "2026-02-05T00:00:00Z", "model": "derive_pmrm",
            "parameters": {"collateral": terms},
            "market": {"indices": {"BTC": "65000"}, "instruments": {},
                       "assets": {"USDC": "1"} | {c: str(1.1 + k) for k, c in enumerate(codes)}},
            "accounts": [{"id": str(a), "positions": [], "balances": {
                c: str(10 ** (k % 5) + a + 0.37 * k) for k, c in enumerate(codes)}}
                for a in accounts]}).encode())
        return margin(portfolio.book, portfolio.market, {"collateral": terms}).requirements

    together, alone = needs(list(range(9))), [needs([a]) for a in range(9)]

    assert np.all(together.maintenance > 0)
    assert together.maintenance.tolist() == [one.maintenance[0] for one in alone]
    assert together.initial.tolist() == [one.initial[0] for one in alone]
