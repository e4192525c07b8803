"""Is the cyclic collector off while an engine runs, and on again after it, whatever happened?"""

import gc

import pytest

from counterpoise.apps.collector import collect, collected_by_hand


class Knot:
    """Something that holds itself."""

    def __init__(self):
        self.itself = self


@pytest.fixture(autouse=True)
def collector_on():
    gc.enable()
    yield
    gc.enable()


def test_collector_is_off_inside_and_on_again_after_an_error():
    with pytest.raises(ValueError, match="in the run"), collected_by_hand():
        assert not gc.isenabled()
        raise ValueError("in the run")

    assert gc.isenabled() and gc.get_freeze_count() == 0


def test_collector_that_was_off_stays_off():
    gc.disable()
    with collected_by_hand():
        pass

    assert not gc.isenabled()


def test_cycles_made_inside_are_found_by_hand():
    with collected_by_hand():
        collect()
        Knot()
        assert collect() >= 1
