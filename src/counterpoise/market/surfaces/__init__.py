"""The volatility surfaces: one family per file, and the smiles that they are fitted to."""
