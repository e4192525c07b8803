"""Which parameters are in force, who proposed and approved them, and what a change would do."""
