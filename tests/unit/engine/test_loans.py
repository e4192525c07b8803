"""Who may owe what, what is charged for it, and is every unit of it booked?"""

import numpy as np
import pytest

from counterpoise.collateral.borrowing import HOUR_NS, Borrowing, BorrowTerms
from counterpoise.engine import asset_events as of_assets
from counterpoise.engine import effects as made
from counterpoise.engine import events as said
from counterpoise.governance.guardrails import ImpactLimits
from counterpoise.market.index import IndexRule
from counterpoise.values.failure import Reason
from counterpoise.values.frozen import replaced
from counterpoise.values.time import SECOND_NS
from engine_world import START, World

TERMS = BorrowTerms(account_max=60_000 * 10**6, platform_max=100_000 * 10**6, rate=876,
                    rate_exponent=-2, initial=0.1, maintenance=0.02)
K = 1_000 * 10**6
BTC = 10**9
"""Lots of spot."""


def lending(terms=TERMS, **more):
    return {"segment": "retail", "effective_from": 0, **more,
            "borrowing": Borrowing(assets={"USDC": terms})}


@pytest.fixture
def world():
    """Return a calm world in which alice and bob have 2 BTC each and may owe 60,000 USDC."""
    made_world = World()
    made_world.begin("alice", "bob", "carol")
    for name in ("alice", "bob"):
        made_world.say(said.Deposited, account=name, asset="BTC", amount=2 * 10**8)
    made_world.say(of_assets.BorrowingChanged, **lending())
    made_world.calm()
    return made_world


def withdrawn(world, name, amount):
    """Ask for USDC that the account does not own; return what was decided."""
    return world.say(said.WithdrawalRequested, account=name, withdrawal=f"{name}{amount}",
                     asset="USDC", amount=amount)[0]


