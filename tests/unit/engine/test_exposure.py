"""Do limits of exposure act from their instant on, count less and refuse what goes beyond?"""

import numpy as np
import pytest

from counterpoise.collateral.limits import Counterparty, ExposureLimits
from counterpoise.engine import effects as made
from counterpoise.engine import events as said
from counterpoise.engine.effects import OrderAdmitted, OrderRefused
from counterpoise.engine.exposure import sum_of_owned
from counterpoise.engine.image import decoded_state, encoded_state, state_root
from counterpoise.governance.guardrails import ImpactLimits
from counterpoise.margin.exposure import gross_notional
from counterpoise.margin.scheduled import digest_of_terms
from counterpoise.values.failure import Reason
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import INT64_MAX
from engine_world import World, parameters

PERP = "BTC-USDC:USDC-PERP"
INVERSE = "BTC-USD:BTC-PERP"
THOUSAND = 1000 * 10**6
ORDER = {"instrument": PERP, "price": 70_000, "price_exponent": 0}
FILL = {**ORDER, "order": "", "fee": 0}
ISSUER = {"issuer": Counterparty(assets=("USDC",), value_max=120_000.0)}


@pytest.fixture
def world():
    """Return a calm world: alice and bob have 100,000 USDC each, bob 2 BTC besides."""
    one = World()
    one.begin("alice", "bob", "carol")
    for name in ("alice", "bob"):
        one.say(said.Deposited, account=name, asset="USDC", amount=100 * THOUSAND)
    one.say(said.Deposited, account="bob", asset="BTC", amount=2 * 10**8)
    one.calm()
    return one


def limit(world, effective_from=0, **fields):
    """Limit the exposure of the segment and return what follows."""
    return world.say(said.ExposureLimited, segment="retail", limits=ExposureLimits(**fields),
                     effective_from=effective_from)


def coin(world, name=PERP):
    """Return the lots of one coin (or dollar) of an instrument."""
    return round(1 / world.state.catalogue.unit[world.state.catalogue.column[name]])


def balance(world, name):
    """Return the margin balance with which an account stands."""
    shard, row = world.plain()[0], world.state.directory.numbers[name]
    return round(float(shard.standing.balance[row, 0]), 6)


def order(world, name, coins, order_id="o"):
    """Place an order and return what was decided."""
    decided, = world.say(said.OrderPlaced, account=name, order=order_id,
                         lots=round(coins * coin(world)), **ORDER)
    return decided


def transfer(world, asset, amount, account="alice", to="carol"):
    """Ask for a transfer and return what was decided."""
    decided, = world.say(said.Transferred, account=account, to=to, asset=asset, amount=amount)
    return decided


def test_what_is_beyond_the_cap_of_the_platform_counts_in_part_for_all(world):
    limit(world, platform={"USDC": 150_000.0})
    world.market()

    assert (75_000.0, 75_000.0 + 126_000.0) == (balance(world, "alice"), balance(world, "bob"))


def test_what_comes_in_counts_by_the_share_of_the_last_snapshot(world):
    limit(world, platform={"USDC": 200_000.0})
    world.say(said.Deposited, account="carol", asset="USDC", amount=200 * THOUSAND)
    world.hear(world.event(said.ClockAdvanced))
    between = balance(world, "carol")
    world.market()

    assert (200_000.0, 100_000.0) == (between, balance(world, "carol"))


def test_asset_that_is_not_eligible_counts_nothing_and_is_not_brought(world):
    limit(world, eligible=("BTC",))
    world.market()
    decided = transfer(world, "USDC", 10)

    assert (0.0, 126_000.0) == (balance(world, "alice"), balance(world, "bob"))
    assert [Reason.NOT_ELIGIBLE] == [f.reason for f in decided.failures]


def test_asset_that_is_not_eligible_is_not_asked_for_in_a_call(world):
    limit(world, eligible=("USDC",))
    world.say(said.Filled, account="bob", lots=13 * coin(world), **FILL)
    world.calm({"BTC": 66_000.0})
    call, = [e for e in world.heard if isinstance(e, made.MarginCallIssued)]

    assert (("USDC", 1.0),) == tuple(c for c in call.eligible_collateral if c[0] != "USD")


def test_transfer_that_brings_too_much_of_one_issuer_is_refused_with_what_would_pass(world):
    limit(world, counterparties=ISSUER)
    transfer(world, "USDC", 90 * THOUSAND)
    decided = transfer(world, "USDC", 50 * THOUSAND, "bob")
    fits = transfer(world, "USDC", decided.largest, "bob")

    assert [Reason.OVER_LIMIT] == [f.reason for f in decided.failures]
    assert "140000.0" in decided.failures[0].sentence and "120000.0" in decided.failures[0].sentence
    assert fits.admitted and decided.largest == pytest.approx(30 * THOUSAND, rel=1e-5)


def test_pockets_do_not_make_room_for_more_of_one_issuer(world):
    limit(world, counterparties=ISSUER)
    transfer(world, "USDC", 80 * THOUSAND)
    world.say(said.PocketOpened, account="carol/1", owner="carol")
    inside = transfer(world, "USDC", 70 * THOUSAND, "carol", "carol/1")
    more = transfer(world, "USDC", 50 * THOUSAND, "bob")

    assert inside.admitted and [Reason.OVER_LIMIT] == [f.reason for f in more.failures]


