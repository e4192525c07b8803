"""What a margin of one day is compared with: by hand, and blind to what comes later."""

from typing import Any

import numpy as np
import pytest

from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.backtest.hypothetical import hypothetical_portfolios
from counterpoise.backtest.price_world import PriceHistory, PriceWorld, simulated_history
from counterpoise.backtest.replay import Observation, Rule, observe, windows
from counterpoise.backtest.shelf import Legs
from counterpoise.instruments.catalogue import OPTION, PERPETUAL
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS, parse_instant

BEGIN = parse_instant("2024-01-01T00:00:00Z")
MODEL = model_named("deribit_spm")
VERSION = parameters_of(MODEL, BEGIN)
COLUMNS = ("initial", "maintenance", "raw", "buffered")


def _history(days: int = 60) -> PriceHistory:
    return simulated_history(seed=3, days=days, begin=BEGIN)


def _rule(portfolios: Any = hypothetical_portfolios, *, model: str = "deribit_spm",
          version_at: Any = None) -> Rule:
    named = model_named(model)
    version = parameters_of(named, BEGIN)
    return Rule(model=named, version_at=version_at or (lambda at: version), portfolios=portfolios,
                horizon_ns=DAY_NS)


def _seen(history: PriceHistory, rule: Rule, row: int, days: int = 1) -> Observation:
    at = BEGIN + row * DAY_NS
    return observe(PriceWorld(history=history), rule, at, at + days * DAY_NS)


def _one(kind: int, right: int = 0, contracts: float = 1000.0) -> Any:
    def recipe(market: MarketSnapshot) -> dict[str, Legs]:
        terms = market.catalogue
        mine = (terms.kind == kind) & (terms.underlying == 0) & (terms.right == right)
        return {"one": [(int(np.flatnonzero(mine)[0]), contracts)]}

    return recipe


def test_loss_of_an_inverse_perpetual_is_the_formula_of_its_contract():
    history = _history()
    seen = _seen(history, _rule(_one(PERPETUAL)), 20)
    before, after = history.close[20:22, 0]

    assert seen.loss[0] == pytest.approx(-1000 * (1 / before - 1 / after) * before)


def test_loss_of_a_short_option_under_a_rule_that_counts_premium_is_its_change_of_value():
    history = _history()
    world = PriceWorld(history=history)
    market = world.market(BEGIN + 20 * DAY_NS)
    later = world.again(market, BEGIN + 21 * DAY_NS)
    column = int(np.flatnonzero((market.catalogue.kind == OPTION)
                                & (market.catalogue.right == -1))[0])
    seen = _seen(history, _rule(_one(OPTION, -1, -2.0)), 20)
    change = 2 * (later.mark[column] - market.mark[column]) * market.index[0]

    assert seen.loss[0] == pytest.approx(change)
    assert _seen(history, _rule(_one(OPTION, -1, -2.0), model="standard"), 20).loss[0] == (
        pytest.approx(2 * later.mark[column] * market.index[0]))


