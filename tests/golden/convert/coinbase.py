"""Coinbase: the collateral weight example; the asset is not named, one ether stands for it."""

from typing import Any

from counterpoise.adapters.portfolio.portfolio import Portfolio

Case = dict[str, Any]
Files = dict[str, dict[str, Any]]


def _files(case: Case) -> Files:
    inputs = case["inputs"]
    return {"account": {
        "as_of": "2024-05-24T00:00:00Z", "model": "coinbase_intx", "symbols": "ccxt",
        "parameters": {"collateral": {"eth": {"up_to": [],
                                              "weight": [inputs["collateral_weight"]]}}},
        "market": {"assets": {"ETH": str(inputs["collateral_notional"]), "USDC": "1"},
                   "instruments": {}},
        "account": {"balances": {"ETH": "1"}},
    }}


def _inputs(portfolios: dict[str, Portfolio]) -> dict[str, Any]:
    p = portfolios["account"]
    return {"collateral_notional": float(p.market.price[p.market.assets.index("ETH")]),
            "collateral_weight": p.overrides["collateral"]["eth"]["weight"][0]}


CONVERTERS: Any = {"coinbase/margin.json": (_files, _inputs)}
