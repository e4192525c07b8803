"""The dynamic model: one tail of positions and collateral, and what each add-on adds to it."""

from typing import Any

import numpy as np
import pytest

from counterpoise import _core
from counterpoise.accounts.book import Book
from counterpoise.adapters.models import model_named
from counterpoise.adapters.simulated_parameters import simulated_parameters
from counterpoise.margin.compute import STATUS, AccountMargin, compute_margin, priced
from counterpoise.margin.conformance import check_margin_model, random_book
from counterpoise.margin.explain import explain
from counterpoise.margin.figures import figures_of
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.terms.dynamic_parameters import (
    BufferTerms,
    DynamicParameters,
    MaintenanceTerms,
)
from counterpoise.margin.whatif import with_position
from counterpoise.market.conditions import Conditions
from counterpoise.risk.measures import expected_shortfall_of
from counterpoise.scenarios.simulated_moves import simulated_moves
from counterpoise.values.frozen import replaced
from markets import account, market

MODEL = model_named("dynamic")
PRESET = simulated_parameters()
MARKET = replaced(market(), assets=("BNB", "BTC", "ETH", "USDC", "USDE"),
                  price=np.array([800.0, 65_000.0, 1_900.0, 1.0, 1.0]))
PERP, COIN_PERP, ETH_PERP = "BTC-USDC:USDC-PERP", "BTC-USD:BTC-PERP", "ETH-USDC:USDC-PERP"
CORE_ONLY = replaced(PRESET, floor=None, stress=None, correlation=None, impact=None, wrong_way={})


def margins(book: Book, parameters: DynamicParameters = PRESET, at: Any = MARKET) -> AccountMargin:
    """Return the margin of a book."""
    return compute_margin(book, at, model=MODEL, version=_version(parameters))


def _version(parameters: DynamicParameters) -> ParameterVersion:
    return ParameterVersion(model="dynamic", number=1, parameters=parameters)


def parts(book: Book, parameters: DynamicParameters = PRESET, **given: Any) -> dict[str, float]:
    """Return the addends of the one account's initial margin."""
    found = margins(book, parameters, **given).requirements
    assert () == found.failures
    return {name: float(column[0]) for name, column in found.initial_components.items()}


def needed(book: Book, parameters: DynamicParameters = PRESET, **given: Any) -> float:
    """Return the initial margin of the one account, USD."""
    found = margins(book, parameters, **given).requirements
    assert () == found.failures
    return float(found.initial[0])


def figures(book: Book, parameters: DynamicParameters = PRESET) -> dict[str, float]:
    """Return the model's own figures of the one account."""
    version = _version(parameters)
    arrays = priced(MARKET, model=MODEL, version=version)
    found = compute_margin(book, MARKET, model=MODEL, version=version, arrays=arrays)
    shown = figures_of(MODEL, found, book, arrays, MARKET, parameters)
    return {name: float(column[0]) for name, column in shown.items()}


def column(name: str, moves: Any = PRESET.moves.base) -> np.ndarray:
    """Return the moves of a factor by its subject's price or peg."""
    at = [k for k, f in enumerate(moves.factors) if f.subject == name
          and f.kind in ("price", "peg")]
    return moves.move[:, at[0]]


# One tail: what an account would own in each scenario, by hand.


def test_a_coin_margined_short_over_its_own_coin_is_hedged_by_hand():
    """Ten coins posted, five sold by an inverse perpetual: equity in each draw, in USD."""
    book = account(MARKET, {COIN_PERP: -5 * 65_000.0}, balances={"BTC": 10})
    base = PRESET.moves.base
    basis = base.move[:, 1]
    spot = 65_000.0 * np.exp(column("BTC"))
    mark = 65_000.0 * np.exp(column("BTC") + basis)
    coins = 10 * 0.98 - 5 * 65_000.0 * (1 / 65_000.0 - 1 / mark)
    pnl = coins * spot - 10 * 0.98 * 65_000.0
    expected = expected_shortfall_of(pnl[None, :], level=0.975)[0]

    found = parts(book, CORE_ONLY)

    assert found["core"] + found["collateral"] == pytest.approx(expected, rel=1e-9)
    assert found["collateral"] < 0 < found["core"]


