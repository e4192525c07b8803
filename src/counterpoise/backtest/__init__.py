"""Would the margin have held? Recorded days replayed, losses compared with what was required."""
