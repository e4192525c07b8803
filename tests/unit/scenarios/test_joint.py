"""Joint moves reach every instrument by their definition, and what has no factor has no number."""

from typing import Any

import numpy as np
import pytest

import small_market
from counterpoise.instruments.catalogue import OPTION, PERPETUAL
from counterpoise.market.conditions import Conditions
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.market.surfaces.smiles import smiles_of
from counterpoise.market.surfaces.ssvi import fit_ssvi
from counterpoise.pricing.kernel import scenario_pnl
from counterpoise.risk.arrays import risk_arrays
from counterpoise.scenarios.grid import ShockTerms
from counterpoise.scenarios.joint import (
    Dynamics,
    joint_scenarios,
    joint_scenarios_with_gaps,
    missing_factors,
)
from counterpoise.scenarios.listed import ShockList, listed_scenarios
from counterpoise.scenarios.scenario_set import scenario_digest
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from counterpoise.values.time import YEAR_NS
from joint_moves import BTC, PRICES_ONLY, STICKY_STRIKE, drawn, joint_moves
from markets import market

BOTH = (*BTC, *(name.replace("BTC", "ETH") for name in BTC))
QUOTE = ShockTerms(spot="index", delta_one="mark", option="forward", numeraire="quote")


def _shift(snapshot: MarketSnapshot, moves: Any, dynamics: Dynamics = STICKY_STRIKE,
           name: str = "inverse 70000.0 C") -> tuple[float, float]:
    """Return the move and the volatility shift of an instrument in the only scenario."""
    made = joint_scenarios(moves, snapshot, dynamics)
    column = made.factor_of[small_market.column_of(snapshot.catalogue, name)]
    return float(made.move[1, column]), float(made.vol_shift[1, column])


def _one(**moved: float) -> Any:
    names = {"price": "BTC price", "perp": "BTC basis 0", "b30": "BTC basis 30",
             "b90": "BTC basis 90", "vol": "BTC vol", "term": "BTC term", "skew": "BTC skew",
             "funding": "BTC funding"}
    return joint_moves(BTC, [[moved.get(key, 0.0) for key in names]])


def test_the_unshocked_world_is_first_and_gains_nothing() -> None:

    arrays = risk_arrays(market(), joint_scenarios(drawn(BOTH, 20), market(), STICKY_STRIKE))

    assert not arrays.failed.any() and not arrays.pnl[:, 0].any()
    assert arrays.scenarios.weight[0] == 0 and arrays.scenarios.labels[0] == "unshocked"


def test_moves_of_prices_alone_are_the_grid_of_the_same_moves() -> None:
    """The mapping adds nothing of its own: a list of the same moves has the same bits."""

    moves = drawn(("BTC price", "ETH price"), 30)
    lists = [ShockList(move=np.expm1(moves.move[:, u]), vol_shift=np.zeros(30),
                       rule=small_market.FIXED_RULE) for u in range(2)]
    grid = listed_scenarios(underlyings=("BTC", "ETH"), lists=lists, terms=QUOTE)
    joint = scenario_pnl(market(), joint_scenarios(moves, market(), PRICES_ONLY))[1]

    assert np.allclose(scenario_pnl(market(), grid)[1], joint, rtol=1e-12, atol=1e-9)


def test_put_call_parity_holds_in_every_scenario() -> None:

    made = market()
    pnl = scenario_pnl(made, joint_scenarios(drawn(BOTH, 50), made, STICKY_STRIKE))[1]
    terms = made.catalogue
    call = np.flatnonzero(terms.right == 1)
    forward = made.forward[call]
    set_ = joint_scenarios(drawn(BOTH, 50), made, STICKY_STRIKE)
    moved = forward[:, None] * set_.move[:, set_.factor_of[call]].T * terms.unit[call, None]

    assert np.all(terms.right[call + 1] == -1)
    assert np.allclose(pnl[call] - pnl[call + 1], moved, rtol=0, atol=1e-9 * moved.max())


def test_the_order_of_factors_changes_nothing() -> None:

    moves = drawn(BOTH, 10)
    order = np.random.default_rng(3).permutation(len(BOTH))
    mixed = replaced(moves, factors=tuple(moves.factors[k] for k in order),
                     move=moves.move[:, order])

    assert scenario_digest(joint_scenarios(mixed, market(), STICKY_STRIKE)) == scenario_digest(
        joint_scenarios(moves, market(), STICKY_STRIKE))


def test_the_digest_knows_how_the_moves_were_made() -> None:

    digests = {scenario_digest(joint_scenarios(replaced(drawn(BOTH, 3), method=how), market(),
                                               STICKY_STRIKE)) for how in ("seed 1", "seed 2")}

    assert len(digests) == 2


