"""The portfolio file: what each key means, to the last digit."""

import json
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from bad_input_table import OPTION, good
from counterpoise.adapters.portfolio_file import read_portfolio, write_portfolio
from counterpoise.market.snapshot import Quality
from counterpoise.values.failure import BadInput
from counterpoise.values.quantity import UNKNOWN
from counterpoise.values.time import parse_instant

PERP = "BTC-USD:BTC-PERP"
CALL = "BTC-USD:BTC-20240628-70000-C"


def read(document):
    return read_portfolio(json.dumps(document).encode())


def position(portfolio, name, field="lots"):
    column = portfolio.market.catalogue.column[name]
    row = list(portfolio.book.instrument).index(column)
    return int(getattr(portfolio.book, field)[row])


def quote(portfolio, name, field):
    return float(getattr(portfolio.market, field)[portfolio.market.catalogue.column[name]])


def test_portfolio_says_market_account_and_model():
    portfolio = read(good())

    assert "deribit_spm" == portfolio.model
    assert parse_instant("2024-06-17T10:22:20Z") == portfolio.as_of == portfolio.market.as_of
    assert [65666.19] == portfolio.market.index.tolist()
    assert 0.55 == quote(portfolio, CALL, "volatility")
    assert "portfolio file" == portfolio.market.source
    assert not portfolio.market.simulated


def test_number_and_text_of_a_number_are_the_same():
    document = good()
    document["account"]["positions"][0]["quantity"] = 1000.0
    document["market"]["instruments"]["BTC-PERPETUAL"]["mark"] = 65910.57

    assert read(good()) == read(document)


def test_number_keeps_digits_that_float64_has_not():
    text = json.dumps(good()).replace('"1.5"', "90071992547.40993001")

    assert 9007199254740993001 == read_portfolio(text.encode()).book.balances[0, 0]


def test_position_in_coin_is_its_dollars_at_the_mark_to_the_lot():
    document = good()
    document["account"]["positions"][0] = {
        "instrument": "BTC-PERPETUAL", "quantity": "0.314538364", "unit": "coin"}
    exact = Fraction("0.314538364") * Fraction("65910.57") * 10**9

    assert round(exact) == position(read(document), PERP)


def test_position_in_quote_units_of_an_inverse_contract_is_its_contracts():
    document = good()
    document["account"]["positions"][0]["unit"] = "quote"

    assert read(good()) == read(document)


def test_position_in_dollars_of_a_linear_contract_is_its_coins_at_the_mark():
    document = good()
    document["market"]["instruments"]["BTC_USDC-PERPETUAL"] = {"mark": "65000"}
    document["account"]["positions"].append(
        {"instrument": "BTC_USDC-PERPETUAL", "quantity": "-1000", "unit": "quote"})

    assert -15384615 == position(read(document), "BTC-USDC:USDC-PERP")


def test_position_in_coin_of_a_sized_contract_is_its_contracts():
    document = good() | {"symbols": "okx"}
    document["market"]["instruments"] = {"BTC-USDT-SWAP": {"mark": "65000"}}
    document["account"] = {"positions": [
        {"instrument": "BTC-USDT-SWAP", "quantity": "0.5", "unit": "coin"}]}

    assert 50 * 10**9 == position(read(document), "BTC-USDT:USDT-PERP*0.01")


