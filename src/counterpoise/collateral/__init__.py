"""What an account can pledge: equity by pool or over all assets, tiers, haircuts."""