def test_the_peg_of_what_a_profit_is_paid_in_moves_its_value():
    """A linear short in USDC with USDC posted: both at the shocked peg."""
    book = account(MARKET, {PERP: -1.0}, balances={"USDC": 100_000})
    peg = np.exp(column("USDC"))
    gain = 65_000.0 * (1 - np.exp(column("BTC") + PRESET.moves.base.move[:, 1]))
    pnl = gain * peg + 100_000 * (peg - 1)

    found = parts(book, CORE_ONLY)

    assert found["core"] + found["collateral"] == pytest.approx(
        expected_shortfall_of(pnl[None, :], level=0.975)[0], rel=1e-9)


def test_a_long_put_over_its_coin_needs_less_than_the_coin_alone():
    put = next(c.id for c in MARKET.catalogue.instruments if c.id.startswith("BTC-USD:BTC")
               and c.id.endswith("-P") and getattr(c, "strike", 0) == 65_000.0)
    coins = account(MARKET, {}, balances={"BTC": 10})
    insured = account(MARKET, {put: 10.0}, balances={"BTC": 10})

    assert needed(insured, CORE_ONLY) < 0.8 * needed(coins, CORE_ONLY)


def test_cash_in_dollars_needs_nothing():

    assert 0.0 == needed(account(MARKET, {}, balances={"USD": 1_000_000}))


# Collateral in the scenarios, in the right order.


def charged(asset: str) -> dict[str, float]:
    """Return the addends of a short of ten BTC over as many dollars of an asset."""
    price = 1.0 if asset == "USD" else float(MARKET.price[MARKET.assets.index(asset)])
    book = account(MARKET, {PERP: -10.0})
    posted = account(MARKET, {PERP: -10.0}, balances={asset: 1})
    units = np.rint(650_000 / price * 10.0**posted.assets[0].decimals).astype(np.int64)
    assert () == book.assets
    return parts(replaced(posted, balances=posted.balances * 0 + units))


def test_collateral_is_charged_in_the_order_of_what_it_loses_with_the_position():
    """Short ten BTC over the coin, dollars, a stable, one that may break, the venue's own token."""
    cost = {asset: charged(asset) for asset in ("BTC", "USD", "USDC", "USDE", "BNB")}
    whole = {asset: round(sum(found.values())) for asset, found in cost.items()}

    assert whole["BTC"] < whole["USD"] < whole["USDC"] < whole["USDE"] < whole["BNB"], whole
    assert cost["BTC"]["collateral"] < -0.9 * cost["BTC"]["core"]
    assert 0.0 == cost["USD"]["collateral"] == cost["USDC"]["wrong_way"]
    for asset, lost in (("USDE", 0.95 * 0.4), ("BNB", 0.95)):
        market_part = cost[asset]["core"] + cost[asset]["collateral"]
        assert cost[asset]["wrong_way"] == pytest.approx(
            cost["USD"]["core"] + lost * 650_000 - market_part, rel=1e-6)


def test_the_number_without_recognition_stands_beside_the_other():
    found = margins(account(MARKET, {COIN_PERP: -5 * 65_000.0}, balances={"BTC": 5})).requirements
    with_it = found.initial_components["core"] + found.initial_components["collateral"]

    assert found.candidates["expected_shortfall_without_collateral"][0] > 5 * with_it[0] > 0


def test_a_long_that_posts_its_own_coin_needs_more_than_over_dollars():
    coin = account(MARKET, {PERP: 10.0}, balances={"BTC": 10})
    dollars = account(MARKET, {PERP: 10.0}, balances={"USD": 650_000})

    assert needed(coin, CORE_ONLY) > 1.8 * needed(dollars, CORE_ONLY)


