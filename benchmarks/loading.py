"""How long does it take to load ten million positions, from Parquet and from CSV?"""

import json
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path

import million_accounts
import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.adapters.positions import read_positions
from counterpoise.market.simulated import simulated_market
from counterpoise.market.snapshot import MarketSnapshot


def main() -> None:
    """Measure and print one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    accounts = parser.parse_args().accounts
    market = simulated_market()
    with tempfile.TemporaryDirectory() as folder:
        paths = written(market, accounts, Path(folder))
        loaded = {kind: timed(market, path) for kind, path in paths.items()}
    books = [book for _, book in loaded.values()]
    made = million_accounts.made(market, million_accounts.entries(market, accounts), accounts)
    json.dump({"positions": len(books[0].lots),
               "seconds": {kind: seconds for kind, (seconds, _) in loaded.items()},
               "same_book": all(np.array_equal(book.lots, made.lots)
                                and np.array_equal(book.instrument, made.instrument)
                                and np.array_equal(book.row_pointer, made.row_pointer)
                                for book in books)}, sys.stdout)


def written(market: MarketSnapshot, accounts: int, folder: Path) -> dict[str, Path]:
    """Write the positions of `million_accounts` as files and return their paths by kind."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    rows = million_accounts.entries(market, accounts)
    names = pa.array([c.id for c in market.catalogue.instruments])
    ids = pa.array([f"{k:07d}" for k in range(accounts)])
    table = pa.table({
        "account": pa.DictionaryArray.from_arrays(rows.account.astype(np.int32), ids),
        "instrument": pa.DictionaryArray.from_arrays(rows.instrument, names),
        "quantity": rows.lots / 1e9})
    paths = {"parquet": folder / "positions.parquet", "csv": folder / "positions.csv"}
    parquet.write_table(table, paths["parquet"])
    plain = [column.cast(pa.string()) for column in (table["account"], table["instrument"])]
    csv.write_csv(pa.table([*plain, table["quantity"]], names=table.column_names), paths["csv"])
    return paths


def timed(market: MarketSnapshot, path: Path) -> tuple[float, Book]:
    """Return the seconds of reading a file into a book, and the book."""
    start = time.perf_counter()
    book, _ = read_positions(str(path), symbols="counterpoise", listed=market.catalogue)
    return time.perf_counter() - start, book


if __name__ == "__main__":
    main()