def test_order_beyond_the_gross_limit_is_refused_with_what_would_pass(world):
    limit(world, gross_max=350_000.0)
    refused = order(world, "alice", 8)
    fits, = world.say(said.OrderPlaced, account="alice", order="p", lots=refused.largest, **ORDER)

    assert [Reason.OVER_LIMIT] == [f.reason for f in refused.failures]
    assert refused.largest == pytest.approx(5 * coin(world), rel=1e-5)
    assert isinstance(fits, OrderAdmitted)


def test_gross_limit_nets_nothing_between_contracts(world):
    limit(world, gross_max=350_000.0)
    world.say(said.Filled, account="alice", lots=-210_000 * coin(world, INVERSE), fee=0,
              instrument=INVERSE, order="", price=70_000, price_exponent=0)

    assert isinstance(order(world, "alice", 2.5), OrderRefused)
    assert isinstance(order(world, "alice", 1.9), OrderAdmitted)


def test_who_is_beyond_the_gross_limit_may_reduce(world):
    world.say(said.Filled, account="alice", lots=8 * coin(world), **FILL)
    world.market()
    limit(world, gross_max=350_000.0)

    assert isinstance(order(world, "alice", 1, "a"), OrderRefused)
    assert isinstance(order(world, "alice", -3, "b"), OrderAdmitted)


def test_gross_limit_is_that_of_the_party(world):
    limit(world, gross_max=350_000.0)
    world.say(said.PocketOpened, account="alice/1", owner="alice")
    transfer(world, "USDC", 50 * THOUSAND, "alice", "alice/1")
    world.say(said.AccountLinked, account="bob", to="alice")
    for name, coins in (("alice/1", 2), ("bob", 2)):
        assert isinstance(order(world, name, coins), OrderAdmitted)
    refused = order(world, "alice", 2)

    assert isinstance(refused, OrderRefused) and "420000.0" in refused.failures[0].sentence


def test_limits_act_from_their_instant_and_not_before(world):
    before = limit(world, world.time + 3 * 10**9, platform={"USDC": 100_000.0})
    world.market()
    early = balance(world, "alice")
    after = world.market(seconds=2)

    assert () == before and 100_000.0 == early and 50_000.0 == balance(world, "alice")
    assert [e.segment for e in after if isinstance(e, made.LimitsTookEffect)] == ["retail"]


def test_limits_come_back_from_the_bytes_of_a_state(world):
    limit(world, platform={"USDC": 150_000.0}, counterparties=ISSUER, gross_max=1e6)
    limit(world, world.time + 10**10, eligible=())
    again = decoded_state(encoded_state(world.state), world.state.equipment)

    assert state_root(again) == state_root(world.state)
    assert again.exposure == world.state.exposure and again.pledged == {"USDC": 200 * THOUSAND}


def test_sum_over_all_accounts_does_not_overflow(world):
    shard = world.plain()[0]
    balances = np.full_like(shard.book.balances, INT64_MAX)
    balances[0] = -INT64_MAX
    held = replaced(shard, book=replaced(shard.book, balances=balances))

    assert 2 * INT64_MAX == sum_of_owned((held,), 0)


def test_gross_notional_counts_orders_on_their_worse_side(world):
    for name, coins in (("a", 3), ("b", -2), ("c", -6)):
        order(world, "alice", coins, name)
    world.say(said.Filled, account="alice", lots=2 * coin(world), **FILL)
    world.market()
    gross = gross_notional(world.plain()[0].book, world.state.market)

    assert [6 * 70_000.0, 0.0, 0.0] == [round(float(g), 6) for g in gross]


@pytest.mark.parametrize(("cap", "admitted"), [(200_000.0, True), (100_000.0, False)])
def test_a_change_is_weighed_within_the_limits_that_act(world, cap, admitted):
    world.say(said.Filled, account="alice", lots=6 * coin(world), **FILL)
    world.say(said.ImpactLimited, segment="retail", digest="", limits=ImpactLimits(
        below_initial=0.0, below_maintenance=0.0, bankrupt=0.0, extra=1.0))
    limit(world, platform={"USDC": cap})
    decided = world.say(said.ParametersActivated, segment="retail", effective_from=0,
                        version=parameters(0.15, number=2))[0]

    # Alice would need 63,000; all of her 100,000 count, or half of them.
    assert decided.admitted == admitted


def test_limits_that_wait_are_taken_back_and_those_that_act_are_not(world):
    now, first = world.time, ExposureLimits(gross_max=1e6)
    limit(world, gross_max=1e6)
    limit(world, now + 10**9, gross_max=5e5)
    gone = {"segment": "retail", "effective_from": now + 10**9}
    refused, = world.say(said.ChangeWithdrawn, **gone, digest=digest_of_terms(first))
    assert Reason.NOT_APPLICABLE == refused.failures[0].reason
    told = world.say(said.ChangeWithdrawn, **gone, digest=digest_of_terms(
        ExposureLimits(gross_max=5e5)))

    assert () == told
    world.time += 2 * 10**9
    assert not [e for e in world.hear(world.event(said.ClockAdvanced))
                if isinstance(e, made.LimitsTookEffect)]
    assert first == world.state.exposure[0].acting


def test_limits_taken_back_before_any_acted_leave_the_state_as_it_was(world):
    before = world.state.exposure
    limit(world, world.time + 10**9, gross_max=5e5)
    world.say(said.ChangeWithdrawn, segment="retail", effective_from=world.time + 10**9,
              digest=digest_of_terms(ExposureLimits(gross_max=5e5)))

    assert before == world.state.exposure == {}