def test_forwards_move_by_price_and_by_basis_times_time() -> None:

    snapshot = small_market.market()

    assert _shift(snapshot, _one(price=0.1))[0] == pytest.approx(np.expm1(0.1), rel=1e-15)
    # 50 days: a third of the way from the tenor of 30 days to that of 90.
    expected = np.expm1((2 / 3 * 0.03 + 1 / 3 * 0.06) * 50 / 365)
    moves = _one(b30=0.03, b90=0.06)
    assert _shift(snapshot, moves)[0] == pytest.approx(expected, rel=1e-12)
    assert _shift(snapshot, moves, name="inverse future")[0] == _shift(snapshot, moves)[0]
    assert _shift(snapshot, moves, name="linear perpetual")[0] == 0.0


@pytest.mark.parametrize(("days", "expected"), [(10.0, 0.03), (330.0, 0.06)])
def test_the_basis_is_flat_outside_its_tenors(days: float, expected: float) -> None:

    snapshot = small_market.market(listed=small_market.instruments(days=days))

    assert _shift(snapshot, _one(b30=0.03, b90=0.06))[0] == pytest.approx(
        np.expm1(expected * days / 365), rel=1e-12)


def test_a_perpetual_moves_by_its_own_premium() -> None:

    moves = _one(price=0.1, perp=-0.02)

    assert _shift(small_market.market(), moves, name="inverse perpetual")[0] == pytest.approx(
        np.expm1(0.08), rel=1e-14)
    assert _shift(small_market.market(), moves, name="spot")[0] == pytest.approx(np.expm1(0.1))


def test_a_long_perpetual_pays_the_funding_of_the_horizon() -> None:

    snapshot = small_market.market()
    rate = np.where(snapshot.catalogue.kind == PERPETUAL, 1e-4, np.nan)
    known = replaced(snapshot, conditions=Conditions(
        columns={"funding_rate": rate}, confidences={}, borrow_rates={}, smiles={}))
    charged = replaced(STICKY_STRIKE, passing_days=2.0, funding="charged")

    # Six payments at the mean of 1 and 3 hundredths of a percent, on a price 10 % up.
    assert _shift(known, _one(price=np.log(1.1), funding=2e-4), charged,
                  name="linear perpetual")[0] == pytest.approx(1.1 * (1 - 6 * 2e-4) - 1, rel=1e-12)


def test_an_unknown_funding_rate_is_no_free_perpetual() -> None:

    charged = replaced(STICKY_STRIKE, passing_days=2.0, funding="charged")

    with pytest.raises(BadInput, match="linear perpetual: has no funding rate"):
        joint_scenarios(_one(price=0.1), small_market.market(), charged)


def test_volatilities_move_by_level_term_and_skew() -> None:

    snapshot = small_market.market()
    at_k = np.log(70_000 / 70_500) / (0.5 * np.sqrt(50 / 365))
    expected = 0.2 + 0.05 * np.log(50 / 30) + 0.1 * at_k

    assert _shift(snapshot, _one(vol=0.2, term=0.05, skew=0.1))[1] == pytest.approx(
        np.expm1(expected), rel=1e-12)


def test_far_strikes_count_as_three_deviations() -> None:

    listed = small_market.instruments(strikes=(10_000.0, 70_000.0, 700_000.0))
    snapshot = small_market.market(listed=listed)

    for name, m in (("linear 10000.0 P", -3.0), ("linear 700000.0 C", 3.0)):
        assert _shift(snapshot, _one(skew=0.1), name=name)[1] == pytest.approx(np.expm1(0.1 * m))


def _slid(snapshot: MarketSnapshot, moves: Any) -> tuple[Any, Any]:
    surfaces = {("BTC", paid): fit_ssvi(smiles_of(snapshot, "BTC", paid))
                for paid in ("BTC", "USDC")}
    sliding = replaced(STICKY_STRIKE, smile="sticky_moneyness")
    return joint_scenarios(moves, snapshot, sliding, surfaces=surfaces), surfaces


def _smiling() -> MarketSnapshot:
    listed = small_market.instruments(strikes=(50e3, 60e3, 65e3, 70e3, 75e3, 80e3, 90e3))
    snapshot = small_market.market(listed=listed)
    k = np.log(np.maximum(snapshot.catalogue.strike, 1.0) / snapshot.forward)
    return replaced(snapshot, volatility=np.where(snapshot.catalogue.kind == OPTION,
                                                  0.5 - 0.2 * k + 0.3 * k * k, np.nan))


