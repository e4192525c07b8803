"""Draws have the margins, the correlation and the tail dependence that they were asked for."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from counterpoise.risk.measures import expected_shortfall_of
from counterpoise.scenarios.bootstrap import Draws
from counterpoise.scenarios.gpd_tail import GpdTail
from counterpoise.scenarios.margins import Margin, quantile
from counterpoise.scenarios.montecarlo import FactorModel, TCopula, monte_carlo
from counterpoise.scenarios.paths import VolatilityNow, ewma_terms
from counterpoise.scenarios.variance import GjrTerms
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from joint_moves import joint_moves

STEADY = GjrTerms(mean=0.0, omega=1.0, alpha=0.0, gamma=0.0, beta=0.0)


def _margin(shape: float = 0.2) -> Margin:
    """Return normal residuals in the centre and tails of that shape beyond 10 %."""
    centre = stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    tail = GpdTail(threshold=float(stats.norm.ppf(0.9)), shape=shape, scale=0.5, exceedances=200,
                   observations=2000)
    return Margin(centre=centre, lower=tail, upper=tail)


def _model(correlation: float, degrees: int = 4, terms: GjrTerms = STEADY,
           **changes: Any) -> FactorModel:
    names = ("BTC price", "ETH price")
    given: dict[str, Any] = {
        "factors": joint_moves(names, np.zeros((1, 2))).factors,
        "margins": (_margin(), _margin()),
        "copula": TCopula(correlation=np.array([[1, correlation], [correlation, 1.0]]),
                          degrees=degrees),
        "volatility": VolatilityNow(terms=((terms, terms),), variance=np.full((1, 2), 1e-4)),
        "shock_limit": 50.0}
    return FactorModel(**given | changes)


def test_a_margin_is_its_sample_in_the_centre_and_pareto_in_the_tails():
    margin = _margin(0.3)
    u = np.array([1e-4, 0.02, 0.3, 0.5, 0.97, 1 - 1e-5])
    beyond = np.array([1e-4, 0.02, 0.03, 1e-5]) / 0.1
    tail = margin.lower.threshold + 0.5 / 0.3 * (beyond**-0.3 - 1)

    assert np.allclose(quantile(margin, u), [-tail[0], -tail[1], stats.norm.ppf(0.3), 0.0, tail[2],
                                             tail[3]], rtol=1e-9, atol=1e-4)


def test_quantiles_of_a_margin_never_fall():
    found = quantile(_margin(), np.linspace(1e-6, 1 - 1e-6, 100_001))

    assert np.all(np.diff(found) >= 0)


def test_draws_have_the_margin_they_were_asked_for():
    moves = monte_carlo(_model(0.5), Draws(count=100_000, seed=5), horizon_days=1).move / 0.01
    levels = np.array([0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999])

    for column in moves.T:
        reached = np.mean(column[:, None] <= quantile(_margin(), levels), axis=0)
        assert np.all(np.abs(reached - levels) < 5 * np.sqrt(levels * (1 - levels) / len(moves)))


def test_kendalls_tau_is_that_of_an_elliptical_copula():
    moves = monte_carlo(_model(0.6), Draws(count=20_000, seed=5), horizon_days=1).move

    assert stats.kendalltau(moves[:, 0], moves[:, 1]).statistic == pytest.approx(
        2 / np.pi * np.arcsin(0.6), abs=0.015)


@pytest.mark.parametrize(("degrees", "level"), [(3, 0.99), (1000, 0.99)])
def test_extremes_come_together_as_the_copula_says(degrees: int, level: float):
    """P(both below their 1 % quantile) / 1 %: the t copula's own, not the normal's."""
    count = 400_000
    moves = monte_carlo(_model(0.5, degrees), Draws(count=count, seed=2), horizon_days=1).move
    low = moves < np.quantile(moves, 1 - level, axis=0)
    point = stats.t.ppf(1 - level, degrees)
    exact = stats.multivariate_t([0, 0], [[1, 0.5], [0.5, 1]], df=degrees, seed=1).cdf(
        [point, point]) / (1 - level)

    found = np.mean(low[:, 0] & low[:, 1]) / (1 - level)
    assert found == pytest.approx(exact, abs=5 * np.sqrt(exact / (count * (1 - level))))


def test_one_seed_has_the_same_bits_and_two_correlations_the_same_draws():
    draws = Draws(count=1000, seed=7)
    base, again, other = (monte_carlo(_model(r), draws, horizon_days=2) for r in (0.5, 0.5, 0.9))

    assert base == again
    assert np.array_equal(base.move[:, 0], other.move[:, 0])
    assert not np.array_equal(base.move[:, 1], other.move[:, 1]) and base.method != other.method


def test_two_days_follow_the_recursion_of_volatility():
    wild = _model(0.0, volatility=VolatilityNow(
        terms=((ewma_terms(0.5), ewma_terms(0.5)),), variance=np.full((1, 2), 1e-4)))
    one, two = (monte_carlo(wild, Draws(count=50_000, seed=3), horizon_days=h).move
                for h in (1, 2))
    second = two[:, 0] - one[:, 0]

    expected = np.sqrt(0.5 * 1e-4 + 0.5 * one[:, 0] ** 2)
    scaled = second / expected
    assert np.corrcoef(np.abs(scaled), np.abs(one[:, 0]))[0, 1] < 0.02
    assert np.corrcoef(np.abs(second), np.abs(one[:, 0]))[0, 1] > 0.2


def test_antithetic_draws_come_in_pairs_of_opposite_shocks():
    moves = monte_carlo(_model(0.5), Draws(count=100, seed=7), horizon_days=1,
                        pairing="antithetic").move

    assert np.allclose(moves[0::2], -moves[1::2], rtol=0, atol=1e-4)
    with pytest.raises(BadInput, match="even"):
        monte_carlo(_model(0.5), Draws(count=101, seed=7), horizon_days=1, pairing="antithetic")


def test_twice_the_scenarios_halve_the_variance_of_expected_shortfall():
    def spread(count: int) -> float:
        found = [expected_shortfall_of(np.ascontiguousarray(monte_carlo(
            _model(0.5), Draws(count=count, seed=seed), horizon_days=1).move.sum(axis=1)[None]),
            level=0.975)[0] for seed in range(300)]
        return float(np.var(found, ddof=1))

    # The variance of 300 replicates is known to 8 %, their ratio to 12 %.
    assert spread(2000) / spread(4000) == pytest.approx(2.0, rel=0.35)


def test_a_shock_is_held_within_its_limit():
    model = _model(0.5, margins=(_margin(0.9), _margin(0.9)), shock_limit=5.0)

    assert np.abs(monte_carlo(model, Draws(count=20_000, seed=1), horizon_days=1).move).max() \
        == pytest.approx(0.05)


def test_a_correlation_that_is_none_is_refused():
    with pytest.raises(BadInput, match="correlation"):
        monte_carlo(_model(1.5), Draws(count=10, seed=1), horizon_days=1)


@pytest.mark.parametrize("wrong", [
    {"centre": np.zeros(10)}, {"centre": np.arange(200.0)[::-1]},
    {"lower": GpdTail(threshold=-2.0, shape=0.1, scale=1.0, exceedances=60, observations=200)}])
def test_margins_that_are_none_are_refused(wrong: dict[str, Any]):
    with pytest.raises(BadInput, match="margin"):
        replaced(_margin(), **wrong)
