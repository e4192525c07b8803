"""Does the engine do what its rules say, whatever happens? A workload against an auditor."""

import numpy as np
import pytest

from counterpoise.accounts.book import Entries, book_of
from counterpoise.engine.asset_events import IndexRulesChanged
from counterpoise.engine.codec import batch_of
from counterpoise.engine.effects import Alert, AlertTopic
from counterpoise.engine.exposure import counts_in
from counterpoise.engine.image import decoded_state, encoded_state, state_root
from counterpoise.engine.margins import own_model
from counterpoise.engine.shards import order_entries
from counterpoise.engine.state import Row
from counterpoise.engine.step import step
from counterpoise.instruments.contracts import Option, Spot
from counterpoise.margin.compute import compute_margin
from counterpoise.market.index import IndexRule
from counterpoise.values.time import SECOND_NS
from engine_world import RULES, World
from simulation.auditor import Auditor
from simulation.same_books import compare
from simulation.side_books import Divergence
from simulation.workload import VENUES, Workload

TURNS = 25


def recorded(seed, turns=TURNS, also=lambda world: []):
    """Return the batches of a run that the auditor agreed with, and its last state.

    `also` returns what is said at the beginning, after all else.
    """
    world = World()
    work, batches = Workload(seed, world), []
    auditor = Auditor(world.state, (0.1, 0.6), RULES)
    for turn in range(turns):
        said = [*work.begin(), *also(world)] if turn == 0 else work.turn()
        events = [event for event, _ in said]
        first, effects = world.state.position, world.hear(*events)
        batches.append(events)
        at = 0
        try:
            for at, (event, wrong) in enumerate(said):
                auditor.hear(event, [e for e in effects if e.position == first + at], wrong)
            compare(auditor, world.state, world.row)
            same_from_scratch(world)
        except Divergence as found:
            pytest.fail(f"seed {seed}, turn {turn}, event {first + at}: {found}\n"
                        f"{said[at][0]}", pytrace=False)
    return batches, world


def same_from_scratch(world):
    """Compare requirements of accounts margined at the snapshot with a computation of their own."""
    state = world.state
    if state.market is None or not state.shards:
        return
    names = state.directory.names[:state.directory.count]
    rows = groups(state, [world.row(name) for name in names])
    held = [(k, c, lots, cost) for k, row in enumerate(rows)
            for c, (lots, cost) in row.positions.items()]
    columns = np.array(held, np.int64).reshape(-1, 4).T.copy()
    book = book_of(
        catalogue=state.catalogue, accounts=np.arange(len(rows)), positions=Entries(
            account=columns[0], instrument=columns[1].astype(np.int32), lots=columns[2],
            entry_cost=columns[3]),
        orders=order_entries(np.arange(len(rows)), rows),
        balances=(state.assets, np.array([row.balances for row in rows], np.int64)))
    retail = state.segments[0]
    margins = compute_margin(book, state.market, model=own_model(retail, state.equipment,
                                                                counts_in(state, 0)),
                             version=retail.version)
    standing, needs = state.shards[0].standing, margins.requirements
    last = state.shards[0].standing.snapshot == state.market.sequence
    for row, account in enumerate(needs.account.tolist()):
        group = [account, *(n for n, head in state.ties.head.items() if head == account)]
        if not state.shards[0].overlay.keys() & {*group} and len(last) > max(group) and all(
                last[group]):
            mine = (standing.initial[account, 0], standing.maintenance[account, 0],
                    standing.balance[account, 0])
            own = (needs.initial[row], needs.maintenance[row], margins.margin_balance[row])
            if np.array(mine).tobytes() != np.array(own).tobytes():
                raise Divergence(f"{names[account]} stands at {mine}, from scratch at {own}")


def groups(state, rows):
    """Return rows in which heads hold what their group holds, lots that cancel as cash."""
    paid = {k: [a.code for a in state.assets].index(c.settlement)
            for k, c in enumerate(state.catalogue.instruments)
            if not isinstance(c, Spot | Option)}
    out = [Row(dict(r.positions), dict(r.orders), list(r.balances)) for r in rows]
    for member, head in state.ties.head.items():
        mine, theirs = out[member], out[head]
        out[member] = Row({}, {}, [0] * len(mine.balances))
        theirs.orders.update({f"{member}/{k}": o for k, o in mine.orders.items()})
        theirs.balances[:] = [a + b for a, b in zip(mine.balances, theirs.balances, strict=True)]
        for column, (lots, cost) in mine.positions.items():
            old = theirs.positions.get(column, (0, 0))
            theirs.positions[column] = (old[0] + lots, old[1] + cost)
    for row in out:
        for column, (lots, cost) in list(row.positions.items()):
            if not lots:
                row.balances[paid.get(column, 0)] -= cost if column in paid else 0
                del row.positions[column]
    return out


@pytest.mark.parametrize("seed", range(50))
def test_engine_and_auditor_agree(seed):
    recorded(seed)


@pytest.mark.parametrize("seed", range(8))
def test_engine_and_auditor_agree_while_an_asset_has_no_price(seed):
    _, world = recorded(seed, also=no_price_of_dollars)

    assert any(isinstance(e, Alert) and e.topic == AlertTopic.NO_MARGIN for e in world.heard)


def no_price_of_dollars(world):
    """Return a rule that no venue's depth meets, until the workload says another."""
    rule = IndexRule(weights=dict.fromkeys(VENUES, 1), age_max_ns=15 * SECOND_NS, depth_min=1e12)
    return [(world.event(IndexRulesChanged, rules={"USDC": rule}), False)]


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 2000))
def test_engine_and_auditor_agree_in_the_long_run(seed):
    recorded(seed, turns=60)


@pytest.mark.parametrize("seed", range(4))
def test_root_and_effects_do_not_depend_on_cuts_threads_or_restarts(seed):
    batches, world = recorded(seed)
    events, chance = [e for b in batches for e in b], np.random.Generator(np.random.PCG64(seed))
    root = state_root(world.state)

    singly, whole = World(threads=2), World(threads=2)
    for event in events:
        singly.hear(event)
    whole.hear(*events)
    cut, effects, rest = World().state, [], events
    while rest:
        size = int(chance.integers(1, 9))
        cut, told = step(cut, batch_of(rest[:size]))
        effects, rest = [*effects, *told], rest[size:]
        if chance.integers(4) == 0:
            cut = decoded_state(encoded_state(cut), cut.equipment)

    assert [root] * 3 == [state_root(s) for s in (singly.state, whole.state, cut)]
    assert world.heard == singly.heard == whole.heard == effects
