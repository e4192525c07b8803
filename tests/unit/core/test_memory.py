"""Freed results are used again: aligned, never one another's, whatever threads and forks do."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from counterpoise import _core

LARGE = 2**19  # doubles from which on blocks are kept


@pytest.mark.parametrize("count", [0, 1, 7, LARGE - 1, LARGE, LARGE + 1, 2 * LARGE + 3])
def test_results_begin_at_a_cache_line(count):
    assert _core.exp(np.zeros(count)).ctypes.data % 64 == 0


@pytest.mark.skipif("COUNTERPOISE_SANITIZED" in os.environ, reason="no block is kept then")
def test_a_large_result_takes_the_place_of_the_one_freed_last():
    first = _core.exp(np.zeros(LARGE + 100))
    place = first.ctypes.data
    del first

    second = _core.exp(np.ones(LARGE))
    assert second.ctypes.data == place
    assert _core.exp(np.zeros(LARGE)).ctypes.data != place
    assert (second == second[0]).all() and second[0] == _core.exp(np.ones(1))[0]


def test_a_result_with_much_less_room_to_fill_is_not_put_there():
    first = _core.exp(np.zeros(4 * LARGE))
    place = first.ctypes.data
    del first

    assert _core.exp(np.zeros(LARGE)).ctypes.data != place


def test_threads_never_share_a_result():
    def right(k: int) -> bool:
        made = [_core.exp(np.full(LARGE + 10 * k, float(j))) for j in range(3)]
        wanted = _core.exp(np.arange(3.0))
        return all((one == value).all() for one, value in zip(made, wanted, strict=True))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(right, range(24)))


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_of_a_busy_process_has_its_memory():
    with ThreadPoolExecutor(2) as pool:
        busy = [pool.submit(lambda: [_core.exp(np.zeros(LARGE)) for _ in range(40)])
                for _ in range(2)]
        for _ in range(10):
            child = os.fork()
            if child == 0:
                os._exit(0 if _core.exp(np.zeros(LARGE))[0] == 1.0 else 1)
            assert os.waitpid(child, 0)[1] == 0
        assert all(len(one.result()) == 40 for one in busy)
