"""The past as it was and at today's volatility: one date for all, nothing filled in or foreseen."""

import numpy as np
import pytest

from counterpoise.scenarios.bootstrap import Draws, block_bootstrap, filtered_paths
from counterpoise.scenarios.historical import filtered_historical, historical, history_of
from counterpoise.scenarios.paths import ewma_terms, shocks_of
from counterpoise.scenarios.variance import GjrTerms, ewma_variance
from counterpoise.values.failure import BadInput
from counterpoise.values.time import DAY_NS
from histories import GJR, START, clustered, history

NAMES = ("BTC price", "ETH price")
WIDE = (0.001, 1000.0)


def test_a_day_of_the_past_takes_the_same_date_for_all_factors():
    past = history(NAMES, [[0.1, 0.2], [-0.3, -0.4], [0.5, 0.6]])

    made = historical(past, horizon_days=1, windows="overlapping")

    assert made.move.tolist() == past.move.tolist()
    assert made.labels[0] == "2019-04-14"


@pytest.mark.parametrize(("windows", "expected"), [
    ("overlapping", [3.0, 5.0, 7.0, 9.0]), ("separate", [3.0, 7.0])])
def test_moves_of_two_days_are_added_up_in_windows(windows, expected):
    past = history(("BTC price",), [[1.0], [2.0], [3.0], [4.0], [5.0]])

    assert historical(past, horizon_days=2, windows=windows).move[:, 0].tolist() == expected


def test_a_window_never_spans_a_day_that_is_missing_or_unknown():
    unknown = history(("BTC price",), [[1.0], [np.nan], [3.0], [4.0]])
    gap = history(("BTC price",), [[1.0], [2.0], [4.0], [8.0]],
                  day=START + DAY_NS * np.array([0, 1, 5, 6]))

    assert historical(unknown, horizon_days=2, windows="overlapping").move.tolist() == [[7.0]]
    assert historical(gap, horizon_days=2, windows="overlapping").move.tolist() == [[3.0], [12.0]]


def test_a_day_counts_only_if_all_its_factors_are_known():
    past = history(NAMES, [[0.1, np.nan], [0.3, 0.4]])

    assert historical(past, horizon_days=1, windows="overlapping").move.tolist() == [[0.3, 0.4]]


def test_a_history_without_a_whole_window_is_refused():
    with pytest.raises(BadInput, match="has no 2 days in a row"):
        historical(history(NAMES, [[0.1, np.nan]]), horizon_days=2, windows="overlapping")


def test_factors_without_a_history_are_refused_by_name():
    past = history(NAMES, [[0.1, 0.2]])

    with pytest.raises(BadInput, match="SOL price: has no history"):
        history_of(past, (*past.factors, history(("SOL price",), [[0.0]]).factors[0]),
                   first=0, last=2**62)


def test_filtered_history_is_the_published_example(cases):
    case = cases("backtests/var_es__ewma_fhs_constructed.json")
    returns = np.array(case["inputs"]["returns"])[:, None]
    deviation = np.sqrt(ewma_variance(returns, 0.94))

    made = filtered_historical(history(("BTC price",), returns), deviation, clip=WIDE)

    assert np.allclose(made.move[:, 0], case["expected"]["scaled_returns"], rtol=1e-12, atol=0)


def test_the_ratio_of_volatilities_is_held_within_its_bounds():
    past = history(("BTC price",), [[0.01], [0.01], [0.01]])
    deviation = np.array([[0.01], [0.04], [0.4], [0.04]])

    made = filtered_historical(past, deviation, clip=(0.25, 2.0))

    assert np.allclose(made.move[:, 0], [0.02, 0.01, 0.0025], rtol=1e-14)


def test_the_move_of_a_day_does_not_change_the_volatility_expected_for_it():
    """A look-ahead here would understate every tail; later days must notice."""
    past = clustered(NAMES, 300)
    for t in (0, 1, 50, 299):
        moved = past.move.copy()
        moved[t] *= 7.0
        before, after = (shocks_of(history(NAMES, m), ((GJR, GJR), (ewma_terms(0.97),) * 2))
                         for m in (past.move, moved))
        upto, later = before[0].deviation[:t + 1], before[0].deviation[t + 1:]

        assert np.array_equal(after[0].deviation[:t + 1], upto, equal_nan=True)
        assert np.all(after[0].deviation[t + 1:] != later) or not len(later)
        assert not np.array_equal(before[1].variance, after[1].variance)


def test_the_first_day_of_a_recursion_without_a_level_does_not_count():
    shocks, _ = shocks_of(clustered(NAMES, 50), ((ewma_terms(0.94),) * 2,))

    assert np.isnan(shocks.deviation[0]).all() and np.isfinite(shocks.deviation[1:]).all()


def test_paths_of_one_day_are_filtered_historical_simulation():
    past = clustered(NAMES, 200)
    shocks, now = shocks_of(past, ((ewma_terms(0.94),) * 2,))
    deviation = np.concatenate((shocks.deviation, np.sqrt(now.variance)))

    assert np.allclose(filtered_paths(shocks, now, horizon_days=1, clip=(0.25, 4)).move,
                       filtered_historical(past, deviation, clip=(0.25, 4)).move, rtol=1e-12)


