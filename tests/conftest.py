"""What every test may ask for: the reference folder, its cases, and how hard Hypothesis tries.

`HYPOTHESIS_PROFILE` chooses the profile. The ordinary run repeats the same 500 examples, so that
a failure is the change's; `soak` draws 10,000 new ones each time.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from postgres_server import Server, new_server
from reference import cases_in, reference_folder

settings.register_profile("default", max_examples=500, deadline=None, derandomize=True,
                          print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("soak", max_examples=10_000, deadline=None, print_blob=True,
                          suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the reference folder; skips where it is absent, fails under CI=true."""
    return reference_folder(os.environ)


@pytest.fixture(scope="session")
def cases(shared: Path) -> Callable[[str], Any]:
    """Return a loader of reference cases: `cases("deribit/NAME.json")` is the parsed document."""
    return cases_in(shared)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """Return a PostgreSQL server of our own; each test takes a schema of it."""
    server = new_server()
    yield server
    server.stop()
