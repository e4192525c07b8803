"""Days of which only prices are left: what the proxies quote, and what they do not."""

import numpy as np
import pytest

from counterpoise.backtest.price_world import PriceWorld, simulated_history
from counterpoise.instruments.catalogue import FUTURE, OPTION
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS, parse_instant

BEGIN = parse_instant("2024-01-01T00:00:00Z")
HISTORY = simulated_history(seed=5, days=80, begin=BEGIN)
WORLD = PriceWorld(history=HISTORY)


def test_option_of_a_month_at_the_money_has_the_volatility_of_the_day():
    market = WORLD.market(BEGIN + 40 * DAY_NS)
    terms = market.catalogue
    years = (terms.expiry - market.as_of) / (365 * DAY_NS)
    btc = np.flatnonzero((terms.kind == OPTION) & (terms.underlying == 0)
                         & (np.abs(365 * years - 30) < 4))
    near = btc[np.argmin(np.abs(terms.strike[btc] / market.forward[btc] - 1))]

    assert market.volatility[near] == pytest.approx(HISTORY.volatility[40, 0], rel=0.02)


def test_instruments_of_yesterday_are_quoted_again_today():
    held = WORLD.market(BEGIN + 40 * DAY_NS)
    again = WORLD.again(held, BEGIN + 41 * DAY_NS)

    assert again.catalogue is held.catalogue and (again.quality == 0).all()
    assert again.index.tolist() == HISTORY.close[41].tolist()


def test_no_dated_future_is_invented_and_every_market_says_what_it_is():
    market = WORLD.market(BEGIN + 40 * DAY_NS)

    assert not (market.catalogue.kind == FUTURE).any()
    assert market.simulated and "proxy" in market.source


def test_day_without_a_volatility_lists_no_options():
    silent = replaced(HISTORY, volatility=np.full(HISTORY.close.shape, np.nan))
    market = PriceWorld(history=silent).market(BEGIN + 40 * DAY_NS)

    assert not (market.catalogue.kind == OPTION).any() and 2 == len(market.catalogue)


def test_surface_of_a_day_knows_nothing_of_later_days():
    later = (np.arange(80) > 40)[:, None]
    other = replaced(HISTORY, volatility=np.where(later, 3.0, HISTORY.volatility),
                     close=np.where(later, 1.0, HISTORY.close))
    now, then = (PriceWorld(history=h).market(BEGIN + 40 * DAY_NS) for h in (HISTORY, other))

    assert np.array_equal(now.volatility, then.volatility, equal_nan=True)
    assert np.array_equal(now.mark, then.mark)


def test_simulated_days_are_the_same_for_a_seed_and_others_for_another():
    assert HISTORY == simulated_history(seed=5, days=80, begin=BEGIN)
    assert HISTORY != simulated_history(seed=6, days=80, begin=BEGIN)


def test_delivery_price_is_the_last_close_before_the_expiry():
    assert HISTORY.close[40, 1] == WORLD.delivery_price("ETH", BEGIN + 40 * DAY_NS + 8 * 3600)
    assert np.isnan(WORLD.delivery_price("SOL", BEGIN)) and np.isnan(
        WORLD.delivery_price("BTC", BEGIN - 1))
