"""What an account can pledge: equity by pool, haircuts."""
