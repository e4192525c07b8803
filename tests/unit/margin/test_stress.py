"""Stress goes through the one path: after a move an account is what its moved market says."""

from typing import Any

import numpy as np
import pytest

from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.stress_events import named_events
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.reverse_stress import Question, Spread, reverse_stress, spread_of
from counterpoise.margin.stress import level_that_held, losses, shortfalls, stressed
from counterpoise.risk.moved_market import moved_market, moved_markets
from counterpoise.scenarios.factors import factor_named
from counterpoise.scenarios.joint import joint_scenarios, joint_scenarios_with_gaps
from counterpoise.scenarios.stress_events import event_moves
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from joint_moves import PRICES_ONLY, STICKY_STRIKE, joint_moves
from markets import account, market, only

SNAPSHOT = only(market(), lambda c: c.settlement == "USDC")
PERPETUAL = "BTC-USDC:USDC-PERP"
SHORT_PUT = "BTC-USDC:USDC-20260327-58500-P"
USDC = 10**6


def _version(name: str = "deribit_spm") -> dict[str, Any]:
    model = model_named(name)
    return {"model": model, "version": parameters_of(model, SNAPSHOT.as_of)}


def _book(holdings: dict[str, float], cash: float) -> Any:
    made = account(SNAPSHOT, holdings, balances={"USDC": round(cash)})
    # Bought at the mark: nothing is won or lost yet.
    value = SNAPSHOT.mark * SNAPSHOT.catalogue.unit
    cost = np.rint(value[made.instrument] * made.lots * USDC).astype(np.int64)
    return replaced(made, entry_cost=cost)


def _moved(rows: Any) -> Any:
    moves = joint_moves(("BTC price", "ETH price", "USDC peg"), rows)
    return moved_markets(SNAPSHOT, moves, joint_scenarios(moves, SNAPSHOT, PRICES_ONLY))


def test_a_perpetual_loses_its_price_move_and_a_margin_of_that_size_would_have_held():
    book = _book({PERPETUAL: 1.0}, 20_000.0)
    found = stressed(book, _moved([[np.log(0.8), 0.0, 0.0], [0.0, 0.0, 0.0]]), **_version())
    mark = float(SNAPSHOT.mark[SNAPSHOT.catalogue.column[PERPETUAL]])

    assert np.allclose(losses(found)[:, 0], [0.0, 0.2 * mark, 0.0], atol=1e-3)
    assert level_that_held(found)[1, 0] == pytest.approx(0.2 * mark / found.initial[0, 0], rel=1e-6)
    assert level_that_held(found)[2, 0] == pytest.approx(0.0, abs=1e-6)
    assert not shortfalls(found).any()


def test_what_a_loss_leaves_uncovered_is_the_shortfall():
    book = _book({PERPETUAL: 1.0}, 10_000.0)
    found = stressed(book, _moved([[np.log(0.8), 0.0, 0.0]]), **_version())
    mark = float(SNAPSHOT.mark[SNAPSHOT.catalogue.column[PERPETUAL]])

    assert shortfalls(found)[1, 0] == pytest.approx(0.2 * mark - 10_000, rel=1e-6)
    assert found.status.tolist()[1] == [3]


def test_today_is_the_margin_of_today_and_a_scenario_that_of_its_market():
    book = _book({PERPETUAL: 1.0, SHORT_PUT: -2.0}, 50_000.0)
    moved = _moved([[-0.3, -0.3, 0.0]])
    found = stressed(book, moved, **_version())
    after = compute_margin(book, moved_market(moved, 1), **_version())

    assert np.array_equal(found.balance[1], after.margin_balance)
    assert np.array_equal(found.initial[0], compute_margin(
        book, SNAPSHOT, **_version()).requirements.initial)


@pytest.mark.parametrize("name", ["deribit_spm", "deribit_xpm", "standard"])
def test_every_named_event_has_an_answer_under_other_models(name: str):
    book = _book({PERPETUAL: 1.0, SHORT_PUT: -2.0}, 50_000.0)
    moves = event_moves(named_events(), SNAPSHOT, horizon_days=1.0)
    moved = moved_markets(SNAPSHOT, moves, joint_scenarios(moves, SNAPSHOT, STICKY_STRIKE))
    found = stressed(book, moved, **_version(name))

    assert np.isfinite(found.balance).all() and np.isfinite(found.initial).all()
    assert (losses(found)[1:] > 0).all()


def _spread(names: tuple[str, ...], deviation: Any, correlation: float = 0.0) -> Spread:
    matrix = np.full((len(names), len(names)), correlation)
    np.fill_diagonal(matrix, 1.0)
    return Spread(factors=tuple(factor_named(n) for n in names), deviation=np.array(deviation),
                  correlation=matrix, horizon_days=1.0)


def _question(book: Any, broken: str = "bankrupt") -> Question:
    return Question(book=book, market=SNAPSHOT, **_version(), dynamics=PRICES_ONLY,
                    broken=broken)  # type: ignore[arg-type]


def test_the_price_that_ruins_a_perpetual_is_found():
    mark = float(SNAPSHOT.mark[SNAPSHOT.catalogue.column[PERPETUAL]])
    found = reverse_stress(_question(_book({PERPETUAL: 1.0}, 0.3 * mark)),
                           _spread(("BTC price",), [0.05]))
    shortest = found.moves[0]

    assert shortest.move[0] == pytest.approx(np.log(0.7), rel=1e-3)
    assert shortest.length == pytest.approx(-np.log(0.7) / 0.05, rel=1e-3)
    assert -0.01 * mark < shortest.excess <= 0 and "BTC price" in shortest.way


