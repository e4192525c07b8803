"""Paradex portfolio margin against its rule, worked out here from the page."""

from math import erf, log, sqrt
from typing import Any

import numpy as np
import pytest

from counterpoise.accounts.book import Book
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.requirement import Requirements
from counterpoise.market.conditions import NOTHING_KNOWN
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from counterpoise.values.time import parse_instant
from markets import AS_OF, account, market

MODEL = model_named("paradex")
PERPETUAL, FUTURE = "BTC-USDC:USDC-PERP", "BTC-USDC:USDC-20260327"
CALL, PUT = f"{FUTURE}-65000-C", f"{FUTURE}-58500-P"
LATER = parse_instant("2026-08-20T00:00:00Z")
INNER = [(m, v, 1.0) for m in (0.12, 0.08, 0.04, 0.0, -0.04, -0.08, -0.12) for v in (0.4, -0.22)]
OUTER = [(0.16, 0.4, 1.0), (-0.16, 0.4, 1.0)]
TAILS = [(-0.66, 0.4, 0.18), (-0.33, 0.4, 0.36), (0.5, 0.4, 0.24), (1.0, 0.4, 0.12),
         (2.0, 0.4, 0.06), (3.0, 0.4, 0.04), (4.0, 0.4, 0.03), (5.0, 0.4, 0.024)]


def required(book: Book, snapshot: MarketSnapshot, overrides: dict[str, Any] | None = None,
             ) -> Requirements:
    """Return the requirement of one account under the parameters of August 2026."""
    version = parameters_of(MODEL, LATER, overrides)
    return compute_margin(book, snapshot, model=MODEL, version=version).requirements


def funded(snapshot: MarketSnapshot, rate: float) -> MarketSnapshot:
    """Return the market with one funding rate, per eight hours, of every perpetual."""
    column = np.where(snapshot.catalogue.kind == 1, rate, np.nan)
    return replaced(snapshot, conditions=replaced(NOTHING_KNOWN,
                                                  columns={"funding_rate": column}))


QUIET = funded(market(), 0.0)
"""No funding, so that one provision can be seen at a time."""


def black(forward: float, strike: float, years: float, volatility: float, right: int) -> float:
    """Return the undiscounted value of an option, from the textbook."""
    width = volatility * sqrt(years)
    if width == 0:
        return max(right * (forward - strike), 0.0)
    d = [log(forward / strike) / width + half * width for half in (0.5, -0.5)]
    n = [(1 + erf(right * x / sqrt(2))) / 2 for x in d]
    return right * (forward * n[0] - strike * n[1])


def scan_of(snapshot: MarketSnapshot, held: dict[str, float]) -> float:
    """Return the largest weighted loss over the published list, coins held by instrument."""
    worst = 0.0
    for move, shift, weight in (*INNER, *OUTER, *TAILS):
        gain = sum(q * gain_of(snapshot, name, move, shift) for name, q in held.items())
        worst = max(worst, -weight * gain)
    return worst


def gain_of(snapshot: MarketSnapshot, name: str, move: float, shift: float) -> float:
    """Return what one coin of an instrument gains in one scenario, in USDC."""
    terms, k = snapshot.catalogue, snapshot.catalogue.column[name]
    if terms.kind[k] != 3:
        return move * float(snapshot.index[terms.underlying[k]])
    years = (terms.expiry[k] - snapshot.as_of) / (365 * 86_400e9)
    days = max(years * 365, 1.0)
    sigma = float(snapshot.volatility[k])
    shocked = sigma * (1 + shift * (30 / days) ** (0.30 if days < 30 else 0.13))
    shocked = max(shocked, 0.4) if shift > 0 else shocked
    values = [black(float(snapshot.forward[k]) * (1 + m), float(terms.strike[k]), years, vol,
                    int(terms.right[k])) for m, vol in ((move, shocked), (0.0, sigma))]
    return values[0] - values[1]


@pytest.mark.parametrize("held", [
    {PERPETUAL: 1.0}, {PERPETUAL: -2.0, FUTURE: 1.5}, {CALL: -5.0, PERPETUAL: 1.0},
    {CALL: 3.0, PUT: 4.0}, {PUT: -2.0, CALL: -2.0}])
def test_the_scan_is_the_largest_weighted_loss(held: dict[str, float]) -> None:
    needs = required(account(QUIET, held), QUIET)

    assert needs.initial_components["scan"][0] == pytest.approx(scan_of(QUIET, held), rel=1e-12)


def test_an_outright_future_needs_its_grid_and_fees() -> None:
    """Half of 16 % of 65,000 is 5,200 maintenance; a fee of 3 bp is 19.50."""
    needs = required(account(QUIET, {PERPETUAL: 1.0}), QUIET)

    assert needs.initial[0] == pytest.approx(0.16 * 65_000 + 19.5)
    assert needs.maintenance[0] == pytest.approx(0.08 * 65_000 + 19.5)