def hours_later(world, hours=1):
    """Let whole hours pass and return the interest that was posted."""
    world.time = (world.time // HOUR_NS + hours) * HOUR_NS
    return [e for e in world.say(said.ClockAdvanced) if isinstance(e, made.InterestPosted)]


def usdc(world, name):
    row = world.row(name)
    return row.balances[3], tuple(row.flows[12:16])


def test_nobody_may_owe_before_terms_say_so():
    world = World()
    world.begin("alice")
    world.say(said.Deposited, account="alice", asset="BTC", amount=2 * 10**8)
    world.calm()
    decided = withdrawn(world, "alice", K)

    assert not decided.admitted and decided.largest == 0
    assert [Reason.NOT_COVERED] == [f.reason for f in decided.failures]


def test_account_may_owe_up_to_its_limit_and_is_told_how_much(world):
    decided = withdrawn(world, "alice", 61 * K)

    assert not decided.admitted and 59_999 * 10**6 < decided.largest <= 60_000 * 10**6
    assert "no less than -60000000000 may be left" in decided.failures[0].sentence
    assert withdrawn(world, "alice", 60 * K).admitted


def test_platform_limit_holds_as_counted_at_the_last_snapshot(world):
    assert withdrawn(world, "alice", 60 * K).admitted
    world.market()

    assert 60 * K == world.state.owed[3]
    assert not withdrawn(world, "bob", 41 * K).admitted
    assert withdrawn(world, "bob", 40 * K).admitted


def spot(world, order, lots, kind=said.OrderPlaced, price=70_000, name="alice"):
    """Ask for a spot order of so many lots, or a change of one; return what was decided."""
    where = {"instrument": "BTC-USDC-SPOT"} if kind is said.OrderPlaced else {}
    return world.say(kind, account=name, order=order, lots=lots, price=price, price_exponent=0,
                     **where)[0]


def test_order_to_buy_spot_with_money_that_may_not_be_owed_is_refused():
    world = World()
    world.begin("alice")
    world.say(said.Deposited, account="alice", asset="BTC", amount=2 * 10**8)
    world.calm()
    refused = spot(world, "o", BTC // 100)

    assert isinstance(refused, made.OrderRefused) and 0 == refused.largest
    assert [(Reason.NOT_COVERED, "USDC")] == [(f.reason, f.subject) for f in refused.failures]
    assert "would be owed: -700000000 of its smallest unit" in refused.failures[0].sentence


def test_open_spot_orders_owe_together_no_more_than_the_terms_allow(world):
    first, second = spot(world, "first", BTC // 2), spot(world, "second", BTC // 2)

    assert isinstance(first, made.OrderAdmitted) and isinstance(second, made.OrderRefused)
    assert 25 / 70 * BTC * 0.99999 < second.largest <= 25 / 70 * BTC
    assert "no less than -60000000000 may be left" in second.failures[0].sentence
    assert isinstance(spot(world, "second", second.largest), made.OrderAdmitted)


def test_orders_of_both_sides_are_not_taken_to_pay_for_one_another(world):
    assert isinstance(spot(world, "sold", -2 * BTC), made.OrderAdmitted)
    refused = spot(world, "more", -BTC // 1_000)

    assert 0 == refused.largest and ["BTC"] == [f.subject for f in refused.failures]
    assert isinstance(spot(world, "bought", BTC), made.OrderRefused)


def test_what_open_spot_orders_need_does_not_leave(world):
    spot(world, "o", BTC // 2)
    decided = withdrawn(world, "alice", 26 * K)

    assert not decided.admitted and 24_999 * 10**6 < decided.largest <= 25_000 * 10**6
    assert "open spot orders filled" in decided.failures[0].sentence
    assert withdrawn(world, "alice", 25 * K).admitted


def test_who_owes_too_much_already_may_ask_for_less_and_for_what_is_no_spot(world):
    spot(world, "o", BTC // 2)
    world.say(said.FeeCharged, account="alice", asset="USDC", amount=40 * K)
    perpetual = world.say(said.OrderPlaced, account="alice", order="p", lots=10**8, price=70_000,
                          instrument="BTC-USDC:USDC-PERP", price_exponent=0)[0]

    assert isinstance(perpetual, made.OrderAdmitted)
    assert isinstance(spot(world, "o", BTC // 2, said.OrderChanged, 70_001), made.OrderRefused)
    assert isinstance(spot(world, "o", BTC // 2, said.OrderChanged, 69_999), made.OrderAdmitted)
    assert isinstance(spot(world, "sold", -BTC), made.OrderAdmitted)


@pytest.mark.parametrize("seed", range(5))
def test_admitted_spot_orders_filled_at_their_price_owe_no_more_than_allowed(world, seed):
    chance = np.random.Generator(np.random.PCG64(seed))
    orders = []
    for k in range(12):
        lots, price = int(chance.integers(-50, 60)) * BTC // 40, int(chance.integers(1, 90_000))
        if lots and isinstance(spot(world, f"o{k}", lots, price=price), made.OrderAdmitted):
            orders.append((f"o{k}", lots, price))
    for name, lots, price in orders:
        world.say(said.Filled, account="alice", order=name, instrument="BTC-USDC-SPOT", lots=lots,
                  price=price, price_exponent=0, fee=0)
        btc, *_, owed = world.row("alice").balances

        assert 0 <= btc and -60 * K <= owed
    assert 2 < len(orders) < 12 and {} == world.row("alice").orders


def test_what_is_owed_needs_margin_of_its_own(world):
    withdrawn(world, "alice", 50 * K)
    world.market()
    standing = world.plain()[0].standing

    assert 5_000.0 == pytest.approx(standing.initial[0, 0])
    assert 1_000.0 == pytest.approx(standing.maintenance[0, 0])
    assert 2 * 70_000 * 0.9 - 50_000 == pytest.approx(standing.balance[0, 0])


def in_debt_without_a_price(terms):
    """Return a world in which alice has BTC and owes USDC, of which no venue makes a price."""
    world = World()
    world.begin("alice")
    rule = IndexRule(weights={"one": 1, "two": 1, "three": 1}, age_max_ns=SECOND_NS)
    world.say(of_assets.IndexRulesChanged, rules={"USDC": rule})
    world.say(said.Deposited, account="alice", asset="BTC", amount=2 * 10**8)
    world.say(said.FeeCharged, account="alice", asset="USDC", amount=50 * K)
    world.say(of_assets.BorrowingChanged, **lending(terms))
    world.calm()
    return world


def test_requirement_is_missing_while_what_is_owed_has_no_price():
    world = in_debt_without_a_price(TERMS)
    standing = world.plain()[0].standing
    told = [e.sentence for e in world.heard if isinstance(e, made.Alert)
            and e.topic == made.AlertTopic.NO_MARGIN]

    assert standing.initial[0, 0] != standing.initial[0, 0]
    assert standing.balance[0, 0] != standing.balance[0, 0]
    assert 0 == standing.level[0, 0]
    assert "USDC: is held or borrowed and has no price" in told[-1]


@pytest.mark.parametrize("limited", [False, True])
def test_terms_that_leave_a_debt_without_a_requirement_are_beyond_any_limit(limited):
    world = in_debt_without_a_price(replaced(TERMS, initial=0.0, maintenance=0.0))
    limits = ImpactLimits(below_initial=1.0, below_maintenance=1.0, bankrupt=1.0, extra=1.0)
    if limited:
        world.say(said.ImpactLimited, segment="retail", digest="", limits=limits)
    decided = world.say(of_assets.BorrowingChanged, **lending())[0]

    assert 0.0 == world.plain()[0].standing.initial[0, 0]
    assert not decided.admitted and 1 == decided.groups[0].lost
    assert "1 accounts that have a margin would have none" == decided.failures[0].sentence


def test_interest_is_posted_at_the_full_hour_and_only_to_who_owes(world):
    withdrawn(world, "alice", 50 * K)
    world.market(seconds=1_000)
    assert 0 == sum(world.state.ledger.cash["interest"])
    posted, = hours_later(world)

    assert (50 * 10**6, 1, 1) == (posted.amount, posted.accounts, posted.instants)
    assert (-50 * K - 50 * 10**6, (0, 0, 0, -50 * 10**6)) == usdc(world, "alice")
    assert (0, (0, 0, 0, 0)) == usdc(world, "bob")
    assert 50 * 10**6 == world.state.ledger.cash["interest"][3]


def test_linked_account_pays_interest_even_where_its_group_owns_more(world):
    withdrawn(world, "alice", 20 * K)
    world.say(said.Deposited, account="bob", asset="USDC", amount=50 * K)
    linked, = world.say(said.AccountLinked, account="bob", to="alice")
    posted, = hours_later(world)

    # 8.76 a year of 8,760 hours on 20,000 USDC; bob's 50,000 spare nothing of it.
    assert linked.admitted and (20 * 10**6, 1) == (posted.amount, posted.accounts)
    assert (-20_020 * 10**6, 50 * K) == (usdc(world, "alice")[0], usdc(world, "bob")[0])


def test_hours_that_nobody_saw_are_charged_as_simple_interest(world):
    withdrawn(world, "alice", 50 * K)
    posted, = hours_later(world, 5)

    assert (5, 5 * 50 * 10**6) == (posted.instants, posted.amount)


def test_interest_of_the_next_hour_is_on_that_of_the_last(world):
    withdrawn(world, "alice", 50 * K)
    hours_later(world)
    posted, = hours_later(world)

    assert 50 * 10**6 + 50_000 == posted.amount


def test_new_rate_counts_from_its_instant_and_not_for_the_hour_before(world):
    withdrawn(world, "alice", 50 * K)
    at = (world.time // HOUR_NS + 1) * HOUR_NS
    world.say(of_assets.BorrowingChanged,
              **lending(replaced(TERMS, rate=2 * 876), effective_from=at))
    first, second = hours_later(world), hours_later(world)

    assert 50 * 10**6 == first[0].amount and 2 * (50 * 10**6 + 50_000) == second[0].amount


def test_loss_beyond_the_terms_is_charged_and_alerted(world):
    world.say(said.FeeCharged, account="carol", asset="USDC", amount=70 * K)
    told = [e for e in world.market() if isinstance(e, made.Alert)]

    assert [made.AlertTopic.OWED_TOO_MUCH] == [e.topic for e in told]
    assert "1 accounts of retail owe more than the 60000000000" in told[0].sentence
    assert 1 == len(hours_later(world))


def test_clock_runs_on_where_interest_would_not_fit_in_64_bits(world):
    world.say(said.FeeCharged, account="carol", asset="USDC", amount=2**63 - 1 - K)
    posted, = hours_later(world)

    assert K == posted.amount and -(2**63 - 1) == usdc(world, "carol")[0]
    assert [] == hours_later(world)
    assert world.state.time > START
