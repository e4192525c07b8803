"""What happens next? One event at a time: the only place where state changes.

    step(state, batch) -> state, effects
"""
