"""How people reach the engine: command line, reports, the model portfolios."""
