"""Fits on one thread of the linear algebra libraries, whatever the environment says.

A product that several threads add up ends in other last digits than one thread's, and an optimiser
that walks on it in another answer: a fit would depend on how many threads a process happens to
have. `threadpoolctl` comes with scikit-learn, in the extra `calibration`; without it fits still
work, on the threads of the environment.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """Return a context in which the libraries that are loaded already use one thread each."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    limits: AbstractContextManager[Any] = threadpool_limits(limits=1)
    return limits
