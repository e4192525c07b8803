"""Closing what is not covered."""
