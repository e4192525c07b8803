"""Implied volatility: against 40 digits over the whole plane, and a reason where there is none."""

import numpy as np
import pytest

from counterpoise.pricing.black import black76
from counterpoise.pricing.implied import (
    Condition,
    ImpliedVolatilities,
    implied_failures,
    implied_volatility,
)
from counterpoise.values.failure import Failure, Reason
from implied_oracle import relative_errors, rounded_price

ACCURACY = 2e-14
LOG_MONEYNESS = (0.0, 1e-12, 1e-8, 1e-5, 1e-3, 0.01, 0.05, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 20.0)
DEVIATIONS = (1e-9, 1e-7, 1e-5, 1e-3, 0.01, 0.05, 0.1, 0.29, 0.31, 0.6, 1.0, 2.0, 4.0, 6.0, 9.0)


def implied(**terms) -> ImpliedVolatilities:
    given = {"forward": 100.0, "strike": 100.0, "years": 1.0, "rate": 0.0, "right": 1} | terms
    columns = {k: np.atleast_1d(np.asarray(v, np.int8 if k == "right" else np.float64))
               for k, v in given.items()}
    size = max(len(c) for c in columns.values())
    return implied_volatility(**{k: np.ascontiguousarray(np.broadcast_to(c, size))
                                 for k, c in columns.items()})


