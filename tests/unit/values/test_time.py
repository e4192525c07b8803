"""Instants: integers of nanoseconds, text with a zone."""

import pytest

from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.time import DAY_NS, YEAR_NS, format_instant, parse_instant, years_between


@pytest.mark.parametrize(("text", "instant"), [
    ("1970-01-01T00:00:00Z", 0), ("1970-01-02T00:00:00+00:00", DAY_NS),
    ("1970-01-01T05:30:00+05:30", 0), ("2024-06-17T10:22:20.501Z", 1718619740501 * 10**6),
    ("2026-01-06 21:21:21.17+00", 1767734481170 * 10**6)])
def test_time_with_a_zone_is_an_instant(text, instant):
    assert instant == parse_instant(text)


@pytest.mark.parametrize("text", [
    "2024-06-17T10:22:20", "2024-06-17", "yesterday", "", "1718619740", None, 5,
    "2024-06-31T00:00:00Z", "1969-12-31T23:59:59Z", "2300-01-01T00:00:00Z",
    "2024-06-17T10:22:20Zebra"])
def test_time_without_a_zone_or_sense_is_refused(text):
    with pytest.raises(BadInput, match="^as_of: ") as refused:
        parse_instant(text, subject="as_of")

    assert Reason.BAD_TIME == refused.value.failures[0].reason


@pytest.mark.parametrize("text", ["2024-06-17T10:22:20Z", "2024-06-17T10:22:20.501000Z"])
def test_instant_prints_as_it_was_written(text):
    assert text == format_instant(parse_instant(text))


def test_year_has_365_days_and_runs_both_ways():
    assert (1.0, -1.0) == (years_between(0, YEAR_NS), years_between(YEAR_NS, 0))
