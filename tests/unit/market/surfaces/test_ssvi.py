"""SSVI: no static arbitrage anywhere, whatever the quotes, and a good fit where there is none."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from counterpoise import _core
from counterpoise.market.conformance import check_surface
from counterpoise.market.simulated import simulated_market
from counterpoise.market.surface import FitDiagnostics
from counterpoise.market.surfaces.arbitrage import svi_findings
from counterpoise.market.surfaces.smiles import smiles, smiles_of
from counterpoise.market.surfaces.ssvi import SsviSurface, fit_ssvi, svi_parameters

SHARE = st.floats(0, 1)
STEPS = st.lists(st.tuples(SHARE, SHARE, st.floats(0.001, 0.999)), min_size=1, max_size=5)
WING = st.one_of(st.just(0.0), st.floats(1e-6, 3.9))


def surface_of(years, wings):
    nothing = np.zeros(len(years))
    return SsviSurface(years=np.array(years), wings=np.array(wings), fit=FitDiagnostics(
        quotes=nothing.astype(np.int64), rmse=nothing, worst=nothing,
        evaluations=nothing.astype(np.int64)))


def allowed_chain(steps):
    """Return wings that obey the five conditions, each step as far as its shares say."""
    theta, right, left = 0.0, 0.0, 0.0
    rows = []
    for more, wider, lean in steps:
        grown = theta + 1e-3 + 0.5 * more
        cap = 1.0 if theta == 0.0 else (right + left) * (grown / theta - 1.0)
        room = wider * cap
        step = np.array([lean, 1.0 - lean]) * room
        for _ in range(60):
            p, m = right + step[0], left + step[1]
            if max(p, m) < 4.0 and (p + m) * max(p, m) <= 8.0 * grown:
                break
            step = step * 0.8
        else:
            p, m = right, left
        theta, right, left = grown, float(p), float(m)
        rows.append((theta, right, left))
    return np.array(rows)


@given(STEPS)
def test_the_five_conditions_exclude_all_static_arbitrage(steps):
    wings = allowed_chain(steps)

    assert svi_findings(np.arange(1.0, len(wings) + 1), svi_parameters(wings)) == ()


@given(STEPS, st.integers(1, 6))
def test_in_between_and_beyond_there_is_no_arbitrage_either(steps, count):
    wings = allowed_chain(steps)
    surface = surface_of(0.1 * np.arange(1.0, len(wings) + 1), wings)

    times = np.linspace(0.01, 0.2 * len(wings), count)
    assert check_surface(surface, times, questions=10) == ()


@given(st.floats(1e-4, 2), WING, WING, st.floats(-3, 3))
def test_ssvi_is_svi_in_other_letters(theta, right, left, k):
    wings = np.array([[theta, right, left]])

    ours = _core.ssvi_variance(wings=wings, log_moneyness=np.array([k]))[0]

    a, b, rho, m, sigma = svi_parameters(wings)[0]
    svi = a + b * (rho * (k - m) + np.sqrt((k - m) ** 2 + sigma**2))
    assert abs(ours - svi) <= 1e-12 * (theta + (right + left) * abs(k))


def test_variance_at_the_money_is_theta():
    wings = np.array([[0.04, 0.3, 0.5], [0.5, 0.0, 1.0], [0.1, 0.0, 0.0]])

    assert _core.ssvi_variance(wings=wings, log_moneyness=np.zeros(3)).tolist() == [0.04, 0.5, 0.1]


def test_the_simulated_market_is_recovered():
    quotes = smiles_of(simulated_market(stressed=True), "ETH", "ETH")

    surface = fit_ssvi(quotes)

    assert surface.fit.worst.max() < 1e-7 and surface.findings() == ()
    assert check_surface(surface, surface.years) == ()


def test_quotes_full_of_arbitrage_get_a_surface_without_any():
    rng = np.random.default_rng(4)
    years = np.repeat([0.01, 0.05, 0.2, 0.5, 1.0], 15)
    quotes = smiles(years=years, log_moneyness=rng.normal(0, 1, 75) * np.sqrt(years),
                    volatility=rng.uniform(0.2, 2.0, 75))

    surface = fit_ssvi(quotes)

    assert surface.findings() == ()
    assert check_surface(surface, np.linspace(0.001, 2, 50)) == ()


def test_falling_variance_is_fitted_by_the_best_that_does_not_fall():
    k = np.tile(np.linspace(-0.2, 0.2, 9), 2)
    quotes = smiles(years=np.repeat([0.5, 1.0], 9), log_moneyness=k,
                    volatility=np.repeat([1.0, 0.5], 9))

    surface = fit_ssvi(quotes)

    theta = surface.wings[:, 0]
    assert surface.findings() == () and 0.25 <= theta[0] <= theta[1] * (1 + 1e-9) <= 0.5