@pytest.mark.parametrize(("sign", "cost"), [(1, -1538462), (-1, 1538462)])
def test_entry_cost_of_an_inverse_contract_is_minus_dollars_over_price_rounded_up(sign, cost):
    document = good()
    document["account"]["positions"][0] |= {"quantity": sign * 1000}
    exact = -sign * Fraction(1000) / 65000 * 10**8

    assert -(-exact.numerator // exact.denominator) == position(read(document), PERP, "entry_cost")
    assert abs(cost - exact) < 1


def test_entry_cost_of_an_option_is_its_premium():
    assert -6_000_000 == position(read(good()), CALL, "entry_cost")


def test_entry_cost_is_unknown_where_nobody_said_it():
    document = good()
    del document["account"]["positions"][0]["entry_price"]

    assert UNKNOWN == position(read(document), PERP, "entry_cost")


def test_entry_cost_may_stand_in_place_of_the_price():
    document = good()
    del document["account"]["positions"][0]["entry_price"]
    document["account"]["positions"][0]["entry_cost"] = "-0.015384619"

    assert -1538461 == position(read(document), PERP, "entry_cost")


def test_order_with_a_side_is_the_signed_order():
    document = good()
    document["account"]["orders"] = [
        {"instrument": "BTC-28JUN24", "quantity": "10", "side": "sell", "price": "66000"}]

    assert read(good()).book.order_lots.tolist() == read(document).book.order_lots.tolist()
    assert [66_000.0] == read(document).book.order_given["price"].tolist()


def test_balance_beyond_its_decimals_is_rounded_against_the_account():
    document = good()
    document["account"]["balances"] = {"BTC": "1.000000019", "USDC": "-0.0000001"}

    assert [[100000001, -1]] == read(document).book.balances.tolist()


def test_given_amount_belongs_to_the_one_pool_of_the_account():
    document = good()
    document["account"]["given"] = {"mmp_margin": "0.06"}

    assert [[0.06]] == read(document).book.given["mmp_margin"].tolist()


def test_given_amount_is_nan_where_another_account_has_it():
    accounts = [{"id": "a", "balances": {"BTC": 1}, "given": {"mmp_margin": {"BTC": "0.06"}}},
                {"id": "b", "balances": {"BTC": 1}, "equity": {"BTC": "0.9"}}]
    book = read({k: v for k, v in good().items() if k != "account"} | {"accounts": accounts}).book

    np.testing.assert_array_equal([[0.06], [np.nan]], book.given["mmp_margin"])
    np.testing.assert_array_equal([[np.nan], [0.9]], book.given["equity"])


def test_accounts_of_a_file_are_rows_of_one_book():
    one = good()
    account = one.pop("account")
    book = read(one | {"accounts": [account | {"id": "a"}, account | {"id": "b"}]}).book

    assert ["a", "b"] == book.accounts.tolist()
    assert [0, 2, 4] == book.row_pointer.tolist()


def test_coin_price_is_its_index_unless_stated():
    document = good()
    document["market"]["assets"]["BTC"] = "65000"
    prices = dict(zip(read(document).market.assets, read(document).market.price, strict=True))

    assert {"BTC": 65000.0, "USD": 1.0, "USDC": 1.0} == prices


def test_price_of_an_asset_that_nobody_stated_is_missing_not_one():
    document = good()
    document["market"]["assets"] = {}
    document["market"]["instruments"]["BTC_USDC-PERPETUAL"] = {"mark": "65900"}
    market = read(document).market

    assert np.isnan(market.price[market.assets.index("USDC")])


@pytest.mark.parametrize("label", ["BTC", "BTC-28JUN24", "BTC-240628", "BTC-20240628"])
def test_forward_of_the_expiry_serves_options_without_their_own(label):
    document = good()
    del document["market"]["instruments"][OPTION]["forward"]
    document["market"]["forwards"] = {label: "67000"}

    assert 67000.0 == quote(read(document), CALL, "forward")


def test_own_forward_wins_over_that_of_the_expiry():
    document = good()
    document["market"]["forwards"] = {"BTC-28JUN24": "67000"}

    assert 67371.75 == quote(read(document), CALL, "forward")


def test_rate_of_the_expiry_serves_options_and_none_means_undiscounted():
    document = good()
    document["market"]["rates"] = {"BTC-28JUN24": "0.04"}

    assert 0.04 == quote(read(document), CALL, "rate")
    assert 0.0 == quote(read(good()), CALL, "rate")


def test_forward_in_the_settlement_window_is_part_fixed():
    document = good() | {"as_of": "2024-06-28T07:48:00Z"}
    document["market"]["settlement_averages"] = {"BTC": "66000"}
    portfolio = read(document)

    assert pytest.approx(67371.75 * 0.4, rel=1e-15) == quote(portfolio, CALL, "forward")
    assert pytest.approx(66000 * 0.6, rel=1e-15) == quote(portfolio, CALL, "forward_fixed")


def test_stated_parts_of_the_forward_are_taken_as_they_are():
    document = good() | {"as_of": "2024-06-28T07:48:00Z"}
    document["market"]["instruments"][OPTION] |= {"forward": "27000", "forward_fixed": "39000"}
    portfolio = read(document)

    assert (27000.0, 39000.0) == (quote(portfolio, CALL, "forward"),
                                  quote(portfolio, CALL, "forward_fixed"))


def test_held_instrument_without_a_quote_is_there_and_says_what_is_missing():
    document = good()
    document["account"]["positions"].append({"instrument": "BTC-28JUN24-80000-P", "quantity": 1})
    market = read(document).market
    quality = Quality(int(market.quality[market.catalogue.column["BTC-USD:BTC-20240628-80000-P"]]))

    assert (Quality.MISSING_MARK | Quality.MISSING_FORWARD
            | Quality.MISSING_VOLATILITY) == quality


def test_own_definition_comes_before_the_venue():
    document = good()
    document["instruments"] = {"BTC-PERPETUAL": {
        "kind": "perpetual", "underlying": "BTC", "quote": "USD", "settlement": "BTC",
        "multiplier": 10, "lot_exponent": 0}}
    portfolio = read(document)
    perpetual = portfolio.market.catalogue.instruments[0]

    assert ("BTC-USD:BTC-PERP*10", 0) == (perpetual.id, perpetual.lot_exponent)
    assert 1000 == portfolio.book.lots[0]


def test_own_definition_has_its_own_settlement_window():
    document = good()
    document["instruments"] = {"x": {
        "kind": "option", "underlying": "BTC", "quote": "USDC", "expiry": "2024-06-28T16:00:00Z",
        "strike": "70000", "right": "P", "settlement_window_minutes": 60}}
    option = next(c for c in read(document).market.catalogue.instruments if c.quote == "USDC")

    assert 3600 * 10**9 == option.settlement_window_ns
    assert "BTC-USDC:USDC-20240628T1600-70000-P" == option.id


def test_overrides_are_passed_on_with_their_numbers():
    document = good() | {"parameters": {"a": {"b": [1, 0.5, "x", True, None]}}}

    assert {"a": {"b": [1, 0.5, "x", True, None]}} == read(document).overrides


def test_notes_and_unused_terms_are_kept():
    document = good() | {"note": "a box"}
    document["market"]["instruments"]["BTC-PERPETUAL"]["funding_rate"] = "0.0001"
    document["market"]["confidence"] = {"index:BTC": "0.99"}
    back = read_portfolio(write_portfolio(read(document)))
    known = back.market.conditions

    assert ("a box",) == back.notes
    assert 0.0001 == known.columns["funding_rate"][back.market.catalogue.column[PERP]]
    assert {("index", "BTC", 0): 0.99} == known.confidences


def test_null_is_the_same_as_absent():
    document = good()
    document["account"]["positions"][0]["unit"] = None
    document["account"]["loans"] = None

    assert read(good()) == read(document)


def test_account_may_hold_nothing():
    document = good() | {"account": {}}

    assert 0 == len(read(document).book.lots)
    assert 1 == len(read(document).book)


def test_file_is_read_from_a_path_as_from_bytes(tmp_path):
    path = tmp_path / "portfolio.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(good()).encode())

    assert read(good()) == read_portfolio(path) == read_portfolio(str(path))


def test_order_of_keys_and_rows_changes_nothing():
    document = good()
    document["account"]["positions"].reverse()
    document["market"]["instruments"] = dict(
        reversed(document["market"]["instruments"].items()))

    assert read(good()) == read(document)


@pytest.mark.parametrize("symbols", ["deribit", "counterpoise", "ccxt", "okx", "bybit"])
def test_portfolio_is_written_in_any_dialect(symbols):
    portfolio = read(good())
    translated = type(portfolio)(**{name: getattr(portfolio, name)
                                    for name in portfolio.__fields__} | {"symbols": symbols})

    assert translated == read_portfolio(write_portfolio(translated))


def test_written_quantities_are_exact_decimal_text():
    rows = json.loads(write_portfolio(read(good())))["account"]["positions"]

    assert [Decimal("1000"), Decimal("-2")] == [Decimal(row["quantity"]) for row in rows]


def test_missing_market_is_one_violation_not_many():
    document = good()
    del document["market"]
    with pytest.raises(BadInput) as refused:
        read(document)

    assert 1 == len(refused.value.failures)


def test_unknown_dialect_is_one_violation_not_one_per_name():
    with pytest.raises(BadInput) as refused:
        read(good() | {"symbols": "kraken"})

    assert ["symbols"] == [f.subject for f in refused.value.failures]


def test_file_may_have_no_account_at_all():
    document = {k: v for k, v in good().items() if k != "account"} | {"accounts": []}

    assert 0 == len(read(document).book)
