"""A simulated course is one course: the same from wherever it is asked for, and moving."""

from itertools import islice

import numpy as np
import pytest

from counterpoise.market.course import simulated_course
from counterpoise.market.simulated import simulated_market
from counterpoise.values.failure import BadInput
from counterpoise.values.time import SECOND_NS

MINUTE = 60 * SECOND_NS


def indices(course, after, count):
    return [s.index.tolist() for s in islice(course.after(after), count)]


def test_a_step_is_the_same_from_wherever_the_course_is_entered():
    course = simulated_course(seed=3, interval_ns=MINUTE)
    whole = indices(course, 0, 300)

    assert whole[256:] == indices(course, 256, 44)
    assert whole[10:20] == indices(simulated_course(seed=3, interval_ns=MINUTE), 10, 10)


def test_the_course_begins_with_the_simulated_market_and_says_that_it_is_simulated():
    course = simulated_course(seed=3, interval_ns=MINUTE, stressed=True)
    third = next(course.after(2))

    assert simulated_market(seed=3, stressed=True).mark.tobytes() == course.first.mark.tobytes()
    assert third.simulated and "not observed" in third.source
    assert (course.first.as_of + 3 * MINUTE, 4) == (third.as_of, third.sequence)


def test_another_seed_is_another_course():
    one, other = (simulated_course(seed=s, interval_ns=MINUTE) for s in (3, 4))
    assert indices(one, 0, 3) != indices(other, 0, 3)


def test_moves_have_the_variance_that_the_coins_state_where_nothing_jumps():
    course = simulated_course(seed=5, interval_ns=SECOND_NS)
    prices = np.array(indices(course, 0, 600))
    moves = np.diff(np.log(prices), axis=0)
    yearly = np.median(np.abs(moves), axis=0) / 0.6745 * np.sqrt(365 * 86_400)

    assert np.all((0.3 < yearly) & (yearly < 0.8))
    assert 0.4 < np.corrcoef(moves.T)[0, 1] < 0.85


@pytest.mark.parametrize("interval", [0, -1, 7200 * SECOND_NS])
def test_an_interval_that_no_engine_would_bear_is_refused(interval):
    with pytest.raises(BadInput, match="0.1 to 3600"):
        simulated_course(seed=3, interval_ns=interval)
