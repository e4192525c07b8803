"""An argument that does not fit: other shape, dtype, strides, alignment or numbers, no array."""

import os
from typing import Any

import numpy as np
from hypothesis import strategies as st

FLOATS = [0.0, 1.0, -1.0, 0.5, 90.0, 1e-300, 5e-324, 1e308, -1e308, np.nan, np.inf, -np.inf]
LONGS = [0, 1, -1, 7, 2**31, 2**62, -2**63, 2**63 - 1]
SMALL = [0, 1, 2, 3, -1, 100, -2**31, 2**31 - 1]
KINDS = {np.float64: FLOATS, np.int64: LONGS, np.int32: SMALL, np.uint8: [0, 1, 2, 3, 4, 255],
         np.int8: [1, -1, 0, 127]}
REFUSALS = (TypeError, ValueError, OverflowError, MemoryError)
# A sanitizer takes a refused allocation for an error of ours.
HUGE = [] if os.environ.get("COUNTERPOISE_SANITIZED") else [(0, 2**59), (2**59, 0), (0, 2**40)]


def filled(draw: Any, kind: Any, shape: tuple[int, ...]) -> np.ndarray:
    pool = draw(st.sampled_from([KINDS[kind], KINDS[kind][:2]]))
    seed = draw(st.integers(0, 2**16))
    return np.random.default_rng(seed).choice(np.array(pool, kind), shape)


def spoiled(draw: Any, good: Any) -> Any:
    array = good if isinstance(good, np.ndarray) else np.zeros(3)
    other = draw(st.sampled_from([np.float32, np.float64, np.int64, np.int32, np.uint64, np.bool_,
                                  np.complex128, np.dtype(">f8"), np.dtype("U4"), object]))
    ways = {
        "dtype": lambda: np.zeros(array.shape, other), "longer": lambda: np.repeat(array, 2),
        "shorter": lambda: array[:-1], "empty": lambda: array[:0],
        "flat": lambda: array.ravel(), "deeper": lambda: array[..., None],
        "scalar": lambda: array.ravel()[0] if array.size else 0, "strided": lambda: array[::2],
        "backwards": lambda: array[::-1], "turned": lambda: np.asfortranarray(array.T),
        "wide": lambda: np.broadcast_to(np.float64(1), (2**40,)),
        "huge": lambda: np.empty(draw(st.sampled_from(HUGE or [(0, 3)]))),
        "misaligned": lambda: misaligned(array), "read-only": lambda: read_only(array),
        "other numbers": lambda: filled(draw, array.dtype.type, array.shape)
        if array.dtype.type in KINDS else array,
        "masked": lambda: np.ma.masked_array(array), "bytes": lambda: array.tobytes(),
        "list": array.tolist, "nothing": lambda: None, "text": lambda: "\ud800x",
        "object": object, "number": lambda: draw(st.sampled_from([*LONGS, 2**70, 1.5, np.nan]))}
    return ways[draw(st.sampled_from(sorted(ways)))]()


def misaligned(array: np.ndarray) -> np.ndarray:
    odd = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    odd[...] = array
    return odd


def read_only(array: np.ndarray) -> np.ndarray:
    closed = array.copy()
    closed.flags.writeable = False
    return closed
