"""The canonical order: total, and the order of every array."""

import itertools

import pytest

from counterpoise.adapters.symbols.names import instrument_of
from counterpoise.instruments.catalogue import catalogue
from counterpoise.values.failure import BadInput, Reason

ORDERED = ["BTC-USDC-SPOT", "BTC-USD:BTC-PERP", "BTC-USDC:USDC-PERP", "BTC-USD:BTC-20240628",
           "BTC-USD:BTC-20240628-60000-C", "BTC-USD:BTC-20240628-60000-P",
           "BTC-USD:BTC-20240628-70000-C", "BTC-USDC:USDC-20240628-60000-C",
           "BTC-USD:BTC-20240927", "ETH-USD:ETH-PERP"]


def named(*names):
    return [instrument_of(name, "counterpoise") for name in names]


def test_order_is_underlying_then_expiry_then_kind_settlement_strike_right():
    assert ORDERED == [c.id for c in catalogue(named(*reversed(ORDERED))).instruments]


def test_order_does_not_depend_on_how_instruments_come():
    some = named(*ORDERED[2:7])

    assert 1 == len({tuple(c.id for c in catalogue(list(p)).instruments)
                     for p in itertools.permutations(some)})


def test_columns_say_the_terms_of_each_contract():
    held = catalogue(named("BTC-USDT:USDT-PERP*0.01", "BTC-USD:BTC-20240628-60000-P"))

    assert [1, 3] == held.kind.tolist()
    assert [0, 1] == held.payoff.tolist()
    assert [0, -1] == held.right.tolist()
    assert [0.0, 60000.0] == held.strike.tolist()
    assert [1e-11, 1e-9] == pytest.approx(held.unit.tolist(), rel=1e-15)
    assert ["USDT", "BTC"] == [held.settlements[s] for s in held.settlement]
    assert [0, 1800 * 10**9] == held.settlement_window_ns.tolist()


def test_contract_that_stands_twice_is_refused():
    with pytest.raises(BadInput, match="BTC-USD:BTC-PERP: stands twice") as refused:
        catalogue(named("BTC-USD:BTC-PERP", "BTC-USD:BTC-PERP"))

    assert Reason.DUPLICATE == refused.value.failures[0].reason


def test_catalogue_of_nothing_is_empty():
    assert 0 == len(catalogue([]))
