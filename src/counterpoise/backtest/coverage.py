"""Is the margin exceeded as often as it should be, and are the exceedances spread over time?

A hit is a day on which the loss was larger than the margin; `probability` is how often that should
happen (0.01 for 99 %). Kupiec asks about the number of hits, Christoffersen about their order:

    LR_uc  = -2 [(n-x) ln((1-p) / (1-x/n)) + x ln(p / (x/n))]            ~ chi2(1),  0 ln 0 = 0
    LR_ind = -2 ln [L(one rate) / L(a rate after a hit, one after none)]  ~ chi2(1)

Windows of several days overlap and must not be fed to these tests: `interleaved` splits them into
samples that do not. Sources: P. Kupiec, Journal of Derivatives 3(2), 1995; P. Christoffersen,
International Economic Review 39(4), 1998; P. Christoffersen and D. Pelletier, Journal of Financial
Econometrics 2(1), 2004; R. Engle and S. Manganelli, Journal of Business and Economic Statistics
22(4), 2004; Basel Committee, "Supervisory framework for the use of backtesting", January 1996.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from counterpoise.risk.distributions import (
    binomial_cumulative,
    binomial_mass,
    binomial_upper_tail,
    chi2_upper_tail,
)
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Counts = np.ndarray[Any, np.dtype[np.int64]]
Hits = np.ndarray[Any, np.dtype[np.bool_]]
ZONES: Final = ("green", "yellow", "red")
YELLOW_FROM: Final = 0.95
RED_FROM: Final = 0.9999
PLUS_FACTORS: Final = (0.0, 0.0, 0.0, 0.0, 0.0, 0.40, 0.50, 0.65, 0.75, 0.85, 1.00)
"""Basel's addition to the multiplier 3 by number of exceptions, 250 days at 99 %; 10 = or more."""
_SHAPE_MAX: Final = 20.0
_GOLDEN: Final = 0.6180339887498949


@frozen
class Verdict:
    """A test statistic and the probability of one at least as extreme where the margin is right."""

    statistic: Floats
    p_value: Floats


@frozen
class Transitions:
    """How often a day with (1) or without (0) a hit was followed by one, [series]."""

    n00: Counts
    n01: Counts
    n10: Counts
    n11: Counts


def kupiec(exceptions: Counts | int, observations: Counts | int, probability: float) -> Verdict:
    """Return Kupiec's proportion-of-failures test, two-sided; arguments broadcast.

    Raises
    ------
    BadInput
        If there are no observations, or not between 0 and n exceptions.
    """
    x, n = np.asarray(exceptions, np.float64), np.asarray(observations, np.float64)
    _refuse_counts(x, n, probability)
    statistic = 2 * (_log_likelihood(n - x, x, x / n) - _log_likelihood(n - x, x, probability))
    return _chi2(statistic, 1)


def too_many(exceptions: Counts | int, observations: int, probability: float) -> Floats:
    """Return the exact one-sided p-value P(X >= x): too few is a matter of cost, not of safety.

    Raises
    ------
    BadInput
        As `kupiec`.
    """
    x = np.asarray(exceptions, np.int64)
    _refuse_counts(x, np.asarray(observations), probability)
    return binomial_upper_tail(observations, probability)[x]


def kupiec_power(observations: int, true_probability: float, probability: float,
                 size: float = 0.05) -> float:
    """Return how probably Kupiec's test rejects at `size` when hits really have another rate.

    Exact, by summing the binomial law of the true rate over the rejected counts.

    Raises
    ------
    BadInput
        If a probability is not above 0 and below 1.
    """
    counts = np.arange(observations + 1)
    rejected = kupiec(counts, observations, probability).p_value < size
    return float(np.add.reduce(binomial_mass(observations, true_probability)[rejected]))


def transitions(hits: Hits) -> Transitions:
    """Return the four counts of consecutive days, `hits` being [..., day]."""
    before, after = np.asarray(hits, bool)[..., :-1], np.asarray(hits, bool)[..., 1:]
    return Transitions(n00=_count(~before & ~after), n01=_count(~before & after),
                       n10=_count(before & ~after), n11=_count(before & after))


