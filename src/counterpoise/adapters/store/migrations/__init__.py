"""How do the tables of a PostgreSQL store change from one release to the next? Alembic's steps."""
