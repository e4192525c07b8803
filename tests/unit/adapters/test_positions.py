"""Position files: millions of rows by the rules of one number."""

import duckdb
import numpy as np
import pytest

from counterpoise.adapters.portfolio.schema import portfolio_schema
from counterpoise.adapters.positions import read_positions
from counterpoise.adapters.symbols.names import instrument_of
from counterpoise.adapters.tables import write_parquet
from counterpoise.instruments.catalogue import catalogue
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import UNKNOWN


@pytest.fixture
def read(tmp_path):
    def reader(text: str, **options):
        path = tmp_path / "positions.csv"
        path.write_text(text)
        return read_positions(path, **({"symbols": "deribit"} | options))
    return reader


def held(book):
    """Return {(account, instrument): (lots, entry cost)}."""
    account = np.repeat(np.arange(len(book)), np.diff(book.row_pointer))
    return {(str(book.accounts[a]), book.catalogue.instruments[i].id): (int(lots), int(cost))
            for a, i, lots, cost in zip(account, book.instrument, book.lots, book.entry_cost,
                                        strict=True)}


def test_neutral_file_becomes_a_book(read):
    book, notes = read("venue,account,instrument,quantity,entry_price,currency\n"
                       "deribit,b,BTC-PERPETUAL,1000.5,65000,BTC\n"
                       "okx,a,BTC-USDT-SWAP,-3,64000.1,USDT\n")

    assert () == notes
    assert ["a", "b"] == book.accounts.tolist()
    assert {("b", "BTC-USD:BTC-PERP"): (1000_500_000_000, -1539230),
            ("a", "BTC-USDT:USDT-PERP*0.01"): (-3_000_000_000, -1920_003_000)} == held(book)


def test_rows_of_one_account_and_instrument_are_netted(read):
    book, _ = read("account,instrument,quantity,entry_price\n"
                   "a,BTC-28JUN24-70000-C,2,0.03\na,BTC-28JUN24-70000-C,-0.5,0.04\n")

    assert {("a", "BTC-USD:BTC-20240628-70000-C"): (1_500_000_000, 4_000_000)} == held(book)


def test_rows_that_net_to_nothing_leave_an_account_without_positions(read):
    book, _ = read("account,instrument,quantity\na,BTC-PERPETUAL,1\na,BTC-PERPETUAL,-1\n")

    assert (1, {}) == (len(book), held(book))


def test_entry_is_unknown_where_the_cell_is_empty(read):
    book, _ = read("instrument,quantity,entry_price\nBTC-PERPETUAL,1,\n")

    assert {("account", "BTC-USD:BTC-PERP"): (10**9, UNKNOWN)} == held(book)


@pytest.mark.parametrize("header", [
    "instrument_name,size,average_price,direction",
    "instId,pos,avgPx,posSide",
    "symbol,contracts,entryPrice,side",
])
def test_columns_of_venues_are_understood(read, header):
    book, notes = read(header + "\nBTC-PERPETUAL,1,65000,sell\n")

    assert () == notes
    assert {("account", "BTC-USD:BTC-PERP"): (-(10**9), 1539)} == held(book)


def test_contract_size_of_ccxt_rides_in_the_instrument(read):
    book, _ = read("symbol,contracts,contractSize,side\nBTC/USDT:USDT,7,0.001,long\n",
                   symbols="ccxt")

    assert {("account", "BTC-USDT:USDT-PERP*0.001"): (7 * 10**9, UNKNOWN)} == held(book)


def test_columns_that_are_not_used_are_reported(read):
    _, notes = read("instrument,quantity,mark_price,iv,ts,mood\nBTC-PERPETUAL,1,2,3,4,5\n")

    assert ("column mark_price is not used: prices come from the market",
            "column iv is not used: prices come from the market",
            "column ts is not used: rows of one account and instrument are netted",
            "column mood is not known and not used") == notes


def test_book_is_in_the_catalogue_of_the_market(read):
    listed = catalogue([instrument_of(n, "deribit")
                        for n in ("BTC-PERPETUAL", "BTC-28JUN24", "ETH-PERPETUAL")])
    book, _ = read("instrument,quantity\nETH-PERPETUAL,1\n", listed=listed)

    assert listed is book.catalogue
    assert listed.column["ETH-USD:ETH-PERP"] == book.instrument[0]


def test_many_unknown_instruments_are_counted(read):
    rows = "".join(f"X{k},1\n" for k in range(50))
    with pytest.raises(BadInput) as refused:
        read("instrument,quantity\n" + rows)

    assert 21 == len(refused.value.failures)
    assert "and 30 more" in str(refused.value)


