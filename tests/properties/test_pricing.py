"""Laws of option values for any option: parity, bounds, order, and no P&L without a move."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from counterpoise import _core
from counterpoise.pricing.black import black76
from counterpoise.pricing.kernel import scenario_pnl
from small_market import instruments, market, scenarios

FORWARD = st.floats(1e-6, 1e6)
MONEYNESS = st.floats(-6, 6)
YEARS = st.floats(0, 5)
VOLATILITY = st.floats(0, 6)
RATE = st.floats(-0.1, 0.2)
EPS = 4e-16


def black(right, *, forward, strike, years, volatility, rate=0.0):
    columns = {k: np.array([v]) for k, v in {"forward": forward, "strike": strike, "years": years,
                                             "volatility": volatility, "rate": rate}.items()}
    answer = black76(**columns, right=np.array([right], np.int8))
    return float(answer.value[0]), answer


@given(FORWARD, MONEYNESS, YEARS, VOLATILITY, RATE)
def test_call_less_put_is_the_discounted_forward_less_strike(forward, x, years, volatility, rate):
    terms = {"forward": forward, "strike": forward * np.exp(x), "years": years,
             "volatility": volatility, "rate": rate}

    call, put = black(1, **terms)[0], black(-1, **terms)[0]

    parity = np.exp(-rate * years) * (forward - terms["strike"])
    assert abs(call - put - parity) <= 8 * EPS * (forward + terms["strike"]) * 3


@given(FORWARD, MONEYNESS, YEARS, VOLATILITY)
def test_a_value_lies_between_intrinsic_and_the_whole(forward, x, years, volatility):
    strike = forward * np.exp(x)
    for right, most in ((1, forward), (-1, strike)):
        value = black(right, forward=forward, strike=strike, years=years, volatility=volatility)[0]
        least = max(right * (forward - strike), 0.0)

        assert least <= value <= most * (1 + EPS)


@given(FORWARD, MONEYNESS, YEARS, st.tuples(VOLATILITY, VOLATILITY).map(sorted))
def test_more_volatility_is_never_worth_less(forward, x, years, volatilities):
    low, high = (black(1, forward=forward, strike=forward * np.exp(x), years=years,
                       volatility=v)[0] for v in volatilities)

    assert low <= high + 4 * EPS * forward * max(1.0, np.exp(x))


@given(FORWARD, MONEYNESS, st.floats(1e-3, 5), st.floats(0.05, 5), st.sampled_from([1, -1]))
def test_greeks_keep_their_signs_and_bounds(forward, x, years, volatility, right):
    _, greeks = black(right, forward=forward, strike=forward * np.exp(x), years=years,
                      volatility=volatility)

    assert 0 <= right * greeks.delta[0] <= 1
    assert greeks.gamma[0] >= 0 and greeks.vega[0] >= 0 and greeks.theta[0] <= 0


@given(st.floats(10, 1e6), st.floats(-1, 1), st.floats(0.01, 3), st.floats(0.1, 2),
       st.sampled_from([1, -1]))
def test_delta_and_vega_are_the_slopes_of_the_value(forward, x, years, volatility, right):
    terms = {"forward": forward, "strike": forward * np.exp(x), "years": years,
             "volatility": volatility}
    greeks = black(right, **terms)[1]
    slopes = {}
    for name, bump in (("forward", forward * 1e-5), ("volatility", 1e-5)):
        up, down = (black(right, **(terms | {name: terms[name] + b}))[0] for b in (bump, -bump))
        slopes[name] = (up - down) / (2 * bump)

    assert abs(greeks.delta[0] - slopes["forward"]) < 1e-7
    assert abs(greeks.vega[0] - slopes["volatility"]) < 1e-6 * forward


MOVES = st.lists(st.floats(-0.9, 3), max_size=20)


@given(MOVES, st.floats(0.0, 2000.0), st.sampled_from(["index", "mark", "forward"]),
       st.sampled_from(["settlement", "quote"]))
def test_scenario_zero_has_exactly_no_pnl(moves, days, base, numeraire):
    given = scenarios(move=[0.0, *moves], shift=[0.0, *moves], base_option=base,
                      base_delta_one=base, numeraire=numeraire)

    value, pnl, failed = scenario_pnl(market(listed=instruments(days=days)), given)

    assert not pnl[:, 0].any() and np.isfinite(value).all() and not failed.any()


@given(MOVES)
def test_a_synthetic_future_gains_what_the_future_gains(moves):
    given = scenarios(move=[0.0, *moves], shift=[0.0, *moves], base_delta_one="forward")
    snapshot = market()
    _, pnl, _ = scenario_pnl(snapshot, given)
    row = snapshot.catalogue.column

    synthetic = pnl[row["linear 70000.0 C"]] - pnl[row["linear 70000.0 P"]]

    moved = snapshot.forward[row["linear 70000.0 C"]] * given.move[:, 0]
    assert np.abs(synthetic - moved).max() <= 1e-14 * 70_000 * (1 + np.abs(given.move).max()) * 4


@given(st.lists(st.tuples(st.floats(1e-6, 1e6), st.floats(-2, 2)), min_size=1, max_size=30))
def test_powers_agree_with_logarithms(pairs):
    base, exponent = (np.array(column) for column in zip(*pairs, strict=True))

    np.testing.assert_allclose(_core.power(base, exponent), base**exponent, rtol=1e-15)