def test_a_hedged_book_pays_the_least_charge_on_its_delta() -> None:
    """Long 1, short 0.9 of another expiry: 0.1 net and 0.9 hedged of 65,000, more than the scan."""
    needs = required(account(QUIET, {PERPETUAL: 1.0, FUTURE: -0.9}), QUIET)

    scan, least = 0.016 * 65_000, (0.02 * 0.1 + 0.01 * 0.9) * 65_000
    assert needs.candidates["minimum_delta_charge"][0] == pytest.approx(least)
    assert needs.initial_components["scan"][0] == pytest.approx(scan)
    flat = required(account(QUIET, {PERPETUAL: 1.0, FUTURE: -1.0}), QUIET)
    assert flat.initial_components["minimum_delta"][0] == pytest.approx(0.01 * 65_000)
    assert flat.initial[0] == pytest.approx(650 + 2 * 19.5)


@pytest.mark.parametrize(("size", "provision"), [(2.0, 26.0), (-2.0, 0.0)])
def test_funding_is_provided_for_by_those_who_pay_it(size: float, provision: float) -> None:
    """2 coins of 65,000 at 0.02 % for eight hours; the short side would receive it."""
    snapshot = funded(market(), 0.0002)
    needs = required(account(snapshot, {PERPETUAL: size}), snapshot)

    assert needs.initial_components["funding_provision"][0] == pytest.approx(provision)
    assert needs.maintenance_components["funding_provision"][0] == pytest.approx(provision)


def test_orders_count_on_their_worse_side() -> None:
    """Long 1: a buy of 1 doubles the book, a sell of 3 would leave it short 2: the same."""
    alone = required(account(QUIET, {PERPETUAL: 1.0}), QUIET)
    doubled = required(account(QUIET, {PERPETUAL: 1.0}, {PERPETUAL: 1.0}), QUIET)
    reduced = required(account(QUIET, {PERPETUAL: 1.0}, {PERPETUAL: -1.5}), QUIET)

    assert doubled.initial[0] - alone.initial[0] == pytest.approx(0.16 * 65_000)
    assert reduced.initial[0] == alone.initial[0]
    assert doubled.maintenance[0] == alone.maintenance[0]


def test_dated_parameters_act_from_their_day() -> None:
    day = [parameters_of(MODEL, parse_instant(f"{d}T12:00:00Z")).parameters
           for d in ("2026-04-05", "2026-04-06", "2026-05-24", "2026-05-25")]

    assert [p.asset["btc"].weight[16] for p in day[:2]] == [0.24, 0.18]
    assert [p.general.funding_provision_hours for p in day[2:]] == [0, 8]


@pytest.mark.parametrize(("holding", "word"), [
    ("BTC-USD:BTC-PERP", "paid in USDC"), ("ETH-USDC:USDC-PERP", "")])
def test_what_it_does_not_cover_is_a_failure(holding: str, word: str) -> None:
    needs = required(account(QUIET, {holding: 1.0}), QUIET)

    assert (needs.failure[0] >= 0) == bool(word)
    assert np.isnan(needs.initial[0]) == bool(word)
    assert not word or word in needs.failures[0].sentence


def test_an_unknown_funding_rate_is_a_failure_unless_no_hours_are_provided_for() -> None:
    snapshot = market()
    held = account(snapshot, {PERPETUAL: 1.0})
    needs = required(held, snapshot)

    assert np.isnan(needs.initial[0]) and "funding_provision_hours" in needs.failures[0].sentence
    told = required(held, snapshot, {"general": {"funding_provision_hours": 0}})
    assert told.initial[0] == pytest.approx(0.16 * 65_000 + 19.5)


def test_a_long_option_can_need_more_than_its_premium() -> None:
    """Not declared: its delta pays the least charge, whatever the premium is."""
    deep = f"{FUTURE}-91000-C"
    snapshot = QUIET
    k = snapshot.catalogue.column[deep]
    cheap = replaced(snapshot, mark=np.where(np.arange(len(snapshot.mark)) == k, 1.0,
                                             snapshot.mark))
    needs = required(account(cheap, {deep: 1.0}), cheap)

    assert "long_option_at_most_premium" not in MODEL.laws
    assert needs.initial[0] > 1.0


@pytest.mark.parametrize(("path", "value", "word"), [
    (("asset", "btc", "move"), [0.1], "must be as many"),
    (("asset", "btc", "hedged_margin_factor"), -1.0, "between 0 and 1"),
    (("general", "vol_floor"), "both", "is unknown"),
    (("general", "fee_rate"), 2.0, "between 0 and 0.1")])
def test_parameters_without_a_meaning_are_refused(path: tuple[str, ...], value: Any,
                                                  word: str) -> None:
    tree: Any = value
    for name in reversed(path):
        tree = {name: tree}
    with pytest.raises(BadInput, match=word):
        parameters_of(MODEL, AS_OF, tree)


def test_odd_parameters_are_named() -> None:
    version = parameters_of(MODEL, LATER, {"general": {"mm_factor": 1.5}, "asset": {
        "btc": {"hedged_margin_factor": 0.5}}})

    assert [s for s, text in version.notes if "odd parameter" in text] == ["asset.btc", "general"]
