"""A seeded life of a small ledger, for tests of stores: events, a machine, the state they lead to.

Event k is a function of the seed and k alone, so that whoever lost count can say it again.
"""

import json
from hashlib import sha256
from random import Random

from counterpoise.adapters.store.records import Entry, RecordType
from counterpoise.adapters.store.replay import Machine

HEADER = {"codec": "ledger", "version": 1}
ACCOUNTS = 40


def event_of(seed: int, k: int) -> Entry:
    """Return event k: a transfer between two accounts."""
    chance = Random(seed * 1_000_003 + k)
    payer, payee = chance.randrange(ACCOUNTS), chance.randrange(ACCOUNTS)
    said = {"from": f"a{payer}", "to": f"a{payee}", "amount": chance.randrange(1, 1000)}
    return Entry(RecordType.EVENT, "transfer", json.dumps(said).encode(), k, f"c-{k}",
                 (f"a{payer}", f"a{payee}"))


def begun(header: bytes) -> dict:
    """Return the state before any event."""
    return {"count": 0, "balances": {}}


def step(state: dict, events: list) -> tuple[dict, list[tuple[str, bytes]]]:
    """Apply transfers; every third one has an effect."""
    balances, told = dict(state["balances"]), []
    for count, event in enumerate(events, state["count"] + 1):
        said = json.loads(event.payload)
        balances[said["from"]] = balances.get(said["from"], 0) - said["amount"]
        balances[said["to"]] = balances.get(said["to"], 0) + said["amount"]
        if count % 3 == 0:
            told.append(("moved", json.dumps([count, balances[said["to"]]]).encode()))
    return {"count": state["count"] + len(events), "balances": balances}, told


def effects_of(state: dict, events: list) -> tuple[Entry, ...]:
    """Return the effects of events that follow a state, with their causes."""
    effects = []
    for at, event in enumerate(events):
        state, told = step(state, [event])
        effects += [Entry(RecordType.EFFECT, kind, payload, cause=at) for kind, payload in told]
    return tuple(effects)


def bytes_of(state: dict) -> bytes:
    """Return the bytes of a state."""
    return json.dumps(state, sort_keys=True).encode()


def root_of(state: dict) -> bytes:
    """Return what vouches for a state."""
    return sha256(bytes_of(state)).digest()


LEDGER = Machine(begun=begun, read=json.loads, bytes_of=bytes_of, step=step, root=root_of)


def root_after(seed: int, count: int) -> bytes:
    """Return the root after the first `count` events, without any store."""
    return root_of(step(begun(b""), [event_of(seed, k) for k in range(count)])[0])
