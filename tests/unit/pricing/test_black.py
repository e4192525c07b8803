"""Black-76: against 50 digits, against its own differences, and at the edges."""

import numpy as np
import pytest

from counterpoise.pricing.black import black76
from oracle import exact_black

ACCURACY = 2e-15
"""Of the larger of forward and strike: a put of strike K is a number near K."""


def value_of(**terms):
    columns = {k: np.atleast_1d(np.asarray(v, np.int8 if k == "right" else np.float64))
               for k, v in ({"rate": 0.0} | terms).items()}
    size = max(len(c) for c in columns.values())
    return black76(**{k: np.ascontiguousarray(np.broadcast_to(c, size))
                      for k, c in columns.items()})


def errors(columns, **fixed):
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    values = value_of(**columns, **fixed).value
    return np.array([abs(float(exact_black(**row, **fixed) - float(v)))
                     / max(row["forward"], row["strike"])
                     for row, v in zip(rows, values, strict=True)])


def random_options(count, *, log_moneyness, years=(-4, 0.7), seed=1):
    rng = np.random.default_rng(seed)
    forward = 10 ** rng.uniform(-4, 6, count)
    return {"forward": forward, "strike": forward * np.exp(log_moneyness(rng, count)),
            "years": 10 ** rng.uniform(*years, count),
            "volatility": 10 ** rng.uniform(-2, 0.7, count),
            "right": rng.choice(np.array([-1, 1], np.int8), count)}


def test_ordinary_options_are_right_to_two_parts_in_ten_to_the_fifteen():
    options = random_options(2000, log_moneyness=lambda rng, n: rng.normal(0, 0.4, n))

    assert errors(options, rate=0.0).max() < ACCURACY
    assert errors(options, rate=0.05).max() < ACCURACY


def test_the_wings_are_right():
    wings = random_options(2000, log_moneyness=lambda rng, n: rng.uniform(-8, 8, n))

    assert errors(wings).max() < ACCURACY


def test_options_at_the_money_are_right_however_little_time_is_left():
    near = random_options(1000, years=(-9, -4), log_moneyness=lambda rng, n:
                          10 ** rng.uniform(-9, -2, n) * rng.choice([-1, 0, 1], n))

    assert errors(near).max() < ACCURACY


def test_far_wings_keep_their_relative_accuracy():
    strikes = 100 * np.exp(np.linspace(0.5, 4, 50))
    terms = {"forward": 100.0, "years": 0.25, "volatility": 0.8, "right": 1}

    values = value_of(strike=strikes, **terms).value

    for strike, value in zip(strikes, values, strict=True):
        exact = exact_black(strike=strike, **terms)
        assert abs(float((exact - float(value)) / exact)) < 5e-13


EXTREMES = [
    {"forward": 1e-6, "strike": 1e6, "years": 1.0, "volatility": 1.0},
    {"forward": 1e6, "strike": 1e-6, "years": 1.0, "volatility": 1.0},
    {"forward": 100.0, "strike": 100.0, "years": 1e-12, "volatility": 1e-6},
    {"forward": 100.0, "strike": 100.0, "years": 30.0, "volatility": 20.0},
    {"forward": 100.0, "strike": 101.0, "years": 30.0, "volatility": 50.0},
    {"forward": 100.0, "strike": 99.0, "years": 1e-9, "volatility": 0.01},
]


@pytest.mark.parametrize("terms", EXTREMES)
@pytest.mark.parametrize("right", [1, -1])
def test_extremes_are_right(terms, right):
    value = value_of(**terms, right=right).value[0]

    exact = float(exact_black(**terms, right=right))
    assert abs(value - exact) <= ACCURACY * max(terms["forward"], terms["strike"])


@pytest.mark.parametrize(("years", "volatility"), [(0.0, 0.5), (0.5, 0.0), (0.0, 0.0)])
def test_without_time_or_volatility_an_option_is_worth_its_intrinsic_value(years, volatility):
    strikes = np.array([90.0, 100.0, 110.0])

    call = value_of(forward=100.0, strike=strikes, years=years, volatility=volatility, right=1)
    put = value_of(forward=100.0, strike=strikes, years=years, volatility=volatility, right=-1)

    assert call.value.tolist() == [10.0, 0.0, 0.0]
    assert put.value.tolist() == [0.0, 0.0, 10.0]
    assert call.delta.tolist() == [1.0, 0.5, 0.0]
    assert put.delta.tolist() == [0.0, -0.5, -1.0]
    assert not (call.gamma.any() or call.vega.any() or call.theta.any())


def test_discounted_intrinsic_value_at_zero_volatility():
    option = value_of(forward=100.0, strike=90.0, years=2.0, volatility=0.0, right=1, rate=0.05)

    assert option.value[0] == pytest.approx(10 * np.exp(-0.1), rel=1e-15)
    assert option.theta[0] == pytest.approx(0.05 * option.value[0], rel=1e-15)


BUMPED = {"delta": ("forward", 1e-4), "vega": ("volatility", 1e-6), "rho": ("rate", 1e-6),
          "theta": ("years", 1e-6)}


@pytest.mark.parametrize("greek", BUMPED)
@pytest.mark.parametrize("right", [1, -1])
def test_greeks_are_the_slopes_of_the_value(greek, right):
    name, bump = BUMPED[greek]
    strikes = np.linspace(60, 160, 41)
    terms = {"forward": 100.0, "strike": strikes, "years": 0.4, "volatility": 0.6, "right": right,
             "rate": 0.03}

    up = value_of(**(terms | {name: terms[name] + bump})).value
    down = value_of(**(terms | {name: terms[name] - bump})).value

    slope = (up - down) / (2 * bump) * (-1 if greek == "theta" else 1)
    np.testing.assert_allclose(getattr(value_of(**terms), greek), slope, atol=2e-7, rtol=1e-7)


def test_gamma_is_the_slope_of_delta():
    strikes, bump = np.linspace(60, 160, 41), 1e-4
    terms = {"strike": strikes, "years": 0.4, "volatility": 0.6, "right": 1, "rate": 0.03}

    up, down = (value_of(forward=100.0 + x, **terms).delta for x in (bump, -bump))

    np.testing.assert_allclose(value_of(forward=100.0, **terms).gamma, (up - down) / (2 * bump),
                               atol=1e-10)


@pytest.mark.parametrize(("name", "bad"), [
    ("forward", 0.0), ("forward", -1.0), ("strike", 0.0), ("strike", np.nan), ("years", -1e-9),
    ("volatility", -0.1), ("volatility", np.inf), ("rate", np.nan)])
def test_bad_inputs_give_nan_in_every_column(name, bad):
    good = {"forward": 100.0, "strike": 100.0, "years": 1.0, "volatility": 0.5, "rate": 0.0}

    answer = value_of(**(good | {name: bad}), right=1)

    assert all(np.isnan(getattr(answer, column)[0])
               for column in ("value", "delta", "gamma", "vega", "theta", "rho"))
