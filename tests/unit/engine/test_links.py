"""Are linked accounts one portfolio: one requirement, one level, one call in the head's name?"""

import pytest

from counterpoise.engine import effects as made
from counterpoise.engine import events as said
from counterpoise.engine.effects import EventRefused, OrderAdmitted, OrderRefused
from counterpoise.engine.image import decoded_state, encoded_state, state_root
from counterpoise.engine.ties import GROUP_MAX
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.quantity import LOTS_MAX
from engine_world import World

PERP = "BTC-USDC:USDC-PERP"
INVERSE = "BTC-USD:BTC-PERP"
THOUSAND = 1000 * 10**6
FILL = {"instrument": PERP, "order": "", "price": 70_000, "price_exponent": 0, "fee": 0}
ORDER = {"instrument": PERP, "price": 70_000, "price_exponent": 0}


@pytest.fixture
def world():
    """Return a calm world: alice and bob have 50,000 USDC and opposite coins, carol nothing."""
    one = World()
    one.begin("alice", "bob", "carol")
    for name in ("alice", "bob"):
        one.say(said.Deposited, account=name, asset="USDC", amount=50 * THOUSAND)
    one.calm()
    for name, sign in (("alice", 5), ("bob", -5)):
        one.say(said.Filled, account=name, lots=sign * coin(one), **FILL)
    one.market()
    return one


def coin(world, name=PERP):
    """Return the lots of one coin (or dollar) of an instrument."""
    return round(1 / world.state.catalogue.unit[world.state.catalogue.column[name]])


def standing(world, name):
    """Return (initial, balance) where an account stands."""
    shard, row = world.plain()[0], world.state.directory.numbers[name]
    return tuple(round(float(getattr(shard.standing, n)[row, 0]), 6)
                 for n in ("initial", "balance"))


def link(world, account="bob", to="alice"):
    """Link, and return what was decided."""
    decided, = world.say(said.AccountLinked, account=account, to=to)
    return decided


def test_group_needs_what_one_account_with_all_of_it_would(world):
    assert (35_000.0, 50_000.0) == standing(world, "alice") == standing(world, "bob")
    assert link(world).admitted
    world.market()

    assert (0.0, 100_000.0) == standing(world, "alice") and (0.0, 0.0) == standing(world, "bob")


def test_requirement_of_a_group_changes_where_any_of_its_accounts_does(world):
    link(world)
    world.market()
    world.say(said.Filled, account="bob", lots=coin(world), **FILL)
    world.hear(world.event(said.ClockAdvanced))

    assert (7000.0, 100_000.0) == standing(world, "alice")


def test_collateral_of_the_group_admits_an_order_of_any_of_it(world):
    link(world, "carol")
    one, = world.say(said.OrderPlaced, account="carol", order="a", lots=2 * coin(world), **ORDER)
    other, = world.say(said.OrderPlaced, account="alice", order="a", lots=2 * coin(world), **ORDER)

    assert isinstance(one, OrderAdmitted) and isinstance(other, OrderRefused)


def test_orders_of_a_group_in_one_batch_see_one_another(world):
    link(world, "carol")
    both = [world.event(said.OrderPlaced, account=name, order="a", lots=2 * coin(world), **ORDER)
            for name in ("carol", "alice")]
    first, second = world.hear(*both)

    assert isinstance(first, OrderAdmitted) and isinstance(second, OrderRefused)


def test_gain_that_no_price_moves_any_more_counts_as_cash(world):
    world.market({"BTC": 75_000.0})
    for name, sign in (("alice", -1), ("carol", -4)):
        world.say(said.Filled, account=name, lots=sign * coin(world), **FILL | {"price": 75_000})
    world.say(said.Deposited, account="carol", asset="USDC", amount=40 * THOUSAND)
    world.calm({"BTC": 75_000.0})
    apart = standing(world, "alice")[1] + standing(world, "carol")[1]
    assert link(world, "carol").admitted
    world.market({"BTC": 75_000.0})

    assert (0.0, 115_000.0) == standing(world, "alice") and apart == 115_000.0