def test_two_days_are_compounded_through_the_recursion_by_hand():
    past = clustered(("BTC price",), 100)
    shocks, now = shocks_of(past, ((GJR,),))
    made = filtered_paths(shocks, now, horizon_days=2, clip=WIDE)
    z = past.move[:, 0] / shocks.deviation[:, 0]
    first = np.sqrt(now.variance[0, 0]) * z[:-1]
    alpha = GJR.alpha + np.where(first < 0, GJR.gamma, 0.0)
    second = np.sqrt(GJR.omega + alpha * first**2 + GJR.beta * now.variance[0, 0]) * z[1:]

    assert np.allclose(made.move[:, 0], first + second, rtol=1e-10)


def test_two_models_count_by_their_average_variance():
    past = clustered(("BTC price",), 100)
    alone = [shocks_of(past, ((one,),))[1].variance[0, 0] for one in (GJR, ewma_terms(0.97))]
    shocks, now = shocks_of(past, ((GJR,), (ewma_terms(0.97),)))
    made = filtered_paths(shocks, now, horizon_days=1, clip=WIDE)

    expected = past.move[1:, 0] / shocks.deviation[1:, 0] * np.sqrt(0.5 * (alone[0] + alone[1]))
    assert np.allclose(made.move[:, 0], expected, rtol=1e-12)


def test_a_recursion_without_a_constant_is_not_taken_for_ewma():
    past = clustered(("BTC price",), 60)
    terms = GjrTerms(mean=0.0, omega=0.0, alpha=0.2, gamma=0.1, beta=0.7)
    _, now = shocks_of(past, ((terms,),))
    expected = 0.0
    for x in past.move[:, 0].tolist():
        expected = (0.2 + (0.1 if x < 0 else 0.0)) * x * x + 0.7 * expected

    assert now.variance[0, 0] == pytest.approx(expected, rel=1e-12)


def test_a_block_keeps_its_days_together():
    past = history(("BTC price",), np.arange(1, 41)[:, None] * 1e-3)
    flat = ((GjrTerms(mean=0.0, omega=1e-4, alpha=0.0, gamma=0.0, beta=0.0),),)
    shocks, now = shocks_of(past, flat)

    made = block_bootstrap(shocks, now, Draws(count=500, seed=3), horizon_days=3, block_days=3,
                           clip=WIDE)
    triples = {round(1e-3 * (3 * k + 3), 9) for k in range(1, 39)}

    assert {round(x, 9) for x in made.move[:, 0].tolist()} <= triples


def test_the_last_block_is_cut_to_the_horizon():
    past = history(("BTC price",), np.full((40, 1), 1e-3))
    flat = ((GjrTerms(mean=0.0, omega=1e-4, alpha=0.0, gamma=0.0, beta=0.0),),)
    shocks, now = shocks_of(past, flat)

    made = block_bootstrap(shocks, now, Draws(count=5, seed=3), horizon_days=3, block_days=2,
                           clip=WIDE)

    assert np.allclose(made.move, 3e-3, rtol=1e-12)


def test_one_seed_is_one_set_and_another_seed_is_another():
    shocks, now = shocks_of(clustered(NAMES, 300), ((GJR, GJR),))
    made = [block_bootstrap(shocks, now, Draws(count=50, seed=s), horizon_days=2, block_days=2,
                            clip=WIDE) for s in (1, 1, 2)]

    assert made[0] == made[1] and not np.array_equal(made[0].move, made[2].move)
    assert "seed 2" in made[2].method


def test_a_bad_first_day_makes_the_second_wilder_than_the_root_of_two():
    """With GARCH, two days have fatter tails than independent days: sqrt(2) is not enough."""
    shocks, now = shocks_of(clustered(("BTC price",), 1500, seed=4), ((GJR,),))
    draws = Draws(count=40_000, seed=9)
    one, two = (block_bootstrap(shocks, now, draws, horizon_days=h, block_days=1, clip=WIDE).move
                for h in (1, 5))
    kurtosis = [np.mean(x**4) / np.mean(x**2) ** 2 for x in (one, two)]
    independent = 3 + (kurtosis[0] - 3) / 5

    assert kurtosis[1] > independent * 1.02


@pytest.mark.parametrize("wrong", [{"horizon_days": 0}, {"block_days": 1.5}, {"clip": (2.0, 4.0)},
                                   {"clip": (0.5, float("nan"))}])
def test_what_is_no_horizon_and_no_ratio_is_refused(wrong):
    shocks, now = shocks_of(clustered(NAMES, 30), ((GJR, GJR),))
    given = {"horizon_days": 2, "block_days": 2, "clip": (0.25, 4.0)} | wrong

    with pytest.raises(BadInput):
        block_bootstrap(shocks, now, Draws(count=5, seed=1), **given)


@pytest.mark.parametrize(("count", "seed"), [(0, 1), (10**8, 1), (5, -1)])
def test_draws_without_number_are_refused(count, seed):
    with pytest.raises(BadInput, match="draws"):
        Draws(count=count, seed=seed)
