"""The dynamic model on crises that happened, and on dependences that generators break."""

import numpy as np
import pytest

from counterpoise.accounts.book import Book
from counterpoise.adapters.models import model_named
from counterpoise.adapters.simulated_parameters import simulated_parameters
from counterpoise.adapters.stress_events import named_events
from counterpoise.collateral.schedule import WHOLE
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.terms.dynamic_parameters import (
    CorrelationTerms,
    DynamicMoves,
    DynamicParameters,
    IssuerTerms,
)
from counterpoise.scenarios.dependence import (
    all_up,
    hedge_broken,
    redependenced,
    score_correlation,
)
from counterpoise.scenarios.stress_events import event_moves
from counterpoise.values.frozen import replaced
from markets import account, market

MODEL = model_named("dynamic")
PRESET = simulated_parameters()
PRICES = {"BNB": 800.0, "BTC": 65_000.0, "ETH": 1_900.0, "FTT": 25.0, "USDC": 1.0, "USDE": 1.0}
MARKET = replaced(market(), assets=tuple(PRICES), price=np.array(list(PRICES.values())))
PERP, ETH_PERP = "BTC-USDC:USDC-PERP", "ETH-USDC:USDC-PERP"
EVENTS = event_moves(named_events(), MARKET, horizon_days=2.0)
WORST = 1 - 1 / len(EVENTS.labels)
"""The level whose tail is one of the events: the shortfall is the worst of them."""
CRISES = DynamicParameters(
    moves=DynamicMoves(base=EVENTS), maintenance=PRESET.maintenance,
    general=replaced(PRESET.general, level=WORST, simulated=False, still=("funding",)),
    collateral=replaced(PRESET.collateral, assets=dict.fromkeys(PRICES, WHOLE)))


def charged(book: Book, parameters: DynamicParameters = CRISES) -> tuple[float, str]:
    """Return the initial margin, USD, and the worst event."""
    found = compute_margin(book, MARKET, model=MODEL, version=ParameterVersion(
        model="dynamic", number=1, parameters=parameters)).requirements
    assert () == found.failures
    worst = int(found.worst.scenario[0]) - 1 if len(found.worst.scenario) else -1
    return float(found.initial[0]), EVENTS.labels[worst] if worst >= 0 else ""


def posting(asset: str, coins: float) -> Book:
    """Return `coins` of BTC over 650,000 dollars of an asset."""
    units = round(650_000 / PRICES.get(asset, 1.0))
    return account(MARKET, {PERP: coins}, balances={asset: units})


def moved(asset: str) -> np.ndarray:
    """Return what is left of a dollar of an asset in every event."""
    at = [k for k, f in enumerate(EVENTS.factors)
          if f.subject == asset and f.kind in ("price", "peg")]
    return np.exp(EVENTS.move[:, at[0]])


def test_a_short_is_charged_for_what_it_posts_in_the_crisis_of_that_asset():
    """Ten BTC short: dollars, its own coin, USDC in March 2023 when BTC hardly moved, a token."""
    needs = {asset: charged(posting(asset, -10.0)) for asset in ("USD", "BTC", "USDC", "FTT")}
    cost = {asset: initial for asset, (initial, _) in needs.items()}

    assert cost["USD"] <= cost["BTC"] < 0.05 * cost["USDC"] < cost["USDC"] < cost["FTT"], needs
    assert "USDC" in needs["USDC"][1]
    perpetual = next(k for k, f in enumerate(EVENTS.factors)
                     if f.subject == "BTC" and f.kind == "basis" and f.tenor_days == 0)
    gain = 650_000 * (1 - moved("BTC") * np.exp(EVENTS.move[:, perpetual])) * moved("USDC")
    for asset in ("USDC", "FTT"):
        by_hand = -(gain + 650_000 * (moved(asset) - 1)).min()
        assert cost[asset] == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("asset", ["USDC", "USDE", "FTT", "BTC"])
def test_collateral_without_positions_is_charged_its_own_worst_crisis(asset):
    needed, worst = charged(account(MARKET, {}, balances={asset: round(650_000 / PRICES[asset])}))

    assert needed == pytest.approx(650_000 * (1 - moved(asset).min()), rel=1e-9)
    assert EVENTS.labels[int(np.argmin(moved(asset)))] == worst


def test_a_long_over_its_own_coin_loses_twice_in_a_crash():
    coin, _ = charged(posting("BTC", 10.0))
    dollars, _ = charged(posting("USD", 10.0))

    assert coin == pytest.approx(2 * dollars, rel=0.02)


def test_the_default_of_the_exchange_takes_what_is_left_of_its_token():
    book = posting("FTT", -10.0)
    failing = replaced(CRISES, wrong_way={"ftt": IssuerTerms(issuer="ftx", recovery=0.0)})
    rest, _ = charged(account(MARKET, {PERP: -10.0}))

    assert charged(book, failing)[0] == pytest.approx(650_000 + rest, rel=1e-9)


def test_a_spread_is_charged_for_the_dependence_that_generators_break():
    """The same draws, their ranks put into another order: margins stay, the hedge does not."""
    base = PRESET.moves.base
    estimated = score_correlation(base)
    breaks = {"all_up": redependenced(base, all_up(estimated, base.factors, least=0.95)),
              "hedge_broken": redependenced(base, hedge_broken(estimated, base.factors,
                                                               broken="zero"))}
    parameters = replaced(
        PRESET, moves=DynamicMoves(base=base, breaks=breaks), floor=None, stress=None, impact=None,
        wrong_way={}, correlation=CorrelationTerms(sets=("all_up", "hedge_broken")))
    without = replaced(parameters, correlation=None)
    spread = account(MARKET, {PERP: 1.0, ETH_PERP: -34.0})
    known = replaced(MARKET, assets=MARKET.assets[:3] + MARKET.assets[4:],
                     price=np.delete(MARKET.price, 3))

    def needed(book: Book, given: DynamicParameters) -> float:
        return float(compute_margin(book, known, model=MODEL, version=ParameterVersion(
            model="dynamic", number=1, parameters=given)).requirements.initial[0])

    outright = account(MARKET, {PERP: 1.0})
    assert needed(spread, parameters) > 1.5 * needed(spread, without)
    assert needed(outright, parameters) < 1.1 * needed(outright, without)
