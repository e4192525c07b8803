"""Venue names, one by one: what each means and what the refusals say."""

import pytest

from counterpoise.adapters.symbols.names import VENUES, instrument_of, symbol_of
from counterpoise.values.failure import BadInput, Reason

NAMED = [
    ("deribit", "BTC-PERPETUAL", "BTC-USD:BTC-PERP"),
    ("deribit", "BTC-28JUN24", "BTC-USD:BTC-20240628"),
    ("deribit", "BTC-7JAN26-84000-C", "BTC-USD:BTC-20260107-84000-C"),
    ("deribit", "ETH-28JUN24-3500-P", "ETH-USD:ETH-20240628-3500-P"),
    ("deribit", "BTC_USDC-PERPETUAL", "BTC-USDC:USDC-PERP"),
    ("deribit", "BTC_USDC-28JUN24-70000-C", "BTC-USDC:USDC-20240628-70000-C"),
    ("deribit", "SOL_USDC-28JUN24-250-C", "SOL-USDC:USDC-20240628-250-C"),
    ("deribit", "XRP_USDC-30JUN24-0d625-C", "XRP-USDC:USDC-20240630-0.625-C"),
    ("deribit", "BTC_USDC", "BTC-USDC-SPOT"),
    ("okx", "BTC-USDT-SWAP", "BTC-USDT:USDT-PERP*0.01"),
    ("okx", "DOGE-USDT-SWAP", "DOGE-USDT:USDT-PERP*1000"),
    ("okx", "SOL-USDT-SWAP", "SOL-USDT:USDT-PERP"),
    ("okx", "BTC-USD-SWAP", "BTC-USD:BTC-PERP*100"),
    ("okx", "ETH-USD-SWAP", "ETH-USD:ETH-PERP*10"),
    ("okx", "BTC-USD-240628", "BTC-USD:BTC-20240628*100"),
    ("okx", "BTC-USD-240628-70000-C", "BTC-USD:BTC-20240628-70000-C*0.01"),
    ("okx", "BTC-USDT", "BTC-USDT-SPOT"),
    ("bybit", "BTCUSDT", "BTC-USDT:USDT-PERP"),
    ("bybit", "1000PEPEUSDT", "1000PEPE-USDT:USDT-PERP"),
    ("bybit", "BTCPERP", "BTC-USDC:USDC-PERP"),
    ("bybit", "BTC-26JUN26", "BTC-USDC:USDC-20260626"),
    ("bybit", "BTCUSDT-26JUN26", "BTC-USDT:USDT-20260626"),
    ("bybit", "BTC-25SEP26-80000-C", "BTC-USDC:USDC-20260925-80000-C"),
    ("bybit", "BTC-25SEP26-80000-C-USDT", "BTC-USDT:USDT-20260925-80000-C"),
    ("bybit", "BTCUSD", "BTC-USD:BTC-PERP"),
    ("bybit", "BTCUSDM26", "BTC-USD:BTC-20260626"),
    ("ccxt", "BTC/USDT", "BTC-USDT-SPOT"),
    ("ccxt", "BTC/USDT:USDT", "BTC-USDT:USDT-PERP"),
    ("ccxt", "BTC/USD:BTC", "BTC-USD:BTC-PERP"),
    ("ccxt", "BTC/USD:BTC-241227", "BTC-USD:BTC-20241227"),
    ("ccxt", "BTC/USD:BTC-241227-100000-C", "BTC-USD:BTC-20241227-100000-C"),
]


@pytest.mark.parametrize(("venue", "symbol", "name"), NAMED)
def test_name_means_one_contract_at_every_desk(venue, symbol, name):
    instrument = instrument_of(symbol, venue)

    assert name == instrument.id
    assert symbol == symbol_of(instrument, venue)
    assert instrument == instrument_of(name, "counterpoise")


def test_padded_day_is_read_and_printed_without_padding():
    instrument = instrument_of("BTC-07JAN26", "deribit")

    assert "BTC-7JAN26" == symbol_of(instrument, "deribit")


