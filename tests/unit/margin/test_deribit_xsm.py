"""Cross standard margin: the margins of S:SM added up in USD, by hand."""

import numpy as np
import pytest

import markets
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import STATUS, compute_margin
from counterpoise.margin.models import deribit_xsm, standard
from counterpoise.values.frozen import replaced

MARKET = markets.market()
MODEL = deribit_xsm.MODEL
BTC = 65_000.0
INVERSE, LINEAR = "BTC-USD:BTC-PERP", "BTC-USDC:USDC-PERP"


def margins(held, balances=None, orders=None, market=MARKET, model=MODEL):
    """Return the margins of one account; sizes in contract units."""
    book = markets.account(market, held, orders, balances)
    return compute_margin(book, market, model=model, version=parameters_of(model, markets.AS_OF))


def test_two_coins_of_perpetual_in_each_currency_add_up_in_dollars():
    # 2 coins: 2 x (2 % + 0.005 % x 2) and 2 x (1 % + 0.005 % x 2), inverse and linear alike.
    needs = margins({INVERSE: 2 * BTC, LINEAR: -2.0}).requirements

    assert [2 * 2 * 0.0201 * BTC] == pytest.approx(needs.initial.tolist())
    assert [2 * 2 * 0.0101 * BTC] == pytest.approx(needs.maintenance.tolist())


def test_it_is_the_segregated_margin_at_the_price_of_its_currency():
    option = next(c.id for c in MARKET.catalogue.instruments if c.id.startswith("BTC-USD:BTC-2026")
                  and c.id.endswith("-65000-P"))
    held = {INVERSE: BTC, LINEAR: 1.5, option: -3.0, "ETH-USD:ETH-PERP": 19_000.0}
    apart = margins(held, model=standard.MODEL).requirements
    price = np.array([dict(zip(MARKET.assets, MARKET.price, strict=True))[p] for p in apart.pools])
    whole = margins(held).requirements

    assert [("USD",), 1] == [whole.pools, len(whole)]
    assert (apart.initial * price[apart.pool]).sum() == pytest.approx(whole.initial[0])
    assert (apart.maintenance * price[apart.pool]).sum() == pytest.approx(whole.maintenance[0])


def test_coin_covers_what_dollars_owe():
    found = margins({}, {"BTC": 1, "USDC": -60_000})

    assert (5_000, "healthy") == (found.margin_balance[0], STATUS[found.status[0]])


def test_open_orders_add_their_larger_side():
    parts = margins({LINEAR: 1.0}, orders={LINEAR: 1.0}).requirements.initial_components

    assert [(2 * 0.0201 - 0.02005) * BTC] == pytest.approx(parts["open_orders_margin"].tolist())


def test_a_coin_without_a_price_fails_the_rows_that_need_it():
    blind = replaced(MARKET, price=np.where(np.array(MARKET.assets) == "BTC", np.nan, MARKET.price))
    needs = margins({INVERSE: BTC}, market=blind).requirements

    assert ["missing_price"] == [str(f.reason) for f in needs.failures]
    assert np.isnan(needs.initial).all()


def test_a_hedge_pays_like_any_position():
    """Not declared: there are no offsets, and the size slope is convex."""
    one, hedged, twice = (margins(held).requirements.initial[0] for held in (
        {LINEAR: 100.0}, {LINEAR: 100.0, INVERSE: -50 * BTC}, {LINEAR: 200.0}))

    assert not {"hedge_never_raises_scan", "homogeneous_scan", "subadditive"} & MODEL.laws
    assert hedged > one and twice > 2 * one
