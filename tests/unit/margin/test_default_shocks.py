"""When an issuer fails, what it issued falls to recovery and what hangs on it falls beside it."""

from typing import Any

import numpy as np
import pytest

from counterpoise.adapters.models import model_named
from counterpoise.adapters.simulated_parameters import simulated_parameters
from counterpoise.collateral.schedule import collateral_value, terms_of
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.conformance import check_margin_model
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.stress import losses, stressed
from counterpoise.margin.terms.dynamic_holdings import entered
from counterpoise.margin.terms.dynamic_parameters import IssuerTerms, falls_of
from counterpoise.risk.moved_market import moved_markets
from counterpoise.scenarios.hypothetical import default_moves
from counterpoise.scenarios.joint import joint_scenarios
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from joint_moves import STICKY_STRIKE
from markets import account, market

MODEL = model_named("dynamic")
PRESET = replaced(simulated_parameters(), floor=None, stress=None, correlation=None, impact=None)
MARKET = replaced(market(), assets=("BNB", "BTC", "ETH", "USDC", "USDE"),
                  price=np.array([800.0, 65_000.0, 1_900.0, 1.0, 1.0]))
PERP = "BTC-USDC:USDC-PERP"
MARK = float(MARKET.mark[MARKET.catalogue.column[PERP]])


def _terms(**shocks: float) -> dict[str, IssuerTerms]:
    return {"bnb": IssuerTerms(issuer="exchange", recovery=0.0, shocks=shocks)}


def _wrong_way(book: Any, wrong_way: dict[str, IssuerTerms]) -> float:
    parameters = replaced(PRESET, wrong_way=wrong_way)
    version = ParameterVersion(model="dynamic", number=1, parameters=parameters)
    found = compute_margin(book, MARKET, model=MODEL, version=version).requirements
    assert () == found.failures
    return float(found.initial_components["wrong_way"][0])


def _long(bnb: int) -> Any:
    return account(MARKET, {PERP: 10.0}, balances={"BNB": bnb, "USDC": 100_000})


def test_a_shock_beside_a_default_costs_what_the_position_loses_in_it():
    book = _long(100)
    alone, shocked = _wrong_way(book, _terms()), _wrong_way(book, _terms(btc=-0.2))

    assert shocked - alone == pytest.approx(10 * 0.2 * MARK, rel=0.01)


def test_a_shock_that_helps_is_not_credited_and_none_is_none():
    book = _long(100)

    assert _wrong_way(book, _terms(btc=0.2)) == _wrong_way(book, _terms())
    assert _wrong_way(book, _terms(btc=0.0)) == pytest.approx(_wrong_way(book, _terms()))


def test_who_holds_nothing_of_the_issuer_is_not_charged():
    assert _wrong_way(_long(0), _terms(btc=-0.2)) == 0.0


def test_other_collateral_falls_beside_the_issuers_own():
    book = account(MARKET, {}, balances={"BNB": 10, "ETH": 100})
    alone, shocked = _wrong_way(book, _terms()), _wrong_way(book, _terms(eth=-0.5))

    # Of the ETH what counts as collateral, after the schedule's liquidity haircut, is at stake.
    assert 0.4 * 100 * 1_900.0 < shocked - alone <= 0.5 * 100 * 1_900.0


@pytest.mark.parametrize("wrong, told", [
    ({"sol": -0.2}, "no price or peg factor"), ({"btc": -1.0}, "above -1"),
    ({"BTC": -0.1}, "lower case"), ({"btc": float("nan")}, "above -1")])
def test_shocks_that_are_none_are_refused(wrong: dict[str, float], told: str):
    with pytest.raises(BadInput, match=told):
        replaced(PRESET, wrong_way=_terms(**wrong))


def test_two_assets_of_an_issuer_agree_on_what_falls_beside_them():
    with pytest.raises(BadInput, match="differs"):
        replaced(PRESET, wrong_way=_terms(btc=-0.2) | {
            "usde": IssuerTerms(issuer="exchange", recovery=0.5, shocks={"btc": -0.3})})


def test_the_model_with_shocks_keeps_its_promises():
    version = ParameterVersion(model="dynamic", number=1,
                               parameters=replaced(PRESET, wrong_way=_terms(btc=-0.2)))

    assert () == check_margin_model(MODEL, version, MARKET, seed=2, accounts=8)


def test_stress_replays_the_same_map():
    """100 BNB worth nothing, ten BTC a fifth down: what the one path loses is their sum."""
    falls = falls_of(_terms(btc=-0.2))
    moves = default_moves(MARKET, falls)
    moved = moved_markets(MARKET, moves, joint_scenarios(moves, MARKET, STICKY_STRIKE))
    version = ParameterVersion(model="dynamic", number=1, parameters=PRESET)
    found = stressed(entered(_long(100), MARKET), moved, model=MODEL, version=version)

    assert falls == {"exchange": {"btc": -0.2, "bnb": -1.0}}
    counts = collateral_value(terms_of(PRESET.collateral, "BNB"), np.array([100.0]), 800.0)[0]
    assert losses(found)[1, 0] == pytest.approx(10 * 0.2 * MARK + 0.9999 * counts, rel=1e-6)
