"""What can be held: spot, perpetual, future and option contracts, and the order they stand in."""
