"""Portfolio documents for tests of the apps, with quotes that can be seen."""

import json
from typing import Any

from bad_input_table import OPTION, good
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.portfolio_file import read_portfolio


def portfolio(**account: Any) -> Portfolio:
    """Return the good portfolio of the bad-input table, its account's keys replaced."""
    document = good()
    document["account"] |= account
    return read_portfolio(json.dumps(document).encode())


def two_pools() -> dict[str, Any]:
    """Return a document whose account has a BTC and a USDC pool, and a second account."""
    document = good()
    document["market"]["instruments"]["BTC_USDC-PERPETUAL"] = {"mark": "65900"}
    both = document.pop("account") | {"id": "both", "balances": {"BTC": "1.5", "USDC": "9000"}}
    both["positions"].append({"instrument": "BTC_USDC-PERPETUAL", "quantity": "0.5",
                              "entry_price": "65000"})
    bare = {"id": "bare", "balances": {"BTC": "0"}, "positions": [
        {"instrument": OPTION, "quantity": "-40", "entry_price": "0.03"}]}
    return document | {"accounts": [both, bare]}


def missing_volatility() -> dict[str, Any]:
    """Return a document in which a held option has no volatility."""
    document = good()
    del document["market"]["instruments"][OPTION]["iv"]
    return document


def okx_portfolio(**account: Any) -> Portfolio:
    """Return an account at OKX: one bitcoin sold by perpetuals, two owned, a call in the market."""
    return read_portfolio(json.dumps({
        "as_of": "2025-02-01T00:00:00Z", "model": "okx_pm", "symbols": "okx",
        "market": {"indices": {"BTC": "100000"}, "assets": {"USDT": "1"},
                   "instruments": {"BTC-USDT-SWAP": {"mark": "100000"},
                                   "BTC-USD-SWAP": {"mark": "100000"},
                                   "BTC-USD-250328-110000-C": {
                                       "mark": "0.04", "forward": "100000", "iv": "0.6"}}},
        "account": {"balances": {"BTC": "2", "USDT": "50000"}, "positions": [
            {"instrument": "BTC-USDT-SWAP", "quantity": "-100", "entry_price": "99000"}],
            **account}}).encode())
