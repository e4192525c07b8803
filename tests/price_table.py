"""A small table of prices, a minute apart, as people record them: perpetuals only, quick to run."""

from pathlib import Path

import numpy as np

START = "2026-01-14T12:00:00Z"
"""The end of the first bar: when its close is known."""
FALL = 0.9
"""What is left of BTC after each of the jumps."""


def write_prices(path: Path, *, minutes: int, jumps: tuple[int, ...] = (), seed: int = 5) -> str:
    """Write closes of BTC and ETH, one a minute; at `jumps` both fall, and rise in turn."""
    chance, price, lines = np.random.Generator(np.random.PCG64(seed)), {}, ["ts,symbol,close"]
    price |= {"BTC": 90_000.0, "ETH": 3_000.0}
    for minute in range(minutes):
        jump = (FALL, 1 / FALL)[jumps.index(minute) % 2] if minute in jumps else 1.0
        hour, rest = divmod(12 * 60 + minute - 1, 60)
        for coin in price:
            price[coin] *= (1 + 0.001 * float(chance.standard_normal())) * jump
            lines.append(f"2026-01-14 {hour:02d}:{rest:02d}:00+00,{coin},{price[coin]:.2f}")
    path.write_text("\n".join(lines) + "\n")
    return str(path)