def columns(rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


def quotes(right_of):
    """Return the exact prices of the whole plane that are above zero and below the bound."""
    rows = []
    for x in LOG_MONEYNESS:
        for sign in (1.0, -1.0) if x else (1.0,):
            strike = float(100.0 * np.exp(sign * x))
            for deviation in DEVIATIONS:
                right = right_of(100.0 - strike)
                price = rounded_price(forward=100.0, strike=strike, deviation=deviation,
                                      right=right)
                row = {"price": price, "forward": 100.0, "strike": strike, "right": right}
                rows += [row] if row_is_open(row) else []
    return rows


def row_is_open(row):
    bound = row["forward"] if row["right"] > 0 else row["strike"]
    inside = max(row["right"] * (row["forward"] - row["strike"]), 0.0)
    return inside < row["price"] < bound and row["price"] - inside > 1e-290


@pytest.mark.parametrize(("name", "right_of", "least"), [
    ("out of the money", lambda gap: -1 if gap > 0 else 1, 220),
    ("in the money", lambda gap: 1 if gap > 0 else -1, 160)])
def test_the_answer_is_exact_over_the_whole_plane(name, right_of, least):
    rows = quotes(right_of)

    answer = implied(**columns(rows))

    assert len(rows) > least, name
    assert np.all(answer.condition <= Condition.IMPRECISE)
    assert relative_errors(answer.volatility, rows).max() < ACCURACY


def test_prices_at_the_edge_of_the_doubles_are_exact():
    rng = np.random.default_rng(3)
    near, far = 1.0 - 10.0 ** rng.uniform(-15, 0, 150), 10.0 ** rng.uniform(-299, 0, 150)
    strikes = np.exp(10.0 ** rng.uniform(-15, 2.8, 300)).tolist()
    rows = [{"price": float(p), "forward": 1.0, "strike": k, "right": 1}
            for p, k in zip((*near, *far), strikes, strict=True)]

    answer = implied(**columns(rows))

    assert np.all(answer.condition <= Condition.IMPRECISE)
    assert relative_errors(answer.volatility, rows).max() < ACCURACY


def test_ten_thousand_prices_per_decade_are_all_solved():
    rng = np.random.default_rng(5)
    strike = np.exp(10.0 ** rng.uniform(-17, 2.84, 200_000))
    price = np.concatenate((10.0 ** rng.uniform(-300, 0, 100_000), rng.random(50_000),
                            1.0 - 10.0 ** rng.uniform(-15.5, 0, 50_000)))

    answer = implied(price=price, forward=1.0, strike=strike)

    assert np.all(answer.condition <= Condition.IMPRECISE)
    assert np.all(answer.volatility > 0)


def test_a_price_that_does_not_carry_the_volatility_says_so():
    deep = rounded_price(forward=100.0, strike=20.0, deviation=0.2, right=1)

    hidden = implied(price=deep, strike=20.0)
    open_ = implied(price=rounded_price(forward=100.0, strike=20.0, deviation=0.2, right=-1),
                    strike=20.0, right=-1)

    assert (hidden.condition[0], open_.condition[0]) in {
        (Condition.AT_INTRINSIC, Condition.DETERMINED), (Condition.IMPRECISE, Condition.DETERMINED)}


@pytest.mark.parametrize("strike", [60.0, 80.0, 100.0, 120.0])
@pytest.mark.parametrize("deviation", [0.1, 0.5, 3.0, 7.0])
def test_uncertainty_is_what_half_a_unit_of_the_price_moves(strike, deviation):
    price = rounded_price(forward=100.0, strike=strike, deviation=deviation, right=1)
    step = 1024 * np.spacing(price)

    here = implied(price=price, strike=strike)
    there = implied(price=[price - step, price + step], strike=strike)

    if here.condition[0] <= Condition.IMPRECISE and here.uncertainty[0] < 1e-6:
        moved = np.ptp(there.volatility) / 4096
        assert here.uncertainty[0] == pytest.approx(moved, rel=1.1)
        assert (here.condition[0] == Condition.IMPRECISE) == (
            here.uncertainty[0] > ACCURACY * here.volatility[0])


def test_discounting_costs_no_more_than_the_uncertainty_says():
    strikes, vols = np.linspace(50, 200, 40), np.linspace(0.2, 1.5, 40)
    right = np.where(np.arange(40) % 2, 1, -1).astype(np.int8)
    terms = {"forward": np.full(40, 100.0), "strike": strikes, "years": np.full(40, 0.7),
             "right": right, "rate": np.full(40, 0.08)}
    price = black76(**terms, volatility=vols).value

    answer = implied(price=price, **terms)

    vega = black76(**terms, volatility=vols).vega
    allowed = ACCURACY * vols + answer.uncertainty + 2e-15 * 200 / vega
    assert np.all(np.abs(answer.volatility - vols) <= allowed)


def test_volatility_is_annualised():
    price = rounded_price(forward=100.0, strike=110.0, deviation=0.2, right=1)

    assert implied(price=price, strike=110.0, years=0.25).volatility[0] == pytest.approx(
        0.4, rel=1e-14)


WRONG = [
    ({"price": np.nan}, Condition.NOT_FINITE, Reason.NOT_FINITE),
    ({"forward": np.inf}, Condition.NOT_FINITE, Reason.NOT_FINITE),
    ({"strike": np.nan}, Condition.NOT_FINITE, Reason.NOT_FINITE),
    ({"years": np.nan}, Condition.NOT_FINITE, Reason.NOT_FINITE),
    ({"rate": -np.inf}, Condition.NOT_FINITE, Reason.NOT_FINITE),
    ({"forward": 0.0}, Condition.BAD_TERMS, Reason.BAD_VALUE),
    ({"forward": -100.0}, Condition.BAD_TERMS, Reason.BAD_VALUE),
    ({"strike": 0.0}, Condition.BAD_TERMS, Reason.BAD_VALUE),
    ({"strike": 1e-300, "forward": 1e300}, Condition.BAD_TERMS, Reason.BAD_VALUE),
    ({"right": 0}, Condition.BAD_TERMS, Reason.BAD_VALUE),
    ({"right": 2}, Condition.BAD_TERMS, Reason.BAD_VALUE),
    ({"years": 0.0}, Condition.EXPIRED, Reason.EXPIRED),
    ({"years": -1.0}, Condition.EXPIRED, Reason.EXPIRED),
    ({"price": -1.0}, Condition.BELOW_INTRINSIC, Reason.ABSURD_PRICE),
    ({"price": 9.0, "strike": 90.0}, Condition.BELOW_INTRINSIC, Reason.ABSURD_PRICE),
    ({"price": 10.0, "strike": 90.0}, Condition.AT_INTRINSIC, Reason.MISSING_VOLATILITY),
    ({"price": 0.0}, Condition.AT_INTRINSIC, Reason.MISSING_VOLATILITY),
    ({"price": 100.0}, Condition.AT_BOUND, Reason.ABSURD_PRICE),
    ({"price": 1e9}, Condition.AT_BOUND, Reason.ABSURD_PRICE),
    ({"price": 90.0, "strike": 90.0, "right": -1}, Condition.AT_BOUND, Reason.ABSURD_PRICE),
    ({"price": 1e-301}, Condition.VANISHING, Reason.MISSING_VOLATILITY),
    ({"price": 5e-324}, Condition.VANISHING, Reason.MISSING_VOLATILITY),
]


@pytest.mark.parametrize(("terms", "condition", "reason"), WRONG)
def test_a_quote_without_a_volatility_has_a_reason(terms, condition, reason):
    answer = implied(**({"price": 5.0} | terms))

    assert answer.condition[0] == condition
    assert np.isnan(answer.volatility[0]) and np.isnan(answer.uncertainty[0])
    (failure,) = implied_failures(answer, ["BTC-C"])
    assert isinstance(failure, Failure) and failure.reason == reason
    assert failure.subject == "BTC-C" and len(failure.sentence) > 30


def test_numbers_and_failures_are_never_in_the_same_row():
    rng = np.random.default_rng(8)
    price = rng.choice([-1.0, 0.0, 3.0, 20.0, 99.9, 100.0, np.nan, np.inf], 500)
    strike = rng.choice([-5.0, 0.0, 80.0, 100.0, 130.0, np.nan], 500)
    answer = implied(price=price, strike=strike, right=rng.choice([-1, 1], 500),
                     years=rng.choice([0.0, 0.5, np.inf], 500))

    failures = implied_failures(answer, [str(k) for k in range(500)])

    assert {int(f.subject) for f in failures} == set(np.flatnonzero(np.isnan(answer.volatility)))
    assert np.isfinite(answer.volatility).any()
    assert not (answer.condition == Condition.UNSOLVED).any()


def test_a_bad_neighbour_changes_no_bit():
    price, strike = np.linspace(1, 30, 41), np.linspace(70, 140, 41)
    good = implied(price=price, strike=strike).volatility

    mixed = price.copy()
    mixed[::5] = np.nan
    answer = implied(price=mixed, strike=strike).volatility

    np.testing.assert_array_equal(np.delete(answer, np.s_[::5]), np.delete(good, np.s_[::5]))


@pytest.mark.parametrize("count", [0, 1, 7, 15, 16, 17, 33])
def test_any_number_of_quotes_gives_the_same_answers(count):
    price, strike = np.linspace(1, 30, 33), np.linspace(70, 140, 33)

    some = implied(price=price[:count], strike=strike[:count]) if count else implied(
        price=np.zeros(0), strike=np.zeros(0), forward=np.zeros(0), years=np.zeros(0),
        rate=np.zeros(0), right=np.zeros(0))

    np.testing.assert_array_equal(some.volatility,
                                  implied(price=price, strike=strike).volatility[:count])
