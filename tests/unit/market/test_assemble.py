"""How quotes become one snapshot, row by row."""

import numpy as np
import pytest

from counterpoise.instruments.catalogue import catalogue
from counterpoise.instruments.contracts import Right
from counterpoise.instruments.listing import Listing, option, perpetual
from counterpoise.market.assemble import QuoteRows, quotes_of, snapshot_of
from counterpoise.market.quotes import Quotes, silence
from counterpoise.market.snapshot import Quality, price_of, snapshot_digest
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS, parse_instant

EXPIRY = parse_instant("2026-03-27T08:00:00Z")
COIN = Listing(underlying="BTC", quote="USD", settlement="BTC")
CASH = Listing(underlying="BTC", quote="USDC", settlement="USDC")
MINUTE_NS = 60 * 10**9


def listed():
    call = [option(line, expiry=EXPIRY, strike=k, right=Right.CALL)
            for line in (COIN, CASH) for k in (60000.0, 70000.0)]
    return catalogue([perpetual(COIN), *call])


def quotes(**changes):
    held = listed()
    columns = silence(held) | {"index": np.array([65000.0])}
    for k, c in enumerate(held.instruments):
        is_option = k > 0
        inverse = c.settlement == "BTC"
        columns["mark"][k] = (0.1 if inverse else 6500.0) if is_option else 65100.0
        columns["forward"][k] = 66000.0 if is_option else np.nan
        columns["volatility"][k] = 0.5 if is_option else np.nan
    return Quotes(catalogue=held, **(columns | changes))


def snapshot(q, as_of=EXPIRY - 30 * DAY_NS, **prices):
    return snapshot_of(q, as_of=as_of, prices=prices, source="test")


def rows(*entries):
    table = np.array(entries, np.float64).T
    return QuoteRows(instrument=table[0].astype(np.int64), mark=table[1], forward=table[2],
                     volatility=table[3], index=table[4], age_ns=table[5].astype(np.int64))


def test_good_quotes_make_a_good_snapshot():
    market = snapshot(quotes())

    assert not market.quality.any()
    np.testing.assert_array_equal(market.forward[1:], 66000.0)
    assert market.mark[0] == market.forward[0]


def test_a_coin_whose_price_and_index_are_apart_has_neither():
    market = snapshot(quotes(), BTC=650.0, USDC=1.0)

    assert np.isnan(market.index[0]) and np.isnan(price_of(market, "BTC"))
    assert 1.0 == price_of(market, "USDC")
    assert (market.quality & np.uint16(Quality.ABSURD_PRICE)).all()
    assert 64000.0 == price_of(snapshot(quotes(), BTC=64000.0), "BTC")


def test_forward_is_one_per_expiry_and_settlement():
    nan = np.nan
    got = quotes_of(rows((1, .1, 66000, .5, 65000, 0), (2, .1, 66010, .5, 65001, 0),
                         (1, .1, 66020, .5, 65002, 0), (3, .1, 66500, .5, 65003, 0),
                         (0, 65100, nan, nan, nan, 0)), listed())

    assert [66010, 66010, 66500, 66500] == got.forward[1:].tolist()
    assert [65001.5] == got.index.tolist()
    assert np.isnan(got.forward[0])


def test_youngest_row_of_an_instrument_counts_and_the_later_of_equals():
    got = quotes_of(rows((1, .1, 66000, .5, 65000, 50), (1, .2, 66000, .6, 65000, 10),
                         (1, .3, 66000, .7, 65000, 10), (1, .4, 66000, .8, 65000, 90)), listed())

    assert (.3, .7, 10) == (got.mark[1], got.volatility[1], got.age_ns[1])


def test_order_of_rows_of_different_ages_changes_nothing():
    entries = [(1, .1, 66000, .5, 65000, 50), (2, .2, 66020, .6, 65001, 10),
               (1, .3, 66040, .7, 65009, 20)]

    assert quotes_of(rows(*entries), listed()) == quotes_of(rows(*entries[::-1]), listed())


def test_window_splits_the_forward_between_average_and_rest():
    q = quotes(average=np.full(5, 64000.0))
    market = snapshot(q, as_of=EXPIRY - 6 * MINUTE_NS)

    np.testing.assert_allclose(market.forward_fixed[1:], 64000 * 0.8, rtol=1e-15)
    np.testing.assert_allclose(market.forward[1:], 66000 * 0.2, rtol=1e-15)
    assert (65100.0, 0.0) == (market.forward[0], market.forward_fixed[0])


