"""How are Parquet, CSV and Arrow files opened, and what does a person hear when they cannot be?

The reader (`duckdb`, for Arrow files also `pyarrow`) belongs to the extra `data` and is loaded on
first use. Nothing is downloaded, no extension is installed.
"""

import os
from typing import Any, Final, TypeAlias

import numpy as np

from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

FilePath: TypeAlias = str | os.PathLike[str]
_PARQUET: Final = b"PAR1"
_ARROW: Final = b"ARROW1"
_HEADER_MAX: Final = 65536


@frozen
class Table:
    """An opened file: `relation` is the SQL that names it, `columns` {name: SQL type}."""

    path: str
    connection: Any
    relation: str
    columns: dict[str, str]


def opened(path: FilePath) -> Table:
    """Return the table in a Parquet, Arrow IPC or CSV file; the first bytes say which it is.

    Raises
    ------
    BadInput
        If the file is absent, empty, damaged or no table, or the extra is not installed.
    """
    name = os.fspath(path)
    start = _start_of(name)
    connection = _connection(name)
    if start.startswith(_ARROW):
        connection.register("source", _arrow(name))
        return _described(name, connection, "source")
    quoted = "'" + name.replace("'", "''") + "'"
    if start.startswith(_PARQUET):
        return _described(name, connection, f"read_parquet({quoted})")
    delimiter = _delimiter(name, start)
    columns = _columns(name, start, delimiter)
    return _described(name, connection, f"read_csv({quoted}, header=true, delim='{delimiter}', "
                      "quote='\"', escape='\"', null_padding=false, strict_mode=true, "
                      f"auto_detect=false, columns={columns})")


def _start_of(name: str) -> bytes:
    try:
        if os.path.isfile(name):
            with open(name, "rb") as file:
                start = file.read(_HEADER_MAX)
        else:
            raise bad_input(Reason.UNREADABLE, name, "is not a file; check the path")
    except OSError as error:
        raise bad_input(Reason.UNREADABLE, name, f"cannot be read ({error.strerror})") from None
    if not start.strip():
        raise bad_input(Reason.UNREADABLE, name,
                        "is empty; a Parquet, Arrow or CSV table is wanted")
    return start


def _connection(name: str) -> Any:
    try:
        import duckdb
    except ImportError:
        raise bad_input(Reason.MISSING_EXTRA, name, "needs the optional reader of tables; install "
                        "it with: pip install 'counterpoise[data]'") from None
    return duckdb.connect(config={"autoinstall_known_extensions": "false",
                                  "autoload_known_extensions": "false"})


def _arrow(name: str) -> Any:
    try:
        import pyarrow as pa
    except ImportError:
        raise bad_input(Reason.MISSING_EXTRA, name, "is an Arrow file, which needs pyarrow; "
                        "install it with: pip install 'counterpoise[data]'") from None
    try:
        with pa.memory_map(name) as file:
            return pa.ipc.open_file(file).read_all()
    except pa.ArrowException as error:
        raise _damaged(name, str(error)) from None


def _delimiter(name: str, start: bytes) -> str:
    header = start.split(b"\n", 1)[0]
    if b"\0" in start:
        raise bad_input(Reason.UNREADABLE, name, "is neither Parquet nor Arrow nor text; save the "
                        "table as CSV or Parquet")
    return ";" if header.count(b";") > header.count(b",") else ","


def _columns(name: str, start: bytes, delimiter: str) -> str:
    try:
        header = start.split(b"\n", 1)[0].decode("utf-8-sig").strip("\r")
    except UnicodeDecodeError:
        raise bad_input(Reason.UNREADABLE, name,
                        "is not UTF-8 text; save it as UTF-8 CSV") from None
    columns = [c.strip().strip('"').strip() for c in header.split(delimiter)]
    twice = sorted({c for c in columns if columns.count(c) > 1})
    if twice or "" in columns:
        raise bad_input(Reason.DUPLICATE if twice else Reason.UNREADABLE, name,
                        f"has the column {twice[0]!r} twice; keep one" if twice else
                        "has a column without a name in its first line")
    listed = ", ".join("'" + c.replace("'", "''") + "': 'VARCHAR'" for c in columns)
    return "{" + listed + "}"


