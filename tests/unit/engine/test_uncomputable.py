"""What cannot be computed stops nobody else: sizes beyond counting, books that a model refuses."""

import numpy as np
import pytest

from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.engine import effects as made
from counterpoise.engine import events as said
from counterpoise.engine.codec import batch_of
from counterpoise.engine.image import state_root
from counterpoise.engine.levels import DEFAULT_LEVELS
from counterpoise.engine.money import POSITION_MAX
from counterpoise.engine.state import Equipment
from counterpoise.engine.step import step
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import replaced
from engine_world import MODEL, World
from rule_books.gross_orders import GrossOrders

PERP = "BTC-USDC:USDC-PERP"
UNLUCKY = 13
MILLION = 10**12


class Superstitious(GrossOrders):
    """The small rule book, refusing to margin any book with an order of thirteen lots."""

    name = "superstitious"

    def requirement(self, book, arrays, market, parameters, threads):
        if UNLUCKY in np.abs(book.order_lots):
            raise bad_input(Reason.NOT_APPLICABLE, "thirteen", "is no number to be margined")
        return super().requirement(book, arrays, market, parameters, threads)


def order(world, account, lots, name="o"):
    return world.event(said.OrderPlaced, account=account, order=name, instrument=PERP, lots=lots,
                       price=70_000, price_exponent=0)


@pytest.fixture
def world():
    """Return two accounts with money under a model that refuses some books, one under another."""
    found = World()
    other = Superstitious()
    found.state = replaced(found.state, equipment=Equipment(
        models={MODEL.name: MODEL, other.name: other}))
    found.begin("sober")
    found.say(said.SegmentDefined, segment="odd", model=other.name, levels=DEFAULT_LEVELS)
    version = found.state.segments[0].version
    found.say(said.ParametersActivated, segment="odd", effective_from=0,
              version=replaced(version, model=other.name))
    for name in ("ann", "bob"):
        found.say(said.AccountOpened, account=name, segment="odd")
    for name in ("sober", "ann", "bob"):
        found.say(said.Deposited, account=name, asset="USDC", amount=MILLION)
    found.calm()
    return found


def test_order_that_cannot_be_computed_is_refused_alone(world):
    before = world.state
    events = [order(world, "ann", UNLUCKY), order(world, "bob", 14), order(world, "sober", UNLUCKY)]
    effects = world.hear(*events)
    one = before
    for event in events:
        one, _ = step(one, batch_of([event]))

    assert [made.OrderRefused, made.OrderAdmitted, made.OrderAdmitted] == list(map(type, effects))
    assert (Reason.NOT_APPLICABLE, "thirteen") == (effects[0].failures[0].reason,
                                                   effects[0].failures[0].subject)
    assert state_root(one) == state_root(world.state)


def test_segment_that_cannot_be_margined_stays_where_it_was_and_says_so(world):
    k, row = world.state.directory.places[world.state.directory.numbers["ann"]]
    world.hear(order(world, "ann", 14))
    world.market()
    stood = world.state.shards[k].standing
    # A fill leaves thirteen lots of the order open: a fact, which nobody was asked about.
    world.say(said.Filled, account="ann", order="o", instrument=PERP, lots=1, price=70_000,
              price_exponent=0, fee=0)
    effects = world.market()

    alert, = [e for e in effects if isinstance(e, made.Alert)]
    assert (made.AlertTopic.NO_MARGIN, "odd") == (alert.topic, alert.subject)
    assert "stays where it was" in alert.sentence and "thirteen" in alert.sentence
    assert stood.snapshot[row] < world.state.market.sequence
    assert stood.initial[row, 0] == world.state.shards[k].standing.initial[row, 0]
    first = world.state.shards[0].standing
    assert world.state.market.sequence == first.snapshot[0]


@pytest.fixture
def large():
    """Return a world under S:PM with an account that holds as much as may be."""
    found, model = World(), model_named("deribit_spm")
    found.state = replaced(found.state, equipment=Equipment(models={model.name: model}))
    found.say(said.SegmentDefined, segment="pm", model=model.name, levels=DEFAULT_LEVELS)
    found.say(said.ParametersActivated, segment="pm", effective_from=0,
              version=parameters_of(model, found.time))
    found.say(said.AccountOpened, account="whale", segment="pm")
    found.calm()
    return found


def fill(world, lots):
    return world.say(said.Filled, account="whale", order="", instrument=PERP, lots=lots, price=1,
                     price_exponent=-15, fee=0)


def test_largest_position_and_orders_can_still_be_counted(large):
    part = POSITION_MAX // 2
    assert () == fill(large, POSITION_MAX)
    told = [large.hear(order(large, "whale", lots, f"o{lots}"))[0] for lots in (part, 1 - part)]
    beyond = [large.hear(order(large, "whale", lots, f"p{lots}"))[0]
              for lots in (2 + POSITION_MAX % 2, -part, POSITION_MAX + 1)]
    refused, = fill(large, 1)
    large.market()

    # Bought for nothing, the position is worth more than any order needs.
    assert [made.OrderAdmitted] * 2 == list(map(type, told))
    for one in (*beyond, refused):
        assert isinstance(one, made.EventRefused)
        assert (Reason.ABSURD_QUANTITY, PERP) == (one.failures[0].reason, one.failures[0].subject)
