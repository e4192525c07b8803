"""What is kept of what happened? The event log and its snapshots, in SQLite or PostgreSQL.

Acknowledged means durable. `records` says what a record is, `store` what a backend must do,
`journal` writes, `history` reads and verifies, `copies` backs up, restores and upgrades.
"""
