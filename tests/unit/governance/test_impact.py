"""Is the report of a change the margin that the change makes?"""

import numpy as np
import pytest

from counterpoise.accounts.book import Entries, book_of
from counterpoise.collateral.schedule import AssetTerms, CollateralSchedule
from counterpoise.governance.impact import Change, impact_of
from counterpoise.margin.compute import STATUS, compute_margin
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.values.assets import asset
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import UNKNOWN
from rule_books.gross_cross import MODEL, GrossParameters, GrossRates
from small_market import market

ACCOUNTS = 60
MARKET = market()
SEGMENTS = ("retail", "desk")


def version(number, rate):
    schedule = CollateralSchedule(numeraire="USD", other=None, assets={
        "BTC": AssetTerms(up_to=(), weight=(1.0,)), "USDC": AssetTerms(up_to=(), weight=(1.0,))})
    return ParameterVersion(model=MODEL.name, number=number, parameters=GrossParameters(
        general=GrossRates(rate=rate, maintenance_share=0.5), collateral=schedule))


@pytest.fixture(scope="module")
def book():
    """Return accounts with one position each and more or less USDC, seeded."""
    random = np.random.Generator(np.random.PCG64(3))
    made = book_of(catalogue=MARKET.catalogue, accounts=np.arange(ACCOUNTS),
                   positions=_entries(random))
    balances = random.integers(1_000, 60_000, (ACCOUNTS, 1)) * 10**6
    return replaced(made, assets=(asset("USDC"),), balances=balances)


def _entries(random):
    """Return linear perpetuals at the mark; of one account the entry is not known."""
    column = MARKET.catalogue.column["linear perpetual"]
    lots = random.integers(1, 40, ACCOUNTS)
    cost = np.rint(lots * 0.1 * MARKET.mark[column] * 1e6).astype(np.int64)
    cost[0] = UNKNOWN
    return Entries(account=np.arange(ACCOUNTS), instrument=np.full(ACCOUNTS, column, np.int32),
                   lots=lots, entry_cost=cost)


def change(before, after):
    return Change(model=MODEL, before=version(1, before), after=version(2, after))


def test_report_is_the_margin_under_both_versions(book):
    found = impact_of(change(0.1, 0.2), book, MARKET)
    for rate, initial, status in ((0.1, found.initial_before, found.status_before),
                                  (0.2, found.initial_after, found.status_after)):
        own = compute_margin(book, MARKET, model=MODEL, version=version(9, rate))

        assert np.array_equal(own.requirements.initial, initial, equal_nan=True)
        assert np.array_equal(own.status, status)


def test_groups_add_up_to_the_rows(book):
    codes = np.arange(ACCOUNTS) % 2
    found = impact_of(change(0.1, 0.2), book, MARKET, segments=SEGMENTS, segment_of=codes)
    extra = found.initial_after - found.initial_before

    assert ["retail", "desk"] == [g.segment for g in found.groups]
    for k, group in enumerate(found.groups):
        mine = codes[found.account] == k
        known = mine & ~np.isnan(extra)
        judged = known & (found.status_before < 4) & (found.status_after < 4)
        worse = judged & (found.status_after > found.status_before)
        assert pytest.approx(np.add.reduce(extra[known]), rel=1e-12) == group.extra
        assert pytest.approx(np.add.reduce(found.initial_before[known]), rel=1e-12) == group.before
        assert np.count_nonzero(worse) == sum(group.breaches.values())
        assert (np.count_nonzero(mine), np.count_nonzero(mine & ~judged)) == (group.rows,
                                                                            group.unknown)
    assert sum(sum(g.breaches.values()) for g in found.groups) > 0
    assert 1 == found.groups[0].unknown
    assert all(g.losers > 0 and g.extra == g.extra_of_losers for g in found.groups)


def test_breaches_name_the_accounts_that_would_stand_worse(book):
    found = impact_of(change(0.1, 0.2), book, MARKET)
    below = STATUS.index("below_initial")
    counted = np.count_nonzero((found.status_after == below) & (found.status_before == 0))

    assert counted == found.groups[0].breaches["below_initial"] > 0


def test_relief_breaches_nobody_and_no_change_changes_nothing(book):
    relief = impact_of(change(0.2, 0.1), book, MARKET)
    nothing = impact_of(change(0.1, 0.1), book, MARKET)

    assert relief.groups[0].extra < 0 == relief.groups[0].losers
    assert {0} == set(relief.groups[0].breaches.values())
    assert 0 == nothing.groups[0].extra and {0} == set(nothing.groups[0].breaches.values())


def test_digest_stands_for_the_book_the_market_and_the_change(book):
    one = impact_of(change(0.1, 0.2), book, MARKET)
    others = [impact_of(change(0.1, 0.21), book, MARKET),
              impact_of(change(0.1, 0.2), book, replaced(MARKET, sequence=8)),
              impact_of(change(0.1, 0.2), replaced(book, balances=book.balances * 2), MARKET)]

    assert one.digest == impact_of(change(0.1, 0.2), book, MARKET, threads=2).digest
    assert one.digest not in {other.digest for other in others}


def test_unknown_segment_is_refused(book):
    with pytest.raises(BadInput, match="does not name a segment for every account"):
        impact_of(change(0.1, 0.2), book, MARKET, segments=("one",),
                  segment_of=np.ones(ACCOUNTS, np.int64))
