"""The log, its marks, its index and its snapshots."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of log format 1."""
    name = sa.Text(collation="C")
    op.create_table("log", sa.Column("number", sa.BigInteger, primary_key=True,
                                     autoincrement=False),
                    sa.Column("frame", sa.LargeBinary, nullable=False))
    op.create_table("mark", sa.Column("name", sa.Text, primary_key=True),
                    sa.Column("number", sa.BigInteger, nullable=False),
                    sa.Column("hash", sa.LargeBinary, nullable=False))
    op.create_table("id", sa.Column("id", name, primary_key=True),
                    sa.Column("number", sa.BigInteger, nullable=False),
                    sa.Column("content", sa.LargeBinary, nullable=False))
    op.create_table("touched", sa.Column("account", name, primary_key=True),
                    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False))
    op.create_table("snapshot", sa.Column("number", sa.BigInteger, primary_key=True,
                                          autoincrement=False),
                    *(sa.Column(n, sa.LargeBinary, nullable=False)
                      for n in ("hash", "root", "digest")),
                    sa.Column("length", sa.BigInteger, nullable=False))
    op.create_table("snapshot_part", sa.Column("number", sa.BigInteger, primary_key=True,
                                               autoincrement=False),
                    sa.Column("part", sa.BigInteger, primary_key=True, autoincrement=False),
                    sa.Column("bytes", sa.LargeBinary, nullable=False))


def downgrade() -> None:
    """Refuse: a log is not taken back, it is restored from a backup."""
    raise NotImplementedError("a log is not downgraded; restore a backup with the older program")
