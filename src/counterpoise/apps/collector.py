"""When does Python look for cycles? Where an engine runs: at its snapshots, and not between them.

The state of an engine has no cycles (a test says so): what it drops is freed at once. The cyclic
collector would still visit millions of rows again and again, for more time than the events take.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collected_by_hand() -> Iterator[None]:
    """Switch the cyclic collector off until the end; what is there now is not visited again."""
    was_on = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_on:
            gc.enable()


def collect() -> int:
    """Look for cycles once among what is new, and never again among what is left; count them."""
    found = gc.collect()
    gc.freeze()
    return found