def test_inverse_contracts_that_cancel_leave_their_coins(world):
    for name, sign, price in (("alice", 1, 60_000), ("carol", -1, 80_000)):
        world.say(said.Filled, account=name, lots=sign * 1000 * coin(world, INVERSE), fee=0,
                  instrument=INVERSE, order="", price=price, price_exponent=0)
    world.say(said.Deposited, account="carol", asset="USDC", amount=5 * THOUSAND)
    world.market()
    apart = standing(world, "alice")[1] + standing(world, "carol")[1]
    link(world, "carol")
    world.market()

    assert standing(world, "alice")[0] == 35_000.0
    assert standing(world, "alice")[1] == pytest.approx(apart, abs=1e-5)
    assert apart == pytest.approx(55_000 + 0.9 * 70_000 * (1000 / 60_000 - 1000 / 80_000), abs=1e-3)


def test_call_of_a_group_is_in_the_name_of_its_head(world):
    link(world, "carol")
    world.calm({"BTC": 63_000.0})
    calls = {e.account for e in world.heard if isinstance(e, made.MarginCallIssued
                                                          | made.LiquidationOrdered)}

    assert {"alice"} == calls


def test_link_that_leaves_a_group_covered_meets_a_call(world):
    world.calm({"BTC": 63_400.0})
    assert ["alice"] == [e.account for e in world.heard if isinstance(e, made.MarginCallIssued)]
    assert link(world).admitted
    after = world.market({"BTC": 63_400.0})

    assert ["alice"] == [e.account for e in after if isinstance(e, made.MarginCallMet)]


def test_link_that_leaves_a_group_uncovered_is_not_admitted(world):
    world.say(said.Filled, account="carol", lots=20 * coin(world), **FILL)
    world.market()
    decided = link(world, "carol")

    assert [Reason.NOT_COVERED] == [f.reason for f in decided.failures]
    assert not decided.admitted and not world.state.ties.head


def test_who_cannot_stand_alone_is_not_unlinked(world):
    link(world)
    world.say(said.Transferred, account="bob", to="alice", asset="USDC", amount=40 * THOUSAND)
    refused, = world.say(said.AccountUnlinked, account="bob")
    world.say(said.Transferred, account="alice", to="bob", asset="USDC", amount=40 * THOUSAND)
    decided, = world.say(said.AccountUnlinked, account="bob")
    world.market()

    assert (False, True) == (refused.admitted, decided.admitted)
    assert (35_000.0, 50_000.0) == standing(world, "alice") == standing(world, "bob")


def test_transfer_inside_a_group_leaves_the_group_as_it_is(world):
    link(world)
    all_of_it, = world.say(said.Transferred, account="bob", to="alice", asset="USDC",
                           amount=50 * THOUSAND)
    more, = world.say(said.Transferred, account="bob", to="alice", asset="USDC", amount=1)

    assert all_of_it.admitted and not more.admitted


def test_link_is_not_admitted_while_prices_are_doubtful(world):
    world.market(seconds=60)
    decided = link(world)

    assert Reason.DEGRADED in [f.reason for f in decided.failures]


def test_groups_come_back_from_the_bytes_of_a_state(world):
    link(world)
    again = decoded_state(encoded_state(world.state), world.state.equipment)

    assert state_root(again) == state_root(world.state) and {1: 0} == again.ties.head


def test_bytes_of_a_state_that_tie_nobody_are_refused(world):
    link(world)
    content = encoded_state(world.state)
    spoiled = content.replace(b"ties", b"tied")

    with pytest.raises(BadInput):
        decoded_state(spoiled, world.state.equipment)


def test_linked_account_may_hold_what_a_group_can_add_up(world):
    link(world)
    refused, = world.say(said.Filled, account="bob", lots=LOTS_MAX // GROUP_MAX + 6 * coin(world),
                         **FILL | {"price": 1, "price_exponent": -15})

    assert isinstance(refused, EventRefused)
    assert Reason.ABSURD_QUANTITY == refused.failures[0].reason
