"""Volatility -> price -> volatility, and price -> volatility -> price, for options of any kind."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from counterpoise.pricing.black import black76
from counterpoise.pricing.implied import Condition, implied_volatility

TERMS = st.fixed_dictionaries({
    "forward": st.floats(1e-6, 1e6), "log_moneyness": st.floats(-3, 3),
    "years": st.floats(1e-5, 5), "volatility": st.floats(0.01, 5),
    "right": st.sampled_from([1, -1]), "rate": st.sampled_from([0.0, 0.0, 0.05, -0.02])})


def option(terms):
    strike = terms["forward"] * np.exp(terms["log_moneyness"])
    return {"forward": np.array([terms["forward"]]), "strike": np.array([strike]),
            "years": np.array([terms["years"]]), "right": np.array([terms["right"]], np.int8),
            "rate": np.array([terms["rate"]])}


@given(TERMS)
def test_the_volatility_of_a_price_is_the_volatility_that_made_it(terms):
    made = black76(**option(terms), volatility=np.array([terms["volatility"]]))

    implied = implied_volatility(**option(terms), price=made.value)

    assume(implied.condition[0] <= Condition.IMPRECISE)
    larger = max(terms["forward"], option(terms)["strike"][0])
    allowed = 2e-14 * terms["volatility"] + implied.uncertainty[0]
    # What the price itself may be off by, at this or at the implied volatility.
    again = black76(**option(terms), volatility=implied.volatility)
    allowed += 4e-15 * larger / min(made.vega[0], again.vega[0]) if made.vega[0] > 0 else np.inf
    assert abs(implied.volatility[0] - terms["volatility"]) <= allowed


@given(TERMS, st.floats(1e-12, 1, exclude_max=True))
def test_the_price_at_the_implied_volatility_is_the_price(terms, share):
    terms = terms | {"rate": 0.0}
    contract = option(terms)
    inside = max(terms["right"] * (contract["forward"][0] - contract["strike"][0]), 0.0)
    bound = contract["forward" if terms["right"] > 0 else "strike"][0]
    price = np.array([inside + share * (bound - inside)])

    implied = implied_volatility(**contract, price=price)

    assume(implied.condition[0] <= Condition.IMPRECISE)
    value = black76(**contract, volatility=implied.volatility).value[0]
    assert abs(value - price[0]) <= 4e-15 * max(contract["forward"][0], contract["strike"][0])


@given(TERMS)
def test_a_call_and_a_put_of_one_strike_imply_one_volatility(terms):
    terms = terms | {"rate": 0.0}
    call, put = (option(terms | {"right": w}) for w in (1, -1))
    gap = call["forward"] - call["strike"]
    value = black76(**put, volatility=np.array([terms["volatility"]])).value

    first = implied_volatility(**put, price=value)
    second = implied_volatility(**call, price=value + gap)

    assume(max(first.condition[0], second.condition[0]) <= Condition.IMPRECISE)
    allowed = 3 * (first.uncertainty[0] + second.uncertainty[0]) + 2e-14 * first.volatility[0]
    # Linear estimates of what a rounding moves hold while they are small.
    assume(allowed < 0.01 * first.volatility[0])
    assert abs(first.volatility[0] - second.volatility[0]) <= allowed
