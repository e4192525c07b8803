"""Does a fit find the recursion that made the moves?"""

import numpy as np
import pytest

from counterpoise.calibration.volatility import (
    fit_ewma,
    fit_garch,
    fit_gjr,
    half_life_days,
    residuals_of,
)
from counterpoise.scenarios.variance import GjrTerms, gjr_variance, long_run_variance
from counterpoise.values.failure import BadInput

TRUTH = GjrTerms(mean=0.0005, omega=2e-5, alpha=0.05, gamma=0.08, beta=0.89)


def simulated(terms, days, seed, degrees=None):
    chance = np.random.default_rng(seed)
    draws = (chance.standard_normal(days) if degrees is None else
             chance.standard_t(degrees, days) * np.sqrt((degrees - 2) / degrees))
    variance, moves = long_run_variance(terms), np.empty(days)
    for t in range(days):
        shock = draws[t] * np.sqrt(variance)
        moves[t] = terms.mean + shock
        variance = (terms.omega + terms.beta * variance
                    + (terms.alpha + terms.gamma * (shock < 0)) * shock ** 2)
    return moves


def within(fit, truth, errors=3.0):
    found = fit.terms
    return {name: abs(getattr(found, name) - getattr(truth, name)) <= errors * fit.errors[name]
            for name in fit.errors if name != "degrees"}


def test_gjr_terms_are_recovered_within_their_standard_errors():
    fit = fit_gjr(simulated(TRUTH, 6000, seed=3, degrees=6))

    assert all(within(fit, TRUTH).values()), (fit, within(fit, TRUTH))
    assert fit.degrees == pytest.approx(6, abs=3 * fit.errors["degrees"])
    assert max(fit.errors["alpha"], fit.errors["beta"], fit.errors["gamma"]) < 0.04


def test_garch_terms_are_recovered_within_their_standard_errors():
    truth = GjrTerms(mean=0.0, omega=1e-5, alpha=0.08, gamma=0.0, beta=0.9)
    fit = fit_garch(simulated(truth, 6000, seed=5), innovations="normal")

    assert all(within(fit, truth).values()), (fit, within(fit, truth))
    assert fit.terms.gamma == 0.0 and fit.degrees == np.inf


def test_our_recursion_gives_the_variances_that_arch_gives_for_the_same_terms():
    from arch import arch_model

    moves = simulated(TRUTH, 1500, seed=7)
    fit = fit_gjr(moves)
    terms = fit.terms
    theirs = arch_model(100 * moves, mean="Constant", o=1, dist="t", rescale=False).fix(
        [100 * terms.mean, 1e4 * terms.omega, terms.alpha, terms.gamma, terms.beta, fit.degrees]
    ).conditional_volatility / 100
    ours = np.sqrt(gjr_variance(moves[:, None], terms)[:-1, 0])

    # They begin at different levels and forget it.
    np.testing.assert_allclose(ours[400:], theirs[400:], rtol=1e-6)


def test_residuals_of_a_fit_have_unit_variance_and_no_clusters():
    moves = simulated(TRUTH, 6000, seed=3, degrees=6)
    z = residuals_of(moves, fit_gjr(moves))
    clusters = np.corrcoef(np.abs(moves[1:]), np.abs(moves[:-1]))[0, 1]

    assert np.std(z) == pytest.approx(1.0, abs=0.05)
    assert abs(np.corrcoef(np.abs(z[1:]), np.abs(z[:-1]))[0, 1]) < 0.04 < 0.1 < clusters


def test_ewma_decay_follows_how_fast_variance_forgets():
    fast = GjrTerms(mean=0.0, omega=1e-9, alpha=0.10, gamma=0.0, beta=0.8999)
    slow = GjrTerms(mean=0.0, omega=1e-9, alpha=0.015, gamma=0.0, beta=0.9849)

    assert 0.90 == fit_ewma(simulated(fast, 5000, seed=2)).decay
    assert fit_ewma(simulated(slow, 5000, seed=2)).decay >= 0.98


def test_days_that_are_not_known_are_left_out():
    moves = simulated(TRUTH, 1500, seed=7)
    holes = np.insert(moves, [300, 800, 801], np.nan)

    assert fit_gjr(moves) == fit_gjr(holes) and fit_ewma(moves) == fit_ewma(holes)


def test_same_history_gives_the_same_fit():
    moves = simulated(TRUTH, 1500, seed=7)

    assert fit_gjr(moves) == fit_gjr(moves.copy())


def test_half_life_is_that_of_the_decay():
    assert half_life_days(0.94) == pytest.approx(11.2023, abs=1e-4)
    assert half_life_days(1.0) == np.inf and half_life_days(0.0) == 0.0


def test_too_short_and_motionless_histories_are_refused():
    for moves in (np.full(249, 0.01), np.zeros(500), np.full(500, np.nan)):
        for fit in (fit_ewma, fit_garch, fit_gjr):
            with pytest.raises(BadInput, match="at least 250"):
                fit(moves)
