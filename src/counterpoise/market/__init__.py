"""What the world looks like at one instant: marks, forwards, volatilities, indices, quality."""