def test_a_hedge_with_the_failing_asset_does_not_pay():
    """Short what one posts: the default takes the collateral and leaves the short as it is."""
    book = account(MARKET, {PERP: -10.0}, balances={"USDE": 1_000_000})
    found = margins(book).requirements
    rest = account(MARKET, {PERP: -10.0})
    alone = parts(rest, CORE_ONLY)["core"]

    assert found.candidates["default_of_ethena"][0] == pytest.approx(
        alone + 0.95 * 1e6 * 0.4, rel=1e-9)


# The addends.


def test_the_addends_are_the_requirement_and_only_collateral_may_be_negative():
    book = random_book(MARKET, seed=3, accounts=40)
    needs = margins(book).requirements
    total = sum(needs.initial_components.values())

    assert np.allclose(total, needs.initial, rtol=1e-12)
    for name, added in needs.initial_components.items():
        assert name == "collateral" or np.all(added >= 0), name
    assert np.all(needs.initial_components["core"] + needs.initial_components["collateral"] >= 0)
    assert {"core", "collateral", "floor", "stress", "correlation", "liquidity", "concentration",
            "wrong_way", "open_orders_margin"} == needs.initial_components.keys()


@pytest.mark.parametrize(("part", "off"), [
    ("stress", {"stress": None}), ("correlation", {"correlation": None}),
    ("wrong_way", {"wrong_way": {}}), ("liquidity", {"impact": None})])
def test_a_part_left_out_takes_its_addend_and_no_other(part, off):
    book = account(MARKET, {PERP: -10.0, ETH_PERP: 300.0}, balances={"BNB": 1_000})
    whole, less = parts(book), parts(book, replaced(PRESET, **off))
    gone = {part, "concentration"} if part == "liquidity" else {part}

    assert whole.keys() - less.keys() == gone
    assert {name: x for name, x in whole.items() if name not in gone} == less
    assert whole[part] > 0 or part == "stress"


def test_a_spread_that_rests_on_correlation_pays_for_its_break():
    spread = account(MARKET, {PERP: 1.0, ETH_PERP: -34.0})
    outright = account(MARKET, {PERP: 1.0})

    broken, whole = ([p["correlation"] / p["core"] for p in (parts(spread), parts(outright))])

    assert broken > 1 > 5 * whole


def test_the_floor_holds_a_calm_day_up_to_the_long_run():
    found = parts(account(MARKET, {PERP: 1.0}))
    floor = PRESET.moves.floor
    moved = np.exp(column("BTC", floor) + floor.move[:, 1]) - 1
    pnl = 65_000 * moved * np.exp(column("USDC", floor))
    long_run = expected_shortfall_of(pnl[None, :], level=0.975)[0]

    assert found["floor"] == pytest.approx(long_run - found["core"] - found["collateral"], rel=1e-9)
    assert found["floor"] > 0.1 * found["core"]


def test_the_two_readings_of_the_stress_weight_differ_and_are_named():
    book = account(MARKET, {PERP: 1.0})
    (group,) = MODEL.reading_variants(book, PRESET)
    told = {label: parts(book, p)["stress"] for label, p in group}

    assert {"stress blended", "stress inside the sample"} == told.keys()
    assert min(told.values()) > 0 and len(set(told.values())) == 2
    assert () == MODEL.reading_variants(book, CORE_ONLY)


def test_the_battery_holds_for_every_choice():
    """Stress in the sample, a maintenance level, the buffer, sliding smiles, uneven weights."""
    heavy = replaced(PRESET.moves.base, weight=np.where(np.arange(320) % 2, 1.0, 3.0))
    odd = replaced(
        PRESET, stress=replaced(PRESET.stress, reading="sample"), buffer=BufferTerms(size=0.25),
        maintenance=MaintenanceTerms(level=0.9), moves=replaced(PRESET.moves, base=heavy),
        general=replaced(PRESET.general, smile="sticky_moneyness"))

    assert () == check_margin_model(MODEL, _version(odd), MARKET, seed=2, accounts=8)


