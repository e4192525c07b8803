"""Leverage of small accounts, by hand."""

import math

import pytest

from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.leverage import leverage_of
from counterpoise.margin.models.standard import MODEL
from markets import AS_OF, account, market

MARKET = market()


def leverage(holdings: dict[str, float], balances: dict[str, int]) -> list[float]:
    """Return the leverage of an account's pools; entries at the mark are not needed for options."""
    book = account(MARKET, holdings, balances=balances)
    margins = compute_margin(book, MARKET, model=MODEL, version=parameters_of(MODEL, AS_OF))
    return leverage_of(book, MARKET, margins).tolist()


def test_a_pool_without_positions_has_none() -> None:
    assert leverage({}, {"BTC": 1}) == [0.0]


def test_options_count_by_their_delta_and_sides_do_not_net() -> None:
    """A call and a put of one strike: |delta| of both, in coins, over four coins."""
    call, put = (f"BTC-USD:BTC-20260327-65000-{right}" for right in "CP")
    one, other = (leverage({name: 1.0}, {"BTC": 4})[0] for name in (call, put))

    assert 0 < one < 0.5
    assert leverage({call: 1.0, put: 1.0}, {"BTC": 4})[0] == pytest.approx(one + other, rel=1e-12)
    assert leverage({call: 1.0, put: -1.0}, {"BTC": 4})[0] == pytest.approx(one + other, rel=1e-12)


def test_it_is_unknown_where_nothing_is_owned() -> None:
    assert math.isnan(leverage({"BTC-USD:BTC-20260327-65000-C": 1.0}, {"BTC": 0})[0])
