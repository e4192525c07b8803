"""The same risk in linear contracts: coins stay, profit so far goes into the balance."""

import numpy as np
import pytest

from counterpoise.accounts.book import Entries, book_of
from counterpoise.margin.restated import restated
from counterpoise.risk.sensitivities import UNITS, greeks
from counterpoise.values.assets import asset
from counterpoise.values.quantity import UNKNOWN
from markets import INDEX, account, market

MARKET = market()
PERP, CASH_PERP = "BTC-USD:BTC-PERP", "BTC-USDC:USDC-PERP"
CALL, CASH_CALL = "BTC-USD:BTC-20260327-65000-C", "BTC-USDC:USDC-20260327-65000-C"


def sizes(book):
    return {book.catalogue.instruments[k].id: lots * book.catalogue.unit[k]
            for k, lots in zip(book.instrument.tolist(), book.lots.tolist(), strict=True)}


def test_an_inverse_perpetual_becomes_its_coins():
    book, _ = restated(account(MARKET, {PERP: 130_000.0}), MARKET, "USDC")

    assert {CASH_PERP: pytest.approx(130_000 / INDEX["BTC"], rel=1e-9)} == sizes(book)


def test_options_and_linear_contracts_keep_their_size():
    book, _ = restated(account(MARKET, {CALL: -3.0, CASH_PERP: 0.5}), MARKET, "USDT")

    assert {CASH_CALL.replace("USDC", "USDT"): -3.0,
            CASH_PERP.replace("USDC", "USDT"): 0.5} == sizes(book)


def test_what_becomes_the_same_contract_nets():
    book, _ = restated(account(MARKET, {PERP: 65_000.0, CASH_PERP: -1.0, CALL: 2.0}), MARKET,
                       "USDC")

    assert {CASH_CALL: 2.0} == sizes(book)


def test_sensitivities_in_dollars_stay():
    held = {PERP: 130_000.0, CALL: -3.0, "BTC-USD:BTC-20260327-58500-P": 4.0}
    before = greeks(account(MARKET, held), MARKET).amount
    book, prices = restated(account(MARKET, held), MARKET, "USDC")
    after = greeks(book, prices).amount

    for name in ("delta_usd", "gamma_usd", "vega_usd", "theta_usd", "value_usd"):
        column = list(UNITS).index(name)
        assert after[:, column].sum() == pytest.approx(before[:, column].sum(), rel=1e-8), name


def test_a_premium_in_coin_is_worth_its_coins_at_the_forward():
    _, prices = restated(account(MARKET, {CALL: 1.0}), MARKET, "USDC")
    column = MARKET.catalogue.column

    assert prices.mark[0] == pytest.approx(MARKET.mark[column[CASH_CALL]], rel=1e-12)
    assert prices.mark[0] == pytest.approx(
        MARKET.mark[column[CALL]] * MARKET.forward[column[CALL]], rel=1e-12)


def entered(cost):
    column = np.array([MARKET.catalogue.column[PERP]], np.int32)
    rows = Entries(account=np.zeros(1, np.int64), instrument=column,
                   lots=np.array([65_000 * 10**9]), entry_cost=np.array([cost]))
    return book_of(catalogue=MARKET.catalogue, accounts=np.arange(1), positions=rows,
                   balances=((asset("BTC"),), np.array([[2 * 10**8]], np.int64)))


def test_profit_so_far_goes_into_the_balance():
    """65,000 USD entered at 52,000 cost -1.25 coins; at 65,000 they are worth -1: 0.25 won."""
    book, _ = restated(entered(-125_000_000), MARKET, "USDC")
    balance = dict(zip((a.code for a in book.assets), book.balances[0].tolist(), strict=True))

    assert 225_000_000 == balance["BTC"]
    assert 65_000 * 10**6 == pytest.approx(book.entry_cost[0], abs=10)


def test_an_unknown_entry_stays_unknown():
    book, _ = restated(entered(UNKNOWN), MARKET, "USDC")

    assert UNKNOWN == book.entry_cost[0]
    assert 2 * 10**8 == max(book.balances[0])


def test_a_price_that_nobody_states_is_a_dollar():
    _, known = restated(account(MARKET, {PERP: 65_000.0}), MARKET, "USDC")
    _, taken = restated(account(MARKET, {PERP: 65_000.0}), MARKET, "USDT")

    assert ("USDC", 1.0) == (known.assets[-1], known.price[-1])
    assert ("USDT", 1.0) == (taken.assets[-1], taken.price[-1])


def test_orders_are_restated_too_and_an_empty_account_stays_empty():
    book, _ = restated(account(MARKET, {}, orders={PERP: 65_000.0}), MARKET, "USDC")
    bare, _ = restated(account(MARKET, {}), MARKET, "USDC")

    assert 10**9 == book.order_lots[0]
    assert 0 == len(bare.instrument) and 1 == len(bare)
