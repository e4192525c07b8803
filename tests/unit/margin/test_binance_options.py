"""What Binance's option rates say, contract by contract, under our reading of the formula."""

import math

import numpy as np
import pytest

from counterpoise.accounts.book import Book
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.instruments.contracts import Instrument, Option
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.conformance import check_margin_model
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.requirement import Requirements
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.frozen import replaced
from markets import AS_OF, account, market, only

MODEL = model_named("binance_options")
VERSION = parameters_of(MODEL, AS_OF)
MARKET = market(cash="USDT")
INDEX = 65_000.0
FAR_CALL = "BTC-USDT:USDT-20260327-91000-C"
NEAR_PUT = "BTC-USDT:USDT-20260327-58500-P"


def needs(book: Book, version: ParameterVersion = VERSION) -> Requirements:
    """Return the option margin of a book."""
    return compute_margin(book, MARKET, model=MODEL, version=version).requirements


def mark_of(name: str) -> float:
    """Return the mark of an instrument of the market."""
    return float(MARKET.mark[MARKET.catalogue.column[name]])


def is_usdt_option(contract: Instrument) -> bool:
    """Say whether Binance lists it: an option on BTC settled in USDT."""
    return isinstance(contract, Option) and contract.settlement == "USDT" and (
        contract.underlying == "BTC")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_model_passes_the_battery(seed: int) -> None:
    """No promise is broken on random books of what it covers."""
    assert check_margin_model(MODEL, VERSION, only(MARKET, is_usdt_option), seed=seed) == ()


def test_a_put_near_the_money_pays_its_rate_less_its_distance_plus_the_mark() -> None:
    """0.15 x 65,000 - 6,500 = 3,250 is below 0.10 x 65,000 = 6,500; MM likewise 3,250."""
    required = needs(account(MARKET, {NEAR_PUT: -2.0}))

    assert required.initial[0] == pytest.approx(2 * (6_500 + mark_of(NEAR_PUT)), rel=1e-12)
    assert required.maintenance[0] == pytest.approx(2 * (3_250 + mark_of(NEAR_PUT)), rel=1e-12)


def test_an_option_at_the_money_pays_the_whole_rate() -> None:
    """No distance: 0.15 and 0.075 of the index."""
    name = "BTC-USDT:USDT-20260327-65000-C"
    required = needs(account(MARKET, {name: -1.0}))

    assert required.initial[0] == pytest.approx(9_750 + mark_of(name), rel=1e-12)
    assert required.maintenance[0] == pytest.approx(4_875 + mark_of(name), rel=1e-12)


def test_a_long_option_needs_nothing_and_hedges_nothing() -> None:
    """Not declared: hedge_never_raises_scan. A long call against the short one changes nothing."""
    short = needs(account(MARKET, {FAR_CALL: -1.0})).initial[0]
    spread = needs(account(MARKET, {FAR_CALL: -1.0, "BTC-USDT:USDT-20260327-71500-C": 1.0}))

    assert "hedge_never_raises_scan" not in MODEL.laws
    assert spread.initial[0] == short
    assert needs(account(MARKET, {NEAR_PUT: 5.0})).initial[0] == 0


def test_a_short_option_against_a_long_one_raises_the_margin() -> None:
    """The breach: what covers the short call frees nothing, so selling it costs its own margin."""
    long = needs(account(MARKET, {"BTC-USDT:USDT-20260327-71500-C": 1.0})).initial[0]

    assert needs(account(MARKET, {"BTC-USDT:USDT-20260327-71500-C": 1.0, FAR_CALL: -1.0})
                 ).initial[0] > long


def test_orders_pay_the_larger_side_of_their_contract_initially_only() -> None:
    """Buying back costs nothing; selling one more costs one more."""
    held = {NEAR_PUT: -1.0}
    bare, closing, adding = (needs(account(MARKET, held, orders)) for orders in (
        {}, {NEAR_PUT: 1.0}, {NEAR_PUT: -1.0}))

    assert closing.initial[0] == bare.initial[0]
    assert adding.initial[0] == pytest.approx(2 * bare.initial[0], rel=1e-12)
    assert adding.maintenance[0] == bare.maintenance[0]


def test_margin_is_in_the_settlement_asset() -> None:
    """At 0.5 USD a USDT the index is 130,000 USDT: a put struck at 58,500 is far away."""
    cheap = replaced(MARKET, price=np.array([*MARKET.price[:2], 0.5]))
    required = compute_margin(account(cheap, {NEAR_PUT: -1.0}), cheap, model=MODEL,
                              version=VERSION).requirements

    assert required.initial[0] == pytest.approx(13_000 + mark_of(NEAR_PUT), rel=1e-12)


@pytest.mark.parametrize(("name", "reason"), [
    ("BTC-USDT:USDT-PERP", Reason.NOT_APPLICABLE),
    ("BTC-USD:BTC-20260327-65000-C", Reason.NOT_APPLICABLE),
    ("ETH-USDT:USDT-20260327-1900-C", Reason.NO_PARAMETERS),
])
def test_what_the_rates_do_not_cover_is_a_failure(name: str, reason: Reason) -> None:
    """No number, and the reason."""
    required = needs(account(MARKET, {name: -1.0}))

    assert math.isnan(required.initial[0])
    assert required.failures[required.failure[0]].reason is reason


def test_rates_outside_their_range_are_refused_and_reversed_ones_are_named() -> None:
    """A rate above one has no meaning; maintenance above initial is odd."""
    with pytest.raises(BadInput, match="initial_margin"):
        parameters_of(MODEL, AS_OF, {"option": {"btc_usdt": {"initial_margin": 1.5}}})
    odd = parameters_of(MODEL, AS_OF, {"option": {"btc_usdt": {"maintenance_margin": 0.2}}})

    assert any("maintenance_margin" in sentence for _, sentence in odd.notes)


def test_a_missing_volatility_does_not_hurt() -> None:
    """The rule reads mark and index; NaN volatility stays out of it."""
    blind = replaced(MARKET, volatility=np.full(len(MARKET.volatility), np.nan),
                     quality=np.full(len(MARKET.quality), 4, np.uint16))
    required = compute_margin(account(blind, {NEAR_PUT: -1.0}), blind, model=MODEL,
                              version=VERSION).requirements

    assert required.initial[0] == needs(account(MARKET, {NEAR_PUT: -1.0})).initial[0]
