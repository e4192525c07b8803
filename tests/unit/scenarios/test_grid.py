"""The grid: which worlds it holds, in which order, under which names."""

import numpy as np
import pytest

from counterpoise.scenarios.grid import Grid, ShockTerms, extreme_slice, grid_scenarios
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.frozen import replaced
from small_market import FIXED_RULE

TERMS = ShockTerms(spot="mark", delta_one="mark", option="forward", numeraire="settlement")
GRID = Grid(price_range=0.1, buckets=2, vol_up=0.5, vol_down=0.25,
            vol_states=("up", "same", "down"), extreme_moves=(-0.5, 1.0), extreme_vol="up",
            vol_rule=FIXED_RULE)


def made(*grids: Grid) -> ScenarioSet:
    """Return the set of grids, for underlyings named A, B, ..."""
    return grid_scenarios(underlyings=tuple("ABC"[:len(grids)]), grids=grids, terms=TERMS)


def test_grid_is_the_unshocked_world_its_buckets_and_its_extremes():
    scenarios = made(GRID)

    assert 1 + 5 * 3 + 2 == len(scenarios)
    assert ((18, 1), (18, 1)) == (scenarios.move.shape, scenarios.vol_shift.shape)
    assert [0.0] + [1.0] * 17 == scenarios.weight.tolist()
    assert not scenarios.time_shift_days.any()


def test_moves_rise_from_the_lowest_price_each_with_its_volatility_states():
    scenarios = made(GRID)

    assert scenarios.move[:, 0].tolist() == pytest.approx(
        [0.0, *np.repeat([-0.1, -0.05, 0.0, 0.05, 0.1], 3), -0.5, 1.0])
    assert [0.0, *[0.5, 0.0, -0.25] * 5, 0.5, 0.5] == scenarios.vol_shift[:, 0].tolist()


def test_labels_say_the_cell_as_the_arrays_do():
    labels = made(GRID).labels

    assert "unshocked" == labels[0]
    assert ("price -2/2, vol up", "price -2/2, vol same", "price -2/2, vol down") == labels[1:4]
    assert "price +2/2, vol down" == labels[-3]
    assert ("extended -50%, vol up", "extended +100%, vol up") == labels[-2:]
    assert len(set(labels)) == len(labels)


def test_extremes_are_where_their_slice_says():
    scenarios = made(GRID)

    assert [-0.5, 1.0] == scenarios.move[extreme_slice(GRID), 0].tolist()
    assert slice(6, 6) == extreme_slice(replaced(GRID, vol_states=("same",), extreme_moves=()))


def test_underlyings_differ_in_range_and_share_the_cell():
    scenarios = made(GRID, replaced(GRID, price_range=0.2, vol_up=0.7, extreme_moves=(-0.6, 2.0)))

    assert scenarios.move[1:16, 1].tolist() == pytest.approx(
        (2 * scenarios.move[1:16, 0]).tolist())
    assert [0.5, 0.7] == scenarios.vol_shift[1].tolist()
    assert ("A", "B") == scenarios.factors and 2 == len(scenarios.vol_rules)


@pytest.mark.parametrize("other", [
    replaced(GRID, buckets=3), replaced(GRID, vol_states=("same",)),
    replaced(GRID, extreme_moves=(0.5,)), replaced(GRID, extreme_vol="down")])
def test_grids_of_different_shape_make_no_joint_world(other):
    with pytest.raises(AssertionError):
        made(GRID, other)


def test_terms_reach_the_set():
    scenarios = made(GRID)

    assert ("mark", "mark", "forward", "settlement") == (
        scenarios.base_spot, scenarios.base_delta_one, scenarios.base_option, scenarios.numeraire)
