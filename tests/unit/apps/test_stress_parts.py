"""Parts of the stress that the model `dynamic` answers: closing costs and broken dependence."""

from typing import Any

import numpy as np
import pytest

from counterpoise.adapters.dynamic_file import Stated, write_dynamic
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.apps.closing import DEPTH_LEFT, closings
from counterpoise.apps.dependence import dependences
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.terms.dynamic_parameters import CorrelationTerms
from counterpoise.risk.arrays import deltas
from counterpoise.risk.sensitivities import UNITS, per_lot
from counterpoise.scenarios.hypothetical import cube_moves
from counterpoise.scenarios.joint import joint_scenarios
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from joint_moves import STICKY_STRIKE
from markets import account, market, only

SNAPSHOT = only(market(), lambda c: c.settlement == "USDC")
BTC, ETH = "BTC-USDC:USDC-PERP", "ETH-USDC:USDC-PERP"
MODEL = model_named("dynamic")
VERSION = parameters_of(MODEL, SNAPSHOT.as_of)
PRESET = VERSION.parameters


def _book(holdings: dict[str, float]) -> Any:
    return account(SNAPSHOT, holdings, balances={"USDC": 100_000})


def _delta() -> Any:
    still = cube_moves(SNAPSHOT, price=(0.0,), vol=(0.0,))
    return deltas(SNAPSHOT, joint_scenarios(still, SNAPSHOT, STICKY_STRIKE))[0]


def test_closing_one_position_costs_what_the_model_charges_for_its_liquidity():
    book = _book({BTC: 40.0})
    closing = next(iter(closings(book, SNAPSHOT, _delta(), PRESET)))
    charged = compute_margin(book, SNAPSHOT, model=MODEL, version=VERSION).requirements
    each = per_lot(SNAPSHOT)[SNAPSHOT.catalogue.column[BTC], tuple(UNITS).index("delta_usd")]

    assert closing.notional == pytest.approx(float(each * book.lots[0]), rel=1e-6)
    assert closing.cost == pytest.approx(charged.initial_components["liquidity"][0], rel=1e-6)


def test_a_thin_market_costs_the_square_root_of_what_is_gone():
    closing = next(iter(closings(_book({BTC: 40.0}), SNAPSHOT, _delta(), PRESET)))
    deep = PRESET.liquidity["btc"]
    root = np.sqrt(closing.notional / (DEPTH_LEFT * deep.volume_usd))

    assert closing.stressed == pytest.approx(closing.notional * (
        deep.half_spread + max(deep.daily_volatility * root, 0.005)), rel=1e-9)
    assert closing.stressed > closing.cost


def test_hedges_close_one_by_one_and_nothing_is_known_without_terms():
    column = SNAPSHOT.catalogue.column
    book = _book({BTC: 40.0, "BTC-USDC:USDC-20260327": -40.0})
    without = replaced(PRESET, impact=None)
    closing = next(iter(closings(book, SNAPSHOT, _delta(), PRESET)))
    unknown = next(iter(closings(book, SNAPSHOT, _delta(), without)))

    assert closing.notional > 70 * float(SNAPSHOT.mark[column[BTC]])
    assert unknown.cost != unknown.cost and unknown.stressed != unknown.stressed


def test_shortfalls_under_broken_dependence_are_those_that_the_model_measures():
    column = SNAPSHOT.catalogue.column
    ratio = float(SNAPSHOT.mark[column[BTC]] / SNAPSHOT.mark[column[ETH]])
    book = _book({BTC: 10.0, ETH: -10.0 * ratio})
    found = dependences(book, SNAPSHOT, None)
    seen = compute_margin(book, SNAPSHOT, model=MODEL, version=VERSION).requirements
    tails = found.accounts[0].shortfall

    assert found.simulated and (found.level, found.horizon_days) == (0.975, 2.0)
    assert tails["all_up"] == seen.candidates["all_up_shortfall"][0]
    assert tails["hedge_broken"] == seen.candidates["hedge_broken_shortfall"][0]
    assert tails["estimated"] == pytest.approx(
        seen.initial_components["core"][0] + seen.initial_components["collateral"][0], rel=1e-12)
    assert tails["hedge_broken"] > tails["estimated"] > tails["all_up"]


def test_a_parameter_file_without_a_broken_dependence_is_refused_not_passed_over(tmp_path):
    moves = replaced(PRESET.moves, breaks={"all_up": PRESET.moves.breaks["all_up"]})
    file = str(tmp_path / "half.json")
    write_dynamic(file, replaced(PRESET, moves=moves, correlation=CorrelationTerms(
        sets=("all_up",))), Stated(observed_on="2026-01-01", effective_from="2026-01-02",
                                   source="made", number=1))

    with pytest.raises(BadInput, match="hedge_broken: is a dependence of which the parameters"):
        dependences(_book({BTC: 10.0}), SNAPSHOT, file)
