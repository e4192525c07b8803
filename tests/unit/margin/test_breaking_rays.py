"""The shortest breaking ray, on shapes whose answer is known."""

from typing import Any

import numpy as np
import pytest

from counterpoise.margin.breaking_rays import (
    DIRECTIONS,
    Ray,
    distinct,
    inside_ball,
    inside_disc,
    norm,
    shortest_rays,
    turned,
)


def _axes(count: int) -> list[tuple[str, Any]]:
    return [(f"axis {k}", sign * row) for k, row in enumerate(np.eye(count))
            for sign in (1.0, -1.0)]


@pytest.mark.parametrize("seed", range(5))
def test_a_plane_is_reached_along_its_normal(seed: int):
    slope = np.random.default_rng(seed).standard_normal(8)
    best = shortest_rays(lambda z: 2.0 + z @ slope, _axes(8))[0]

    assert best.length == pytest.approx(2.0 / norm(slope), rel=1e-3)
    assert np.allclose(best.direction, -slope / norm(slope), atol=0.03)


def test_a_straddle_has_two_answers_that_mirror_each_other():
    rays = distinct(shortest_rays(lambda z: 3.0 - np.abs(z[:, 0] + 0.5 * z[:, 1]), _axes(2)))

    assert len(rays) == 2
    assert [r.length for r in rays] == pytest.approx([3.0 / np.sqrt(1.25)] * 2, rel=1e-3)
    assert np.allclose(rays[0].direction, -rays[1].direction, atol=0.03)


def test_of_several_ways_to_break_the_shortest_is_first():
    far, near = np.array([-1.0, 0.0, 0.0]), np.array([0.0, 0.6, 0.8])
    rays = shortest_rays(lambda z: np.minimum(4.0 - z @ far, 2.5 - z @ near), _axes(3))

    assert rays[0].length == pytest.approx(2.5, rel=1e-3)
    assert any(abs(r.length - 4.0) < 0.01 for r in distinct(rays))


def test_an_ellipsoid_around_today_is_left_through_its_shortest_axis():
    scale = np.array([1.0, 2.0, 3.0, 0.5])
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((4, 4)))[0]
    best = shortest_rays(lambda z: 4.0 - (((z @ turn) * scale) ** 2).sum(axis=1), _axes(4))[0]

    assert best.length == pytest.approx(2.0 / 3.0, rel=2e-3)


def test_a_narrow_pocket_that_no_start_sees_is_found_by_walking_the_disc():
    pocket = np.array([np.cos(0.6), np.sin(0.6)])

    def excess(z: Any) -> Any:
        inside = (z @ pocket >= 1.5) & (np.abs(z @ [-pocket[1], pocket[0]]) < 0.3)
        return np.where(inside, -1.0, np.where(np.abs(z[:, 0]) >= 4.0, -1.0, 1.0))

    known = Ray(way="known", direction=np.array([1.0, 0.0]), length=4.0)
    found = inside_disc(excess, 4.0, known.direction, np.array([0.0, 1.0]))

    assert found is not None and found.length == pytest.approx(1.5, rel=0.05)


def test_a_disc_in_which_nothing_breaks_is_said_so():
    assert inside_disc(lambda z: 3.0 - z[:, 0], 3.0, np.array([1.0, 0.0]),
                       np.array([0.0, 1.0])) is None


def test_a_ray_that_is_the_shortest_stays():
    ray = Ray(way="known", direction=np.array([1.0, 0.0]), length=3.0)

    assert turned(lambda z: 3.0 - z[:, 0], ray) == ray


def test_what_never_breaks_has_no_ray():
    assert shortest_rays(lambda z: np.ones(len(z)), _axes(3)) == []


def test_a_wide_pocket_off_every_axis_is_found_in_the_ball():
    towards = np.full(4, 0.5)

    def excess(z: Any) -> Any:
        length = np.sqrt((z * z).sum(axis=1))
        inside = (z @ towards > 0.8 * length) & (length > 2.0)
        return np.where(inside, -1.0, 5.0 - z[:, 0])

    (far,) = distinct(shortest_rays(excess, [("axis", np.eye(4)[0])]))
    found = inside_ball(excess, far.length, 4)

    assert 5.0 == pytest.approx(far.length, rel=1e-3)
    assert found is not None and found.length == pytest.approx(2.0, rel=1e-3)
    assert found.direction @ towards > 0.8 and found.way == "ball of all directions"


def test_ball_finds_nothing_where_nothing_shorter_breaks_and_is_the_same_every_time():
    seen = []

    def excess(z: Any) -> Any:
        seen.append(z)
        return 4.0 - np.sqrt((z * z).sum(axis=1))

    assert inside_ball(excess, 4.0, 6) is None and inside_ball(excess, 4.0, 6) is None
    points = np.concatenate(seen)
    np.testing.assert_array_equal(points[:len(points) // 2], points[len(points) // 2:])
    assert 2 * 2 * DIRECTIONS == len(points) // 2
    np.testing.assert_allclose(np.unique(np.round(np.linalg.norm(points, axis=1), 9)), [2.8, 3.8])
