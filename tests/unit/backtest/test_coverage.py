"""Frequency and independence of exceptions: published tables, then data with a known answer."""

import numpy as np
import pytest

from counterpoise.backtest.coverage import (
    ZONES,
    conditional_coverage,
    duration_test,
    dynamic_quantile,
    expected_zone_shares,
    independence,
    interleaved,
    kupiec,
    kupiec_power,
    over_interleaved,
    plus_factor,
    too_many,
    traffic_light,
    transitions,
)
from counterpoise.risk.distributions import binomial_cumulative, binomial_mass
from counterpoise.values.failure import BadInput

EVENLY = np.zeros(250, bool)
EVENLY[::25] = True


def _draws(seed, paths, days, probability):
    return np.random.default_rng(seed).random((paths, days)) < probability


def _clustered(seed, days, probability, stay):
    """Return a Markov chain of hits with the stationary rate and P(hit after hit) = stay."""
    draws = np.random.default_rng(seed).random(days)
    enter = probability * (1 - stay) / (1 - probability)
    hits = np.zeros(days, bool)
    for t in range(1, days):
        hits[t] = draws[t] < (stay if hits[t - 1] else enter)
    return hits


def test_kupiec_keeps_every_published_non_rejection_range(cases):
    case = cases("backtests/kupiec__kupiec_nonrejection_95.json")
    for cell, published in case["expected"]["inclusive_nonrejection"].items():
        p, n = (float(part.split("=")[1]) for part in cell.split(","))
        kept = np.flatnonzero(kupiec(np.arange(int(n) + 1), int(n), p).statistic
                              <= case["parameters"]["crit"])
        assert published == [kept[0], kept[-1]], cell


def test_basel_zones_and_probabilities_are_the_published_ones(cases):
    case = cases("backtests/basel_traffic_light__basel_250_99.json")
    n, p = case["inputs"]["n"], 1 - case["parameters"]["coverage"]
    for name, of in (("pmf_pct", binomial_mass), ("cdf_pct", binomial_cumulative)):
        for x, percent in case["expected"][name].items():
            assert 100 * of(n, p)[int(x)] == pytest.approx(percent, abs=0.01), (name, x)
    for x, zone in case["expected"]["zone"].items():
        assert zone == ZONES[int(traffic_light(int(x), n, p))]
    for x, factor in case["expected"]["plus_factor"].items():
        assert factor == plus_factor(int(x))


def test_evenly_spaced_exceptions_have_the_published_independence_test(cases):
    case = cases("backtests/christoffersen__evenly_spaced_ten.json")
    hits = np.zeros(case["inputs"]["n"], bool)
    hits[np.array(case["inputs"]["exception_days_1based"]) - 1] = True
    found, n = independence(hits), transitions(hits)

    assert [case["expected"][k] for k in ("n00", "n01", "n10", "n11")] == [
        n.n00, n.n01, n.n10, n.n11]
    assert found.statistic == pytest.approx(case["expected"]["LR_ind"], abs=1e-6)
    assert found.p_value == pytest.approx(case["expected"]["p_ind"], abs=1e-6)


def test_clusters_of_the_right_total_pass_kupiec_and_fail_independence():
    clustered = np.zeros(1000, bool)
    clustered[500:510] = True

    assert kupiec(10, 1000, 0.01).p_value > 0.9
    assert independence(clustered).p_value < 1e-6
    assert conditional_coverage(clustered, 0.01).p_value < 1e-6
    assert independence(EVENLY).p_value > 0.3


@pytest.mark.parametrize("hits", [np.zeros(250, bool), np.ones(250, bool), EVENLY,
                                  np.arange(250) == 0, np.arange(250) == 249])
def test_every_edge_has_finite_statistics(hits):
    for found in (kupiec(hits.sum(), 250, 0.01), independence(hits),
                  conditional_coverage(hits, 0.01),
                  dynamic_quantile(hits, np.ones(250), 0.01)):
        assert np.isfinite(found.statistic) and 0 <= found.p_value <= 1


def test_right_rate_is_rejected_as_often_as_stated():
    hits = _draws(1, 4000, 1000, 0.2)

    for found in (kupiec(hits.sum(axis=1), 1000, 0.2), independence(hits),
                  conditional_coverage(hits, 0.2)):
        assert 0.04 < (found.p_value < 0.05).mean() < 0.06


