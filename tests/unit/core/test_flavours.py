"""The same bits from every instruction set, every number of threads, every order of positions."""

import hashlib
from typing import Any

import numpy as np
import pytest

from counterpoise import _core

FLAVOURS = ("avx512", "avx2", "neon", "baseline")
ACCOUNTS, POSITIONS, INSTRUMENTS, SCENARIOS = 3000, 10, 400, 97


@pytest.fixture(autouse=True)
def same_flavour_afterwards():
    before = _core.isa()["active"]
    yield
    _core.use_isa(before)


def grid() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    n, price = INSTRUMENTS, rng.uniform(100, 70_000, INSTRUMENTS)
    kind = rng.choice(np.array([0, 1, 2, 3, 3, 3, 3, 3], np.uint8), n)
    base = np.where(rng.random(n) < 0.5, price, price * rng.uniform(0.99, 1.01, n))
    move = np.concatenate((np.zeros((1, 3)), rng.uniform(-0.6, 0.9, (SCENARIOS - 1, 3))))
    shift = np.concatenate((np.zeros((1, 3)), rng.choice([-0.3, 0, 0.5], (SCENARIOS - 1, 3))))
    return {
        "kind": kind, "mode": rng.integers(0, 3, n).astype(np.uint8),
        "right": rng.choice(np.array([-1, 1], np.int8), n), "unit": 10 ** rng.uniform(-3, 2, n),
        "price": price, "shock_base": base, "strike": price * np.exp(rng.normal(0, 0.6, n)),
        "years": 10 ** rng.uniform(-4, 0.5, n), "volatility": rng.uniform(0, 2, n),
        "rate": rng.uniform(-0.05, 0.1, n), "factor": rng.integers(0, 3, n).astype(np.int32),
        "move": move, "vol_shift": shift,
        "years_shift": rng.choice([0, 1 / 365, 2.0], SCENARIOS),
        "rules": np.array([[1, 0.3, 0.13, 30, 1, 1, 0.2], [0, 0.5, 0.5, 10, 2, 0, 0],
                           [1, 0, 0, 0, 0.1, 0, 0.0]])}


def book() -> dict[str, Any]:
    rng = np.random.default_rng(4)
    lots = rng.integers(-10**9, 10**9, ACCOUNTS * POSITIONS)
    lots[::97] = rng.integers(-2**62, 2**62, len(lots[::97]))
    instrument = np.sort(rng.integers(0, INSTRUMENTS, (ACCOUNTS, POSITIONS)), axis=1)
    return {"pointer": np.arange(0, len(lots) + 1, POSITIONS),
            "key": rng.integers(0, 4, ACCOUNTS).astype(np.int32),
            "instrument": instrument.ravel().astype(np.int32), "lots": lots}


def many() -> np.ndarray[Any, Any]:
    """Return P&L over so many scenarios that tails are selected under a sampled limit."""
    return np.random.default_rng(7).standard_t(3, (INSTRUMENTS, 2003))


def transforms() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    return {"weight": rng.uniform(0.3, 1, (4, SCENARIOS)), "gain_factor": rng.random(4),
            "gain_cap": np.array([0.0, 1e9, 1e12, np.inf]),
            "dampener": rng.uniform(0, 1e10, (4, SCENARIOS)), "dampen_first": True}


def everything(threads: int = 1) -> dict[str, Any]:
    """Return every array that the core makes of the market and the book."""
    value, pnl, failed = _core.price_grid(**grid(), threads=threads)
    usable = np.where(failed[:, None], 0.0, pnl)
    rows = book()
    raw, shaped = _core.loss_vectors(**rows, pnl=usable, **transforms(), threads=threads)
    loss, scenario = _core.worst_loss(**rows, pnl=usable, threads=threads)
    second, where = _core.worst_loss(**rows, pnl=usable, **transforms(), threads=threads)
    tails = [_core.tails(**rows, pnl=usable, **transforms(), first=1, rank=r, threads=threads)
             for r in (1, 7, 96)]
    tails.append(_core.tails(**rows, pnl=many(), rank=20, threads=threads))
    columns = np.ascontiguousarray(usable[:, :3])
    named = {k: rows[k] for k in ("pointer", "instrument", "lots")}
    sums = _core.exposures(**named, columns=columns, threads=threads)
    options = {k: grid()[k] for k in ("strike", "years", "volatility", "right", "rate")}
    greeks = _core.black76(forward=grid()["price"], **options)
    x = np.random.default_rng(6).uniform(0.01, 50, 1001)
    elementary = (_core.exp(x), _core.log(x), _core.log1p(x), _core.expm1(x), _core.power(x, x))
    arrays = (value, pnl, failed, raw, shaped, loss, scenario, second, where,
              *(a for tail in tails for a in tail), *sums,
              *greeks, *elementary)
    return {str(k): a for k, a in enumerate(arrays)}


def digest(arrays: dict[str, Any]) -> str:
    whole = hashlib.sha256()
    for array in arrays.values():
        # A NaN may carry any payload: only its place counts.
        clean = np.where(np.isnan(array), np.nan, array) if array.dtype.kind == "f" else array
        whole.update(clean.tobytes())
    return whole.hexdigest()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_flavour_has_the_same_bits(flavour):
    if flavour not in _core.isa()["available"]:
        pytest.skip(f"this CPU or build has no {flavour}")
    expected = digest(everything())

    _core.use_isa(flavour)

    assert _core.isa()["active"] == flavour
    assert digest(everything()) == expected


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_change_no_bit(threads):

    assert digest(everything(threads)) == digest(everything())


def test_only_the_baseline_of_a_cpu_without_fma_is_in_software():
    for flavour in _core.isa()["available"]:
        _core.use_isa(flavour)

        assert not _core.isa()["software_fma"] or flavour == "baseline"


def test_the_best_flavour_is_the_default():

    assert _core.isa()["active"] == _core.isa()["available"][0]