def independence(hits: Hits) -> Verdict:
    """Return Christoffersen's test that a hit does not follow a hit more often, hits [..., day].

    Finite for every sample: where there is no hit, or never two in a row, terms 0 ln 0 are 0.

    Raises
    ------
    BadInput
        If there are fewer than two days.
    """
    _refuse_short(hits, 2)
    return _chi2(_independence(transitions(hits)), 1)


def conditional_coverage(hits: Hits, probability: float) -> Verdict:
    """Return Christoffersen's joint test of rate and independence, chi2(2), hits [..., day].

    Both parts are on the same sample: the n - 1 days that have a day before them.

    Raises
    ------
    BadInput
        As `independence` and `kupiec`.
    """
    _refuse_short(hits, 2)
    n = transitions(hits)
    x = n.n01 + n.n11
    rate = kupiec(x, x + n.n00 + n.n10, probability)
    return _chi2(rate.statistic + _independence(n), 2)


def duration_test(hits: Hits) -> Verdict:
    """Return the test of Christoffersen and Pelletier that the days between hits have no memory.

    `hits` is [day]. Durations follow a Weibull law with S(d) = exp(-(a d)^b); H0: b = 1. The first
    and the last are censored where the sample begins or ends without a hit. NaN with fewer than
    two hits, where nothing can be said.
    """
    days = np.flatnonzero(hits)
    if len(days) < 2:
        return Verdict(statistic=np.array(np.nan), p_value=np.array(np.nan))
    size = len(hits)
    first, last = days[0] > 0, days[-1] < size - 1
    durations = np.concatenate([days[:1][:int(first)] + 1.0, np.diff(days),
                                np.repeat(size - 1.0 - days[-1], int(last))])
    complete = np.ones(len(durations), bool)
    complete[0], complete[-1] = complete[0] and not first, complete[-1] and not last
    free = _highest(lambda shape: _weibull(durations, complete, shape), 0.01, _SHAPE_MAX)
    return _chi2(np.array(2 * (free - _weibull(durations, complete, 1.0))), 1)


def dynamic_quantile(hits: Hits, value_at_risk: Floats, probability: float,
                     lags: int = 4) -> Verdict:
    """Return the dynamic quantile test: hit - p on its lags and the forecast itself, both [day].

    Columns that others span, as the lags of a sample without hits, cost no degree of freedom.

    Raises
    ------
    BadInput
        If the sample is too short, or the forecast has another length or is not finite.
    """
    hits, forecast = np.asarray(hits, bool), np.asarray(value_at_risk, np.float64)
    _refuse_short(hits, 3 * (lags + 2))
    if forecast.shape != hits.shape or not np.isfinite(forecast).all():
        raise bad_input(Reason.BAD_VALUE, "value_at_risk", f"has shape {forecast.shape} or holds "
                        "a number that is not finite; give one finite amount for each of the "
                        f"{len(hits)} days")
    excess = hits.astype(np.float64) - probability
    scale = float(np.abs(forecast).max()) or 1.0
    columns = np.stack([np.ones(len(hits) - lags), forecast[lags:] / scale]
                       + [excess[lags - k:len(hits) - k] for k in range(1, lags + 1)], axis=1)
    fit, _, rank, _ = np.linalg.lstsq(columns, excess[lags:], rcond=1e-10)
    fitted = columns @ fit
    statistic = fitted @ fitted / (probability * (1 - probability))
    return _chi2(np.array(statistic), int(rank))


def traffic_light(exceptions: Counts | int, observations: int, probability: float) -> Counts:
    """Return the zone, an index into `ZONES`, by the cumulative probability of the exceptions.

    Yellow from 95 %, red from 99.99 %; for 250 days at 99 % green is 0-4, yellow 5-9, red 10 up.
    No exception is green however short the sample (our reading).

    Raises
    ------
    BadInput
        As `kupiec`.
    """
    x = np.asarray(exceptions, np.int64)
    _refuse_counts(x, np.asarray(observations), probability)
    below = np.where(x > 0, binomial_cumulative(observations, probability)[x], 0.0)
    return (below >= YELLOW_FROM).astype(np.int64) + (below >= RED_FROM)


def plus_factor(exceptions: Counts | int) -> Floats:
    """Return Basel's addition to the multiplier 3, for 250 days at 99 %."""
    table = np.array(PLUS_FACTORS)
    return table[np.minimum(np.asarray(exceptions, np.int64), len(table) - 1)]


