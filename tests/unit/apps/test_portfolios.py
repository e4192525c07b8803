"""The model portfolios: built by rule on any market, and what netting makes of them."""

import numpy as np
import pytest

from counterpoise.apps.answer import margin_of
from counterpoise.apps.examples import only, portfolio_of
from counterpoise.apps.legs import standard_margin
from counterpoise.apps.model_portfolios import MAKER_OPTIONS, model_portfolios
from counterpoise.apps.run import main
from counterpoise.backtest.shelf import Legs
from counterpoise.instruments.catalogue import OPTION
from counterpoise.market.simulated import simulated_market
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.frozen import replaced


@pytest.fixture(scope="module")
def market() -> MarketSnapshot:
    return simulated_market()


@pytest.fixture(scope="module")
def portfolios(market: MarketSnapshot) -> dict[str, Legs]:
    return model_portfolios(market)


def initial(market: MarketSnapshot, legs: Legs) -> float:
    return margin_of(portfolio_of(market, {"x": legs}), readings=False).pools[0].initial


def test_simulated_market_builds_all_twelve(portfolios):
    assert 12 == len(portfolios)
    assert MAKER_OPTIONS * 0.9 < len(portfolios[f"market maker, {MAKER_OPTIONS} options"])


def test_hedged_book_needs_less_than_the_sum_of_its_legs(market, portfolios):
    for name, legs in portfolios.items():
        if len(legs) == 1 or len(legs) > 50:
            continue
        apart = sum(initial(market, [leg]) for leg in legs)
        assert initial(market, legs) < apart, name


def test_coin_settled_box_needs_what_the_same_claim_by_a_future_needs(market, portfolios):
    box, claim = portfolios["box, coin-settled"], portfolios["same claim by a future"]

    assert initial(market, box) == pytest.approx(initial(market, claim), rel=0, abs=1e-12)


def test_linear_box_needs_next_to_nothing(market, portfolios):
    assert initial(market, portfolios["box, linear"]) < 0.01


def test_delta_hedge_is_flat_to_the_dollar_amounts_of_the_perpetual(market, portfolios):
    from counterpoise.apps.sensitivities import greeks_of

    held = portfolio_of(market, {"x": portfolios["short gamma, delta-hedged"]})
    delta = sum(row.amount["premium_adjusted_delta"] for row in greeks_of(held))

    assert abs(delta) < 10 / 80_000


def test_portfolio_margin_is_below_standard_margin_where_options_net(market, portfolios):
    for name in ("iron condor", "calendar", "box, coin-settled"):
        answer = margin_of(portfolio_of(market, {"x": portfolios[name]}), readings=False)
        assert answer.pools[0].initial < standard_margin(answer).pools[0].initial, name


def test_market_without_linear_options_builds_the_others(market):
    inverse = only(market, np.flatnonzero(market.catalogue.payoff == 1))

    assert set(model_portfolios(inverse)) == set(model_portfolios(market)) - {"box, linear"}


def test_perpetual_without_a_price_becomes_failure_rows(market):
    from counterpoise.market.snapshot import Quality

    silent = (market.catalogue.kind != OPTION) & (market.catalogue.expiry == 0)
    mark = np.where(silent, np.nan, market.mark)
    quality = np.where(silent, np.uint16(Quality.MISSING_MARK), market.quality)
    poor = replaced(market, mark=mark, quality=quality.astype(np.uint16))
    found = model_portfolios(poor)
    answer = margin_of(portfolio_of(poor, {"x": found["outright perpetual"]}), readings=False)

    assert "missing_mark" == answer.pools[0].failures[0].reason
    assert initial(poor, found["iron condor"]) > 0


def test_slim_market_gives_the_same_bits(market, portfolios):
    from counterpoise.backtest.shelf import book_of_portfolios

    legs = {"x": portfolios["iron condor"]}
    slim = portfolio_of(market, legs)
    whole = replaced(slim, market=market, book=book_of_portfolios(market, legs))

    assert margin_of(whole).pools[0].initial == margin_of(slim).pools[0].initial


def test_run_prints_the_comparison_and_writes_pictures_and_examples(tmp_path, capsys):
    assert 0 == main(["--simulated", "--pictures", str(tmp_path / "out"), "--examples",
                      str(tmp_path / "ex")])

    printed = capsys.readouterr().out
    assert "SIMULATED MARKET" in printed and "iron condor" in printed and "stressed" in printed
    assert "?" not in printed
    assert {"iron_condor_calm.png", "market_maker_stressed.png"} <= {
        p.name for p in (tmp_path / "out").iterdir()}
    assert (tmp_path / "ex" / "iron_condor.json").is_file()
