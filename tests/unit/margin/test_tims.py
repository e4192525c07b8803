"""What TIMS says: ten points, product groups that offset in part, a minimum for every contract."""

import math
from typing import Any

import numpy as np
import pytest

from clearing_house import NOW, book, future, option, quoted, stock
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.models.tims import MODEL
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.requirement import Requirements
from counterpoise.margin.terms.class_groups import (
    ClassGroup,
    ClassRange,
    ProductGroup,
    TimsParameters,
)
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.frozen import replaced

WIDE = ClassRange(down=0.15, up=0.15, minimum=0.375, amounts="money")
BROAD = ClassRange(down=0.08, up=0.06, minimum=0.375, amounts="money")
MARKET = quoted({stock("x"): 100.0, future("xf", days=30): 100.0, option("far", strike=200.0): 0.01,
                 option("near", strike=100.0): 6.9, stock("y", underlying="Y"): 100.0,
                 future("z", days=30, underlying="Z"): 100.0},
                index={"X": 100.0, "Y": 100.0, "Z": 100.0})


def tims(offset: float | None = None, of_class: ClassRange = WIDE) -> ParameterVersion:
    """Return parameters of one class; X and Y offset in one product group where `offset` says."""
    group = "" if offset is None else "broad"
    return ParameterVersion(model="tims", number=0, parameters=TimsParameters(
        class_range={"own": of_class}, product_group={"broad": ProductGroup(offset=offset or 0.0)},
        class_group={f"{u}_usd": ClassGroup(of_class="own", product_group=group)
                     for u in ("x", "y")}))


def needs(*accounts: dict[str, int], version: ParameterVersion | None = None,
          orders: dict[str, int] | None = None) -> Requirements:
    """Return the requirement rows of accounts."""
    return compute_margin(book(MARKET, *accounts, orders=orders), MARKET, model=MODEL,
                          version=version or tims()).requirements


def test_stock_needs_its_worst_point() -> None:
    assert needs({"x": 100}, {"x": -100}).maintenance.tolist() == [1500.0, 1500.0]


def test_points_may_reach_further_down_than_up() -> None:
    found = needs({"x": 100}, {"x": -100}, version=tims(of_class=BROAD))

    assert found.maintenance.tolist() == pytest.approx([800.0, 600.0], rel=1e-12)
    assert found.worst.scenario.tolist() == [1, 10]


def test_class_groups_alone_do_not_offset() -> None:
    assert needs({"x": 100, "y": -100}).maintenance[0] == 3000.0


def test_a_product_group_offsets_gains_in_part() -> None:
    """Losses in full less 90 % of gains, at the worst point."""
    assert needs({"x": 100, "y": -100}, version=tims(0.9)).maintenance[0] == pytest.approx(
        150.0, rel=1e-12)


def test_a_product_group_shows_what_each_class_group_loses_at_its_worst_point() -> None:
    found = needs({"x": 100, "y": -100}, version=tims(0.9)).worst

    assert found.loss.tolist() == pytest.approx([1500.0, -1350.0], rel=1e-12)


def test_every_contract_needs_a_minimum_long_or_short_but_stock_does_not() -> None:
    found = needs({"far": -10, "xf": 10, "x": -10})

    assert found.candidates["minimum"][0] == pytest.approx(20 * 0.375, rel=1e-12)
    assert found.maintenance_components["scan"][0] + found.maintenance_components["minimum"][
        0] == pytest.approx(max(20 * 0.375, found.maintenance_components["scan"][0]), rel=1e-12)


def test_a_minimum_may_be_a_fraction_of_the_price() -> None:
    share = replaced(WIDE, minimum=0.01, amounts="fraction")

    assert needs({"far": 10}, version=tims(of_class=share)).maintenance[0] == pytest.approx(
        10.0, rel=1e-12)


def test_a_cheap_long_option_needs_more_than_its_premium() -> None:
    """Not declared: the minimum counts long contracts too."""
    found = needs({"far": 1})

    assert "long_option_at_most_premium" not in MODEL.laws
    assert found.maintenance[0] == 0.375 > 0.01


def test_the_minimum_of_a_product_group_is_that_of_its_class_groups() -> None:
    found = needs({"far": 1, "y": 1}, version=tims(0.9))

    assert found.candidates["minimum"][0] == 0.375


def test_a_hedge_nets_point_by_point() -> None:
    """A covered call loses no more than the stock."""
    stock_alone, covered = needs({"x": 100}, {"x": 100, "near": -100}).maintenance

    assert 0 < covered < stock_alone


def test_open_orders_cost_their_worst_side_and_only_initially() -> None:
    found = needs({"x": 100}, orders={"x": 50})

    assert found.maintenance[0] == 1500.0
    assert found.initial[0] == 2250.0


def test_an_underlying_without_a_class_is_a_failure_that_names_it() -> None:
    found = needs({"z": 1})
    failure = found.failures[found.failure[0]]

    assert math.isnan(found.initial[0])
    assert failure.reason is Reason.NO_PARAMETERS and "class_group.z_usd" in failure.sentence


def test_a_missing_index_is_a_failure() -> None:
    blind = replaced(MARKET, index=MARKET.index * np.nan,
                     quality=MARKET.quality | np.uint16(8))
    found = compute_margin(book(blind, {"x": 1}), blind, model=MODEL, version=tims()).requirements

    assert found.failures[found.failure[0]].reason is Reason.MISSING_INDEX


@pytest.mark.parametrize(("wrong", "says"), [
    ({"class_group": {"x_usd": ClassGroup(of_class="tall")}}, "of_class"),
    ({"class_group": {"x_usd": ClassGroup(of_class="own", product_group="none")}},
     "product_group")])
def test_names_that_lead_nowhere_are_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        replaced(tims().parameters, **wrong)


def test_parameters_without_meaning_are_refused_by_name() -> None:
    for make, says in ((lambda: replaced(WIDE, down=1.5), "down"),
                       (lambda: replaced(WIDE, amounts="points"), "amounts"),
                       (lambda: ProductGroup(offset=1.5), "offset")):
        with pytest.raises(BadInput, match=says):
            make()


def test_the_example_says_that_it_is_one() -> None:
    version = parameters_of(MODEL, NOW)

    assert any("example" in s for s in MODEL.our_readings(
        book(MARKET, {"x": 1}), MARKET, version.parameters))
