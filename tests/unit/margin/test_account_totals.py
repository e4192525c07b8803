"""Totals over pools, by hand: pool amounts times the price of the pool's currency."""

import math

import numpy as np
import pytest

from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.account_totals import account_totals
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.models.standard import MODEL
from counterpoise.values.frozen import replaced
from markets import AS_OF, INDEX, account, market

MARKET = market()
COIN, CASH = "BTC-USD:BTC-PERP", "BTC-USDC:USDC-PERP"


def totals_of(holdings, on=MARKET):
    book = account(on, holdings, balances={"BTC": 4, "USDC": 50_000})
    margins = compute_margin(book, on, model=MODEL, version=parameters_of(MODEL, AS_OF))
    return margins.requirements, account_totals(book, on, margins)


def test_pools_add_up_in_dollars() -> None:
    rows, totals = totals_of({COIN: 30_000.0, CASH: 0.5})
    price = np.array([(INDEX | {"USDC": 1.0})[p] for p in rows.pools])[rows.pool]

    assert len(rows) == 2
    assert totals.initial[0] == pytest.approx(float(rows.initial @ price), rel=1e-12)
    assert totals.maintenance[0] == pytest.approx(float(rows.maintenance @ price), rel=1e-12)


def test_components_add_up_to_the_totals() -> None:
    _, totals = totals_of({COIN: 30_000.0, CASH: 0.5})

    assert sum(c[0] for c in totals.initial_components.values()) == pytest.approx(
        totals.initial[0], rel=1e-12)
    assert sum(c[0] for c in totals.maintenance_components.values()) == pytest.approx(
        totals.maintenance[0], rel=1e-12)


def test_an_account_without_positions_needs_nothing() -> None:
    _, totals = totals_of({})

    assert (0.0, 0.0, 0.0) == (totals.initial[0], totals.maintenance[0], totals.leverage[0])


def test_a_pool_without_a_number_leaves_the_account_without_one() -> None:
    mark = MARKET.mark.copy()
    mark[MARKET.catalogue.column[CASH]] = np.nan
    quality = MARKET.quality.copy()
    quality[MARKET.catalogue.column[CASH]] = 1
    _, totals = totals_of({COIN: 30_000.0, CASH: 0.5}, replaced(MARKET, mark=mark, quality=quality))

    assert math.isnan(totals.initial[0])
