"""Places of every backend for tests of stores: a folder, and a PostgreSQL database of our own."""

import itertools

from counterpoise.adapters.store import sqlite
from counterpoise.adapters.store.conformance import Places

_COUNT = itertools.count()


def in_folders(folder) -> Places:
    """Return how to reach SQLite stores below a folder."""

    def fresh():
        path = folder / f"store{next(_COUNT)}"
        sqlite.create(path)
        return sqlite.owned(path)

    return Places(fresh=fresh, again=lambda store: sqlite.owned(store.place),
                  reader=lambda store: sqlite.opened(store.place))


def on_server(server) -> Places:
    """Return how to reach PostgreSQL stores, each in a schema of its own."""
    from counterpoise.adapters.store import postgres

    def fresh():
        address = server.schema()
        postgres.create(address)
        return postgres.owned(address)

    return Places(fresh=fresh, again=lambda store: postgres.owned(store.place),
                  reader=lambda store: postgres.opened(store.place))
