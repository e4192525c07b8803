"""Does a factor without a history get a stated prior, and lose it as its own days grow?"""

import numpy as np
import pytest

from counterpoise.calibration.calibrate import CalibrationTerms, calibrate
from counterpoise.calibration.factor_levels import coverage_of
from counterpoise.calibration.priors import prior_words, reversion_of, with_priors
from counterpoise.calibration.simulated_history import simulated_record
from counterpoise.scenarios.factors import PRIORS, FactorHistory, factor_name, factor_named
from counterpoise.scenarios.variance import ewma_variance
from counterpoise.values.time import DAY_NS

DAYS = 1500
YOUNG = ("term", "skew", "basis")


def made(own_days=0, own=0.5, seed=3):
    """Return price, volatility and funding that revert by 0.8, and a term known for few days."""
    chance = np.random.default_rng(seed)
    price, vol = 0.03 * chance.standard_normal(DAYS), 0.05 * chance.standard_normal(DAYS)
    level, shock = np.zeros(DAYS + 1), 1e-4 * chance.standard_normal(DAYS)
    for t in range(DAYS):
        level[t + 1] = 0.8 * level[t] + shock[t]
    term = np.full(DAYS, np.nan)
    names = ("BTC price", "BTC vol", "BTC funding", "BTC term")
    columns = np.stack([price, vol, np.diff(level), term], axis=1)
    guess = with_priors(history_of(names, columns), 100)[0]
    if own_days:
        columns[-own_days:, 3] = own * column(guess, "BTC term")[-own_days:]
    return history_of(names, columns)


def history_of(names, columns):
    return FactorHistory(factors=tuple(map(factor_named, names)), move=columns, source="made",
                         day=np.arange(1, len(columns) + 1) * DAY_NS - 1000)


def column(history, name):
    return history.move[:, [factor_name(f) for f in history.factors].index(name)]


def test_factors_that_only_chains_tell_of_move_before_there_are_chains():
    whole, priors = with_priors(made(), 100)
    named = {factor_name(p.factor): p for p in priors}

    assert {"BTC term", "BTC skew", *(f"BTC basis {t}" for t in (7, 30, 90, 180))} == set(named)
    for name, prior in named.items():
        assert (0, 1.0, 1.0) == (prior.own, prior.weight, prior.scale)
        assert prior.days > DAYS - 40 and np.nanstd(column(whole, name)) > 0
        assert "our reading" in prior_words(prior)


def test_term_follows_the_volatility_by_the_published_power():
    whole, _ = with_priors(made(), 100)
    term, vol = column(whole, "BTC term")[5:], column(whole, "BTC vol")[5:]

    assert -0.15 == pytest.approx(np.sum(term * vol) / np.sum(vol * vol), abs=0.01)
    assert np.corrcoef(term, vol)[0, 1] ** 2 < 0.9  # realised volatility moves it too


def test_skew_has_the_sign_of_what_volatility_does_when_prices_fall():
    given = made()
    vol = -0.5 * given.move[:, 0] + 0.01 * np.random.default_rng(1).standard_normal(DAYS)
    columns = np.column_stack([given.move[:, 0], vol, given.move[:, 2]])
    columns[600:, 1] *= 2
    names = ("BTC price", "BTC vol", "BTC funding")
    skew = column(with_priors(history_of(names, columns), 100)[0], "BTC skew")

    # Slope rho nu sqrt(T) / 2: twice the volatility's answer adds -sqrt(30) / 2 x 0.5 x 0.03.
    assert -0.041 == pytest.approx(np.nansum(skew[590:660]), abs=0.02)


def test_long_tenors_move_less_than_short_ones_and_never_alike():
    whole, _ = with_priors(made(), 100)
    moves = {t: column(whole, f"BTC basis {t}")[200:] for t in (7, 30, 90, 180)}
    size = [np.std(moves[t]) for t in (7, 30, 90, 180)]
    spread = moves[90] * 90 / 365 - moves[30] * 30 / 365

    assert size == sorted(size, reverse=True)
    assert np.std(spread) > 0.1 * np.std(moves[30] * 30 / 365)


def test_reversion_of_funding_is_found():
    funding = column(made(), "BTC funding")

    assert 0.8 == pytest.approx(reversion_of([np.cumsum(funding)]), abs=0.05)
    assert 0.0 == reversion_of([])


def test_own_days_come_first_and_take_the_scale_over():
    weights, scales = [], []
    for days in (0, 100, 900):
        given = made(days)
        whole, priors = with_priors(given, 100)
        term = next(p for p in priors if factor_name(p.factor) == "BTC term")
        weights.append(term.weight)
        scales.append(term.scale)
        known = np.isfinite(column(given, "BTC term"))
        np.testing.assert_array_equal(column(whole, "BTC term")[known],
                                      column(given, "BTC term")[known])

    assert [1.0, 0.5, 0.1] == pytest.approx(weights)
    assert scales == pytest.approx([1.0, np.sqrt(0.5 + 0.5 * 0.25), np.sqrt(0.1 + 0.9 * 0.25)])


