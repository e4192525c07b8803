"""The SQL of exact columns agrees with Python's integers, number by number."""

import random
from fractions import Fraction

import duckdb
import pytest

from counterpoise.adapters.position_rows import ceiling_sql, cost_ratio, price_sql, scaled_sql
from counterpoise.adapters.symbols.names import instrument_of

CHANCE = random.Random(20240617)


def run(expression: str, **columns: list[object]) -> list[object]:
    """Evaluate an expression over columns given as text, cast to 128-bit integers or kept."""
    connection = duckdb.connect()
    names = ", ".join(f"{name} VARCHAR" for name in columns)
    connection.execute(f"CREATE TABLE t (n INTEGER, {names})")
    connection.executemany(f"INSERT INTO t VALUES (?{', ?' * len(columns)})",
                           [(k, *map(str, row))
                            for k, row in enumerate(zip(*columns.values(), strict=True))])
    return [row[0] for row in connection.execute(
        f"SELECT {expression} FROM t ORDER BY n").fetchall()]


def test_ceiling_is_exact_from_zero_to_the_edge_of_64_bits():
    pairs = []
    for _ in range(400):
        bottom = CHANCE.randrange(1, 10**CHANCE.randrange(1, 20))
        quotient = CHANCE.randrange(-10**CHANCE.randrange(1, 19), 10**CHANCE.randrange(1, 19))
        pairs += [(quotient * bottom + CHANCE.choice((-1, 0, 0, 1)), bottom),
                  (quotient * bottom + CHANCE.randrange(bottom), bottom)]
    pairs += [(0, 1), (2**63 - 1, 1), (-(2**63), 1), (10**15 * 7 + 1, 7), (10**15 * 7, 7)]
    expression = ceiling_sql("top::HUGEINT", "bottom::HUGEINT")

    assert [-(-a // b) for a, b in pairs] == run(
        expression, top=[a for a, _ in pairs], bottom=[b for _, b in pairs])


def test_ceiling_past_64_bits_is_none():
    assert [None, None] == run(ceiling_sql("top::HUGEINT", "1::HUGEINT"),
                               top=[2**63, -(2**63) - 1])


@pytest.mark.parametrize("decimals", [6, 9, 12])
def test_decimal_text_is_scaled_exactly(decimals):
    numbers = [CHANCE.randrange(-10**15, 10**15) for _ in range(300)] + [0, 1, -1, 10**18]
    texts = [f"{'-' if n < 0 else ''}{abs(n) // 10**decimals}.{abs(n) % 10**decimals:0{decimals}d}"
             for n in numbers]

    assert numbers == [int(n) for n in run(scaled_sql("text", decimals), text=texts)]


@pytest.mark.parametrize(("lots", "price", "wanted"), [
    (1, "1.0000000000001", 10**12 + 1), (-1, "1.0000000000009", 10**12),
    (1, "1.0000000000009", 10**12 + 1), (-1, "1.0000000000001", 10**12),
    (1, "0.000000000001", 1), (1, "1000000000", 10**21), (1, "1_0", None), (1, "x", None)])
def test_price_beyond_twelve_decimals_is_rounded_against_the_account(lots, price, wanted):
    assert [wanted] == run(price_sql("price", "lots::BIGINT"), price=[price], lots=[lots])


@pytest.mark.parametrize(("symbol", "wanted"), [
    ("BTC-PERPETUAL", Fraction(10)**(12 - 9 + 8)),
    ("BTC-28JUN24-70000-C", Fraction(10)**(-12 - 9 + 8)),
    ("BTC_USDC-PERPETUAL", Fraction(10)**(-12 - 9 + 6)),
])
def test_cost_ratio_turns_lots_and_price_into_smallest_units(symbol, wanted):
    assert wanted == Fraction(*cost_ratio(instrument_of(symbol, "deribit")))
