"""Tables are opened by what they are; what cannot be opened is said in one sentence."""

import builtins

import numpy as np
import pytest

from counterpoise.adapters.tables import opened, query, write_parquet
from counterpoise.values.failure import BadInput, Reason


@pytest.fixture
def parquet(tmp_path):
    path = tmp_path / "table.parquet"
    write_parquet(path, {"a": np.arange(3.0), "b": ["x", "y", "it's"]})
    return path


def without(monkeypatch, name):
    real = builtins.__import__

    def fake(module, *rest):
        if module == name:
            raise ImportError(name)
        return real(module, *rest)

    monkeypatch.setattr(builtins, "__import__", fake)


def test_parquet_is_known_by_its_bytes_not_its_name(parquet):
    renamed = parquet.rename(parquet.with_name("it's a table; really.csv"))

    assert [0.0, 1.0, 2.0] == query(opened(renamed), "SELECT a FROM {table}")["a"].tolist()


def test_arrow_file_is_a_table(tmp_path):
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"a": [1.5, None], "b": ["x", None]})
    with pa.ipc.new_file(tmp_path / "t.arrow", table.schema) as file:
        file.write_table(table)
    rows = query(opened(tmp_path / "t.arrow"), "SELECT * FROM {table}")

    np.testing.assert_array_equal([1.5, np.nan], rows["a"])
    assert ["x", None] == rows["b"].tolist()


def test_truncated_parquet_is_one_sentence(parquet):
    cut = parquet.with_name("cut.parquet")
    cut.write_bytes(parquet.read_bytes()[:-20])
    with pytest.raises(BadInput, match="it may be truncated or damaged") as refused:
        opened(cut)

    assert 1 == len(refused.value.failures)
    assert "\n" not in str(refused.value)


def test_parquet_damaged_in_the_middle_is_one_sentence(parquet):
    data = bytearray(parquet.read_bytes())
    data[4:60] = b"\0" * 56
    parquet.write_bytes(bytes(data))
    with pytest.raises(BadInput, match="damaged"):
        query(opened(parquet), "SELECT * FROM {table}")


@pytest.mark.parametrize("name", ["nowhere.parquet", ".", "a\0b"])
def test_what_is_no_file_is_refused(tmp_path, name):
    with pytest.raises(BadInput, match="is not a file"):
        opened(str(tmp_path) + "/" + name)


def test_missing_extra_is_named_in_one_sentence(parquet, monkeypatch):
    without(monkeypatch, "duckdb")
    with pytest.raises(BadInput, match=r"pip install 'counterpoise\[data\]'") as refused:
        opened(parquet)

    assert Reason.MISSING_EXTRA == refused.value.failures[0].reason


def test_missing_arrow_reader_is_named_in_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "t.arrow").write_bytes(b"ARROW1\0\0")
    without(monkeypatch, "pyarrow")
    with pytest.raises(BadInput, match="which needs pyarrow"):
        opened(tmp_path / "t.arrow")


def test_path_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(BadInput, match="cannot be written"):
        write_parquet(tmp_path / "no" / "folder.parquet", {"a": np.zeros(1)})


def test_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\r\n1,2\r\n")

    assert ["a", "b"] == list(opened(path).columns)
    assert ["1"] == query(opened(path), "SELECT a FROM {table}")["a"].tolist()


def test_column_names_may_hold_quotes(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("it's,b\n1,2\n")

    assert ["it's", "b"] == list(opened(path).columns)