def _described(name: str, connection: Any, relation: str) -> Table:
    rows = _run(name, connection, f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return Table(path=name, connection=connection, relation=relation,
                 columns={row[0]: row[1] for row in rows})


def query(table: Table, sql: str, *parameters: object) -> dict[str, np.ndarray[Any, Any]]:
    """Return the columns of a query by name; `{table}` in `sql` stands for the file.

    Floats have NaN and texts None where the table has nothing.

    Raises
    ------
    BadInput
        If the file turns out to be damaged.
    """
    result = _run(table.path, table.connection, sql.replace("{table}", table.relation), *parameters)
    try:
        columns = result.fetchnumpy()
    except Exception as error:
        raise _damaged(table.path, str(error)) from None
    return {name: _plain(column, name, table.path) for name, column in columns.items()}


def execute(table: Table, sql: str) -> None:
    """Run a statement on the table's connection.

    Raises
    ------
    BadInput
        If the file turns out to be damaged.
    """
    _run(table.path, table.connection, sql)


def _plain(column: Any, name: str, path: str) -> np.ndarray[Any, Any]:
    if not isinstance(column, np.ma.MaskedArray):
        return np.asarray(column)
    kind = column.dtype.kind
    if kind not in "Of":
        raise bad_input(Reason.MISSING_NUMBER, path, f"has empty cells in column {name!r}; a "
                        "missing number is never taken as zero")
    plain = np.asarray(column.data).copy()
    plain[np.ma.getmaskarray(column)] = None if kind == "O" else np.nan
    return plain


def _run(name: str, connection: Any, sql: str, *parameters: object) -> Any:
    import duckdb

    try:
        return connection.execute(sql, list(parameters))
    except duckdb.Error as error:
        raise _damaged(name, str(error)) from None


def _damaged(name: str, why: str) -> BadInput:
    first = " ".join(why.split("\n", 1)[0].replace(name, "the file").split())[:160]
    return bad_input(Reason.UNREADABLE, name, f"cannot be read as a table; it may be truncated or "
                     f"damaged ({first})")


def require_columns(table: Table, wanted: tuple[str, ...], what: str) -> None:
    """Check that the table has the columns of `what`.

    Raises
    ------
    BadInput
        With every column that is missing.
    """
    missing = [c for c in wanted if c not in table.columns]
    if missing:
        raise BadInput(*(Failure(reason=Reason.UNREADABLE, subject=table.path, sentence=(
            f"has no column {c!r}, which {what} needs; it has {', '.join(table.columns)[:200]}"))
            for c in missing))


def number_column(table: Table, column: str) -> str:
    """Return the SQL of a column as float64; text that is no number becomes NULL."""
    if _is_text(table, column):
        return f"TRY_CAST(TRIM({_quoted(column)}) AS DOUBLE)"
    return f"{_quoted(column)}::DOUBLE"


def not_numbers(table: Table, column: str) -> str | None:
    """Return the SQL condition of rows whose text is no number, None for a numeric column."""
    if not _is_text(table, column):
        return None
    text = _quoted(column)
    return f"(TRIM({text}) <> '' AND TRY_CAST(TRIM({text}) AS DOUBLE) IS NULL)"


def _is_text(table: Table, column: str) -> bool:
    return table.columns[column] == "VARCHAR"


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def write_parquet(path: FilePath, columns: dict[str, Any]) -> None:
    """Write columns of equal length as a Parquet file.

    Raises
    ------
    BadInput
        If the path cannot be written, or the extra is not installed.
    """
    import duckdb

    name = os.fspath(path)
    connection = _connection(name)
    source = {key: np.asarray(column, object if isinstance(column, list) else None)
              for key, column in columns.items()}
    quoted = "'" + name.replace("'", "''") + "'"
    try:
        connection.register("source", source)
        connection.execute(f"COPY (SELECT * FROM source) TO {quoted} (FORMAT parquet)")
    except (duckdb.Error, OSError) as error:
        raise bad_input(Reason.UNREADABLE, name,
                        f"cannot be written ({str(error).splitlines()[0][:160]})") from None
