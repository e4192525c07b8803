"""Do the bytes of a state say everything, and does the root show every difference?"""

import pytest

from counterpoise.engine.image import decoded_state, encoded_state, state_root
from counterpoise.engine.state import Equipment, Rules, genesis
from counterpoise.instruments.catalogue import catalogue
from counterpoise.values.assets import asset
from counterpoise.values.failure import BadInput
from rule_books.gross_cross import GrossCross
from small_market import instruments

EQUIPMENT = Equipment(models={"gross_cross": GrossCross()})
ASSETS = (asset("USDC"), asset("BTC"))


def first(**changes):
    return genesis(**{"catalogue": catalogue(instruments()), "assets": ASSETS,
                      "equipment": EQUIPMENT} | changes)


def test_first_state_comes_back_from_its_bytes():
    content = encoded_state(first())
    again = decoded_state(content, EQUIPMENT)

    assert encoded_state(again) == content and state_root(again) == state_root(first())


def test_root_shows_rules_time_and_instruments():
    roots = {state_root(first()), state_root(first(time=1)),
             state_root(first(rules=Rules(calm_ns=1))),
             state_root(first(catalogue=catalogue(instruments()[:-1])))}

    assert 4 == len(roots)


@pytest.mark.parametrize("at", range(0, 4000, 97))
def test_spoiled_state_is_refused_or_reads_as_it_is_written(at):
    content = bytearray(encoded_state(first()))
    content[at % len(content)] ^= 0x41
    try:
        assert encoded_state(decoded_state(bytes(content), EQUIPMENT)) == bytes(content)
    except BadInput as wrong:
        assert wrong.failures[0].sentence


def test_contract_paid_in_an_asset_that_is_not_listed_is_refused():
    with pytest.raises(BadInput, match="USDC: is paid by a contract"):
        first(assets=(asset("BTC"),))


def test_asset_that_stands_twice_is_refused():
    with pytest.raises(BadInput, match="stands twice"):
        first(assets=(*ASSETS, asset("BTC")))