def test_option_that_expires_inside_the_period_is_settled_at_its_delivery_price():
    history = _history()
    world = PriceWorld(history=history)
    market = world.market(BEGIN + 20 * DAY_NS)
    terms = market.catalogue
    column = int(np.flatnonzero((terms.kind == OPTION) & (terms.right == 1))[0])
    days = int((terms.expiry[column] - market.as_of) // DAY_NS) + 2
    delivery = world.delivery_price("BTC", int(terms.expiry[column]))
    paid = max(delivery - terms.strike[column], 0.0) / delivery
    seen = _seen(history, _rule(_one(OPTION, 1, -1.0)), 20, days)

    assert paid > 0
    assert seen.loss[0] == pytest.approx((paid - market.mark[column]) * market.index[0])


def test_funding_inside_the_period_is_paid_by_the_long_side():
    free, history = _history(), _history()
    charged = replaced(history, funding=np.full(history.close.shape, 0.001))
    long, short = (_seen(charged, _rule(_one(PERPETUAL, 0, n)), 20).loss[0]
                   - _seen(free, _rule(_one(PERPETUAL, 0, n)), 20).loss[0] for n in (1e3, -1e3))

    assert long == pytest.approx(1.0) and short == pytest.approx(-1.0)


def _shifted(history: PriceHistory, after: int) -> PriceHistory:
    """Return the same past with another future: prices halve and volatilities double."""
    later = (np.arange(len(history.day)) > after)[:, None]
    return replaced(history, close=np.where(later, history.close / 2, history.close),
                    volatility=np.where(later, 2 * history.volatility, history.volatility))


def test_another_future_leaves_every_margin_identical_and_changes_the_loss():
    history, rule = _history(), _rule()
    for row in (5, 30):
        now, other = _seen(history, rule, row), _seen(_shifted(history, row), rule, row)

        for name in COLUMNS:
            assert np.array_equal(getattr(now, name), getattr(other, name), equal_nan=True), name
        assert now.portfolios == other.portfolios
        assert not np.array_equal(now.loss, other.loss)


def test_planted_leak_is_caught_by_another_future():
    def margins(history: PriceHistory) -> Any:
        # A parameter fitted on all prices, those after t among them, is the usual leak.
        largest = float(np.abs(np.diff(np.log(history.close[:, 0]))).max())
        leaky = parameters_of(MODEL, BEGIN, {
            "currency_pair": {"btc_usd": {"price_range": round(largest, 6)}}})
        return _seen(history, _rule(version_at=lambda at: leaky), 30).initial

    history = _history()

    assert not np.array_equal(margins(history), margins(_shifted(history, 30)))


def test_segregated_pools_do_not_help_each_other():
    def spread(market: MarketSnapshot) -> dict[str, Legs]:
        terms = market.catalogue
        first, second = np.flatnonzero(terms.kind == PERPETUAL)[:2]
        return {"spread": [(int(first), 1e6), (int(second), -1e6)]}

    history = _history()
    moved = replaced(history, close=np.where(
        (np.arange(60) > 20)[:, None], history.close * np.array([0.7, 0.7]), history.close))
    seen = _seen(moved, _rule(spread), 20)

    assert seen.loss[0] < seen.initial[0] and seen.shortfall[0] > 0


def test_exceeded_margin_names_the_scenario_behind_it():
    history = _shifted(_history(), 20)
    seen = _seen(history, _rule(), 20)
    long = seen.portfolios.index("BTC long")

    assert seen.shortfall[long] > 0 and "%" in seen.worst[long]
    assert "" == seen.worst[seen.portfolios.index("BTC short")]


def test_box_needs_what_its_dollars_are_worth_in_coin_and_long_options_no_more_than_premium():
    history = _history()
    seen = _seen(history, _rule(_one(OPTION, 1, 1.0)), 20)
    market = PriceWorld(history=history).market(BEGIN + 20 * DAY_NS)
    column = int(np.flatnonzero((market.catalogue.kind == OPTION)
                                & (market.catalogue.right == 1))[0])

    assert seen.raw[0] <= market.mark[column] * market.index[0]


def test_windows_end_at_the_nearest_day_and_are_left_out_across_a_gap():
    days = BEGIN + DAY_NS * np.array([0, 1, 2, 5, 6], np.int64)

    assert [(0, 1), (1, 2), (5, 6)] == [((b - BEGIN) // DAY_NS, (e - BEGIN) // DAY_NS)
                                        for b, e in windows(days, DAY_NS, DAY_NS // 4)]
    assert [(0, 2)] == [((b - BEGIN) // DAY_NS, (e - BEGIN) // DAY_NS)
                        for b, e in windows(days, 2 * DAY_NS, DAY_NS // 4)]


def test_price_of_another_origin_is_not_compared():
    history = _history()
    origin = history.origin.copy()
    origin[21:, 0] = 2
    seen = _seen(replaced(history, origin=origin), _rule(), 20)
    told = dict(zip(seen.portfolios, seen.failure, strict=True))

    assert "no price at the end" in told["BTC long"] and "" == told["ETH long"]


def test_model_without_parameters_for_a_coin_says_so():
    history = _history()
    seen = _seen(replaced(history, coins=("BTC", "SOL")), _rule(), 20)

    assert "SOL" in seen.failure[seen.portfolios.index("SOL long")]
    assert np.isnan(seen.initial[seen.portfolios.index("SOL long")])


def test_model_of_drawn_scenarios_forecasts_a_distribution_and_a_grid_does_not():
    history = _history()
    dynamic, grid, other = (
        _seen(history, replaced(_rule(_one(PERPETUAL, 0, 1e5), model=name),
                                horizon_ns=days * DAY_NS), 20, days)
        for name, days in (("dynamic", 2), ("deribit_spm", 2), ("dynamic", 1)))

    assert dynamic.tail_mean[0] > dynamic.quantile[0] > 0 < dynamic.transform[0] < 1
    assert dynamic.tail_mean[0] <= dynamic.initial[0] * (1 + 1e-9)
    assert np.isnan(grid.tail_mean[0]) and np.isnan(grid.transform[0])
    assert np.isnan(other.tail_mean[0])
    assert ("", "its scenarios are a grid, not a distribution",
            "its moves span 2 day(s), the backtest 1") == (dynamic.no_law, grid.no_law,
                                                           other.no_law)
    assert 0 < dynamic.beyond[0] <= 0.025
    assert dynamic.tail[0].mean() == pytest.approx(dynamic.tail_mean[0], rel=0.1)
