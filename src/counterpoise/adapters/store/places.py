"""Which store does an address mean? A folder is SQLite, `postgresql://...` a server."""

from importlib import import_module

from counterpoise.adapters.store.records import FORMAT
from counterpoise.adapters.store.store import Store
from counterpoise.values.failure import BadInput, Reason, bad_input

_SERVER = ("postgresql://", "postgres://", "postgresql+psycopg://")


def create(place: str) -> None:
    """Make an empty store at a place.

    Raises
    ------
    BadInput
        If there is something already, it cannot be reached, or the extra is not installed.
    """
    if place.startswith(_SERVER):
        _refuse_missing_extra(place)
        from counterpoise.adapters.store import postgres

        postgres.create(_plain(place))
    else:
        from counterpoise.adapters.store import sqlite

        sqlite.create(place)


def opened(place: str, *, formats: tuple[int, ...] = (FORMAT,)) -> Store:
    """Return the store at a place, for reading; `formats` are those that the caller can read.

    Raises
    ------
    BadInput
        If there is none, or it cannot be read.
    """
    if place.startswith(_SERVER):
        _refuse_missing_extra(place)
        from counterpoise.adapters.store import postgres

        return postgres.opened(_plain(place), formats=formats)
    from counterpoise.adapters.store import sqlite

    return sqlite.opened(place, formats=formats)


def owned(place: str) -> Store:
    """Return the store at a place, for writing by this process alone.

    Raises
    ------
    BadInput
        As `opened`, or if another process writes.
    """
    if place.startswith(_SERVER):
        _refuse_missing_extra(place)
        from counterpoise.adapters.store import postgres

        return postgres.owned(_plain(place))
    from counterpoise.adapters.store import sqlite

    return sqlite.owned(place)


def owned_or_new(place: str) -> Store:
    """Return the store at a place for writing, made now where there is none.

    Raises
    ------
    BadInput
        As `owned`, or as `create`.
    """
    if not place.startswith(_SERVER) and _unmade(place):
        create(place)
    try:
        return owned(place)
    except BadInput as wrong:
        if not place.startswith(_SERVER):
            raise
        # A server without our tables is new; one that refused for another reason does so again.
        try:
            create(place)
        except BadInput:
            raise wrong from None
        return owned(place)


def holds_log(place: str) -> bool:
    """Return whether there is a store at a place; on a server that can only be tried."""
    if not place.startswith(_SERVER):
        from counterpoise.adapters.store import sqlite

        return sqlite.is_made(place)
    try:
        opened(place).close()
        return True
    except BadInput:
        return False


def _unmade(folder: str) -> bool:
    from counterpoise.adapters.store import sqlite

    return sqlite.unmade(folder)


def _plain(place: str) -> str:
    return "postgresql://" + place.split("://", 1)[1]


def _refuse_missing_extra(place: str) -> None:
    try:
        for name in ("alembic", "psycopg", "sqlalchemy"):
            import_module(name)
    except ImportError:
        raise bad_input(Reason.MISSING_EXTRA, place.split("@")[-1], "is a PostgreSQL store, which "
                        "needs its drivers; install them with: pip install "
                        "'counterpoise[postgres]'") from None
