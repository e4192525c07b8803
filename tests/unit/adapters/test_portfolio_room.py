"""What a portfolio file says beside quotes and positions reaches the values and is written back."""

import json
import math

import numpy as np
import pytest

from bad_input_table import OPTION, SMILE, good
from counterpoise import margin_of
from counterpoise.adapters.portfolio_file import read_portfolio, write_portfolio
from counterpoise.adapters.snapshot_file import read_snapshot, write_snapshot
from counterpoise.margin.tick import moved_underlyings
from counterpoise.market.conditions import column_of, confidence_in
from counterpoise.market.snapshot import snapshot_digest
from counterpoise.values.frozen import replaced

PERP = "BTC-USD:BTC-PERP"


def read(document):
    """Return the portfolio of a document, which must be written as it was read."""
    portfolio = read_portfolio(json.dumps(document).encode())

    assert portfolio == read_portfolio(write_portfolio(portfolio))
    return portfolio


def holding(**account):
    """Return the good portfolio with keys of its account changed."""
    document = good()
    document["account"] |= account
    return read(document)


def btc(portfolio, table):
    """Return the BTC column of a table of one account."""
    return int(table[0, [a.code for a in portfolio.book.assets].index("BTC")])


def test_balances_are_all_wallets_together_less_what_is_borrowed():
    portfolio = holding(balances={"BTC": "1"}, wallets={"um": {"BTC": "0.5"}, "cm": {"BTC": "2"}},
                        loans={"BTC": {"amount": "0.25", "rate": "0.06"}})
    book = portfolio.book

    assert 325_000_000 == btc(portfolio, book.balances)
    assert 25_000_000 == btc(portfolio, book.loans)
    assert {"um": 50_000_000, "cm": 200_000_000} == {
        name: btc(portfolio, table) for name, table in book.wallets.items()}
    assert 0.06 == book.given["borrow_rate"][0, 0]


def test_a_loan_without_balances_is_a_known_debt():
    pool = margin_of(holding(balances={}, loans={"BTC": {"amount": "3"}}, equity={},
                             positions=[], orders=[])).pools[0]

    assert (-3.0, "bankrupt") == (pool.equity, pool.status)


def test_roles_are_kept_by_asset():
    book = holding(collateral={"BTC": "none", "ETH": "hedge"}).book

    assert {"BTC": 1, "ETH": 2} == {a.code: int(r) for a, r in zip(book.assets, book.roles[0],
                                                                  strict=True) if r}


def test_amounts_by_position_stand_beside_their_position():
    document = good()
    document["account"]["positions"].reverse()
    document["account"]["positions"][-1]["given"] = {"delta": "-0.125", "leverage": 10}
    book = read(document).book
    at = book.instrument.tolist().index(book.catalogue.column[PERP])

    assert -0.125 == book.position_given["delta"][at]
    assert np.isnan(np.delete(book.position_given["leverage"], at)).all()


def test_unrealised_profit_says_what_the_entry_was():
    document = good()
    position = document["account"]["positions"][0]
    position.pop("entry_price", None)
    stated = read(document | {"account": document["account"] | {
        "balances": {"BTC": "1"}, "orders": [],
        "positions": [position | {"given": {"unrealised_pnl": "0.0125"}}]}})

    assert 1.0125 == pytest.approx(margin_of(stated).pools[0].equity, abs=2e-8)


def test_funding_that_is_not_paid_yet_counts_in_equity():
    document = good()
    position = document["account"]["positions"][0]
    with_funding = position | {"given": {"unrealised_funding": "-0.5"}}
    plain, charged = (margin_of(read(document | {"account": document["account"] | {
        "positions": [p]}})).pools[0].equity for p in (position, with_funding))

    assert -0.5 == pytest.approx(charged - plain)


def test_what_a_model_does_not_read_is_named():
    notes = margin_of(holding(given={"fees": {"BTC": "0.001"}, "mmp_margin": {"BTC": 0}})).notes

    assert "stated and not used by deribit_spm: fees" in notes


