"""One pool for a whole account: its rows, its equity over all assets, and the doors it passes."""

import json

import numpy as np
import pytest

import markets
from counterpoise import explain, margin_of, read_portfolio
from counterpoise.accounts.book import Entries, book_of
from counterpoise.adapters.parameters import parameters_of
from counterpoise.apps.report.document import answer_document
from counterpoise.apps.report.legs import explanation_document, legs_text
from counterpoise.apps.report.requirement import pools_text
from counterpoise.margin.band_nodes import BandGrid
from counterpoise.margin.bands import bands_of
from counterpoise.margin.compute import STATUS, compute_margin, laid_out
from counterpoise.margin.conformance import check_margin_model, random_book
from counterpoise.margin.pools import cross_pools, given_in_numeraire
from counterpoise.margin.tick import margined, moved
from counterpoise.margin.whatif import ready_market
from counterpoise.values.assets import asset
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from rule_books.gross_cross import MODEL

MARKET = markets.market()
VERSION = parameters_of(MODEL, markets.AS_OF)
ASSETS = tuple(asset(code) for code in ("BTC", "ETH", "USDC"))


def book(*balances, held=(), given=None):
    """Return a book; balances in whole units of BTC, ETH, USDC, positions (account, id, lots)."""
    units = [10**a.decimals for a in ASSETS]
    rows = Entries(account=np.array([a for a, _, _ in held], np.int64),
                   instrument=np.array([MARKET.catalogue.column[i] for _, i, _ in held], np.int32),
                   lots=np.array([n for _, _, n in held], np.int64),
                   entry_cost=np.zeros(len(held), np.int64))
    amounts = np.rint(np.array(balances) * np.array(units)).astype(np.int64)
    return book_of(catalogue=MARKET.catalogue, accounts=np.arange(len(balances)), positions=rows,
                   balances=(ASSETS, amounts), given=given)


def margins(held, market=MARKET):
    return compute_margin(held, market, model=MODEL, version=VERSION)


def test_equity_is_the_sum_over_assets_and_the_balance_is_weighed():
    # BTC 65,000 and ETH 1,900. 2 BTC: 1 x 0.95 + 1 x 0.9; 10 ETH = 19,000: 9,000 + 9,000 x 0.5.
    found = margins(book((2, 10, 500)))

    assert [130_000 + 19_000 + 500] == pytest.approx(found.equity.tolist())
    assert [0.95 * 65_000 + 0.9 * 65_000 + 9_000 + 4_500 + 500] == pytest.approx(
        found.margin_balance.tolist())


def test_the_cap_of_an_asset_binds():
    # 100 ETH = 190,000 USD, of which 30,000 count: 10,000 x 0.9 + 20,000 x 0.5.
    assert [19_000] == pytest.approx(margins(book((0, 100, 0))).margin_balance.tolist())


def test_debt_in_one_asset_counts_whole_against_another():
    assert [0.95 * 65_000 - 1_900] == pytest.approx(margins(book((1, -1, 0))).margin_balance)


def test_gains_count_in_the_asset_that_they_are_settled_in():
    # A linear perpetual bought for nothing: 10**9 lots are one coin, worth 65,000 USDC.
    held = book((0, 0, 100), held=[(0, "BTC-USDC:USDC-PERP", 10**9)])

    assert [65_100] == pytest.approx(margins(held).equity.tolist())


def test_there_is_one_row_per_account_that_has_anything():
    rows = cross_pools(book((0, 0, 0), (1, 2, 3), (0, 0, 1)), "USD")

    assert (("USD",), [1, 2], [0, 0]) == (rows.pools, rows.account.tolist(), rows.pool.tolist())


def test_a_held_asset_without_a_price_leaves_the_account_unknown_and_no_other():
    price = np.where(np.array(MARKET.assets) == "ETH", np.nan, MARKET.price)
    found = margins(book((1, 1, 0), (1, 0, 0)), replaced(MARKET, price=price))

    assert ["unknown", "healthy"] == [STATUS[s] for s in found.status]
    assert np.isnan(found.equity[0]) and np.isnan(found.margin_balance[0])
    assert {"ETH": [True, False]} == {a: rows.tolist() for a, rows in found.no_price.items()}


def test_stated_amounts_are_added_up_in_the_numeraire():
    held = book((1, 0, 0), (1, 0, 0), (1, 0, 0), given={"fees": np.array(
        [[0.5, np.nan, 20.0], [np.nan] * 3, [np.nan, 1.0, np.nan]])})
    stated = given_in_numeraire(held, cross_pools(held, "USD"), "fees",
                                np.array([65_000.0, np.nan, 1.0]))

    assert 32_520.0 == stated[0] and np.isnan(stated[1:]).all()


