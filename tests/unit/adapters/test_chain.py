"""A real chain becomes one snapshot: complete, or explicit about what is missing."""

import time

import numpy as np
import pytest

from counterpoise.adapters.chain import market_at, read_chain, read_market, snapshots
from counterpoise.adapters.snapshot_file import write_snapshot
from counterpoise.adapters.tables import opened, query
from counterpoise.instruments.catalogue import FUTURE, OPTION, PERPETUAL
from counterpoise.market.snapshot import Quality
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.time import parse_instant

HEADER = "snapshot_ts,instrument,mark_price,mark_iv,underlying_price,underlying_name,index_price\n"
STAMP = "2026-01-06T21:21:21Z"
ROWS = [
    f"{STAMP},BTC-9JAN26-90000-C,0.041,0.45,93500,BTC-9JAN26,93400",
    f"{STAMP},BTC-9JAN26-90000-P,0,0.45,93510,BTC-9JAN26,93410",
    f"{STAMP},BTC-9JAN26-95000-C,0.012,0.44,93600,BTC-9JAN26,93500",
    f"{STAMP},BTC-10JAN26-95000-C,0.015,,93700,SYN.BTC-10JAN26,93390",
    f"{STAMP},BTC-7JAN26-95000-C,0.002,0.50,93405,index_price,93395",
]


@pytest.fixture
def chain(tmp_path):
    def write(*rows: str, name: str = "chain.csv"):
        path = tmp_path / name
        path.write_text(HEADER + "\n".join(rows or ROWS) + "\n")
        return path
    return write


@pytest.fixture(scope="session")
def options(shared):
    return shared / "data" / "options"


def at(market, name, field="mark"):
    return float(getattr(market, field)[market.catalogue.column[name]])


def flags(market, name):
    return Quality(int(market.quality[market.catalogue.column[name]]))


def test_index_is_the_median_over_the_rows_of_the_stamp(chain):
    assert [93400.0] == read_chain(chain()).index.tolist()


def test_forward_is_the_median_over_the_rows_of_the_expiry(chain):
    market = read_chain(chain())
    forwards = {at(market, f"BTC-USD:BTC-20260109-{k}", "forward")
                for k in ("90000-C", "90000-P", "95000-C")}

    assert {93510.0} == forwards


def test_named_future_is_an_instrument_and_a_synthetic_one_is_not(chain):
    market = read_chain(chain())
    futures = [c.id for c, kind in zip(market.catalogue.instruments, market.catalogue.kind,
                                       strict=True) if kind == FUTURE]

    assert ["BTC-USD:BTC-20260109"] == futures
    assert 93510.0 == at(market, "BTC-USD:BTC-20260109")


def test_perpetual_without_a_price_exists_and_its_mark_is_missing(chain):
    market = read_chain(chain())

    assert Quality.MISSING_MARK == flags(market, "BTC-USD:BTC-PERP")


def test_perpetual_takes_the_price_of_the_same_stamp(chain, tmp_path):
    prices = tmp_path / "perpetuals.csv"
    prices.write_text("snapshot_ts,instrument,perp_price\n2026-01-05T00:00:00Z,BTC-PERPETUAL,1\n"
                      f"{STAMP},BTC-PERPETUAL,93450.5\n{STAMP},SOL-PERPETUAL,140\n")

    assert 93450.5 == at(read_chain(chain(), perpetuals=prices), "BTC-USD:BTC-PERP")


def test_perpetual_of_another_stamp_is_not_dressed_as_fresh(chain, tmp_path):
    prices = tmp_path / "perpetuals.csv"
    prices.write_text("snapshot_ts,instrument,perp_price\n2026-01-05T00:00:00Z,BTC-PERPETUAL,1\n")
    market = read_chain(chain(), perpetuals=prices)

    assert Quality.MISSING_MARK == flags(market, "BTC-USD:BTC-PERP")


def test_zero_mark_of_an_option_is_legal(chain):
    assert Quality.GOOD == flags(read_chain(chain()), "BTC-USD:BTC-20260109-90000-P")


def test_missing_volatility_is_said(chain):
    market = read_chain(chain())

    assert Quality.MISSING_VOLATILITY == flags(market, "BTC-USD:BTC-20260110-95000-C")
    assert np.isnan(at(market, "BTC-USD:BTC-20260110-95000-C", "volatility"))


def test_absurd_quote_becomes_missing_not_a_number_to_use(chain):
    market = read_chain(chain(*ROWS[:3], f"{STAMP},BTC-9JAN26-99000-C,5,55,93500,BTC-9JAN26,93400"))

    assert Quality.ABSURD_PRICE in flags(market, "BTC-USD:BTC-20260109-99000-C")
    assert Quality.ABSURD_VOLATILITY in flags(market, "BTC-USD:BTC-20260109-99000-C")
    assert np.isnan(at(market, "BTC-USD:BTC-20260109-99000-C"))


def test_row_that_is_no_price_has_no_vote_in_index_and_forward(chain):
    broken = [f"{STAMP},BTC-9JAN26-{k}-C,0.001,0.5,-1,BTC-9JAN26,0" for k in (1, 2, 3, 4, 5)]
    market = read_chain(chain(*ROWS, *broken))

    assert [93400.0] == market.index.tolist()
    assert 93510.0 == at(market, "BTC-USD:BTC-20260109-90000-C", "forward")


