"""Is a pocket ring-fenced: margined by itself, its loss its own, its cash its owner's alone?"""

import pytest

from counterpoise.engine import effects as made
from counterpoise.engine import events as said
from counterpoise.engine.effects import EventRefused, OrderAdmitted, OrderRefused
from counterpoise.engine.image import decoded_state, encoded_state, state_root
from counterpoise.values.failure import Reason
from engine_world import World

PERP = "BTC-USDC:USDC-PERP"
THOUSAND = 1000 * 10**6
FILL = {"instrument": PERP, "order": "", "price": 70_000, "price_exponent": 0, "fee": 0}
ORDER = {"instrument": PERP, "price": 70_000, "price_exponent": 0}


@pytest.fixture
def world():
    """Return a calm world in which alice has 90,000 USDC and 10,000 in the pocket alice/1."""
    made_one = World()
    made_one.begin("alice", "bob")
    made_one.say(said.Deposited, account="alice", asset="USDC", amount=100 * THOUSAND)
    made_one.say(said.PocketOpened, account="alice/1", owner="alice")
    made_one.calm()
    made_one.say(said.Transferred, account="alice", to="alice/1", asset="USDC",
                 amount=10 * THOUSAND)
    return made_one


def size_of(world):
    """Return the lots of one coin of the perpetual."""
    return round(1 / world.state.catalogue.unit[world.state.catalogue.column[PERP]])


def standing(world, name):
    """Return (initial, maintenance, balance) where an account stands."""
    shard, row = world.plain()[0], world.state.directory.numbers[name]
    return tuple(round(float(getattr(shard.standing, n)[row, 0]), 6)
                 for n in ("initial", "maintenance", "balance"))


def test_pocket_is_margined_by_the_formula_of_any_account(world):
    world.say(said.Deposited, account="bob", asset="USDC", amount=10 * THOUSAND)
    for name in ("alice/1", "bob"):
        world.say(said.Filled, account=name, lots=size_of(world), **FILL)
    world.market()

    assert standing(world, "alice/1") == standing(world, "bob") == (7e3, 4.2e3, 1e4)


def test_owner_does_not_stand_behind_an_order_in_a_pocket(world):
    lots = 2 * size_of(world)
    refused, = world.say(said.OrderPlaced, account="alice/1", order="a", lots=lots, **ORDER)
    let_in, = world.say(said.OrderPlaced, account="alice", order="b", lots=lots, **ORDER)

    assert isinstance(refused, OrderRefused) and isinstance(let_in, OrderAdmitted)
    assert 0 < refused.largest < lots


def test_collateral_that_a_pocket_needs_does_not_leave_it(world):
    world.say(said.Filled, account="alice/1", lots=size_of(world), **FILL)
    decided, = world.say(said.Transferred, account="alice/1", to="alice", asset="USDC",
                         amount=5 * THOUSAND)
    smaller, = world.say(said.Transferred, account="alice/1", to="alice", asset="USDC",
                         amount=decided.largest)

    assert not decided.admitted and smaller.admitted
    assert decided.largest == pytest.approx(3 * THOUSAND, rel=1e-4)


def test_owner_may_fill_a_pocket_only_with_what_its_own_margin_does_not_need(world):
    world.say(said.Filled, account="alice", lots=10 * size_of(world), **FILL)
    decided, = world.say(said.Transferred, account="alice", to="alice/1", asset="USDC",
                         amount=30 * THOUSAND)

    assert [Reason.NOT_COVERED] == [f.reason for f in decided.failures]


def test_a_pocket_falls_alone(world):
    world.say(said.Filled, account="alice/1", lots=size_of(world), **FILL)
    world.calm({"BTC": 56_000.0})
    ordered = [e.account for e in world.heard if isinstance(e, made.LiquidationOrdered)]

    assert ["alice/1"] == ordered and standing(world, "alice/1")[2] == -4000.0
    assert standing(world, "alice") == (0.0, 0.0, 90_000.0)


def test_loss_beyond_a_pocket_is_borne_outside_and_not_by_its_owner(world):
    world.say(said.Filled, account="alice/1", lots=size_of(world), **FILL)
    world.calm({"BTC": 56_000.0})
    world.say(said.Filled, account="alice/1", lots=-size_of(world), **FILL | {"price": 56_000})
    lost, = world.say(said.AccountClosed, account="alice/1")

    assert ("alice/1", "USDC", 4 * THOUSAND) == (lost.account, lost.asset, lost.amount)
    assert 90 * THOUSAND == world.row("alice").balances[3]
    assert 0 == world.row("alice/1").balances[3] and not world.state.ties.owner


def test_nothing_follows_for_a_pocket_that_ended(world):
    world.say(said.Filled, account="alice/1", lots=size_of(world), **FILL)
    world.calm({"BTC": 63_400.0})
    assert any(isinstance(e, made.MarginCallIssued) for e in world.heard)
    world.say(said.Filled, account="alice/1", lots=-size_of(world), **FILL | {"price": 56_000})
    world.say(said.AccountClosed, account="alice/1")
    after = world.market({"BTC": 63_400.0})

    assert not [e for e in after if getattr(e, "account", "") == "alice/1"]


def test_owner_may_have_sixty_four_pockets(world):
    for k in range(2, 65):
        assert not world.say(said.PocketOpened, account=f"alice/{k}", owner="alice")
    refused, = world.say(said.PocketOpened, account="alice/65", owner="alice")

    assert isinstance(refused, EventRefused)
    assert Reason.TOO_LARGE == refused.failures[0].reason


def test_pockets_come_back_from_the_bytes_of_a_state(world):
    again = decoded_state(encoded_state(world.state), world.state.equipment)

    assert state_root(again) == state_root(world.state)
    assert {2: 0} == again.ties.owner