def test_quarter_letter_is_the_last_friday_of_the_quarter():
    expiries = [instrument_of(f"BTCUSD{c}26", "bybit").id[-8:] for c in "HMUZ"]

    assert ["20260327", "20260626", "20260925", "20261225"] == expiries


@pytest.mark.parametrize(("underlying", "lot"), [("BTC", -9), ("ETH", -9), ("SOL", -6)])
def test_lot_of_linear_contracts_follows_the_rule(underlying, lot):
    assert lot == instrument_of(f"{underlying}_USDC-PERPETUAL", "deribit").lot_exponent


def test_lot_of_inverse_futures_is_a_billionth_of_a_dollar():
    assert -9 == instrument_of("SOL-PERPETUAL", "deribit").lot_exponent


def test_given_contract_size_replaces_the_listed_one():
    instrument = instrument_of("ABC-USDT-SWAP", "okx", contract_size=25.0)

    assert "ABC-USDT:USDT-PERP*25" == instrument.id
    assert "ABC-USDT-SWAP" == symbol_of(instrument, "okx", contract_size=25.0)


REFUSED = [
    ("deribit", "BTC-USDT-SWAP", Reason.UNKNOWN_INSTRUMENT, "name of okx"),
    ("deribit", "BTC", Reason.UNKNOWN_INSTRUMENT, "BTC-PERPETUAL"),
    ("deribit", "BTC-31FEB24", Reason.BAD_TIME, "does not exist"),
    ("deribit", "BTC-28XXX24", Reason.BAD_TIME, "does not exist"),
    ("deribit", "BTC-28JUN24-0-C", Reason.BAD_VALUE, "strike"),
    ("deribit", "btc-perpetual", Reason.UNKNOWN_INSTRUMENT, "Deribit name"),
    ("deribit", "BTC-٢٨JUN24", Reason.UNKNOWN_INSTRUMENT, "Deribit name"),
    ("deribit", "B" * 300, Reason.UNKNOWN_INSTRUMENT, "300 characters"),
    ("okx", "ABC-USDT-SWAP", Reason.UNKNOWN_INSTRUMENT, "define the instrument"),
    ("okx", "BTC-USD-240631", Reason.BAD_TIME, "does not exist"),
    ("bybit", "BTC/USDT", Reason.UNKNOWN_INSTRUMENT, "name of ccxt"),
    ("ccxt", "BTCUSDT", Reason.UNKNOWN_INSTRUMENT, "name of bybit"),
    ("counterpoise", "BTC-PERPETUAL", Reason.UNKNOWN_INSTRUMENT, "name of deribit"),
    ("counterpoise", "BTC-USD:BTC-20249999", Reason.BAD_TIME, "2024-99-99"),
    ("kraken", "XBTUSD", Reason.BAD_VALUE, "deribit, okx, bybit, ccxt, counterpoise"),
]


@pytest.mark.parametrize(("venue", "symbol", "reason", "words"), REFUSED)
def test_what_is_no_name_is_refused_with_a_reason(venue, symbol, reason, words):
    with pytest.raises(BadInput) as refusal:
        instrument_of(symbol, venue)

    assert reason == refusal.value.failures[0].reason
    assert words in str(refusal.value)


@pytest.mark.parametrize(("venue", "name"), [
    ("bybit", "BTC-USDT-SPOT"),
    ("bybit", "BTC-USD:BTC-20260625"),
    ("deribit", "BTC-USDT:USDT-PERP*0.01"),
    ("deribit", "BTC-USD:BTC-20240628T1600"),
    ("okx", "BTC-USD:BTC-PERP"),
    ("ccxt", "BTC-USD:BTC-19991231"),
])
def test_contract_that_a_venue_cannot_name_is_not_misnamed(venue, name):
    with pytest.raises(BadInput, match=f"no name at {venue}"):
        symbol_of(instrument_of(name, "counterpoise"), venue)


def test_dialects_are_those_that_the_portfolio_file_offers():
    assert ("deribit", "okx", "bybit", "ccxt", "counterpoise") == VENUES
