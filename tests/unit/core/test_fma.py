"""The fused multiply-add in software: the bits of the hardware, on the worst of inputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise import _core
from oracle import exact_fma

COUNT = 500_000
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def random_numbers(rng: np.random.Generator, exponents: tuple[int, int],
                   shape: tuple[int, int] = (3, COUNT)) -> np.ndarray:
    mantissa = rng.uniform(1, 2, shape) * rng.choice([-1.0, 1.0], shape)
    return np.ldexp(mantissa, rng.integers(*exponents, shape))


def anything(rng: np.random.Generator) -> np.ndarray:
    return random_numbers(rng, (-1074, 1024))


def comparable(rng: np.random.Generator) -> np.ndarray:
    return random_numbers(rng, (-30, 30))


def cancelling(rng: np.random.Generator) -> np.ndarray:
    a, b, c = comparable(rng)
    c[:] = np.nextafter(-a * b, rng.choice([-np.inf, np.inf, 0.0], COUNT))
    return np.array([a, b, c])


def exact_opposites(rng: np.random.Generator) -> np.ndarray:
    a, b, _ = comparable(rng)
    return np.array([a, b, -a * b])


def subnormal_results(rng: np.random.Generator) -> np.ndarray:
    a, b, c = anything(rng)
    target = rng.integers(-1100, -1000, COUNT) - np.frexp(a)[1]
    b[:] = np.ldexp(rng.uniform(1, 2, COUNT), np.clip(target, -1074, 1023))
    c[:] = np.ldexp(rng.uniform(-2, 2, COUNT), rng.integers(-1080, -1010, COUNT))
    return np.array([a, b, c])


def ties(rng: np.random.Generator) -> np.ndarray:
    whole = rng.integers(-2**27, 2**27, (3, COUNT)).astype(np.float64)
    return np.ldexp(whole, rng.integers(-60, 60, (3, COUNT)))


def near_overflow(rng: np.random.Generator) -> np.ndarray:
    a, b = random_numbers(rng, (400, 620), (2, COUNT))
    return np.array([a, b, -np.sign(a * b) * random_numbers(rng, (900, 1024), (1, COUNT))[0]])


SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 2.0**-1022,
                    np.finfo(np.float64).max, -np.finfo(np.float64).max, 2.0**-537, 1.5])


def special(rng: np.random.Generator) -> np.ndarray:
    return np.array(np.meshgrid(SPECIAL, SPECIAL, SPECIAL)).reshape(3, -1)


KINDS = [anything, comparable, cancelling, exact_opposites, subnormal_results, ties, near_overflow,
         special]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_software_fma_has_the_bits_of_the_hardware(kind):
    if _core.isa()["available"] == ("baseline",):
        pytest.skip("this CPU has no fma in hardware to compare with")
    with np.errstate(all="ignore"):
        a, b, c = (np.ascontiguousarray(row) for row in kind(np.random.default_rng(11)))
    bits = {}
    for name in (_core.isa()["available"][0], "baseline"):
        _core.use_isa(name)
        result = _core.fma(a, b, c)
        bits[name] = np.where(np.isnan(result), 0, result.view(np.int64))
    _core.use_isa(_core.isa()["available"][0])

    hardware, software = bits.values()
    assert np.array_equal(hardware, software)


@given(FINITE, FINITE, FINITE)
def test_fma_rounds_the_exact_sum_once(a, b, c):
    columns = [np.array([x]) for x in (a, b, c)]

    results = []
    for name in _core.isa()["available"]:
        _core.use_isa(name)
        results.append(_core.fma(*columns)[0])
    _core.use_isa(_core.isa()["available"][0])

    assert results == [exact_fma(a, b, c)] * len(results)
