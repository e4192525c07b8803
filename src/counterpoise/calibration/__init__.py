"""Which numbers does history suggest? Factor fits and forecasts, as dated parameter sets."""