def test_window_without_an_average_has_no_forward():
    market = snapshot(quotes(), as_of=EXPIRY - 6 * MINUTE_NS)

    assert (market.quality[1:] == Quality.MISSING_FORWARD).all()
    assert np.isnan(market.forward[1:]).all()


@pytest.mark.parametrize("minutes", [30, 31])
def test_nothing_is_fixed_before_the_window_opens(minutes):
    market = snapshot(quotes(average=np.full(5, 1.0)), as_of=EXPIRY - minutes * MINUTE_NS)

    assert not market.quality.any() and not market.forward_fixed.any()


def test_stated_fixed_part_leaves_the_variable_part_alone():
    q = quotes(forward_fixed=np.full(5, 52000.0), forward=np.full(5, 13000.0))
    market = snapshot(q, as_of=EXPIRY - 6 * MINUTE_NS)

    assert not market.quality.any()
    assert [13000.0] * 4 == market.forward[1:].tolist()


@pytest.mark.parametrize(("fixed", "variable", "minutes"), [
    (52000.0, 60000.0, 6), (5000.0, 13000.0, 6), (52000.0, 13000.0, 60)])
def test_parts_that_do_not_fit_the_window_are_no_forward(fixed, variable, minutes):
    q = quotes(forward_fixed=np.full(5, fixed), forward=np.full(5, variable))
    market = snapshot(q, as_of=EXPIRY - minutes * MINUTE_NS)

    assert ((Quality.ABSURD_PRICE | Quality.MISSING_FORWARD) == market.quality[1:]).all()
    assert np.isnan(market.forward[1:] + market.forward_fixed[1:]).all()


def test_absurd_average_leaves_the_forward_missing():
    market = snapshot(quotes(average=np.full(5, 1.0)), as_of=EXPIRY - 6 * MINUTE_NS)

    assert ((Quality.ABSURD_PRICE | Quality.MISSING_FORWARD) == market.quality[1:]).all()
    assert np.isnan(market.forward[1:]).all()


def test_expired_from_the_instant_of_expiry():
    assert (snapshot(quotes(), as_of=EXPIRY).quality[1:] & Quality.EXPIRED).all()
    assert not (snapshot(quotes(), as_of=EXPIRY).quality[0] & Quality.EXPIRED)


def test_old_quote_is_stale_and_a_young_one_is_not():
    ages = np.array([301, 300, 0, 301, 0]) * 10**9
    market = snapshot(quotes(age_ns=ages))

    assert [64, 0, 0, 64, 0] == market.quality.tolist()


def test_index_that_is_no_price_is_missing_and_absurd():
    market = snapshot(quotes(index=np.array([-1.0])))

    assert (market.quality == Quality.MISSING_INDEX | Quality.ABSURD_PRICE).all()
    assert np.isnan(market.index[0])


def test_rate_that_nobody_stated_is_undiscounted():
    assert [0.0] * 5 == snapshot(quotes()).rate.tolist()


def test_price_of_a_coin_is_its_index_and_of_a_stablecoin_what_was_stated():
    market = snapshot(quotes(), USDC=0.98)

    assert (65000.0, 0.98, 1.0) == tuple(price_of(market, a) for a in ("BTC", "USDC", "USD"))
    assert np.isnan(price_of(snapshot(quotes()), "USDC"))
    assert np.isnan(price_of(market, "DOGE"))


def test_digest_changes_with_any_number_and_not_with_the_source():
    market = snapshot(quotes())

    assert snapshot_digest(market) == snapshot_digest(replaced(market, source="elsewhere"))
    for name in ("mark", "volatility", "forward", "rate", "forward_fixed"):
        changed = getattr(market, name).copy()
        changed[1] = 0.123
        assert snapshot_digest(market) != snapshot_digest(replaced(market, **{name: changed}))


def test_market_of_nothing_is_empty():
    nothing = catalogue([])
    market = snapshot_of(Quotes(catalogue=nothing, **silence(nothing)), as_of=0, prices={},
                         source="")

    assert (0, ("USD",)) == (len(market.mark), market.assets)