def test_the_volatility_slides_along_the_smile_under_sticky_moneyness() -> None:

    snapshot = _smiling()
    made, surfaces = _slid(snapshot, _one(price=-0.2))
    column = small_market.column_of(snapshot.catalogue, "linear 60000.0 P")
    years = np.array([50 / 365])
    k = np.array([np.log(60_000 / 70_500)])
    surface = surfaces["BTC", "USDC"]
    slid = snapshot.volatility[column] + float(
        (surface.volatility(k + 0.2, years) - surface.volatility(k, years))[0])
    at_strike = joint_scenarios(_one(price=-0.2), replaced(
        snapshot, volatility=np.where(np.arange(len(snapshot.volatility)) == column, slid,
                                      snapshot.volatility)), STICKY_STRIKE)
    expected = scenario_pnl(replaced(snapshot, volatility=np.where(
        np.arange(len(snapshot.volatility)) == column, slid, snapshot.volatility)), at_strike)
    found = scenario_pnl(snapshot, made)
    today = scenario_pnl(snapshot, at_strike)[0][column]

    assert found[0][column] + found[1][column, 1] == pytest.approx(
        expected[0][column] + expected[1][column, 1], rel=1e-10)
    assert today == found[0][column]


def test_the_skew_of_sticky_moneyness_is_that_of_the_new_moneyness() -> None:

    snapshot = _smiling()
    made, _ = _slid(snapshot, _one(price=-0.2, skew=0.1))
    column = small_market.column_of(snapshot.catalogue, "linear 60000.0 P")
    middle = np.interp(0, *_near(snapshot))
    m = (np.log(60_000 / 70_500) + 0.2) / (middle * np.sqrt(50 / 365))

    assert made.vol_shift[1, made.factor_of[column]] == pytest.approx(np.expm1(0.1 * m), rel=1e-12)


def _near(snapshot: MarketSnapshot) -> tuple[Any, Any]:
    strikes = np.array([70e3, 75e3])
    at = [small_market.column_of(snapshot.catalogue, f"linear {k} C") for k in strikes]
    return np.log(strikes / 70_500), snapshot.volatility[at]


@pytest.mark.parametrize("absent", ["BTC price", "BTC vol", "BTC skew", "BTC term", "BTC basis 0"])
def test_what_has_no_factor_is_refused_by_name(absent: str) -> None:

    names = tuple(n for n in BTC if n != absent)

    with pytest.raises(BadInput, match=" ".join(absent.split(" ")[:2])):
        joint_scenarios(joint_moves(names, np.zeros((1, len(names)))), small_market.market(),
                        STICKY_STRIKE)


def test_an_unknown_underlying_fails_in_its_rows_alone() -> None:

    made = market()
    moves = drawn(BTC, 5)
    ether = made.catalogue.underlying == made.catalogue.underlyings.index("ETH")
    arrays = risk_arrays(made, joint_scenarios_with_gaps(moves, made, STICKY_STRIKE))
    gaps = missing_factors(moves, made, STICKY_STRIKE)

    assert np.array_equal(arrays.failed, ether) and sorted(gaps) == np.flatnonzero(ether).tolist()
    assert np.isnan(arrays.pnl[ether]).all()
    assert "ETH price" in gaps[int(np.flatnonzero(ether)[0])].sentence


def test_a_token_measured_in_its_coin_falls_with_it() -> None:

    snapshot = small_market.market(listed=[
        replaced(one, underlying="STETH") for one in small_market.instruments() if one.id == "spot"
    ])
    moves = joint_moves(("ETH price", "STETH peg in ETH"), [[-0.3, -0.1]])

    assert joint_scenarios(moves, snapshot, STICKY_STRIKE).move[1, 0] == pytest.approx(
        np.expm1(-0.4))


def test_time_passes_in_every_scenario_but_the_first() -> None:

    made = joint_scenarios(_one(), small_market.market(), replaced(STICKY_STRIKE, passing_days=2))
    option = small_market.column_of(small_market.market().catalogue, "linear 70000.0 C")
    before, after = (scenario_pnl(replaced(small_market.market(), as_of=small_market.NOW + shift),
                                  joint_scenarios(_one(), small_market.market(), STICKY_STRIKE))[0]
                     for shift in (0, 2 * YEAR_NS // 365))

    assert made.time_shift_days.tolist() == [0.0, 2.0]
    assert scenario_pnl(small_market.market(), made)[1][option, 1] == pytest.approx(
        after[option] - before[option], rel=1e-10)


@pytest.mark.parametrize("wrong", [{"smile": "sticky"}, {"passing_days": -1.0},
                                   {"passing_days": float("nan")}, {"funding": "free"},
                                   {"still": ("price",)}])
def test_dynamics_without_meaning_are_refused(wrong: dict[str, Any]) -> None:

    with pytest.raises(BadInput, match="dynamics"):
        replaced(STICKY_STRIKE, **wrong)