def test_an_isolated_position_is_an_account_of_its_own():
    document = good()
    document["account"]["positions"][0] |= {"isolated": True, "isolated_margin": "0.02"}
    portfolio = read(document)
    whole = margin_of(read(good()))
    parts = margin_of(portfolio)

    assert ["account", f"account isolated {PERP}"] == portfolio.book.accounts.tolist()
    assert [p.account for p in parts.pools] == portfolio.book.accounts.tolist()
    assert sum(p.initial for p in parts.pools) != pytest.approx(whole.pools[0].initial)
    assert [1] == [len(portfolio.book.lots[a:b]) for a, b in zip(
        portfolio.book.row_pointer[1:], portfolio.book.row_pointer[2:], strict=False)]


def test_limit_prices_reach_the_book_in_its_order():
    rows = [{"instrument": "BTC-PERPETUAL", "quantity": q, "price": p}
            for q, p in (("10", "66000"), ("10", "65000"), ("-20", "67000"))]
    book = holding(orders=[*rows, {"instrument": "BTC-PERPETUAL", "quantity": "5"}]).book
    same = holding(orders=[{"instrument": "BTC-PERPETUAL", "quantity": "5"}, *rows[::-1]]).book

    assert [67000.0, None, 65000.0, 66000.0] == [
        None if math.isnan(p) else p for p in book.order_given["price"]]
    assert book == same


def test_options_without_their_own_volatility_have_that_of_the_smile():
    document = good()
    quote = document["market"]["instruments"][OPTION]
    del quote["iv"]
    document["market"]["surfaces"] = {"BTC-28JUN24": SMILE}
    market = read(document).market
    place = next(k for k, c in enumerate(market.catalogue.instruments)
                 if c.id.endswith("-C") or c.id.endswith("-P"))
    k = math.log(market.catalogue.strike[place] / float(quote["forward"]))
    w = 0.01 + 0.1 * (-0.2 * k + math.sqrt(k * k + 0.01))
    years = (market.catalogue.expiry[place] - market.as_of) / (365 * 86_400e9)

    assert math.sqrt(w / years) == pytest.approx(market.volatility[place], rel=1e-12)


def test_what_is_known_beside_prices_reaches_the_snapshot():
    document = good()
    document["market"]["instruments"]["BTC-PERPETUAL"] |= {
        "funding_rate": "-0.0002", "volume": 5e9, "open_interest": 1e9, "depth": 4e6,
        "confidence": 0.9}
    document["market"] |= {"borrow_rates": {"USDC": "0.07"}, "confidence": {
        "forward:BTC-28JUN24": "0.8", "forward:BTC": "0.7", "asset:USDC": 1}}
    market = read(document).market
    known, at = market.conditions, market.catalogue.column[PERP]
    expiry = int(market.catalogue.expiry.max())

    assert [-0.0002, 5e9, 1e9, 4e6, 0.9] == [
        column_of(known, name, market.catalogue)[at]
        for name in ("funding_rate", "volume", "open_interest", "depth", "confidence")]
    assert (0.8, 0.7) == (confidence_in(known, "forward", "BTC", expiry),
                          confidence_in(known, "forward", "BTC", expiry + 10 * 86_400 * 10**9))
    assert math.isnan(confidence_in(known, "rate", "BTC", expiry))
    assert {"USDC": 0.07} == known.borrow_rates
    assert snapshot_digest(market) != snapshot_digest(read(good()).market)


def test_a_market_that_says_other_things_beside_prices_has_moved():
    document = good()
    document["market"]["instruments"]["BTC-PERPETUAL"]["funding_rate"] = "0.0001"
    market, before = read(document).market, read(good()).market
    rates = replaced(market, conditions=replaced(market.conditions, borrow_rates={"USDC": 0.1}))

    same = replaced(market, catalogue=before.catalogue)
    assert moved_underlyings(before, same).any()
    assert not moved_underlyings(market, market).any()
    assert moved_underlyings(market, rates).all()


def test_a_snapshot_file_keeps_what_is_known_beside_prices(tmp_path):
    document = good()
    document["market"]["instruments"]["BTC-PERPETUAL"] |= {"funding_rate": "-0.0002", "depth": 4e6}
    document["market"] |= {"borrow_rates": {"USDC": "0.07"}, "confidence": {"index:BTC": "0.8"},
                           "surfaces": {"BTC-28JUN24": SMILE | {"years": "0.03"}}}
    market = read(document).market
    write_snapshot(tmp_path / "kept.parquet", market)

    assert market == read_snapshot(tmp_path / "kept.parquet")
