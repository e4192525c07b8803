"""Who holds what: positions, open orders and balances of many accounts as columns."""