def test_a_stated_equity_stands_for_the_amount_of_its_asset():
    held = book((1, 0, 7), given={"equity": np.array([[2.0, np.nan, np.nan]])})

    assert [130_007] == margins(held).equity.tolist()


def test_the_battery_finds_nothing():
    assert () == check_margin_model(MODEL, VERSION, MARKET)


def test_a_tick_gives_the_bits_of_a_full_computation():
    held = random_book(MARKET, seed=5, accounts=20)
    before = margined(laid_out(held, MODEL), MARKET, model=MODEL, version=VERSION)
    later = replaced(MARKET, sequence=2, index=MARKET.index * np.array([1.01, 1.0]),
                     price=MARKET.price * np.array([1.01, 1.0, 1.0]))
    after, whole = moved(before.now, later).margins, margins(held, later)
    at = after.requirements.account

    assert len(at) and whole.margin_balance[at].tobytes() == after.margin_balance.tobytes()


def test_balances_count_at_the_price_of_a_tick():
    held = book((1, 0, 0), (0, 1, 0), held=[(1, "BTC-USDC:USDC-PERP", 10**9)])
    before = margined(held, MARKET, model=MODEL, version=VERSION)
    later = replaced(MARKET, sequence=2, index=MARKET.index * np.array([1.0, 2.0]),
                     price=MARKET.price * np.array([1.0, 2.0, 1.0]))
    after, whole = moved(before.now, later).margins, margins(held, later)

    assert whole.margin_balance[after.requirements.account].tobytes() == (
        after.margin_balance.tobytes())
    assert 1 in after.requirements.account


def test_bands_and_prepared_figures_say_that_they_do_not_apply():
    with pytest.raises(BadInput, match="has no safe bands"):
        bands_of(book((1, 0, 0)), MARKET, model=MODEL, version=VERSION, grid=BandGrid())
    with pytest.raises(BadInput, match="has no prepared figures"):
        ready_market(MARKET, model=MODEL, version=VERSION)


@pytest.fixture
def offered(monkeypatch):
    """Offer the model by its name."""
    monkeypatch.setattr("counterpoise.apps.answer.model_named", lambda name: MODEL)


def portfolio(**account):
    """Return a portfolio of a hedged pair settled in BTC and USDC."""
    return read_portfolio(json.dumps({
        "as_of": "2026-02-05T21:30:00Z", "model": "gross_cross", "symbols": "deribit",
        "market": {"indices": {"BTC": 65000}, "assets": {"USDC": 1},
                   "instruments": {"BTC-PERPETUAL": {"mark": 65000},
                                   "BTC_USDC-PERPETUAL": {"mark": 65000}}},
        "account": {"balances": {"BTC": "1", "USDC": "-400"}, "positions": [
            {"instrument": "BTC-PERPETUAL", "quantity": 10_000, "entry_price": 65000},
            {"instrument": "BTC_USDC-PERPETUAL", "quantity": "0.1", "entry_price": 64000}]}
        | account}).encode())


def test_the_answer_has_one_pool_with_the_figures_of_the_venue(offered):
    answer = margin_of(portfolio())
    pool, document = answer.pools[0], answer_document(answer)

    assert ("USD", 1, "healthy") == (pool.currency, len(answer.pools), pool.status)
    assert 65_000 - 400 + 100 == pytest.approx(pool.equity)
    assert {"margin_ratio": pytest.approx(825 / (0.95 * 65_000 - 300))} == document["figures"]
    assert "the model's own figures: margin ratio 0.0134" in "\n".join(pools_text(answer, None))


def test_the_legs_of_an_explanation_belong_to_the_one_pool(offered):
    explanation = explain(portfolio())
    document = explanation_document(explanation)

    assert ["USD", "USD"] == [p["currency"] for p in document["positions"]]
    assert [1000, 650] == pytest.approx([p["initial_contribution"] for p in document["positions"]])
    assert [-1000, -650] == pytest.approx([p["closing_changes_initial"]
                                           for p in document["positions"]])
    assert document["standard_margin"] is None
    assert "positions together" in "\n".join(legs_text(explanation))


def test_an_asset_without_a_price_is_named_in_the_answer(offered):
    pool = margin_of(portfolio(balances={"BTC": "1", "SOL": "3"})).pools[0]

    assert "unknown" == pool.status
    assert [("missing_price", "SOL")] == [(str(f.reason), f.subject) for f in pool.failures]


def test_equity_stated_by_asset_is_enough(offered):
    pool = margin_of(portfolio(balances={}, equity={"BTC": "2", "USDC": 0})).pools[0]

    assert (130_000, "healthy") == (pool.equity, pool.status)


def test_an_account_that_states_nothing_is_unknown(offered):
    pool = margin_of(portfolio(balances={})).pools[0]

    assert "unknown" == pool.status
    assert "no balances stated" in pool.failures[0].sentence
