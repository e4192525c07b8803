"""Which tables does a PostgreSQL store have, and how do they come to be?

Alembic's steps in `migrations` make them; the tables here are what the statements of `postgres`
are written with, and a test says that both agree. Importing this file needs the extra `postgres`.
"""

import os
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import BigInteger, Column, Connection, LargeBinary, MetaData, Table, Text

TABLES: Final = MetaData()
LOG: Final = Table("log", TABLES,
                   Column("number", BigInteger, primary_key=True, autoincrement=False),
                   Column("frame", LargeBinary, nullable=False))
MARK: Final = Table("mark", TABLES, Column("name", Text, primary_key=True),
                    Column("number", BigInteger, nullable=False),
                    Column("hash", LargeBinary, nullable=False))
ID: Final = Table("id", TABLES, Column("id", Text(collation="C"), primary_key=True),
                  Column("number", BigInteger, nullable=False),
                  Column("content", LargeBinary, nullable=False))
TOUCHED: Final = Table("touched", TABLES, Column("account", Text(collation="C"), primary_key=True),
                       Column("number", BigInteger, primary_key=True, autoincrement=False))
SNAPSHOT: Final = Table("snapshot", TABLES,
                        Column("number", BigInteger, primary_key=True, autoincrement=False),
                        *(Column(n, LargeBinary, nullable=False)
                          for n in ("hash", "root", "digest")),
                        Column("length", BigInteger, nullable=False))
PART: Final = Table("snapshot_part", TABLES,
                    Column("number", BigInteger, primary_key=True, autoincrement=False),
                    Column("part", BigInteger, primary_key=True, autoincrement=False),
                    Column("bytes", LargeBinary, nullable=False))


def migrate(connection: Connection) -> None:
    """Bring the tables to the newest step; the caller commits."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def steps(connection: Connection) -> tuple[str | None, str | None]:
    """Return the step that a database is at, None without tables, and the newest there is."""
    at = MigrationContext.configure(connection).get_current_revision()
    return at, ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    folder = os.path.join(os.path.dirname(__file__), "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
