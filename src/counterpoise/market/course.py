"""How does a market move on? Snapshot after snapshot: a simulated course, or a recorded one.

The simulated course begins with the simulated market of its seed. At each step the coins move by
common and own draws, and now and then all of them jump; options are quoted on the surfaces of their
coins at the new prices. Step k depends on the seed and k alone, so that a run that was interrupted
meets the same market again. It is generated, never observed, and says so.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.instruments.catalogue import Catalogue
from counterpoise.market.assemble import snapshot_of
from counterpoise.market.simulated import Coin, quoted, simulated_coins, simulated_market
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import SECOND_NS, YEAR_NS

Floats = np.ndarray[Any, np.dtype[np.float64]]
_HOUR_NS: Final = 3600 * SECOND_NS
_NORMAL_DRAWS: Final = 4
_COMMON: Final = 0.8
"""Correlation of each coin with the common move."""
_JUMPS_PER_HOUR: Final = 0.5
_JUMP_LOW, _JUMP_HIGH = -0.06, 0.04
_JUMP_CHANCE_MAX: Final = 0.25
_BLOCK: Final = 256


@frozen
class Course:
    """A market as it moves.

    catalogue    all instruments that its snapshots quote
    first        the snapshot of step 0
    interval_ns  the usual time between two steps
    after        k -> the snapshots of the steps k + 1, k + 2, ...
    """

    catalogue: Catalogue
    first: MarketSnapshot
    interval_ns: int
    after: Callable[[int], Iterator[MarketSnapshot]]


def simulated_course(*, seed: int, interval_ns: int, stressed: bool = False) -> Course:
    """Return the endless course of a seed, a snapshot every `interval_ns`.

    Raises
    ------
    BadInput
        If the interval is none.
    """
    if not SECOND_NS // 10 <= interval_ns <= _HOUR_NS:
        raise bad_input(Reason.BAD_VALUE, "interval", f"{interval_ns / SECOND_NS:g} seconds; use "
                        "0.1 to 3600")
    first = simulated_market(seed=seed, stressed=stressed)
    coins = simulated_coins(seed=seed, stressed=stressed)

    def after(step: int) -> Iterator[MarketSnapshot]:
        for k, levels in enumerate(_levels(coins, seed, interval_ns), 1):
            if k > step:
                as_of = first.as_of + k * interval_ns
                moved = tuple(replaced(coin, price=coin.price * level)
                              for coin, level in zip(coins, levels, strict=True))
                yield snapshot_of(
                    quoted(first.catalogue, moved, as_of), as_of=as_of, prices={"USDC": 1.0},
                    sequence=k + 1, source=first.source, simulated=True)

    return Course(catalogue=first.catalogue, first=first, interval_ns=interval_ns, after=after)


def _levels(coins: tuple[Coin, ...], seed: int, interval_ns: int) -> Iterator[list[float]]:
    """Yield the price of every coin over its first one, step by step.

    A draw is uniform; four of them, less two, times the root of three, have mean 0 and variance 1.
    """
    years = interval_ns / YEAR_NS
    deviation = np.sqrt(np.array([coin.variance_now for coin in coins]) * years)
    chance = min(_JUMPS_PER_HOUR * interval_ns / _HOUR_NS, _JUMP_CHANCE_MAX)
    own = float(np.sqrt(1 - _COMMON * _COMMON))
    random = np.random.Generator(np.random.PCG64([seed, len(coins), interval_ns]))
    level = np.zeros(len(coins))
    while True:
        drawn = random.random((_BLOCK, _NORMAL_DRAWS * (1 + len(coins)) + 2))
        normal = _normal(drawn[:, :-2].reshape(_BLOCK, 1 + len(coins), _NORMAL_DRAWS))
        moves = deviation * (_COMMON * normal[:, :1] + own * normal[:, 1:])
        jump = np.where(drawn[:, -2] < chance,
                        _JUMP_LOW + (_JUMP_HIGH - _JUMP_LOW) * drawn[:, -1], 0.0)
        for move in moves + jump[:, None]:
            level = level + move
            yield _core.exp(np.ascontiguousarray(level)).tolist()


def _normal(drawn: Floats) -> Floats:
    total = drawn[..., 0] + drawn[..., 1] + drawn[..., 2] + drawn[..., 3]
    scaled: Floats = (total - 2.0) * np.sqrt(3.0)
    return scaled
