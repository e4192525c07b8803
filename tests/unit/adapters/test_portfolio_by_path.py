"""A portfolio whose market is a file beside it: a chain, or a snapshot that was kept."""

import json

import pytest

from counterpoise.adapters.chain import read_chain
from counterpoise.adapters.portfolio_file import read_portfolio, write_portfolio
from counterpoise.adapters.snapshot_file import write_snapshot
from counterpoise.market.simulated import simulated_market
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.time import parse_instant

STAMP = "2026-01-06T21:21:21Z"
CHAIN = ("snapshot_ts,instrument,mark_price,mark_iv,underlying_price,underlying_name,index_price\n"
         f"2026-01-06T15:00:00Z,BTC-9JAN26-90000-C,0.04,0.45,93000,BTC-9JAN26,92900\n"
         f"{STAMP},BTC-9JAN26-90000-C,0.041,0.45,93500,BTC-9JAN26,93400\n")
PERPETUALS = f"snapshot_ts,instrument,perp_price\n{STAMP},BTC-PERPETUAL,93450.5\n"


@pytest.fixture
def read(tmp_path):
    (tmp_path / "chain.csv").write_text(CHAIN)
    (tmp_path / "perpetuals.csv").write_text(PERPETUALS)

    def reader(market, name="BTC-9JAN26-90000-C", **more):
        document = {"symbols": "deribit", "market": market, "account": {
            "positions": [{"instrument": name, "quantity": "-1"}]}} | more
        path = tmp_path / "portfolio.json"
        path.write_text(json.dumps(document))
        return read_portfolio(path)
    return reader


def test_path_is_relative_to_the_file(read, tmp_path):
    assert read_chain(tmp_path / "chain.csv") == read("chain.csv").market


def test_portfolio_without_a_time_takes_the_last_snapshot(read):
    assert parse_instant(STAMP) == read("chain.csv").as_of


def test_portfolio_with_a_time_takes_the_last_snapshot_before_it(read):
    portfolio = read("chain.csv", as_of="2026-01-06T16:00:00Z")

    assert parse_instant("2026-01-06T15:00:00Z") == portfolio.as_of == portfolio.market.as_of


def test_perpetual_prices_stand_beside_the_chain(read):
    portfolio = read({"snapshot": "chain.csv", "perpetuals": "perpetuals.csv"}, "BTC-PERPETUAL")

    assert 93450.5 == portfolio.market.mark[portfolio.book.instrument[0]]


def test_kept_snapshot_serves_as_a_market(read, tmp_path):
    write_snapshot(tmp_path / "simulated.parquet", simulated_market())
    portfolio = read("simulated.parquet", "BTC-PERPETUAL")

    assert simulated_market() == portfolio.market


def test_portfolio_by_path_is_written_out_in_full(read):
    portfolio = read("chain.csv")

    assert portfolio == read_portfolio(write_portfolio(portfolio))


@pytest.mark.parametrize(("market", "more", "reason", "words"), [
    ("chain.csv", {"as_of": "2026-01-09T00:00:00Z"}, Reason.STALE, "ask for that time"),
    ("chain.csv", {"as_of": "2026-01-01T00:00:00Z"}, Reason.STALE, "its first is of"),
    ({"snapshot": "chain.csv", "indices": {}}, {}, Reason.BAD_VALUE, "has its own"),
    ({"perpetuals": "perpetuals.csv"}, {}, Reason.NOT_APPLICABLE, "missing beside perpetuals"),
    ("nothing.csv", {}, Reason.UNREADABLE, "is not a file"),
    ("perpetuals.csv", {}, Reason.UNREADABLE, "no column 'mark_price'"),
])
def test_market_that_cannot_serve_is_refused(read, market, more, reason, words):
    with pytest.raises(BadInput) as refused:
        read(market, **more)

    assert reason in [f.reason for f in refused.value.failures]
    assert words in str(refused.value)


def test_instrument_that_the_snapshot_lacks_is_refused_by_name(read):
    with pytest.raises(BadInput, match="BTC-9JAN26-91000-C: is not in the snapshot"):
        read("chain.csv", "BTC-9JAN26-91000-C")


def test_definition_with_another_lot_than_the_snapshot_is_refused(read):
    own = {"BTC-PERPETUAL": {"kind": "perpetual", "underlying": "BTC", "quote": "USD",
                             "settlement": "BTC", "lot_exponent": 1}}
    with pytest.raises(BadInput, match="lot_exponent 1, but the market with lot_exponent -9"):
        read("chain.csv", "BTC-PERPETUAL", instruments=own)


def test_definition_that_says_the_same_as_the_snapshot_is_welcome(read):
    own = {"swap": {"kind": "perpetual", "underlying": "BTC", "quote": "USD", "settlement": "BTC"}}

    assert 1 == len(read("chain.csv", "swap", instruments=own).book.lots)
