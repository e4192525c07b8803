"""Which levels do users' files hold? Closes, volatility indices and funding, as CSV or Parquet.

    closes      symbol, close, and date or ts; also venue, market (spot or perp), quote, n_bars
    vol index   symbol, close in percent, and date or ts
    funding     symbol, rate, and ts or date; also interval_h (8), venue, contract

`ts` is the opening time of a bar, in UTC with a zone; the close of a day is that of the bar that
ends with it, and where no bar ends there the day is not known. `date` rows hold whole days; with
`n_bars`, hourly bars inside, those of fewer than 20 are left out. A path may be written CODE=PATH:
CODE is then the symbol of every row. Nothing is filled. Calibrations and backtests read closes by
these rules alike.
"""

import os
from typing import Any, Final

import numpy as np

from counterpoise.adapters.tables import (
    Table,
    not_numbers,
    number_column,
    opened,
    query,
    require_columns,
)
from counterpoise.calibration.closes import SPOT, Closes
from counterpoise.calibration.factor_levels import Floats, Ints, Levels
from counterpoise.scenarios.factors import Factor
from counterpoise.values.assets import is_asset_code
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.time import DAY_NS, day_text

BARS_MIN: Final = 20
BARS_WHOLE: Final = 24
FUNDING_HOURS: Final = 8
DAY_MAX: Final = 84_000
"""Days since 1970 up to which a date counts; far behind it nanoseconds do not fit an integer."""
INDEX_PERCENT_MAX: Final = 1000.0
_SHOWN_MAX: Final = 20
_ROWS_MAX: Final = 50_000_000
Columns = dict[str, np.ndarray[Any, Any]]


def read_closes(path: str, *, market: str = SPOT) -> tuple[Closes, ...]:
    """Return the closes in a file, one series per symbol, venue, market and quote.

    `market` is that of a file without such a column: spot or perp.

    Raises
    ------
    BadInput
        If the file is no table of closes, or holds a close that is none, or one day twice.
    """
    table, symbol = _opened(path, "close", "a table of closes")
    keys = {"symbol": symbol, "venue": _text(table, "venue", _name(path)),
            "market": _text(table, "market", market), "quote": _text(table, "quote", "USD")}
    rows = _at_day_ends(table, keys, "close")
    return tuple(Closes(**dict(zip(keys, key, strict=True)), day=part["day"], close=part["value"],
                        whole=part["whole"].astype(bool))
                 for key, part in _parts(table.path, rows, tuple(keys), "close"))


def read_vol_index(path: str) -> tuple[Levels, ...]:
    """Return ln of a volatility index at the end of each day: a proxy of the volatility level.

    Raises
    ------
    BadInput
        As `read_closes`, and if a close is not above 0 and below 1000 %.
    """
    return tuple(Levels(factor=Factor(subject=symbol, kind="vol"), day=day,
                        level=np.log(percent / 100.0),
                        source=f"volatility index {_name(path)}, a proxy of the 30-day volatility "
                        "at the money")
                 for symbol, day, percent in read_index_percents(path))


def read_index_percents(path: str) -> tuple[tuple[str, Ints, Floats], ...]:
    """Return (symbol, day, percent at its end) of each volatility index in a file.

    Raises
    ------
    BadInput
        As `read_vol_index`.
    """
    table, symbol = _opened(path, "close", "a volatility index")
    rows = _at_day_ends(table, {"symbol": symbol}, "close")
    _refuse(table.path, rows, rows["value"] >= INDEX_PERCENT_MAX, "is not below 1000 percent; "
            "give a volatility index in percent, like 48.5")
    return tuple((key[0], part["day"], part["value"])
                 for key, part in _parts(table.path, rows, ("symbol",), "close"))


