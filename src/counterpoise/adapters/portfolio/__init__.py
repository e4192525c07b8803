"""The portfolio file in its parts: document, schema, market, accounts, and the way back."""