def test_maintenance_is_the_stated_fraction_or_a_lower_tail():
    book = account(MARKET, {PERP: 1.0})
    fraction = margins(book).requirements
    level = margins(book, replaced(PRESET, maintenance=MaintenanceTerms(level=0.9))).requirements
    hand = margins(book, replaced(PRESET, general=replaced(PRESET.general, level=0.9)))

    assert fraction.maintenance[0] == pytest.approx(0.8 * fraction.initial[0], rel=1e-12)
    assert level.maintenance_components["core"][0] == hand.requirements.initial_components[
        "core"][0]
    assert level.maintenance[0] < level.initial[0]


# Liquidity and concentration.


def test_liquidity_is_charged_on_what_does_not_net():
    hedged = account(MARKET, {PERP: 1_000.0, COIN_PERP: -1_000.0 * 65_000})
    outright = account(MARKET, {PERP: 1_000.0})

    assert parts(hedged)["liquidity"] < 1e-6 * parts(outright)["liquidity"]


def test_liquidity_follows_the_square_root_and_the_book_by_hand():
    """13 M USD of a market of 2 G a day and 20 M of depth: walking the book costs more."""
    small, large = (parts(account(MARKET, {PERP: size}))["liquidity"] for size in (200., 20_000.))
    x, big = 13e6, 1.3e9
    walk = x * (0.0002 + max(0.03 * (x / 2e9) ** 0.5, 0.005 * x / 2e7))
    impact = big * (0.0002 + max(0.03 * (big / 2e9) ** 0.5, 0.005))

    assert small == pytest.approx(walk, rel=1e-9)
    assert large == pytest.approx(impact, rel=1e-9)


def test_concentration_starts_at_its_threshold_and_grows_with_days_to_close():
    """A tenth of the volume is the threshold; ten times that takes ten days of a tenth."""
    at, beyond = (parts(account(MARKET, {PERP: size}))["concentration"]
                  for size in (0.2e9 / 65_000, 2e9 / 65_000))

    assert at == pytest.approx(0, abs=1e-3)
    assert beyond == pytest.approx(2.338 * 0.03 * 2e9 * (10**0.5 - 1), rel=1e-6)


def test_a_market_that_dries_up_is_followed():
    """The snapshot says two million of depth and a hundred of volume: less than the parameters."""
    thin = np.full(len(MARKET.catalogue), np.nan)
    thin[MARKET.catalogue.column[PERP]] = 2e6
    dry = replaced(MARKET, conditions=Conditions(
        columns={"depth": thin, "volume": 50 * thin}, confidences={}, borrow_rates={}, smiles={}))
    book = account(MARKET, {PERP: 200.0})

    assert parts(book, at=dry)["liquidity"] > 1.5 * parts(book)["liquidity"]
    ignored = replaced(PRESET, impact=replaced(PRESET.impact, follow_market=False))
    assert parts(book, ignored, at=dry) == parts(book, ignored)


def test_vega_costs_to_close_too():
    straddle = {c.id: 100.0 for c in MARKET.catalogue.instruments
                if c.id.startswith("BTC-USDC:USDC") and getattr(c, "strike", 0) == 65_000.0}
    found = parts(account(MARKET, straddle))
    free = replaced(PRESET, liquidity={"btc": replaced(
        PRESET.liquidity["btc"], daily_vol_move=0.0, vol_spread=0.0)})

    assert found["liquidity"] > 2 * parts(account(MARKET, straddle), free)["liquidity"]


# What nobody can know has no number.


@pytest.mark.parametrize(("book", "changes", "sentence"), [
    ({"balances": {"DAI": 5}}, {}, "price"),
    ({"balances": {"SOL": 5}}, {}, "no factor `SOL price`"),
    ({"balances": {"ETH": 5}}, {}, "no price in USD"),
    ({"balances": {"USD": 5}}, {"liquidity": {"eth": PRESET.liquidity["eth"]}},
     "no volume and depth of BTC")])