def read_funding(path: str) -> tuple[Levels, ...]:
    """Return the mean funding rate of each day per 8 hours, where every payment of it is known.

    Series of one symbol come by preference: those with more days first.

    Raises
    ------
    BadInput
        As `read_closes`.
    """
    table, symbol = _opened(path, "rate", "a table of funding rates")
    hours = number_column(table, "interval_h") if "interval_h" in table.columns else str(
        FUNDING_HOURS)
    daily = "ts" not in table.columns
    keys = {"symbol": symbol, "venue": _text(table, "venue", _name(path)),
            "contract": _text(table, "contract", "perpetual")}
    listed = ", ".join(f"{sql} AS {name}" for name, sql in keys.items())
    rows = query(table, f"""
        SELECT symbol, venue, contract, day, avg(value) AS value, count(*) AS payments,
            min(hours) AS hours, true AS whole, count(*) - count(DISTINCT moment) AS twice
        FROM (SELECT {listed}, {_moment(table)} AS moment,
                {_day_of('moment')} AS day,
                {number_column(table, 'rate')} * {FUNDING_HOURS} / {hours} AS value,
                {hours}::DOUBLE AS hours FROM {{table}})
        GROUP BY symbol, venue, contract, day ORDER BY symbol, venue, contract, day""")
    _refuse(table.path, rows, ~np.isfinite(rows["value"]), "has a rate that is no number")
    _refuse(table.path, rows, np.abs(rows["value"]) > 1, "has a rate beyond 100 % per 8 hours")
    _refuse(table.path, rows, rows["twice"] > 0, "has a payment twice; keep one")
    full = daily | (rows["payments"] * rows["hours"] >= FUNDING_HOURS * 3)
    parts = _parts(table.path, {k: v[full] for k, v in rows.items()},
                   ("symbol", "venue", "contract"), "rate")
    return tuple(Levels(factor=Factor(subject=key[0], kind="funding"), day=part["day"],
                        level=part["value"], source=f"funding of {key[1]} {key[2]}, daily mean")
                 for key, part in sorted(parts, key=lambda p: (p[0][0], -len(p[1]["day"]), p[0])))


def _opened(path: str, column: str, what: str) -> tuple[Table, str]:
    """Return the table and the SQL of its symbol."""
    code, _, rest = ("", "", path) if os.path.isfile(path) else path.rpartition("=")
    if code and not is_asset_code(code):
        raise bad_input(Reason.UNKNOWN_ASSET, path, f"{code[:40]!r} is no code; write CODE=PATH "
                        "with capital letters, like BTC=dvol.csv")
    table = opened(rest)
    moment = "date" if "date" in table.columns and "ts" not in table.columns else "ts"
    require_columns(table, (*(() if code else ("symbol",)), moment, column), what)
    count = int(query(table, "SELECT count(*) AS n FROM {table}")["n"][0])
    if count > _ROWS_MAX:
        raise bad_input(Reason.TOO_LARGE, rest, f"has {count:,} rows; at most {_ROWS_MAX:,}")
    sql = f"'{code}'" if code else "trim(symbol::VARCHAR)"
    _refuse_text(table, column, sql)
    return table, sql


def _refuse_text(table: Table, column: str, symbol: str) -> None:
    wrong = not_numbers(table, column)
    if wrong is None:
        return
    found = query(table, f"SELECT {symbol} AS symbol, {_day_of(_moment(table))} AS day, {column} "
                  f"AS text FROM {{table}} WHERE {wrong} LIMIT {_SHOWN_MAX}")
    if len(found["text"]):
        above = " above 0" if column == "close" else ""
        raise BadInput(*(Failure(
            reason=Reason.NOT_A_NUMBER, subject=_row(table.path, found, k), sentence=(
                f"has the {column} {text[:40]!r}, not a number{above}; write decimals with a point "
                "and no thousands separator")) for k, text in enumerate(found["text"].tolist())))


def _name(path: str) -> str:
    return os.path.basename(path.rpartition("=")[2])


def _text(table: Table, column: str, absent: str) -> str:
    quoted = "'" + absent.replace("'", "''") + "'"
    return (f"coalesce(trim({column}::VARCHAR), {quoted})" if column in table.columns else quoted)


def _moment(table: Table) -> str:
    """Return the SQL of the instant (ns, an integer of any size) at which a row begins."""
    column = "ts" if "ts" in table.columns else "date"
    kind = table.columns[column]
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"(epoch_us({column})::HUGEINT * 1000)"
    if kind == "DATE":
        return _day_begin(column)
    if kind != "VARCHAR":
        raise bad_input(Reason.BAD_TIME, table.path, f"has {column} of type {kind}, which says no "
                        "time zone; write it in UTC with a zone, or a date")
    text = f"trim({column})"
    if column == "date":
        return _day_begin(f"TRY_CAST({text} AS DATE)")
    zoned = rf"regexp_matches({text}, '(Z|[+-]\d\d:?\d\d|[+-]\d\d)$')"
    return (f"CASE WHEN {zoned} THEN epoch_us(TRY_CAST({text} AS TIMESTAMPTZ))::HUGEINT * 1000 "
            "END")


def _day_begin(date: str) -> str:
    return f"(date_diff('day', DATE '1970-01-01', {date})::HUGEINT * {DAY_NS})"


def _day_of(moment: str) -> str:
    """Return the SQL of the day (since 1970) in which an instant lies, rounded down."""
    return (f"(({moment} - CASE WHEN {moment} < 0 THEN {DAY_NS - 1} ELSE 0 END) // {DAY_NS})"
            "::DOUBLE")


