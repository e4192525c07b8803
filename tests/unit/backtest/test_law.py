"""What a day keeps of a model's law draws again what the law itself would draw."""

import numpy as np
import pytest

from counterpoise.backtest.law import STEPS, columns_of, draw_from_tail, tail_of
from counterpoise.backtest.shortfall_tests import (
    acerbi_szekely_z2,
    draw_from_scenarios,
    simulated_p_value,
)
from counterpoise.risk.measures import expected_shortfall_of, value_at_risk_of


def test_as_many_scenarios_beyond_as_steps_are_the_steps():
    pnl = np.random.default_rng(1).permutation(-np.arange(100.0))[None]
    beyond, tail = tail_of(pnl, np.array([99.0 - STEPS]))

    assert STEPS / 100 == beyond[0]
    np.testing.assert_array_equal(tail[0], 99.0 - np.arange(STEPS))


@pytest.mark.parametrize("scenarios", [40, 333, 2800])
def test_steps_keep_the_mean_beyond_the_quantile_and_fall_from_the_largest(scenarios):
    pnl = np.random.default_rng(2).standard_t(3, (3, scenarios))
    quantile = value_at_risk_of(pnl, level=0.975)
    beyond, tail = tail_of(pnl, quantile)

    for row in range(3):
        inside = pnl[row][pnl[row] < -quantile[row]]
        assert len(inside) / scenarios == beyond[row]
        assert -inside.mean() == pytest.approx(tail[row].mean(), rel=1e-12)
        assert (np.diff(tail[row]) <= 1e-12).all() and tail[row].min() > quantile[row]


def test_law_that_never_goes_beyond_has_no_tail():
    beyond, tail = tail_of(np.ones((2, 50)), np.full(2, -1.0))

    assert [0.0, 0.0] == beyond.tolist() and np.isnan(tail).all()
    drawn = draw_from_tail(beyond, tail)(np.random.default_rng(1), 10)
    np.testing.assert_array_equal(drawn, np.zeros((10, 2)))


def test_draws_go_beyond_as_often_and_as_far_as_the_law():
    pnl = np.random.default_rng(3).standard_t(3, (2, 2000)) * [[1.0], [5.0]]
    beyond, tail = tail_of(pnl, value_at_risk_of(pnl, level=0.95))
    drawn = draw_from_tail(beyond, tail)(np.random.default_rng(4), 40_000)
    hits = drawn < 0

    np.testing.assert_allclose(hits.mean(axis=0), beyond, rtol=0.05)
    np.testing.assert_allclose(-drawn.sum(axis=0) / hits.sum(axis=0), tail.mean(axis=1), rtol=0.03)


def test_z2_from_the_kept_tail_has_the_p_value_of_the_whole_law():
    chance = np.random.default_rng(5)
    scenarios = chance.standard_t(4, (250, 1000))
    q, e = (of(scenarios, level=0.975) for of in (value_at_risk_of, expected_shortfall_of))
    kept = draw_from_tail(*tail_of(scenarios, q))

    for scale in (0.9, 1.0, 1.15):
        seen = scale * chance.standard_t(4, 250)
        statistic = float(acerbi_szekely_z2(seen, q, e, 0.025))
        whole, tail = (simulated_p_value(
            statistic, lambda x: acerbi_szekely_z2(x, q, e, 0.025), draw, seed=6, paths=4000)
            for draw in (draw_from_scenarios(scenarios), kept))
        assert whole == pytest.approx(tail, abs=0.03)


def test_p_values_of_a_right_law_are_spread_evenly():
    chance = np.random.default_rng(7)
    scenarios = chance.standard_normal((250, 400))
    q, e = (of(scenarios, level=0.975) for of in (value_at_risk_of, expected_shortfall_of))
    draw = draw_from_tail(*tail_of(scenarios, q))
    seen = scenarios[np.arange(250), chance.integers(400, size=(150, 250))]
    p = np.array([simulated_p_value(float(acerbi_szekely_z2(x, q, e, 0.025)),
                                    lambda r: acerbi_szekely_z2(r, q, e, 0.025), draw, seed=8,
                                    paths=1000) for x in seen])

    assert 0.42 < p.mean() < 0.58 and 0.02 <= (p < 0.1).mean() <= 0.18


def test_account_without_a_number_keeps_nothing():
    law = np.stack([np.random.default_rng(9).standard_normal(400), np.full(400, np.nan)])
    kept = columns_of(law, np.array([0.3, 0.3]), 0.975)

    assert np.isfinite(kept["tail"][0]).all() and 0 < kept["beyond"][0] <= 0.025
    assert np.isnan(kept["tail"][1]).all() and np.isnan(kept["quantile"][1])
