"""What a contract may say of itself; an impossible one cannot be made."""

import pytest

from counterpoise.instruments.contracts import (
    Option,
    Payoff,
    Perpetual,
    Right,
    Spot,
    canonical_id,
    expiry_text,
    payoff_of,
)
from counterpoise.instruments.listing import Listing, future, option, perpetual, spot
from counterpoise.values.failure import BadInput
from counterpoise.values.time import parse_instant

EXPIRY = parse_instant("2024-06-28T08:00:00Z")


def terms(**changes):
    return {"id": "x", "underlying": "BTC", "quote": "USD", "settlement": "BTC",
            "payoff": Payoff.INVERSE, "multiplier": 1.0, "lot_exponent": -9} | changes


@pytest.mark.parametrize(("settlement", "payoff"), [
    ("BTC", Payoff.INVERSE), ("USD", Payoff.LINEAR), ("USDC", Payoff.QUANTO)])
def test_settlement_implies_the_payoff(settlement, payoff):
    assert payoff is payoff_of(underlying="BTC", quote="USD", settlement=settlement)


@pytest.mark.parametrize(("changes", "words"), [
    ({"payoff": Payoff.LINEAR}, "does not fit settlement"),
    ({"multiplier": 0.0}, "multiplier"), ({"multiplier": 1e-300}, "multiplier"),
    ({"multiplier": 1e10}, "multiplier"),
    ({"lot_exponent": -13}, "lot exponent"), ({"underlying": "btc"}, "not an asset code"),
    ({"settlement": ""}, "not an asset code"),
])
def test_impossible_contract_cannot_be_made(changes, words):
    with pytest.raises(BadInput, match=words):
        Perpetual(**terms(**changes))


@pytest.mark.parametrize(("changes", "words"), [
    ({"expiry": 2**62}, "expiry"), ({"expiry": 10**30}, "expiry"), ({"strike": 1e-300}, "strike")])
def test_impossible_option_cannot_be_made(changes, words):
    with pytest.raises(BadInput, match=words):
        Option(**terms(expiry=EXPIRY, strike=70_000.0, right=Right.CALL) | changes)


def test_every_mistake_of_a_contract_is_said_at_once():
    with pytest.raises(BadInput) as refused:
        Option(**terms(multiplier=-1.0, lot_exponent=99, expiry=-1, strike=-5.0, right=Right.CALL))

    assert 4 == len(refused.value.failures)


def test_spot_is_linear_and_settles_in_its_quote():
    pair = spot("BTC", "USDT")

    assert isinstance(pair, Spot)
    assert ("USDT", Payoff.LINEAR, 1.0) == (pair.settlement, pair.payoff, pair.multiplier)


@pytest.mark.parametrize(("time", "text"), [
    ("2024-06-28T08:00:00Z", "20240628"), ("2024-06-28T16:30:00Z", "20240628T1630")])
def test_expiry_shows_its_time_only_when_it_is_unusual(time, text):
    assert text == expiry_text(parse_instant(time))


def test_canonical_id_shows_a_size_other_than_one():
    assert "BTC-USDT:USDT-PERP*0.01" == canonical_id(
        underlying="BTC", quote="USDT", settlement="USDT", tail="PERP", multiplier=0.01)


def test_listing_makes_every_kind():
    line = Listing(underlying="SOL", quote="USDC", settlement="USDC", multiplier=10.0)
    made = [perpetual(line), future(line, EXPIRY),
            option(line, expiry=EXPIRY, strike=250.0, right=Right.PUT)]

    assert ["SOL-USDC:USDC-PERP*10", "SOL-USDC:USDC-20240628*10",
            "SOL-USDC:USDC-20240628-250-P*10"] == [c.id for c in made]
    assert {-6} == {c.lot_exponent for c in made}
