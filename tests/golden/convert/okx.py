"""OKX: the position builder's example, and two worked charges as accounts that have them.

The worked charges print no account: one perpetual, or two against each other, with moves and rates
chosen so that they come to the published amounts; whole contracts, as OKX counts them.
"""

from decimal import Decimal
from typing import Any

from counterpoise.adapters.portfolio.portfolio import Portfolio

Case = dict[str, Any]
Files = dict[str, dict[str, Any]]
HELD_USD = 640_000
PRICE = 50_000
MARK = 100_000
SIZES = {"BTC-USDT-SWAP": Decimal("0.01"), "LTC-USDT-SWAP": Decimal(1),
         "BTC-USD-SWAP": Decimal(100)}


def _whole_contracts(*names: str) -> dict[str, Any]:
    """Return definitions of perpetuals whose lot is one contract."""
    return {name: {"kind": "perpetual", "underlying": "BTC", "quote": name.split("-")[1],
                   "settlement": "BTC" if "-USD-" in name else "USDT", "lot_exponent": 0,
                   "multiplier": str(SIZES[name])} for name in names}


def _builder_files(case: Case) -> Files:
    inputs = case["inputs"]
    usdt = Decimal(str(inputs["usdt_usd_inferred"]))
    held = inputs["simPos"]
    return {"account": {
        "as_of": "2025-01-15T10:26:41.642Z", "model": "okx_pm", "symbols": "okx",
        "note": inputs["greeksType"],
        "market": {
            "indices": {p["instId"].split("-")[0]: str(
                Decimal(str(p["indexPx_USDT_inferred"])) * usdt) for p in held},
            "assets": {"USDT": str(usdt)},
            "instruments": {p["instId"]: {"mark": str(p["markPx"])} for p in held}},
        "account": {
            "balances": {a["ccy"]: str(a["amt"]) for a in inputs["simAsset"]},
            "positions": [{"instrument": p["instId"], "quantity": str(p["pos"]),
                           "entry_price": str(p["avgPx"])} for p in held]},
    }}


def _builder_inputs(portfolios: dict[str, Portfolio]) -> dict[str, Any]:
    p = portfolios["account"]
    usdt = Decimal(repr(float(p.market.price[p.market.assets.index("USDT")])))
    return {
        "simPos": [_position(p, k, usdt) for k in range(len(p.book.lots))],
        "simAsset": [{"ccy": a.code, "amt": int(p.book.balances[0, k]) // 10**a.decimals}
                     for k, a in enumerate(p.book.assets)],
        "usdt_usd_inferred": float(usdt), "greeksType": p.notes[0]}


def _position(p: Portfolio, row: int, usdt: Decimal) -> dict[str, Any]:
    column = int(p.book.instrument[row])
    contract = p.book.catalogue.instruments[column]
    size = Decimal(int(p.book.lots[row])).scaleb(contract.lot_exponent)
    paid = Decimal(int(p.book.entry_cost[row])).scaleb(-6)
    index = Decimal(repr(float(p.market.index[p.book.catalogue.underlying[column]])))
    return {"instId": f"{contract.underlying}-USDT-SWAP", "pos": int(size),
            "ctVal": contract.multiplier, "markPx": float(p.market.mark[column]),
            "avgPx": int(paid / size / Decimal(repr(contract.multiplier))),
            "indexPx_USDT_inferred": float(index / usdt)}


def _minimum_files(case: Case) -> Files:
    inputs = case["inputs"]
    move = inputs["MR"] / HELD_USD
    return {"account": {
        "as_of": "2022-01-01T00:00:00Z", "model": "okx_pm", "symbols": "okx",
        "parameters": {"spot": {"btc_eth": {"up_to": [move / 4, move / 2, move]}},
                       "extreme": {"btc_eth": {"move": 2 * move}},
                       "basis": {"btc_eth": {"flat": 0}},
                       "minimum": {"btc_eth": {"rate": inputs["MR7_raw"] / HELD_USD}}},
        "instruments": _whole_contracts("BTC-USD-SWAP"),
        "market": {"indices": {"BTC": PRICE},
                   "instruments": {f"{inputs['risk_unit']}-SWAP": {"mark": PRICE}}},
        "account": {"positions": [{
            "instrument": f"{inputs['risk_unit']}-SWAP", "entry_price": PRICE,
            "quantity": str(HELD_USD / SIZES["BTC-USD-SWAP"])}]},
    }}


def _minimum_inputs(portfolios: dict[str, Portfolio]) -> dict[str, Any]:
    p = portfolios["account"]
    contract = p.book.catalogue.instruments[0]
    held = Decimal(int(p.book.lots[0])).scaleb(contract.lot_exponent) * Decimal(
        repr(contract.multiplier))
    changed = p.overrides
    return {"risk_unit": f"{contract.underlying}-{contract.quote}",
            "MR": float(held) * changed["spot"]["btc_eth"]["up_to"][-1],
            "MR7_raw": float(held) * changed["minimum"]["btc_eth"]["rate"]}


def _hedge_files(case: Case) -> Files:
    size = case["inputs"]["hedged_size_usd"]
    tiers = case["parameters"]["tiers"]
    return {"account": {
        "as_of": "2025-02-01T00:00:00Z", "model": "okx_pm", "symbols": "okx",
        "parameters": {"stablecoin": {"up_to": [end for _, end, _ in tiers[:-1]], "price": [1],
                                      "rate": [[rate] for _, _, rate in tiers]}},
        "instruments": _whole_contracts("BTC-USDT-SWAP", "BTC-USD-SWAP"),
        "market": {"indices": {"BTC": MARK}, "assets": {"USDT": 1},
                   "instruments": {name: {"mark": MARK}
                                   for name in ("BTC-USDT-SWAP", "BTC-USD-SWAP")}},
        "account": {"positions": [
            {"instrument": "BTC-USDT-SWAP", "entry_price": MARK,
             "quantity": str(size / SIZES["BTC-USDT-SWAP"] / MARK)},
            {"instrument": "BTC-USD-SWAP", "entry_price": MARK,
             "quantity": str(-size / SIZES["BTC-USD-SWAP"])}]},
    }}


def _hedge_inputs(portfolios: dict[str, Portfolio]) -> dict[str, Any]:
    p = portfolios["account"]
    inverse = [k for k, c in enumerate(p.book.catalogue.instruments) if c.quote == "USD"][0]
    row = p.book.instrument.tolist().index(inverse)
    contract = p.book.catalogue.instruments[inverse]
    return {"hedged_size_usd": -int(Decimal(int(p.book.lots[row])).scaleb(
        contract.lot_exponent) * int(contract.multiplier))}


CONVERTERS: Any = {
    "okx/position_builder_2025-01-15.json": (_builder_files, _builder_inputs),
    "okx/mr7_tier_scaling.json": (_minimum_files, _minimum_inputs),
    "okx/mr9_tier_sum.json": (_hedge_files, _hedge_inputs),
}
WITHOUT_ACCOUNT = {"okx/parameters.json": "the history of parameters, no account"}
