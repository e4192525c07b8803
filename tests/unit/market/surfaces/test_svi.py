"""SVI fits: what was made is found again, nothing beats the fit, repairs keep their word."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from counterpoise.market.conformance import check_surface
from counterpoise.market.simulated import simulated_market
from counterpoise.market.surfaces.smiles import smiles, smiles_of, variances
from counterpoise.market.surfaces.svi import fit_svi, fit_svi_without_butterflies

VOGT = np.array([-0.0410, 0.1331, 0.3060, 0.3586, 0.4153])
PLAIN = np.array([0.01, 0.1, -0.3, 0.02, 0.1])


def raw(parameters, k):
    a, b, rho, m, sigma = parameters
    return a + b * (rho * (k - m) + np.sqrt((k - m) ** 2 + sigma**2))


def made_of(parameters, *, noise=0.0, count=25, years=0.5, seed=1, reach=0.8):
    k = np.linspace(-reach, reach, count)
    volatility = np.sqrt(raw(parameters, k) / years)
    error = noise * np.random.default_rng(seed).normal(size=count)
    return smiles(years=np.full(count, years), log_moneyness=k, volatility=volatility + error)


@pytest.mark.parametrize("parameters", [PLAIN, VOGT, [0.02, 0.05, 0.7, -0.1, 0.05],
                                        [0.04, 0.3, -0.9, 0.1, 0.3], [0.0, 0.5, 0.1, 0.0, 0.02]])
def test_a_smile_made_of_svi_is_found_again(parameters):
    surface = fit_svi(made_of(np.array(parameters)))

    assert surface.fit.rmse[0] < 1e-9
    np.testing.assert_allclose(surface.parameters[0], parameters, rtol=1e-4, atol=1e-6)


def test_a_flat_smile_is_fitted_flat():
    surface = fit_svi(smiles(years=np.full(9, 0.5), log_moneyness=np.linspace(-1, 1, 9),
                             volatility=np.full(9, 0.6)))

    assert surface.fit.worst[0] < 1e-9
    assert surface.findings() == ()


@pytest.mark.parametrize("seed", range(6))
def test_no_other_start_finds_a_better_smile(seed):
    rng = np.random.default_rng(seed)
    quotes = made_of(PLAIN * rng.uniform(0.5, 2, 5), noise=0.01, seed=seed)
    surface = fit_svi(quotes)
    variance, weight = variances(quotes)
    k = quotes.log_moneyness

    def misfit(p):
        level, right, left, m, sigma = p
        off = k - m
        w = level + 0.5 * (right - left) * off + 0.5 * (right + left) * np.sqrt(off**2 + sigma**2)
        return np.sqrt(weight) * (w - variance)

    span = k[-1] - k[0]
    low, high = [-9, 0, 0, k[0] - span, 1e-3 * span], [9, 2, 2, k[-1] + span, 10 * span]
    ours = np.sum(weight * (raw(surface.parameters[0], k) - variance) ** 2)
    for _ in range(5):
        start = [rng.uniform(0, variance.min()), *rng.uniform(0.01, 0.5, 2), rng.uniform(-0.5, 0.5),
                 span * 10 ** rng.uniform(-1.5, 0.5)]
        other = least_squares(misfit, start, bounds=(low, high), xtol=1e-14, ftol=1e-14,
                              gtol=1e-14, x_scale=[0.01, 0.1, 0.1, span, span], max_nfev=3000)
        assert ours <= 2 * other.cost * (1 + 1e-9)


def test_wings_never_rise_by_more_than_two():
    k = np.linspace(-1, 1, 15)
    surface = fit_svi(smiles(years=np.full(15, 1.0), log_moneyness=k,
                             volatility=np.sqrt(0.1 + 4 * np.abs(k))))

    _, b, rho, _, _ = surface.parameters[0]
    assert b * (1 + abs(rho)) <= 2 * (1 + 1e-12)
    assert not [f for f in surface.findings() if f.kind == "wing"]


def test_variance_is_nowhere_negative():
    k = np.linspace(0.1, 1, 12)
    surface = fit_svi(smiles(years=np.full(12, 0.2), log_moneyness=k,
                             volatility=np.sqrt(np.maximum(k - 0.1, 1e-6) / 0.2)))

    a, b, rho, _, sigma = surface.parameters[0]
    assert a + b * sigma * np.sqrt(1 - rho * rho) >= -1e-15


def test_the_smile_of_vogt_is_repaired_close_by():
    quotes = made_of(VOGT, years=1.0, reach=1.2)

    broken, repaired = fit_svi(quotes), fit_svi_without_butterflies(quotes)

    assert [f.kind for f in broken.findings()] == ["butterfly"]
    assert repaired.findings() == ()
    assert repaired.fit.rmse[0] < 0.002


def test_a_smile_without_butterflies_is_not_touched():
    quotes = made_of(PLAIN, noise=0.002)

    np.testing.assert_array_equal(fit_svi(quotes).parameters,
                                  fit_svi_without_butterflies(quotes).parameters)


@pytest.mark.parametrize("seed", range(8))
def test_wild_smiles_are_repaired_too(seed):
    rng = np.random.default_rng(seed)
    k = np.sort(rng.uniform(-1, 1, 14))
    quotes = smiles(years=np.full(14, 0.3), log_moneyness=k,
                    volatility=rng.uniform(0.2, 1.5, 14), weight=np.ones(14))

    repaired = fit_svi_without_butterflies(quotes)

    assert repaired.findings() == ()
    assert repaired.fit.rmse[0] <= np.std(quotes.volatility) * 1.5


def test_the_simulated_market_is_recovered_and_passes_the_battery():
    surface = fit_svi(smiles_of(simulated_market(stressed=True), "BTC", "BTC"))

    assert surface.fit.worst.max() < 1e-9 and surface.findings() == ()
    assert check_surface(surface, surface.years) == ()


def test_variance_is_linear_in_time_between_expiries():
    surface = fit_svi(smiles_of(simulated_market(), "ETH", "USDC"))
    first, second = surface.years[3:5]
    k, middle = np.linspace(-0.3, 0.3, 7), 0.25 * first + 0.75 * second

    w = [surface.volatility(k, np.full(7, t)) ** 2 * t for t in (first, middle, second)]

    np.testing.assert_allclose(w[1], 0.25 * w[0] + 0.75 * w[2], rtol=1e-13)


def test_volatility_before_the_first_expiry_is_that_of_the_first():
    surface = fit_svi(smiles_of(simulated_market(), "ETH", "USDC"))
    k, first = np.linspace(-0.05, 0.05, 5), surface.years[0]

    at_once = surface.volatility(k, np.zeros(5))

    np.testing.assert_array_equal(at_once, surface.volatility(k, np.full(5, first)))
    np.testing.assert_array_equal(at_once, surface.volatility(k, np.full(5, first / 2)))


def test_after_the_last_expiry_volatility_at_the_money_stays():
    surface = fit_svi(smiles_of(simulated_market(), "ETH", "USDC"))
    last = surface.years[-1]

    later = surface.volatility(np.zeros(3), last * np.array([1.0, 2.0, 5.0]))

    np.testing.assert_allclose(later, later[0], rtol=1e-14)


def test_a_surface_of_one_expiry_is_a_surface():
    surface = fit_svi(made_of(PLAIN))

    assert np.all(surface.volatility(np.zeros(3), np.array([0.1, 0.5, 2.0])) > 0)
    assert check_surface(surface, surface.years) == ()


def test_a_question_about_the_past_is_a_mistake():

    with pytest.raises(AssertionError, match="years >= 0"):
        fit_svi(made_of(PLAIN)).volatility(np.zeros(1), np.array([-0.1]))


def test_diagnostics_say_how_far_off_the_worst_quote_is():
    quotes = made_of(PLAIN, count=20)
    moved = quotes.volatility.copy()
    moved[10] += 0.05
    surface = fit_svi(smiles(years=np.full(20, 0.5), log_moneyness=quotes.log_moneyness,
                             volatility=moved))

    assert 0.02 < surface.fit.worst[0] < 0.05 and surface.fit.quotes.tolist() == [20]
    assert 0 < surface.fit.rmse[0] < surface.fit.worst[0] and surface.fit.evaluations[0] > 50
