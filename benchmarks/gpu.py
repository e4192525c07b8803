"""How fast is a CUDA device beside all cores of the processor, on the same work with the same bits?

2,000 options x 297 scenarios, then a million accounts of ten positions, worst of 33 and of 297.
"from NumPy" sends and fetches everything in every call; "tick" keeps the book on the device, prices
there, and fetches losses. Best of a few calls, the device's copies counted.
"""

import time
from collections.abc import Callable
from typing import Any

import aggregation
import numpy as np
import pricing

from counterpoise import _core
from counterpoise.adapters import gpu


def measured(quick: bool) -> dict[str, Any]:
    """Return seconds, ratios of processor to device, and whether the bits are the same."""
    missing = gpu.what_is_missing()
    if missing is not None:
        return {"absent": f"no device: {missing}"}
    device: Any = gpu.kernels("cuda")
    found: dict[str, Any] = {"seconds": {}, "ratios": {}, "same bits": {}}
    for scenarios in (33, 297):
        book = aggregation.workload(2_000 if quick else 1_000_000, scenarios)
        book["key"] = np.zeros(len(book["pointer"]) - 1, np.int32)
        add(found, f"worst of {scenarios}, from NumPy",
            lambda book=book: _core.worst_loss(**book, threads=aggregation.usable_cores()),
            lambda book=book: device.worst_loss(**book))
    book.pop("pnl")
    ticked = grid(pricing.workload(aggregation.INSTRUMENTS, pairs=False))
    add(found, "pricing, from NumPy",
        lambda: _core.price_grid(**ticked, threads=aggregation.usable_cores()),
        lambda: device.price_grid(**ticked))
    rows = device.rows(**book, instruments=aggregation.INSTRUMENTS)
    add(found, "tick of 297 scenarios", lambda: cpu_tick(book, ticked),
        lambda: device.worst(rows, device.prices(**ticked).pnl))
    return found


def add(found: dict[str, Any], name: str, ours: Callable[[], Any],
        theirs: Callable[[], Any]) -> None:
    """Add the seconds of both, their ratio and whether their arrays are equal in every bit."""
    first, second = best(ours), best(theirs)
    found["seconds"] |= {f"{name}, processor": first, f"{name}, device": second}
    found["ratios"][f"{name}: processor over device"] = first / second
    found["same bits"][name] = all(a.tobytes() == b.tobytes()
                                   for a, b in zip(ours(), theirs(), strict=True))


def best(call: Callable[[], Any]) -> float:
    """Return the seconds of the best of five calls, after one that does not count."""
    call()
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def cpu_tick(book: dict[str, Any], ticked: dict[str, Any]) -> Any:
    """Return the losses after pricing, all on the processor's cores."""
    threads = aggregation.usable_cores()
    pnl = _core.price_grid(**ticked, threads=threads)[1]
    return _core.worst_loss(**book, pnl=pnl, threads=threads)


def grid(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the pricing part as the arguments of `price_grid`."""
    count = len(given["strike"])
    return {"kind": np.full(count, 3, np.uint8), "mode": np.zeros(count, np.uint8),
            "right": given["right"], "unit": np.full(count, 0.01), "price": given["forward"],
            "shock_base": given["forward"], "strike": given["strike"], "years": given["years"],
            "volatility": given["volatility"], "rate": np.zeros(count),
            "factor": np.zeros(count, np.int32), "move": given["move"][:, None].copy(),
            "vol_shift": given["shift"][:, None].copy(), "years_shift": np.zeros(
                len(given["move"])), "rules": np.array([[1.0, 0.3, 0.13, 30, 1, 0, 0]])}