def test_option_inside_its_settlement_window_lacks_the_average(chain):
    rows = [r.replace(STAMP, "2026-01-09T07:40:00Z") for r in ROWS[:3]]
    market = read_chain(chain(*rows))

    assert Quality.MISSING_FORWARD in flags(market, "BTC-USD:BTC-20260109-90000-C")


def test_expired_option_is_said(chain):
    market = read_chain(chain(*[r.replace(STAMP, "2026-01-09T08:00:00Z") for r in ROWS]))

    assert Quality.EXPIRED in flags(market, "BTC-USD:BTC-20260109-90000-C")
    assert Quality.EXPIRED not in flags(market, "BTC-USD:BTC-20260110-95000-C")


def test_file_of_many_snapshots_gives_the_last_one_at_or_before(chain):
    later = [r.replace(STAMP, "2026-01-07T00:00:00Z").replace("934", "944") for r in ROWS]
    path = chain(*ROWS, *later)
    first, second = (parse_instant(t) for t in (STAMP, "2026-01-07T00:00:00Z"))

    assert (first, second) == snapshots(path)
    assert second == read_chain(path).as_of
    assert first == read_chain(path, at=second - 1).as_of == read_chain(path, at=first).as_of


def test_request_before_the_first_snapshot_is_refused_with_its_time(chain):
    with pytest.raises(BadInput, match=f"its first is of {STAMP}") as refused:
        read_chain(chain(), at=parse_instant("2026-01-01T00:00:00Z"))

    assert Reason.STALE == refused.value.failures[0].reason


def test_semicolons_separate_as_well_as_commas(chain, tmp_path):
    path = tmp_path / "semicolons.csv"
    path.write_text((HEADER + "\n".join(ROWS)).replace(",", ";"))
    market, same = read_chain(path), read_chain(chain())

    np.testing.assert_array_equal(same.mark, market.mark)


def test_snapshot_says_where_it_comes_from(chain):
    market = read_chain(chain())

    assert "option chain chain.csv, observed 2026-01-06T21:21:21Z" == market.source
    assert not market.simulated


def test_stablecoin_has_no_price_that_nobody_observed(chain):
    assert ("BTC", "USD") == read_chain(chain()).assets


def test_selected_days_are_read_complete(options):
    path = options / "deribit_chain_selected.parquet"
    perpetuals = options / "deribit_perp_at_snapshots.parquet"
    markets = [read_chain(path, at=t, perpetuals=perpetuals) for t in snapshots(path)]
    rows = query(opened(path), "SELECT count(*) AS n FROM {table}")["n"][0]

    assert 7 == len(markets)
    assert rows == sum(int((m.catalogue.kind == OPTION).sum()) for m in markets)
    assert all(not m.quality.any() for m in markets[:-1])
    missing = markets[-1].quality != 0
    assert (markets[-1].catalogue.kind[missing] == PERPETUAL).all() and 2 == missing.sum()


def test_forward_of_the_snapshot_is_within_the_spread_of_its_rows(options):
    path = options / "deribit_chain_selected.parquet"
    market = read_chain(path)
    rows = query(opened(path), "SELECT expiry, currency, min(underlying_price) AS low, "
                 "max(underlying_price) AS high, epoch_ns(expiry) AS at FROM {table} "
                 "WHERE epoch_ns(snapshot_ts) = ? GROUP BY ALL", market.as_of)
    for coin, low, high, when in zip(rows["currency"], rows["low"], rows["high"], rows["at"],
                                     strict=True):
        there = ((market.catalogue.expiry == when) & (market.catalogue.kind == OPTION)
                 & (market.catalogue.underlying == market.catalogue.underlyings.index(coin)))
        forward = set(market.forward[there].tolist())
        assert 1 == len(forward) and low <= forward.pop() <= high


def test_one_snapshot_of_a_month_is_read_in_half_a_second(options):
    path = options / "deribit_chain_2026-02.parquet"
    read_chain(path)
    started = time.perf_counter()
    read_chain(path)

    # Twice the budget: the machine of a test run has other work.
    assert time.perf_counter() - started < 1.0


def test_snapshot_file_keeps_every_bit(chain, tmp_path):
    market = read_chain(chain())
    write_snapshot(tmp_path / "kept.parquet", market)

    assert market == read_market(tmp_path / "kept.parquet")


def test_market_is_read_from_a_chain_as_from_a_kept_snapshot(chain):
    assert read_chain(chain()) == read_market(chain())


@pytest.mark.parametrize(("asked", "words"), [
    ("2026-01-06T21:21:21Z", None), ("2026-01-07T09:21:21Z", None),
    ("2026-01-07T09:21:22Z", "no snapshot in the 12 hours before 2026-01-07T09:21:22Z")])
def test_market_stands_for_a_time_not_long_after_it(chain, asked, words):
    if words is None:
        assert read_chain(chain()) == market_at(chain(), parse_instant(asked))
    else:
        with pytest.raises(BadInput, match=words):
            market_at(chain(), parse_instant(asked))


def test_kept_snapshot_from_the_future_is_refused(chain, tmp_path):
    write_snapshot(tmp_path / "kept.parquet", read_chain(chain()))
    with pytest.raises(BadInput, match="after the time asked for, 2026-01-06T00:00:00Z"):
        market_at(tmp_path / "kept.parquet", parse_instant("2026-01-06T00:00:00Z"))
