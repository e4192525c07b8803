"""Does the tail fit find the tail that made the losses?"""

import numpy as np
import pytest
from scipy.stats import genpareto
from scipy.stats import t as student

from counterpoise.calibration.tails import fit_tail, fit_tail_above, scan
from counterpoise.scenarios.gpd_tail import tail_expected_shortfall, tail_value_at_risk
from counterpoise.values.failure import BadInput


def drawn(shape, count, seed, scale=0.8):
    uniform = np.random.default_rng(seed).random(count)
    return genpareto(shape, scale=scale).isf(uniform)


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.15, 0.3, 0.6])
def test_shape_and_scale_are_recovered_within_their_standard_errors(shape):
    fit = fit_tail_above(drawn(shape, 4000, seed=11), threshold=0.0)

    assert abs(fit.tail.shape - shape) < 3 * fit.shape_error
    assert abs(fit.tail.scale - 0.8) < 3 * fit.scale_error
    assert fit.tail.exceedances == 4000


def test_standard_errors_are_the_spread_of_repeated_fits():
    fits = [fit_tail_above(drawn(0.3, 400, seed), threshold=0.0) for seed in range(200)]

    assert np.std([f.tail.shape for f in fits]) == pytest.approx(fits[0].shape_error, rel=0.2)
    assert np.std([f.tail.scale for f in fits]) == pytest.approx(fits[0].scale_error, rel=0.2)


@pytest.mark.parametrize("shape", [-0.2, 0.25])
def test_fit_is_the_most_likely_one(shape):
    losses = drawn(shape, 500, seed=3)
    fit = fit_tail_above(losses, threshold=0.0)

    def likelihood(xi, b):
        return genpareto(xi, scale=b).logpdf(losses).sum()

    best = likelihood(fit.tail.shape, fit.tail.scale)
    assert best == pytest.approx(fit.log_likelihood, rel=1e-9)
    for xi, b in ((1e-3, 0.0), (-1e-3, 0.0), (0.0, 1e-3), (0.0, -1e-3)):
        assert likelihood(fit.tail.shape + xi, fit.tail.scale + b) < best
    shape, _, scale = genpareto.fit(losses, floc=0)
    assert (fit.tail.shape, fit.tail.scale) == pytest.approx((shape, scale), abs=2e-3)


def test_far_tail_of_student_t_has_the_index_of_its_degrees():
    far = student(4).isf(1e-5 * np.random.default_rng(4).random(4000))
    fit = fit_tail_above(far, threshold=student(4).isf(1e-5))

    assert fit.tail.shape == pytest.approx(1 / 4, abs=3 * fit.shape_error)


def test_tail_measures_of_student_t_are_the_published_ones():
    losses = np.random.default_rng(4).standard_t(4, 200_000)
    tail = fit_tail(losses, share=0.02).tail

    # Value at risk 3.74695 and shortfall 5.22058 at 99 % with 4 degrees.
    assert tail_value_at_risk(tail, 0.99) == pytest.approx(3.74695, rel=0.02)
    assert tail_expected_shortfall(tail, 0.99) == pytest.approx(5.22058, rel=0.03)


def test_size_of_the_unit_does_not_change_the_shape():
    losses = np.random.default_rng(5).standard_t(4, 5_000)
    whole, small = fit_tail(losses, share=0.1), fit_tail(losses / 1000, share=0.1)

    assert whole.tail.shape == pytest.approx(small.tail.shape, rel=1e-6)
    assert whole.tail.scale == pytest.approx(1000 * small.tail.scale, rel=1e-6)


def test_tail_without_a_mean_is_refused():
    with pytest.raises(BadInput, match="infinite"):
        fit_tail_above(drawn(1.4, 3000, seed=1), threshold=0.0)


def test_too_few_exceedances_are_refused_and_the_scan_says_so():
    losses = np.random.default_rng(5).standard_t(4, 600)

    with pytest.raises(BadInput, match="at least 50"):
        fit_tail(losses, share=0.05)
    rows = scan(losses, (0.05, 0.10, 0.15))
    assert [None, False, False] == [None if r.fit is None else bool(r.refusal) for r in rows]
    assert "at least 50" in rows[0].refusal


def test_losses_that_are_not_known_are_left_out():
    losses = np.random.default_rng(5).standard_t(4, 900)
    holes = np.insert(losses, [5, 100], np.nan)

    assert fit_tail(losses, share=0.1) == fit_tail(holes, share=0.1)
