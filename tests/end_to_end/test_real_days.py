"""Every model portfolio on the selected real days: a number, or a Failure that says why not.

Six of the seven snapshots have a perpetual price; that of 2026-05-10 has none.
"""

from pathlib import Path

import pytest

from counterpoise.adapters.chain import read_chain, snapshots
from counterpoise.apps.answer import Answer, margin_of
from counterpoise.apps.examples import portfolio_of
from counterpoise.apps.model_portfolios import model_portfolios
from counterpoise.values.time import format_instant

pytest.importorskip("duckdb", reason="real chains are read with the extra `data`")
NEED_THE_PERPETUAL = {"outright perpetual", "covered call", "protective put", "basis trade",
                      "short gamma, delta-hedged", "market maker, 400 options"}


@pytest.fixture(scope="module")
def days(shared: Path) -> dict[str, dict[str, Answer]]:
    """Return {day: {portfolio: answer}} of the seven selected snapshots."""
    folder = shared / "data" / "options"
    chain = folder / "deribit_chain_selected.parquet"
    found = {}
    for at in snapshots(chain):
        market = read_chain(chain, at=at,
                            perpetuals=folder / "deribit_perp_at_snapshots.parquet")
        found[format_instant(at)[:10]] = {
            name: margin_of(portfolio_of(market, {name: legs}), readings=False)
            for name, legs in model_portfolios(market).items()}
    return found


def test_every_portfolio_has_a_requirement_on_the_six_days_with_a_perpetual_price(days):
    assert 7 == len(days)
    for day in sorted(days)[:6]:
        assert len(days[day]) >= 10, day
        for name, answer in days[day].items():
            pool = answer.pools[0]
            assert pool.initial >= pool.maintenance > 0 and not pool.failures, (day, name)


def test_day_without_a_perpetual_price_has_failures_where_it_is_needed_and_numbers_elsewhere(days):
    last = days[max(days)]

    failed = {name for name, answer in last.items() if answer.pools[0].initial !=
              answer.pools[0].initial}
    reasons = {str(last[name].pools[0].failures[0].reason) for name in failed}

    assert NEED_THE_PERPETUAL == failed
    assert {"missing_mark"} == reasons
    assert {"short straddle", "iron condor", "calendar", "box, coin-settled"} <= set(last) - failed


def test_coin_settled_box_needs_what_the_same_dollar_claim_needs(days):
    for day, answers in days.items():
        if "same claim by a future" not in answers:
            continue
        box, claim = (answers[n].pools[0].initial for n in ("box, coin-settled",
                                                            "same claim by a future"))
        assert box == pytest.approx(claim, abs=1e-12), day