def test_a_missing_factor_price_or_depth_is_a_failure(book, changes, sentence):
    priced_sol = replaced(MARKET, assets=("BNB", "BTC", "SOL", "USDC"),
                          price=np.array([800.0, 65_000.0, 150.0, 1.0]))
    found = margins(account(MARKET, {PERP: 1.0}, **book), replaced(PRESET, **changes), priced_sol)

    assert np.isnan(found.requirements.initial[0])
    assert sentence in found.requirements.failures[0].sentence


def test_an_underlying_without_factors_is_a_failure_of_those_who_hold_it():
    at = [k for k, f in enumerate(PRESET.moves.base.factors) if f.subject != "ETH"]

    def less(moves):
        return replaced(moves, factors=tuple(moves.factors[k] for k in at), move=moves.move[:, at])

    moves = PRESET.moves
    blind = replaced(PRESET, moves=replaced(
        moves, base=less(moves.base), stress=less(moves.stress), floor=less(moves.floor),
        breaks={name: less(one) for name, one in moves.breaks.items()}))
    found = margins(account(MARKET, {ETH_PERP: 1.0}), blind).requirements

    assert "ETH price" in found.failures[0].sentence
    assert np.isfinite(margins(account(MARKET, {PERP: 1.0}), blind).requirements.initial[0])


def test_an_unknown_entry_leaves_equity_unknown_and_the_requirement_known():
    found = margins(account(MARKET, {PERP: 1.0}, balances={"USD": 100_000}))

    assert found.requirements.initial[0] > 0
    assert "unknown" == STATUS[found.status[0]] and bool(found.no_entry[0])


# Explanations, figures, what-if.


def test_an_explanation_sums_to_core_and_costs():
    book = account(MARKET, {PERP: -10.0, ETH_PERP: 300.0}, balances={"BTC": 3})
    found = explain(book, MARKET, model=MODEL, version=_version(PRESET))
    whole = parts(book)

    for name, shares in zip(found.contributions.components, found.contributions.initial.T,
                            strict=True):
        assert shares.sum() == pytest.approx(whole[name], rel=1e-9)
    assert np.all(np.isfinite(found.closing_initial))


def test_vectors_are_the_accounts_own_sums():
    book = account(MARKET, {PERP: -10.0, ETH_PERP: 300.0}, balances={"BTC": 3})
    arrays = priced(MARKET, model=MODEL, version=_version(PRESET))
    found = MODEL.vectors(book, arrays, MARKET, PRESET)
    base = found[0].summed[:, 1:]

    assert len(arrays) == len(found)
    assert expected_shortfall_of(np.ascontiguousarray(base), level=0.975)[0] == pytest.approx(
        parts(book)["core"] + parts(book)["collateral"], rel=1e-12)


def test_standard_errors_are_reported_and_doubling_the_draws_halves_the_variance():
    book = account(MARKET, {PERP: -10.0})
    errors = []
    for count in (4_000, 8_000):
        runs = [replaced(CORE_ONLY, moves=replaced(PRESET.moves, breaks={}, stress=None, floor=None,
                                                   base=simulated_moves(seed=s, count=count)))
                for s in range(6)]
        found = [figures(book, one) for one in runs]
        assert all(0.005 < f["standard_error"] / f["expected_shortfall"] < 0.2 for f in found)
        errors.append(np.median([f["standard_error"] for f in found]))

    assert 1.5 < (errors[0] / errors[1]) ** 2 < 2.7


def test_the_same_seed_gives_the_same_bits():
    book = random_book(MARKET, seed=5, accounts=6)
    first = margins(book, simulated_parameters()).requirements.initial

    assert first.tobytes() == margins(book).requirements.initial.tobytes()


