"""Which is the shortest ray from today to where an account breaks? A search from many sides.

    r(u) = the first length on the ray u, |u| = 1, at which the excess e(r u) <= 0

Rays are walked in steps and halved to the first break; the shortest ones are then turned towards
the steepest fall of the excess where they break, -g / |g|, as long as that shortens them (Hasofer
and Lind 1974: at the nearest point of a smooth boundary the ray is -g / |g|). At last the disc of
the two directions that matter most, and points spread over the ball of all directions, are tested
below the length found: what breaks there starts anew.
Every step is deterministic. A length found is an upper bound of the shortest one; nothing here is a
proof for the space off the points that were tested.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from counterpoise.market.snapshot import Floats
from counterpoise.values.frozen import frozen

Excess = Callable[[Floats], Floats]
LENGTH_MAX: Final = 30.0
"""Walked no further: far beyond any move that a covariance has something to say about."""
_COARSE: Final = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0,
                  LENGTH_MAX)
_PARTS: Final = (0.25, 0.5, 0.75, 0.9, 0.97, 1.0)
_TURNS: Final = (1.0, 0.5, 0.25, 0.1)
_STEP: Final = 0.05
_ROUNDS: Final = 12
_FINE: Final = 1e-4
_REFINED: Final = 6
_APART: Final = 0.7
"""Cosine below which two rays are two answers."""
ANGLES: Final = 32
RADII: Final = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
DIRECTIONS: Final = 128
BALL: Final = (0.7, 0.95)
_SEED: Final = 5


@frozen
class Ray:
    """A ray that breaks: how it was found, its direction [factor] of length 1, and its length."""

    way: str
    direction: Floats
    length: float


def shortest_rays(excess: Excess, starts: list[tuple[str, Floats]]) -> list[Ray]:
    """Return turned rays that break, shortest first; empty where none does up to `LENGTH_MAX`.

    Of the starts that break, the shortest of every region is turned, up to six.

    Parameters
    ----------
    excess
        What is left, [point, factor] -> [point]; broken at 0 or below.
    starts
        (way, direction [factor]) to walk along first; directions need not have length 1.
    """
    found = [ray for way, z in starts if (ray := _walked(excess, way, z)) is not None]
    found.sort(key=lambda ray: ray.length)
    refined = [turned(excess, ray) for ray in _apart(found)[:_REFINED]]
    return sorted(refined, key=lambda ray: ray.length)


def _walked(excess: Excess, way: str, z: Floats) -> Ray | None:
    unit = z / norm(z)
    return _cut(excess, way, unit, np.array(_COARSE))


def _cut(excess: Excess, way: str, unit: Floats, steps: Floats) -> Ray | None:
    """Return the ray cut to its first break among rising `steps`, None if none breaks."""
    broken = excess(steps[:, None] * unit) <= 0
    if not broken.any():
        return None
    first = int(np.argmax(broken))
    low, high = 0.0 if first == 0 else float(steps[first - 1]), float(steps[first])
    while high - low > _FINE * high:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if excess(middle * unit[None])[0] <= 0 else (middle, high)
    return Ray(way=way, direction=unit, length=high)


def _apart(rays: list[Ray]) -> list[Ray]:
    """Return the rays that point elsewhere than every shorter one."""
    out: list[Ray] = []
    for ray in rays:
        if all(_along(ray.direction, one.direction) < _APART for one in out):
            out.append(ray)
    return out


def distinct(rays: list[Ray]) -> list[Ray]:
    """Return the shortest ray of every way to break: no two point in much the same direction."""
    return _apart(sorted(rays, key=lambda ray: ray.length))


def turned(excess: Excess, ray: Ray) -> Ray:
    """Return the ray turned towards the steepest fall of the excess while that shortens it."""
    for _ in range(_ROUNDS):
        downhill = _downhill(excess, ray.length * ray.direction)
        shorter = None if downhill is None else _shorter(excess, ray, downhill)
        if shorter is None:
            return ray
        gain, ray = ray.length - shorter.length, shorter
        if gain < _FINE * ray.length:
            return ray
    return ray


def _downhill(excess: Excess, z: Floats) -> Floats | None:
    slope = slope_at(excess, z)
    steep = norm(slope)
    return -slope / steep if np.isfinite(steep) and steep > 0 else None


def slope_at(excess: Excess, z: Floats) -> Floats:
    """Return the slope of the excess at a point by central differences, [factor]."""
    steps = _STEP * np.diag(np.ones(len(z)))
    found = excess(np.concatenate((z + steps, z - steps)))
    return np.asarray((found[:len(z)] - found[len(z):]) / (2 * _STEP))


def _shorter(excess: Excess, ray: Ray, downhill: Floats) -> Ray | None:
    mixed = [(1.0 - t) * ray.direction + t * downhill for t in _TURNS]
    units = np.stack([z / max(norm(z), 1e-12) for z in mixed])
    there = excess(ray.length * (1.0 - 0.5 * _FINE) * units)
    if not (there <= 0).any():
        return None
    best = units[int(np.argmin(there))]
    way = ray.way if ray.way.endswith(", turned") else f"{ray.way}, turned"
    return _cut(excess, way, best, ray.length * (1.0 - 0.5 * _FINE) * np.array(_PARTS))


def inside_disc(excess: Excess, length: float, first: Floats, second: Floats) -> Ray | None:
    """Return a shorter ray that breaks in the disc of two directions, None where no point does.

    `ANGLES` x `RADII` points are tested; the radii are shares of `length`.
    """
    one = first / norm(first)
    other = second - _along(second, one) * one
    if norm(other) < 1e-9:
        return None
    other = other / norm(other)
    turns = [(float(c), float(s)) for c, s in _circle()]
    units = np.stack([c * one + s * other for c, s in turns])
    return _first_inside(excess, "disc of the two directions that matter most", length, units,
                         RADII)


def inside_ball(excess: Excess, length: float, factors: int) -> Ray | None:
    """Return a shorter ray that breaks in the ball of all directions, None where no point does.

    `DIRECTIONS` seeded directions and their opposites, normal in every factor and so spread evenly,
    are tested at the shares `BALL` of `length`. The more factors, the wider apart they are.
    """
    chance = np.random.Generator(np.random.PCG64(_SEED))
    drawn = chance.standard_normal((DIRECTIONS, factors))
    units = drawn / np.sqrt(np.add.reduce(drawn * drawn, axis=1))[:, None]
    return _first_inside(excess, "ball of all directions", length,
                         np.concatenate((units, -units)), BALL)


def _first_inside(excess: Excess, way: str, length: float, units: Floats,
                  shares: tuple[float, ...]) -> Ray | None:
    """Return the ray cut on the smallest share of the length at which a direction breaks."""
    for share in shares:
        there = excess(share * length * units)
        if (there <= 0).any():
            best = units[int(np.argmin(there))]
            return _cut(excess, way, best, share * length * np.array(_PARTS))
    return None


def _circle() -> Floats:
    """Return points on the circle by bisecting its quarters: no library's sine."""
    points = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    while 2 * len(points) <= ANGLES:
        between = points + np.concatenate((points[1:], points[:1]))
        length = np.sqrt(between[:, 0] * between[:, 0] + between[:, 1] * between[:, 1])
        points = np.stack((points, between / length[:, None]), axis=1).reshape(-1, 2)
    return points


def _along(a: Floats, b: Floats) -> float:
    return float(np.add.reduce(a * b))


def norm(z: Floats) -> float:
    """Return the length of a vector."""
    return float(np.sqrt(np.add.reduce(z * z)))
