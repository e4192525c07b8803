"""Hyperliquid: the carry trade of the portfolio margin page, one file per price of its path."""

from decimal import Decimal
from typing import Any

from counterpoise.adapters.portfolio.portfolio import Portfolio

Case = dict[str, Any]
Files = dict[str, dict[str, Any]]


def _carry_files(case: Case) -> Files:
    inputs = case["inputs"]
    lent = {"collateral": {"btc": {"ltv": case["parameters"]["ltv_btc"]}}}
    return {str(price): {
        "as_of": "2026-02-15T00:00:00Z", "model": "hyperliquid", "symbols": "ccxt",
        "parameters": lent,
        "market": {"indices": {"BTC": str(price)}, "assets": {"USDC": "1"},
                   "instruments": {"BTC/USDC:USDC": {"mark": str(price)}}},
        "account": {"balances": {"BTC": str(inputs["spot_btc"])},
                    "positions": [{"instrument": "BTC/USDC:USDC",
                                   "quantity": str(inputs["perp_btc"]),
                                   "entry_price": str(inputs["entry"]),
                                   "given": {"leverage": str(inputs["leverage"])}}]},
    } for price in inputs["path"]}


def _carry_inputs(portfolios: dict[str, Portfolio]) -> dict[str, Any]:
    p = next(iter(portfolios.values()))
    contract = p.book.catalogue.instruments[0]
    size = Decimal(int(p.book.lots[0])).scaleb(contract.lot_exponent)
    codes = [a.code for a in p.book.assets]
    value = Decimal(int(p.book.entry_cost[0])).scaleb(-6)
    spot = Decimal(int(p.book.balances[0, codes.index("BTC")])).scaleb(-8)
    return {"spot_btc": int(spot), "perp_btc": int(size), "entry": int(value / size),
            "leverage": float(p.book.position_given["leverage"][0]),
            "path": [int(q.market.mark[0]) for q in portfolios.values()]}


CONVERTERS: Any = {"hyperliquid/carry_trade.json": (_carry_files, _carry_inputs)}
WITHOUT_ACCOUNT = {"hyperliquid/parameters.json": "rates and caps, no account"}