def test_independence_is_rejected_too_often_where_hits_are_rare():
    # The chi-squared law is a limit: with 2.5 pairs of hits expected it is not reached.
    rejected = independence(_draws(1, 4000, 1000, 0.05)).p_value < 0.05

    assert 0.06 < rejected.mean() < 0.10


def test_power_of_kupiec_is_that_of_simulation():
    exceptions = _draws(2, 20_000, 250, 0.02).sum(axis=1)
    simulated = (kupiec(exceptions, 250, 0.01).p_value < 0.05).mean()

    assert kupiec_power(250, 0.02, 0.01) == pytest.approx(simulated, abs=0.01)
    assert kupiec_power(250, 0.02, 0.01) < 0.25 < 0.75 < kupiec_power(1500, 0.02, 0.01)


def test_one_sided_p_value_is_the_binomial_tail():
    assert too_many(0, 250, 0.01) == pytest.approx(1)
    assert too_many(10, 250, 0.01) == pytest.approx(1 - binomial_cumulative(250, 0.01)[9])


def test_duration_test_finds_memory_and_is_quiet_without():
    quiet = [float(duration_test(hits).p_value) for hits in _draws(3, 200, 2000, 0.02)]
    clustered = [float(duration_test(_clustered(k, 2000, 0.02, 0.35)).p_value) for k in range(50)]

    assert 0.01 < np.mean(np.array(quiet) < 0.05) < 0.10
    assert np.mean(np.array(clustered) < 0.05) > 0.8


def test_duration_likelihood_at_shape_one_is_the_exponential():
    hits = _draws(4, 1, 3000, 0.02)[0]
    days = np.flatnonzero(hits)
    first, last = days[0] + 1.0, len(hits) - 1.0 - days[-1]
    total, complete = first + last + np.diff(days).sum(), len(days) - 1
    rate = complete / total
    from counterpoise.backtest.coverage import _weibull

    found = _weibull(np.concatenate([[first], np.diff(days), [last]]),
                     np.array([False] + [True] * complete + [False]), 1.0)

    assert found == pytest.approx(complete * np.log(rate) - rate * total)


def test_dynamic_quantile_finds_hits_that_follow_the_forecast():
    generator = np.random.default_rng(5)
    forecast = np.exp(generator.standard_normal(2000) / 2)
    quiet = [float(dynamic_quantile(h, forecast, 0.05).p_value)
             for h in _draws(6, 300, 2000, 0.05)]
    too_low_when_calm = generator.random(2000) < np.where(forecast < 1, 0.09, 0.01)

    assert 0.02 < np.mean(np.array(quiet) < 0.05) < 0.10
    assert dynamic_quantile(too_low_when_calm, forecast, 0.05).p_value < 1e-6


def test_zones_of_right_models_have_their_probabilities():
    shares = expected_zone_shares(250, 0.01)

    assert shares == pytest.approx([0.8922, 0.1078 - 3e-4, 3e-4], abs=3e-4)
    assert shares.sum() == pytest.approx(1)


def test_zone_of_other_samples_follows_the_cumulative_probability():
    assert ["green", "yellow", "red"] == [ZONES[int(traffic_light(x, 500, 0.025))]
                                          for x in (17, 20, 28)]


def test_sample_without_an_exception_is_green_however_short():
    assert "green" == ZONES[int(traffic_light(0, 2, 0.01))]


def test_interleaved_samples_share_no_day_of_a_window():
    windows = np.arange(11)

    assert [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8]] == [
        s.tolist() for s in interleaved(windows, 3)]


def test_overlapping_windows_are_judged_by_samples_that_do_not_overlap():
    daily = np.random.default_rng(7).standard_normal(6001)
    hits = daily[1:] + daily[:-1] < -1.6448536 * 2 ** 0.5
    worst, mean = over_interleaved(independence, hits, 2)

    assert independence(hits).p_value < 1e-6
    assert 0.01 < worst <= mean


@pytest.mark.parametrize("call", [
    lambda: kupiec(3, 0, 0.01), lambda: kupiec(5, 4, 0.01), lambda: kupiec(1, 250, 1.0),
    lambda: kupiec(-1, 250, 0.01), lambda: independence(np.array([True])),
    lambda: too_many(300, 250, 0.01), lambda: dynamic_quantile(EVENLY, np.ones(3), 0.01),
    lambda: dynamic_quantile(EVENLY, np.full(250, np.nan), 0.01),
    lambda: traffic_light(1, 250, 0.0)])
def test_what_cannot_be_tested_is_refused(call):
    with pytest.raises(BadInput):
        call()