def expected_zone_shares(observations: int, probability: float) -> Floats:
    """Return how many of many independent, right models stand in each zone, [zone], sum 1."""
    mass = binomial_mass(observations, probability)
    zone = traffic_light(np.arange(observations + 1), observations, probability)
    return np.asarray(np.bincount(zone, weights=mass, minlength=len(ZONES)), np.float64)


def interleaved(windows: Hits, horizon_days: int) -> tuple[Hits, ...]:
    """Return the samples of windows [..., day] that do not overlap, one per starting day.

    A window begun on day t ends on day t + horizon: every horizon-th one is a sample.
    """
    return tuple(windows[..., k::horizon_days] for k in range(horizon_days))


def over_interleaved(test: Callable[[Hits], Verdict], hits: Hits,
                     horizon_days: int) -> tuple[float, float]:
    """Return the worst and the mean p-value of a test over the interleaved samples of hits [day].

    Samples in which the test says nothing (NaN) do not count; NaN where all are.
    """
    found = [float(test(sample).p_value) for sample in interleaved(hits, horizon_days)]
    told = [p for p in found if p == p]
    return (min(told), float(np.mean(told))) if told else (float("nan"), float("nan"))


def _independence(n: Transitions) -> Floats:
    free = (_log_likelihood(n.n00, n.n01, _rate(n.n01, n.n00 + n.n01))
            + _log_likelihood(n.n10, n.n11, _rate(n.n11, n.n10 + n.n11)))
    misses, hits = n.n00 + n.n10, n.n01 + n.n11
    return 2 * (free - _log_likelihood(misses, hits, _rate(hits, misses + hits)))


def _rate(part: Counts, whole: Counts) -> Floats:
    return np.asarray(part / np.maximum(whole, 1))


def _log_likelihood(misses: Any, hits: Any, rate: Any) -> Floats:
    """Return misses ln(1 - rate) + hits ln(rate), 0 ln 0 being 0."""
    rate = np.asarray(rate, np.float64)
    return np.asarray(_times_log(misses, 1 - rate) + _times_log(hits, rate))


def _times_log(count: Any, of: Floats) -> Floats:
    count = np.asarray(count, np.float64)
    return np.where(count > 0, count * np.log(np.where(count > 0, of, 1.0)), 0.0)


def _weibull(durations: Floats, complete: Hits, shape: float) -> float:
    """Return the log-likelihood at the best scale for this shape, censored ones by S alone."""
    count = int(complete.sum())
    logs = np.log(durations)
    # (a d)^b with a^b = count / sum d^b, which maximises the likelihood over the scale a.
    powers = np.exp(shape * (logs - logs.max()))
    log_rate = np.log(count) - np.log(powers.sum()) - shape * logs.max()
    return float(count * (log_rate + np.log(shape)) + (shape - 1) * logs[complete].sum() - count)


def _highest(of: Callable[[float], float], low: float, high: float) -> float:
    """Return the largest value of a function with one peak in (low, high), on a log scale."""
    a, b = np.log(low), np.log(high)
    for _ in range(80):
        left, right = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
        a, b = (a, right) if of(float(np.exp(left))) >= of(float(np.exp(right))) else (left, b)
    return max(of(float(np.exp((a + b) / 2))), of(1.0))


def _count(flags: Hits) -> Counts:
    return np.asarray(np.count_nonzero(flags, axis=-1), np.int64)


def _chi2(statistic: Floats, degrees: int) -> Verdict:
    statistic = np.maximum(statistic, 0.0)
    return Verdict(statistic=statistic, p_value=chi2_upper_tail(statistic, degrees))


def _refuse_counts(x: Any, n: Any, probability: float) -> None:
    wrong = []
    if not 0 < probability < 1:
        wrong.append(("probability", f"{probability} must lie above 0 and below 1, like 0.01"))
    if not (n >= 1).all():
        wrong.append(("observations", "must be 1 or more"))
    if not ((x >= 0) & (x <= n)).all():
        wrong.append(("exceptions", "must be counts from 0 to the number of observations"))
    if wrong:
        raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=s, sentence=w)
                         for s, w in wrong))


def _refuse_short(hits: Hits, least: int) -> None:
    length = np.shape(hits)[-1] if np.ndim(hits) else 0
    if length < least:
        raise bad_input(Reason.BAD_VALUE, "hits", f"holds {length} days; the test needs at least "
                        f"{least}")
