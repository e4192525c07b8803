"""Forecasts find what was put into simulated days, and the tails follow them."""

import numpy as np
import pytest
from scipy.stats import norm

from counterpoise.calibration.prediction.benchmarks import normal_tail, plain_history
from counterpoise.calibration.prediction.boosting import boosted_factor
from counterpoise.calibration.prediction.daily_panel import DailyPanel
from counterpoise.calibration.prediction.features import REGRESSORS, features
from counterpoise.calibration.prediction.garch import garch_variance
from counterpoise.calibration.prediction.har import fit_weights, har_variance, prior, regressors
from counterpoise.calibration.prediction.parameters import (
    BoostingParameters,
    PredictionParameters,
    digest_of,
)
from counterpoise.calibration.prediction.regime import RegimeParameters, alarms, regime_signal
from counterpoise.calibration.prediction.tail import filtered_tail
from counterpoise.calibration.prediction.walk_forward import blocks, geometric_mean
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from unit.calibration.prediction.daily_panels import FIRST_DAY, simulated_panel

TREES = BoostingParameters(level=0.9, shrink=1.0, months=12, trees=40, learning_rate=0.1, leaves=4,
                           leaf_days=100)


def test_the_regression_finds_the_weights_that_made_the_variances() -> None:
    chance = np.random.default_rng(1)
    rows = np.concatenate([np.ones((40_000, 1)), chance.normal(size=(40_000, len(REGRESSORS)))], 1)
    truth = np.array([-6.0, 0.4, 0.3, 0.2, 0.05, 0.3, -0.5])
    target = np.exp(rows @ truth) * chance.chisquare(1, size=40_000)

    found = fit_weights(rows, target, pull=1e-9, start=prior())

    np.testing.assert_allclose(found, truth, atol=0.03)


def test_the_fit_does_not_depend_on_where_it_starts() -> None:
    chance = np.random.default_rng(2)
    rows = np.concatenate([np.ones((500, 1)), chance.normal(size=(500, len(REGRESSORS)))], 1)
    target = np.exp(0.3 * rows[:, 1]) * chance.chisquare(3, size=500)

    far = fit_weights(rows, target, pull=1e-3, start=prior() + 2.0)

    np.testing.assert_allclose(far, fit_weights(rows, target, pull=1e-3, start=prior()), atol=1e-5)


def test_a_strong_pull_leaves_the_weights_equal() -> None:
    chance = np.random.default_rng(3)
    rows = chance.normal(size=(500, 1 + len(REGRESSORS)))

    found = fit_weights(rows, chance.chisquare(1, size=500), pull=1e5, start=prior())

    np.testing.assert_allclose(found, prior(), atol=1e-4)


def test_the_pooled_regression_beats_a_constant_on_days_that_cluster() -> None:
    panel = simulated_panel(1200)
    variance = har_variance(panel.day, regressors(features(panel)), panel.log_return ** 2,
                            months=1, pull=1e-3)[300:-1]
    square = panel.log_return[300:] ** 2

    ours = np.mean(np.log(variance) + square / variance)
    constant = np.mean(square, axis=0)
    assert ours < np.mean(np.log(constant) + square / constant) - 0.02


def test_few_observations_are_refused_in_a_sentence() -> None:
    with pytest.raises(BadInput, match="at least 400"):
        fit_weights(np.ones((10, 7)), np.ones(10), pull=1.0, start=prior())


def test_garch_forecasts_the_variance_that_it_was_simulated_with() -> None:
    pytest.importorskip("arch")
    chance, days = np.random.default_rng(5), 1600
    move, variance = np.empty(days), np.empty(days + 1)
    variance[0] = 1e-3
    for t in range(days):
        move[t] = np.sqrt(variance[t]) * chance.normal()
        variance[t + 1] = 5e-5 + 0.1 * move[t] ** 2 + 0.85 * variance[t]

    found = garch_variance(FIRST_DAY + np.arange(days), move[:, None], months=12)[:, 0]

    assert np.isnan(found[:250]).all()
    np.testing.assert_allclose(found[1200:] / variance[1200:], 1.0, atol=0.25)
    assert np.corrcoef(np.log(found[800:]), np.log(variance[800:]))[0, 1] > 0.97


def test_trees_learn_where_the_tail_is_twice_as_wide() -> None:
    pytest.importorskip("sklearn")
    chance, days = np.random.default_rng(6), 1500
    wide = chance.integers(0, 2, size=(days + 1, 4)).astype(np.float64)
    losses = (1 + wide[:-1]) * chance.normal(size=(days, 4))
    columns = np.stack([wide, np.zeros_like(wide)], axis=2)

    factor = boosted_factor(FIRST_DAY + np.arange(days), columns, losses, TREES)[-200:]

    assert np.median(factor[wide[-200:] == 1]) / np.median(factor[wide[-200:] == 0]) == (
        pytest.approx(2.0, rel=0.2))


def test_a_shrink_of_zero_believes_no_tree() -> None:
    pytest.importorskip("sklearn")
    chance = np.random.default_rng(8)
    columns, losses = chance.normal(size=(601, 4, 2)), chance.normal(size=(600, 4))

    factor = boosted_factor(FIRST_DAY + np.arange(600), columns, losses,
                            replaced(TREES, shrink=0.0))

    assert (factor == 1.0).all()


