"""Which positions are in this CSV, Parquet or Arrow file? Millions of rows, column by column.

Rows of one account and instrument are netted. Columns may have our names or those of Deribit, OKX
and ccxt (`adapters.position_columns`); numbers follow the rules of `adapters.position_rows`.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book, Entries, book_of
from counterpoise.adapters.portfolio.accounts import ID_MAX
from counterpoise.adapters.position_columns import Columns, columns_of
from counterpoise.adapters.position_rows import (
    PROBLEMS,
    ceiling_sql,
    cost_parts_sql,
    cost_ratio,
    counted_in,
    is_inverse,
    is_number_sql,
    lots_sql,
    price_sql,
    signed_sql,
)
from counterpoise.adapters.symbols.names import VENUES, instrument_of
from counterpoise.adapters.tables import FilePath, Table, execute, opened, query
from counterpoise.adapters.terms import contradictions
from counterpoise.instruments.catalogue import INSTRUMENTS_MAX, Catalogue, catalogue
from counterpoise.instruments.contracts import Instrument, Option, Spot
from counterpoise.values.decimals import parse_float
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.quantity import UNKNOWN

_SHOWN_MAX: Final = 20
Key = tuple[str, str, str]


def read_positions(path: FilePath, *, symbols: str = "counterpoise",
                   listed: Catalogue | None = None) -> tuple[Book, tuple[str, ...]]:
    """Return the book of a position file, and a note on each column that is not used.

    `symbols` is the dialect of instrument names where the file has no venue column. With `listed`
    the book is in that catalogue (a market's) and other instruments are refused; without it the
    catalogue is what the file holds.

    Raises
    ------
    BadInput
        With every kind of violation found, each with examples and how many rows have it.
    """
    table = opened(path)
    columns, notes = columns_of(list(table.columns), table.path)
    keys = _keys(table, columns)
    instruments = _instruments(keys, symbols, table.path)
    _refuse_contradictions(instruments, listed)
    held = listed or catalogue(list({c.id: c for c in instruments.values()}.values()))
    _refuse_unlisted(instruments, held)
    _name_rows(table, keys, instruments, held)
    execute(table, f"CREATE TEMP TABLE parsed AS {_parsed_sql(table, columns, instruments)}")
    _refuse_problems(table)
    execute(table, "CREATE TEMP TABLE accounts AS SELECT account, "
            "(row_number() OVER (ORDER BY account)) - 1 AS k "
            "FROM (SELECT DISTINCT account FROM parsed)")
    _refuse_endless_ids(table)
    accounts = query(table, "SELECT account FROM accounts ORDER BY k")["account"]
    rows = query(table, "SELECT k, place, lots, cost FROM parsed JOIN accounts USING (account)")
    entries = Entries(account=rows["k"].astype(np.int64), lots=rows["lots"].astype(np.int64),
                      instrument=rows["place"].astype(np.int32),
                      entry_cost=rows["cost"].astype(np.int64))
    named = accounts.astype(np.str_) if accounts.dtype.kind == "O" else accounts
    return book_of(catalogue=held, accounts=named, positions=entries), notes


def _refuse_endless_ids(table: Table) -> None:
    # Ids become one array as wide as the longest.
    found = query(table, "SELECT coalesce(max(length(account::VARCHAR)), 0) AS n FROM accounts")
    if found["n"][0] > ID_MAX:
        raise bad_input(Reason.TOO_LARGE, table.path, f"has an account id of {found['n'][0]} "
                        f"characters; an account id has at most {ID_MAX}")


def _quoted(column: str) -> str:
    return 'source."' + column.replace('"', '""') + '"'


def _text(column: str | None) -> str:
    return f"trim(coalesce({_quoted(column)}::VARCHAR, ''))" if column else "''"


def _keys(table: Table, columns: Columns) -> list[Key]:
    found = query(table, f"SELECT DISTINCT lower({_text(columns.venue)}) AS venue, "
                  f"{_text(columns.instrument)} AS instrument, {_text(columns.contract_size)} "
                  f"AS size FROM {{table}} AS source LIMIT {INSTRUMENTS_MAX + 1}")
    if len(found["venue"]) > INSTRUMENTS_MAX:
        raise bad_input(Reason.TOO_LARGE, table.path,
                        f"names more than {INSTRUMENTS_MAX} instruments")
    return sorted(zip(found["venue"].tolist(), found["instrument"].tolist(),
                      found["size"].tolist(), strict=True))


def _instruments(keys: list[Key], symbols: str, path: str) -> dict[Key, Instrument]:
    made: dict[Key, Instrument] = {}
    failures: list[Failure] = []
    for key in keys:
        venue, name, size = key
        if not name:
            continue  # Reported with its rows.
        try:
            made[key] = _instrument(venue or symbols, name, size)
        except BadInput as wrong:
            failures.extend(wrong.failures)
    if failures:
        rest = len(failures) - _SHOWN_MAX
        more = [Failure(reason=Reason.UNKNOWN_INSTRUMENT, subject=path,
                        sentence=f"and {rest} more instruments of this kind")] if rest > 0 else []
        raise BadInput(*failures[:_SHOWN_MAX], *more)
    return made


def _instrument(venue: str, name: str, size: str) -> Instrument:
    if venue not in VENUES:
        raise bad_input(Reason.BAD_VALUE, name, f"is of venue {venue[:40]!r}, whose names are not "
                        f"known here; use one of {', '.join(VENUES)}")
    contract_size = parse_float(size, subject=f"{name} contract size") if size else None
    instrument = instrument_of(name, venue, contract_size=contract_size)
    if isinstance(instrument, Spot):
        raise bad_input(Reason.NOT_APPLICABLE, name, "is a spot pair, not a position; what is "
                        f"owned of it is a balance of {instrument.underlying}")
    return instrument


def _refuse_contradictions(instruments: dict[Key, Instrument], listed: Catalogue | None) -> None:
    failures = contradictions(((key[1], c) for key, c in instruments.items()), listed)
    if failures:
        raise BadInput(*failures[:_SHOWN_MAX])


def _refuse_unlisted(instruments: dict[Key, Instrument], held: Catalogue) -> None:
    unlisted = sorted({key[1] for key, c in instruments.items() if c.id not in held.column})
    if unlisted:
        rest = len(unlisted) - _SHOWN_MAX
        raise BadInput(*(Failure(reason=Reason.UNKNOWN_INSTRUMENT, subject=name, sentence=(
            "is not in the market snapshot; check expiry, strike and settlement" if k or rest <= 0
            else f"and {rest + _SHOWN_MAX - 1} more are not in the market snapshot"))
            for k, name in enumerate(unlisted[:_SHOWN_MAX])))


def _name_rows(table: Table, keys: list[Key], instruments: dict[Key, Instrument],
               held: Catalogue) -> None:
    """Give the database what it must know of each name: place in the catalogue, lot, cost."""
    known = [(key, instruments[key]) for key in keys if key in instruments]
    ratios = [cost_ratio(c) for _, c in known]
    source: dict[str, Any] = {
        "venue": [key[0] for key, _ in known], "instrument": [key[1] for key, _ in known],
        "size": [key[2] for key, _ in known], "settlement": [c.settlement for _, c in known],
        "a": [str(a) for a, _ in ratios], "b": [str(b) for _, b in ratios]}
    table.connection.register("named", {
        **{name: np.array(texts, object) for name, texts in source.items()},
        "place": np.array([held.column[c.id] for _, c in known], np.int32),
        "exponent": np.array([c.lot_exponent for _, c in known], np.int32),
        "inverse": np.array([is_inverse(c) for _, c in known], np.bool_),
        "option": np.array([isinstance(c, Option) for _, c in known], np.bool_),
        "counted_in": np.array([counted_in(c) for _, c in known], object)})
    execute(table, "CREATE TEMP TABLE names AS SELECT venue, instrument, size, settlement, place, "
            "exponent, inverse, option, counted_in, a::HUGEINT AS a, b::HUGEINT AS b FROM named")


def _parsed_sql(table: Table, columns: Columns, instruments: dict[Key, Instrument]) -> str:
    """Return the query of (account, place, lots, cost, problem, shown) of every row."""
    exponents = sorted({c.lot_exponent for c in instruments.values()}) or [0]
    is_float = table.columns[columns.quantity] in ("DOUBLE", "FLOAT")
    raw = _quoted(columns.quantity)
    quantity = f"{raw}::DOUBLE" if is_float else f"trim({raw}::VARCHAR)"
    price = f"nullif({_text(columns.entry_price)}, '')"
    account = _quoted(columns.account) if columns.account else "'account'"
    on = [f"names.instrument = {_text(columns.instrument)}"]
    on += [f"names.venue = lower({_text(columns.venue)})"] if columns.venue else []
    on += [f"names.size = {_text(columns.contract_size)}"] if columns.contract_size else []
    rows = (f"SELECT {account} AS account, {quantity} AS quantity, {price} AS price, "
            f"{_text(columns.side)} AS side, {_text(columns.currency)} AS currency, names.*, "
            f"lower({_text(columns.unit)}) AS unit, "
            f"{_text(columns.instrument)} AS name "
            f"FROM {table.relation} AS source LEFT JOIN names ON {' AND '.join(on)}")
    size = lots_sql("quantity", exponents, is_float=is_float)
    sized = f"SELECT *, {size} AS size_lots FROM ({rows}) AS names"
    signed = f"SELECT *, {signed_sql('size_lots', 'side')} AS lots FROM ({sized}) AS names"
    priced = f"SELECT *, {price_sql('price', 'lots')} AS price12 FROM ({signed}) AS names"
    top, bottom = cost_parts_sql("price12", "lots")
    parts = f"SELECT *, {top} AS top, {bottom} AS bottom FROM ({priced}) AS names"
    cost = f"CASE WHEN price IS NULL THEN {UNKNOWN + 1} - 1 ELSE {ceiling_sql('top', 'bottom')} END"
    costed = f"SELECT *, {cost} AS cost FROM ({parts}) AS names"
    return ("SELECT account, place, lots::BIGINT AS lots, cost, "
            f"{_problem_sql(is_float)} AS problem, CASE WHEN problem > 0 THEN name END AS name, "
            f"CASE WHEN problem > 0 THEN {_shown_sql()} END AS shown FROM ({costed}) AS names")


def _problem_sql(is_float: bool) -> str:
    number = "isfinite(quantity)" if is_float else is_number_sql("quantity")
    missing = "quantity IS NULL" if is_float else "coalesce(quantity, '') = ''"
    bad_price = ("price IS NOT NULL AND (price12 IS NULL OR price12 < 0 "
                 "OR (price12 = 0 AND (inverse OR NOT option)))")
    return (f"CASE WHEN name = '' THEN 1 WHEN {missing} THEN 2 "
            f"WHEN size_lots IS NULL AND NOT {number} THEN 3 "
            f"WHEN size_lots IS NULL THEN 4 WHEN lots IS NULL THEN 5 WHEN {bad_price} THEN 6 "
            "WHEN cost IS NULL THEN 7 WHEN currency <> '' AND upper(currency) <> settlement THEN 8 "
            "WHEN account IS NULL OR trim(account::VARCHAR) = '' THEN 9 "
            "WHEN unit NOT IN ('', 'contracts', counted_in) THEN 10 ELSE 0 END")


def _shown_sql() -> str:
    return ("CASE problem WHEN 6 THEN price WHEN 8 THEN currency WHEN 10 THEN unit "
            "ELSE quantity::VARCHAR END")


def _refuse_problems(table: Table) -> None:
    found = query(table, "SELECT problem, count(*) AS n, min(name) AS name, min(shown) AS shown "
                  "FROM parsed WHERE problem > 0 GROUP BY problem ORDER BY problem")
    failures = []
    for problem, count, name, shown in zip(found["problem"], found["n"], found["name"],
                                           found["shown"], strict=True):
        reason, sentence = PROBLEMS[problem - 1]
        rows = f" ({count} rows like this)" if count > 1 else ""
        failures.append(Failure(reason=reason, subject=name or table.path,
                                sentence=sentence.format(repr((shown or "")[:40])) + rows))
    if failures:
        raise BadInput(*failures)