def test_the_worst_draw_is_named():
    found = margins(account(MARKET, {PERP: -10.0})).requirements.worst
    arrays = priced(MARKET, model=MODEL, version=_version(PRESET))
    worst = int(np.argmax(column("BTC") + PRESET.moves.base.move[:, 1]))

    assert ("account",) == found.units
    assert f"draw {worst + 1}" == arrays[0].scenarios.labels[int(found.scenario[0])]


def test_open_orders_add_their_worse_side():
    flat = account(MARKET, {}, orders={PERP: 1.0})
    long = account(MARKET, {PERP: 1.0})
    hedging = account(MARKET, {PERP: 1.0}, orders={PERP: -0.5})

    assert needed(flat) == pytest.approx(needed(long), rel=1e-12)
    assert 0.0 == parts(hedging)["open_orders_margin"]


def test_an_order_that_is_filled_needs_what_it_said_it_would():
    book = account(MARKET, {PERP: 1.0}, balances={"USD": 10_000})
    more = with_position(book, MARKET.catalogue.column[ETH_PERP], round(20 * 1e9))

    assert needed(more) == pytest.approx(
        needed(account(MARKET, {PERP: 1.0, ETH_PERP: 20.0}, balances={"USD": 10_000})), rel=1e-12)


# Laws that it does not keep, and why.


def test_long_options_need_more_than_their_premium_since_closing_costs():
    call = next(c.id for c in MARKET.catalogue.instruments if c.id.startswith("BTC-USDC:USDC")
                and c.id.endswith("-91000-C"))
    book = account(MARKET, {call: 1_000.0})
    mark = MARKET.mark[MARKET.catalogue.column[call]]

    assert parts(book, CORE_ONLY)["core"] <= 1_000 * mark * 1.15
    assert needed(book) > 1_000 * mark


def test_three_times_the_book_needs_more_than_three_times_since_impact_grows():
    one, three = (needed(account(MARKET, {PERP: size})) for size in (5_000.0, 15_000.0))

    assert three > 3.2 * one
    assert needed(account(MARKET, {PERP: 15_000.0}), CORE_ONLY) == pytest.approx(
        3 * needed(account(MARKET, {PERP: 5_000.0}), CORE_ONLY), rel=1e-9)


def test_two_accounts_together_need_more_than_apart_since_impact_grows():

    assert needed(account(MARKET, {PERP: 10_000.0})) > 2.05 * needed(
        account(MARKET, {PERP: 5_000.0}))


def test_a_hedge_raises_the_tail_of_what_a_posted_coin_hedged_already():
    """Short one coin against one posted; half a coin bought back is a hedge no more."""
    posted = {"balances": {"BTC": 1}}
    short = account(MARKET, {PERP: -1.0}, **posted)
    less = account(MARKET, {PERP: -1.0, "BTC-USD:BTC-PERP": 0.5 * 65_000}, **posted)

    assert needed(less, CORE_ONLY) > 2 * needed(short, CORE_ONLY)


# The buffer against procyclicality.


def test_the_buffer_starts_full_and_holds_what_was_charged_before():
    book = account(MARKET, {PERP: 1.0}, balances={"USD": 100_000})
    on = replaced(PRESET, buffer=BufferTerms(size=0.25))
    model = needed(book)
    before = {charge: replaced(book, given={"previous_initial": np.array([[charge]])})
              for charge in (1.1 * model, 2 * model, 0.5 * model)}

    assert needed(book, on) == pytest.approx(1.25 * model, rel=1e-12)
    assert [needed(b, on) / model for b in before.values()] == pytest.approx([1.1, 1.25, 1.0])
    assert "buffer" not in margins(book, on).requirements.maintenance_components


def test_no_instruction_set_changes_a_bit():
    book, active = random_book(MARKET, seed=9, accounts=3), _core.isa()["active"]
    bits = set()
    for flavour in _core.isa()["available"]:
        _core.use_isa(flavour)
        bits.add(margins(book).requirements.initial.tobytes())
    _core.use_isa(active)

    assert 1 == len(bits)