def test_rows_of_one_kind_of_violation_are_counted(read):
    with pytest.raises(BadInput) as refused:
        read("instrument,quantity\nBTC-PERPETUAL,x\nBTC-PERPETUAL,y\nETH-PERPETUAL,\n")

    assert [Reason.MISSING_NUMBER, Reason.NOT_A_NUMBER] == [
        f.reason for f in refused.value.failures]
    assert "(2 rows like this)" in str(refused.value)


@pytest.mark.parametrize(("quantity", "lots"), [
    ("0.1", 10**8), ("-0", 0), ("1e-9", 1), ("+5", 5 * 10**9), (".5", 5 * 10**8),
    ("1.", 10**9), ("4611686018.427387904", 2**62), (" 7 ", 7 * 10**9),
    ("0.000000001000000000", 1),
])
def test_text_quantities_are_exact(read, quantity, lots):
    book, _ = read(f"instrument,quantity\nBTC-PERPETUAL,{quantity}\n")

    assert ([lots] if lots else []) == book.lots.tolist()


def test_float_columns_count_as_the_nearest_lot(tmp_path):
    path = tmp_path / "positions.parquet"
    write_parquet(path, {"instrument": ["BTC-PERPETUAL"] * 3, "account": np.arange(3),
                         "quantity": np.array([0.1 + 0.2, -20731.402858107, 1e-9]),
                         "entry_price": np.array([65000.1, np.nan, 1.0])[[0, 0, 2]]})
    book, _ = read_positions(path, symbols="deribit")

    assert [300000000, -20731402858107, 1] == book.lots.tolist()
    assert [0, 1, 2] == book.accounts.tolist()


def test_float_column_beyond_float_precision_of_a_lot_is_refused(tmp_path):
    path = tmp_path / "positions.parquet"
    write_parquet(path, {"instrument": ["BTC-PERPETUAL"], "quantity": np.array([1.00000000049])})
    with pytest.raises(BadInput, match="whole number of lots"):
        read_positions(path, symbols="deribit")


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
def test_float_column_without_a_number_is_refused(tmp_path, text):
    path = tmp_path / "positions.parquet"
    duckdb.sql(f"COPY (SELECT 'BTC-PERPETUAL' AS instrument, '{text}'::DOUBLE AS quantity) "
               f"TO '{path}' (FORMAT parquet)")
    with pytest.raises(BadInput, match="is not a number"):
        read_positions(path, symbols="deribit")


def test_arrow_file_is_read_like_parquet(tmp_path):
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"instrument": ["BTC-PERPETUAL", "BTC-PERPETUAL"], "account": ["x", "y"],
                      "quantity": pa.array([1, None], pa.int64())})
    with pa.ipc.new_file(tmp_path / "t.arrow", table.schema) as file:
        file.write_table(table)
    with pytest.raises(BadInput, match="never taken as zero"):
        read_positions(tmp_path / "t.arrow", symbols="deribit")


def test_header_without_rows_is_an_empty_book(read):
    book, _ = read("account,instrument,quantity\n")

    assert (0, 0) == (len(book), len(book.lots))


def test_market_with_another_lot_than_the_name_is_refused(read):
    market = catalogue([replaced(instrument_of("BTC-PERPETUAL", "deribit"), lot_exponent=1)])
    with pytest.raises(BadInput, match="but the market with lot_exponent 1"):
        read("instrument,quantity\nBTC-PERPETUAL,10000\n", listed=market)


def test_contract_sizes_that_differ_past_the_id_are_refused(read):
    with pytest.raises(BadInput, match="one contract has one set of terms"):
        read("venue,instrument,quantity,contract_size\nokx,BTC-USDT-SWAP,1,0.3\n"
             "okx,BTC-USDT-SWAP,1,0.30000000000000004\n")


def test_unit_that_says_what_is_counted_anyway_is_welcome(read):
    plain, _ = read("instrument,quantity\nBTC-PERPETUAL,1000\nBTC-28JUN24-70000-C,2\n"
                    "BTC_USDC-PERPETUAL,3\n")
    said, notes = read("instrument,quantity,unit\nBTC-PERPETUAL,1000,quote\n"
                       "BTC-28JUN24-70000-C,2,Coin\nBTC_USDC-PERPETUAL,3,\n")

    assert () == notes
    assert held(plain) == held(said)


def test_contract_of_another_size_is_not_a_coin(read):
    with pytest.raises(BadInput, match="unit 'coin' is not what"):
        read("venue,instrument,quantity,unit\nokx,BTC-USDT-SWAP,1,coin\n")


def test_no_word_of_a_row_of_the_portfolio_file_goes_unread(read):
    account = portfolio_schema()["properties"]["account"]["properties"]
    words = {w for rows in ("positions", "orders") for w in account[rows]["items"]["properties"]}
    for word in words - {"instrument", "quantity", "side", "unit", "entry_price"}:
        with pytest.raises(BadInput, match=f"has a column {word}"):
            read(f"instrument,quantity,{word}\nBTC-PERPETUAL,1,\n")
