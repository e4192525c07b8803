"""A moved market has the kernel's prices; a scenario that moves nothing is the market itself."""

import numpy as np
import pytest

from counterpoise.instruments.catalogue import OPTION
from counterpoise.market.surfaces.smiles import smiles_of
from counterpoise.market.surfaces.ssvi import fit_ssvi
from counterpoise.pricing.black import black76
from counterpoise.risk.arrays import risk_arrays
from counterpoise.risk.moved_market import moved_market, moved_markets
from counterpoise.scenarios.factors import JointMoves
from counterpoise.scenarios.joint import joint_scenarios
from counterpoise.values.frozen import replaced
from joint_moves import BTC, STICKY_STRIKE, drawn, joint_moves
from markets import market

NAMES = (*BTC, *(name.replace("BTC", "ETH") for name in BTC), "USDC peg")


def _moved(moves: JointMoves, *, smile: str = "sticky_strike", days: float = 0.0):
    snapshot = market()
    dynamics = replaced(STICKY_STRIKE, smile=smile, passing_days=days)
    surfaces = None if smile == "sticky_strike" else {
        (u, s): fit_ssvi(smiles_of(snapshot, u, s)) for u in ("BTC", "ETH") for s in (u, "USDC")}
    return moved_markets(snapshot, moves, joint_scenarios(moves, snapshot, dynamics,
                                                          surfaces=surfaces))


def _model_value(snapshot):
    terms = snapshot.catalogue
    at = terms.kind == OPTION
    years = (terms.expiry[at] - snapshot.as_of) / (365 * 86_400 * 10**9)
    value = black76(forward=snapshot.forward[at], strike=terms.strike[at], years=years,
                    volatility=snapshot.volatility[at], right=terms.right[at],
                    rate=snapshot.rate[at]).value
    return value


@pytest.mark.parametrize("smile", ["sticky_strike", "sticky_moneyness"])
@pytest.mark.parametrize("days", [0.0, 0.25])
def test_premiums_are_worth_their_volatility_on_the_moved_forward(smile, days):
    """Value of the snapshot's own numbers: forward, volatility and mark are one world."""
    moved = _moved(drawn(NAMES, 8), smile=smile, days=days)
    for scenario in range(1, 9):
        after = moved_market(moved, scenario)
        at = after.catalogue.kind == OPTION
        inverse = after.catalogue.payoff[at] == 1
        money = np.where(inverse, after.mark[at] * after.forward[at], after.mark[at])

        assert np.allclose(money, _model_value(after), rtol=1e-9, atol=1e-6)


def test_a_scenario_that_moves_nothing_is_the_market_of_today():
    moved = _moved(joint_moves(NAMES, np.zeros((1, len(NAMES)))))
    after = moved_market(moved, 1)

    for column in ("mark", "forward", "volatility", "index", "price"):
        assert np.allclose(getattr(after, column), getattr(market(), column), rtol=1e-14,
                           equal_nan=True)


def test_the_base_scenario_is_the_market_of_today_to_the_bit():
    after = moved_market(_moved(drawn(NAMES, 2)), 0)

    for column in ("forward", "index", "price"):
        assert np.array_equal(getattr(after, column), getattr(market(), column), equal_nan=True)


def test_moving_a_market_and_pricing_it_is_pricing_it_in_the_scenario():
    """The value of the moved market's arrays is the value of today plus the scenario's gain."""
    moved = _moved(drawn(NAMES, 5))
    still = joint_scenarios(joint_moves(NAMES, np.zeros((1, len(NAMES)))), market(), STICKY_STRIKE)
    today = risk_arrays(market(), moved.scenarios)
    linear = np.flatnonzero(market().catalogue.payoff == 0)

    for scenario in range(1, 6):
        after = risk_arrays(moved_market(moved, scenario), still)
        assert np.allclose(after.value[linear], (today.value[:, None] + today.pnl)[
            linear, scenario], rtol=1e-9, atol=1e-9)


def test_time_passes_and_assets_move():
    moved = _moved(joint_moves(("USDC peg", *NAMES[:-1]), [[-0.1, *[0.0] * 16]]), days=2.0)
    after = moved_market(moved, 1)

    assert after.as_of == market().as_of + 2 * 86_400 * 10**9
    assert after.price[after.assets.index("USDC")] == pytest.approx(np.exp(-0.1))
    assert "row 0" in after.source