def test_enough_own_days_and_no_weight_leave_no_prior():
    told = {factor_name(p.factor) for p in with_priors(made(1000), 100)[1]}
    assert "BTC term" not in told and "BTC skew" in told
    given = made()
    assert (given, ()) == with_priors(given, 0)


def test_volatility_is_carried_through_its_gap_in_proportion_to_the_longest():
    given = made()
    eth = 2.0 * given.move[:, 1]
    eth[700:1200] = np.nan
    columns = np.column_stack([given.move[:, :3], given.move[:, 0], eth])
    names = ("BTC price", "BTC vol", "BTC funding", "ETH price", "ETH vol")
    whole, priors = with_priors(history_of(names, columns), 100)

    assert 500 == next(p.days for p in priors if factor_name(p.factor) == "ETH vol")
    np.testing.assert_allclose(column(whole, "ETH vol"), 2.0 * given.move[:, 1], rtol=1e-12)


def test_calibration_without_chains_charges_them_and_says_so():
    record = simulated_record(days=1200)
    kept = [k for k, f in enumerate(record.history.factors)
            if f.kind in ("price", "vol", "funding") and f.subject == "BTC"]
    history = FactorHistory(
        factors=tuple(record.history.factors[k] for k in kept), day=record.history.day,
        move=np.ascontiguousarray(record.history.move[:, kept]), source="made")
    found = calibrate(coverage_of(history, source="made", why="made"),
                      CalibrationTerms(horizon_days=1))

    assert {*YOUNG} <= {f.kind for f in found.moves["base"].factors}
    assert all(PRIORS in m.method for m in found.moves.values())
    assert not {f.kind for f in found.dependence} & {*YOUNG}
    assert {p.factor for p in found.priors} == {
        f for f in found.moves["base"].factors if f.kind in ("vol", *YOUNG)}


def prices_and_young_volatility(known_days):
    given = made()
    vol = np.where(np.arange(DAYS) < DAYS - known_days, np.nan, given.move[:, 1])
    return history_of(("BTC price", "BTC vol"), np.column_stack([given.move[:, 0], vol]))


def test_realised_volatility_stands_in_before_there_is_an_index():
    bare = history_of(("BTC price",), made().move[:, :1])
    whole, priors = with_priors(bare, 100, ("BTC",))
    named = {factor_name(p.factor): p for p in priors}
    variance = ewma_variance(bare.move, 0.94)[:, 0]

    assert {"BTC vol", "BTC term"} == set(named) and (0, 1.0) == (
        named["BTC vol"].own, named["BTC vol"].scale)
    np.testing.assert_allclose(column(whole, "BTC vol")[5:], 0.5 * np.log(
        variance[1:] / variance[:-1])[5:], rtol=1e-12)
    np.testing.assert_allclose(column(whole, "BTC term")[5:],
                               -0.30 * column(whole, "BTC vol")[5:], rtol=1e-12)


def test_coin_that_nobody_names_gets_no_volatility_from_its_price():
    assert () == with_priors(history_of(("BTC price",), made().move[:, :1]), 100)[1]


def test_young_index_scales_the_realised_moves_and_an_old_one_replaces_them():
    young, priors = with_priors(prices_and_young_volatility(300), 100)
    (prior,) = (p for p in priors if factor_name(p.factor) == "BTC vol")
    realised = column(with_priors(history_of(("BTC price",), made().move[:, :1]), 100,
                                  ("BTC",))[0], "BTC vol")
    own = prices_and_young_volatility(300).move[:, 1]
    days = np.arange(DAYS) >= DAYS - 300
    q = np.sum(own[days] ** 2) / np.sum(realised[days] ** 2)

    assert (300, 1.0) == (prior.own, prior.scale)
    np.testing.assert_allclose(column(young, "BTC vol")[5:DAYS - 300], np.sqrt(
        0.25 + 0.75 * q) * realised[5:DAYS - 300], rtol=1e-12)
    np.testing.assert_array_equal(column(young, "BTC vol")[days], own[days])
    assert "BTC vol" not in {factor_name(p.factor)
                             for p in with_priors(prices_and_young_volatility(1000), 100)[1]}


def test_skew_follows_an_index_and_never_realised_volatility():
    whole, _ = with_priors(prices_and_young_volatility(300), 100)

    assert np.isnan(column(whole, "BTC skew")[:DAYS - 300]).all()
    assert np.isfinite(column(whole, "BTC skew")[DAYS - 250:]).all()
