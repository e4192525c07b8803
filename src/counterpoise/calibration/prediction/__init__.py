"""How bad may tomorrow be? Forecasts of volatility and tails, each made with the past alone."""