def test_tails_scale_with_the_deviation_of_the_day() -> None:
    chance = np.random.default_rng(9)
    move = 0.001 * chance.normal(size=(400, 2))
    deviation = np.full((2, 401, 2), 0.001)
    deviation[:, -1] = 0.002

    found = filtered_tail(move, deviation, level=0.975, window_days=300, own_share=1.0)

    np.testing.assert_allclose(found.shortfall[:, -1] / found.shortfall[:, -2], 2.0, rtol=0.02)
    assert (found.shortfall[:, -1] > found.value_at_risk[:, -1]).all()


def test_tails_of_normal_residuals_are_the_normal_ones() -> None:
    chance = np.random.default_rng(10)
    move = 0.02 * chance.normal(size=(8000, 1))
    deviation = np.full((2, 8001, 1), 0.02)

    found = filtered_tail(move, deviation, level=0.975, window_days=7999, own_share=0.5)
    exact = normal_tail(np.full((8001, 1), 0.02 ** 2), level=0.975)

    np.testing.assert_allclose(found.shortfall[:, -1], exact.shortfall[:, -1], rtol=0.05)
    assert exact.value_at_risk[0, 0, 0] == pytest.approx(1 - np.exp(-0.02 * norm.ppf(0.975)))


def test_normal_shortfalls_are_conditional_means_of_a_lognormal_price() -> None:
    draws = np.exp(0.1 * norm.ppf((np.arange(400_000) + 0.5) / 400_000))
    found = normal_tail(np.array([[0.01]]), level=0.975)

    assert found.shortfall[0, 0, 0] == pytest.approx(1 - np.mean(draws[:10_000]), rel=1e-4)
    assert found.shortfall[1, 0, 0] == pytest.approx(np.mean(draws[-10_000:]) - 1, rel=1e-4)


def test_plain_history_is_the_mean_of_its_worst_returns() -> None:
    move = np.random.default_rng(11).normal(size=(300, 1)) * 0.03
    found = plain_history(move, level=0.975, window_days=200)
    worst = np.sort(np.exp(move[100:, 0]) - 1)[:5]

    assert found.shortfall[0, -1, 0] == pytest.approx(-worst.mean(), rel=1e-12)
    assert np.isnan(found.shortfall[:, :200]).all()


def test_blocks_of_a_longer_panel_begin_with_those_of_a_shorter_one() -> None:
    day = FIRST_DAY + np.arange(400)
    long, short = list(blocks(day, 3)), list(blocks(day[:250], 3))

    assert short[:-1] == long[:len(short) - 1] and long[-1].stop == 401
    assert [b.start for b in long[1:]] == [b.stop for b in long[:-1]]


def test_the_geometric_mean_is_unknown_where_one_forecast_is() -> None:
    found = geometric_mean(np.array([4.0, 1.0]), np.array([9.0, np.nan]))

    assert found[0] == pytest.approx(6.0) and np.isnan(found[1])


def test_the_signal_rises_with_the_forecast_and_falls_with_hysteresis() -> None:
    panel = simulated_panel(200, ("ETH",))
    variance = np.full((201, 1), 1.0)
    variance[150:155], variance[155:160] = 1.6 ** 2, 1.3 ** 2

    signal = regime_signal(panel, variance, RegimeParameters(on=1.5, off=1.2, window_days=60,
                                                             implied_rise=9.0))[:, 0]

    assert np.flatnonzero(signal).tolist() == list(range(150, 160))


def test_alarms_count_idle_starts_and_losses_foreseen() -> None:
    signal = np.array([0, 1, 1, 0, 0, 1, 0, 0, 0, 0], bool)
    large = np.array([0, 0, 1, 0, 0, 0, 0, 0, 0, 1], bool)

    found = alarms(signal, large, horizon_days=3)

    assert (found.raised, found.idle, found.losses) == (2, 1, 2)
    assert (found.foreseen, found.days_on) == (1, 3)


def test_every_choice_is_in_the_digest() -> None:
    one = PredictionParameters(level=0.975, forecasts=("garch",), months=1, pull=0.001,
                               window_days=500, own_share=0.5, residual_max=10.0,
                               boosting=TREES)
    others = [replaced(one, level=0.99), replaced(one, forecasts=("ewma",)),
              replaced(one, months=2), replaced(one, pull=0.1), replaced(one, window_days=400),
              replaced(one, own_share=0.6),
              replaced(one, residual_max=9.0), replaced(one, boosting=replaced(TREES, trees=9))]

    assert len({digest_of(p) for p in (one, *others)}) == 9


def test_all_that_is_wrong_with_a_configuration_is_said_at_once() -> None:
    with pytest.raises(BadInput) as refused:
        PredictionParameters(level=1.5, forecasts=("magic",), months=0, pull=1.0, window_days=5,
                             own_share=2.0, residual_max=10.0, boosting=TREES)

    assert len(refused.value.failures) == 5


def test_a_panel_with_a_hole_between_days_is_refused() -> None:
    panel = simulated_panel(50)
    columns = {n: getattr(panel, n) for n in ("log_return", "range_variance", "realised_variance",
                                              "implied_variance", "funding")}
    with pytest.raises(BadInput, match="every calendar day"):
        DailyPanel(coins=panel.coins, day=np.where(panel.day > FIRST_DAY + 9, panel.day + 1,
                                                   panel.day), **columns)