def test_two_coins_break_an_account_along_the_covariance():
    """Of a nearly linear book the shortest is -S g e / (g' S g), its length e / sqrt(g' S g)."""
    ether = "ETH-USDC:USDC-PERP"
    column = SNAPSHOT.catalogue.column
    mark, second = (float(SNAPSHOT.mark[column[n]]) for n in (PERPETUAL, ether))
    book = _book({PERPETUAL: 1.0, ether: mark / second}, 0.05 * mark)
    found = reverse_stress(_question(book), _spread(("BTC price", "ETH price"), [0.04, 0.06], 0.5))
    covariance = np.array([[0.04**2, 0.5 * 0.04 * 0.06], [0.5 * 0.04 * 0.06, 0.06**2]])
    slope = np.array([1.0, 1.0])
    length = 0.05 / np.sqrt(slope @ covariance @ slope)

    assert found.factors == ("BTC price", "ETH price") and found.whole_space
    assert found.moves[0].length == pytest.approx(length, rel=0.03)
    assert np.allclose(found.moves[0].move, -covariance @ slope * 0.05 / (
        slope @ covariance @ slope), rtol=0.06)


def test_the_move_found_breaks_the_account_and_a_shorter_one_in_its_direction_does_not():
    book = _book({PERPETUAL: -1.0, SHORT_PUT: -3.0}, 30_000.0)
    spread = _spread(("BTC price", "BTC vol"), [0.05, 0.1], -0.4)
    still = replaced(PRICES_ONLY, still=("basis", "term", "skew", "funding", "peg"))
    question = replaced(_question(book, "below_maintenance"), dynamics=still)
    best = reverse_stress(question, spread).moves[0]
    moves = joint_moves(("BTC price", "BTC vol"), [best.move, 0.98 * best.move])
    found = stressed(book, moved_markets(SNAPSHOT, moves, joint_scenarios_with_gaps(
        moves, SNAPSHOT, still), still=still.still), **_version())

    assert found.status[1, 0] >= 2 and found.status[2, 0] < 2


def test_a_hedged_account_that_no_move_breaks_is_said_so():
    found = reverse_stress(_question(_book({}, 1_000.0)), _spread(("BTC price",), [0.05]))

    assert found.moves == () and found.excess_now == pytest.approx(1000.0)


def test_an_account_that_is_broken_already_needs_no_move():
    found = reverse_stress(_question(_book({PERPETUAL: 1.0}, 100.0), "below_maintenance"),
                           _spread(("BTC price",), [0.05]))

    assert found.moves == () and found.excess_now < 0


@pytest.mark.parametrize("deviation", [0.0, -0.1, float("nan"), 9.0])
def test_a_spread_without_size_is_refused(deviation: float):
    with pytest.raises(BadInput, match="spread"):
        _spread(("BTC price",), [deviation])


def test_one_linear_position_breaks_at_its_distance_whatever_else_moves_beside_it():
    """Loss of 30 % at a deviation of 5 %: ln 0.7 / 0.05 away; a coin nobody holds costs nothing."""
    mark = float(SNAPSHOT.mark[SNAPSHOT.catalogue.column[PERPETUAL]])
    found = reverse_stress(_question(_book({PERPETUAL: 1.0}, 0.3 * mark)),
                           _spread(("ETH price", "BTC price", "ETH vol"), [0.07, 0.05, 0.1], 0.9))

    assert found.factors == ("BTC price",) and len(found.moves) == 1
    assert found.moves[0].length == pytest.approx(-np.log(0.7) / 0.05, rel=1e-3)
    assert found.moves[0].move == pytest.approx([np.log(0.7)], rel=1e-3)


def test_a_short_straddle_breaks_both_ways_each_where_a_fine_walk_says_so():
    call = "BTC-USDC:USDC-20260327-58500-C"
    book = _book({SHORT_PUT: -1.0, call: -1.0}, 30_000.0)
    question = _question(book)
    found = reverse_stress(question, _spread(("BTC price",), [0.1]))
    walk = np.arange(-1.2, 1.2001, 0.004)
    moves = joint_moves(("BTC price",), walk[:, None])
    balance = stressed(book, moved_markets(SNAPSHOT, moves, joint_scenarios_with_gaps(
        moves, SNAPSHOT, PRICES_ONLY), still=PRICES_ONLY.still), **_version()).balance[1:, 0]
    broken = walk[balance <= 0]
    ends = sorted((broken[broken < 0].max(), broken[broken > 0].min()), key=abs)

    assert len(found.moves) == 2 and found.whole_space
    assert [one.move[0] for one in found.moves] == pytest.approx(ends, abs=0.0041)


def test_the_initial_margin_breaks_before_the_maintenance_margin_and_that_before_the_account():
    book = _book({PERPETUAL: 1.0, SHORT_PUT: -1.0}, 40_000.0)
    spread = _spread(("BTC price",), [0.05])
    lengths = [reverse_stress(_question(book, level), spread).moves[0].length
               for level in ("below_initial", "below_maintenance", "bankrupt")]

    assert 0 < lengths[0] < lengths[1] < lengths[2]


def test_a_spread_is_the_weighted_covariance_of_the_moves():
    rows = np.array([[0.1, 0.2, 0.0], [-0.1, 0.0, 0.0], [0.05, -0.1, 0.0], [0.2, 0.3, 0.0]])
    moves = joint_moves(("BTC price", "ETH price", "BTC vol"), rows, weight=np.array([1, 2, 3, 4.]))
    spread = spread_of(moves)
    wanted = np.cov(rows[:, :2].T, aweights=moves.weight, ddof=0)

    assert tuple(f.subject for f in spread.factors) == ("BTC", "ETH")
    assert np.allclose(np.outer(spread.deviation, spread.deviation) * spread.correlation, wanted)
