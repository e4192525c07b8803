"""What could happen: moves of prices and volatilities as data, never as loops in the caller."""