def _at_day_ends(table: Table, keys: dict[str, str], column: str) -> Columns:
    """Return the keys, `day`, `value` and `whole` of the rows that end a day."""
    listed = ", ".join(f"{sql} AS {name}" for name, sql in keys.items())
    names = ", ".join(keys)
    bars = number_column(table, "n_bars") if "n_bars" in table.columns else str(BARS_WHOLE)
    inner = (f"SELECT {listed}, {_moment(table)} AS moment, {number_column(table, column)} AS "
             f"value, {bars} AS bars FROM {{table}}")
    if "ts" not in table.columns:
        return query(table, f"SELECT {names}, {_day_of('moment')} AS day, value, bars >= "
                     f"{BARS_WHOLE} AS whole FROM ({inner}) WHERE bars >= {BARS_MIN} "
                     f"ORDER BY {names}, day")
    return query(table, f"""
        WITH bar AS (SELECT *, moment - lag(moment) OVER (PARTITION BY {names} ORDER BY moment)
                AS step FROM ({inner})),
             length AS (SELECT {names}, coalesce(mode(step), {DAY_NS}) AS long FROM bar
                GROUP BY {names})
        SELECT {names}, {_day_of('moment')} AS day, value, true AS whole
            FROM bar JOIN length USING ({names})
            WHERE (moment + long) % {DAY_NS} = 0 OR moment IS NULL
        ORDER BY {names}, moment""")


def _parts(path: str, rows: Columns, keys: tuple[str, ...],
           column: str) -> list[tuple[tuple[str, ...], Columns]]:
    """Return the rows of each series; refuses what is no code, no day, no number, or twice."""
    _refuse(path, rows, rows["day"] != rows["day"], "has a time that is none, or without a zone")
    day = rows["day"].astype(np.int64)
    _refuse(path, rows, (day < 0) | (day > DAY_MAX), f"lies outside {day_text(0)} to "
            f"{day_text(DAY_MAX * DAY_NS)}; correct the date", Reason.BAD_TIME)
    if column == "close":
        _refuse(path, rows, ~((rows["value"] > 0) & (rows["value"] < np.inf)),
                "has a close that is not a number above 0; correct it, or leave the day out",
                Reason.ABSURD_PRICE)
    wrong = sorted({str(s)[:40] for s in rows["symbol"].tolist() if not is_asset_code(s)})
    if wrong:
        raise BadInput(*(Failure(reason=Reason.UNKNOWN_ASSET, subject=path, sentence=(
            f"{code!r} is no code of an asset; use capital letters and digits, like BTC"))
            for code in wrong[:_SHOWN_MAX]))
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, key in enumerate(zip(*(rows[k].tolist() for k in keys), strict=True)):
        groups.setdefault(key, []).append(place)
    parts = []
    for key, places in groups.items():
        at = np.array(places)
        part = {name: values[at] for name, values in rows.items()} | {"day": day[at]}
        _refuse(path, part, np.diff(part["day"], prepend=-1) == 0,
                "stands twice in one series; keep one row", Reason.DUPLICATE)
        parts.append((key, part))
    return parts


def _refuse(path: str, rows: Columns, wrong: np.ndarray[Any, Any], why: str,
            reason: Reason = Reason.BAD_VALUE) -> None:
    found = np.flatnonzero(wrong)
    if len(found):
        raise BadInput(*(Failure(reason=reason, subject=_row(path, rows, int(k)), sentence=why)
                         for k in found[:_SHOWN_MAX]))


def _row(path: str, rows: Columns, k: int) -> str:
    return f"{rows['symbol'][k]} {_day(rows['day'][k])} in {path}"


def _day(day: Any) -> str:
    return str(np.datetime64(int(day), "D")) if day == day else "?"


def read_volumes(path: str, *, days: int = 365, share: float = 0.25) -> dict[str, float]:
    """Return {code: USD traded on a slow day}: the `share` quantile of the last `days` known days.

    The file holds symbol, date or ts, close and volume in units of the coin; volumes of all venues
    of a day are added. The quarter of the days that trade least stands for a stressed market.

    Raises
    ------
    BadInput
        As `read_closes`, and if a volume is no number of at least 0.
    """
    table, symbol = _opened(path, "volume", "a table of volumes")
    require_columns(table, ("close",), "a table of volumes")
    rows = query(table, f"""
        SELECT {symbol} AS symbol, {_day_of(_moment(table))} AS day,
            sum({number_column(table, 'close')} * {number_column(table, 'volume')}) AS value,
            min({number_column(table, 'volume')}) AS least
        FROM {{table}} GROUP BY 1, 2 ORDER BY 1, 2""")
    _refuse(table.path, rows, ~((rows["least"] >= 0) & np.isfinite(rows["value"])),
            "has a volume that is no number of at least 0")
    return {key[0]: float(np.quantile(part["value"][-days:], share))
            for key, part in _parts(table.path, rows, ("symbol",), "volume")}
