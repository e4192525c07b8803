"""Binance: the worked uniMMR example of 2022 and the tiers of collateral haircuts.

The example prints wallets and positions one by one and no whole account (index prices are
missing), so each wallet and each position is an account of the file.
"""

from decimal import Decimal
from typing import Any

from counterpoise.adapters.portfolio.portfolio import Portfolio

Case = dict[str, Any]
Files = dict[str, dict[str, Any]]
SYMBOLS = {"BTCUSDT_PERP": "BTC/USDT:USDT", "BTCUSDT_20220624": "BTC/USDT:USDT-220624",
           "BTCUSD_PERP": "BTC/USD:BTC"}
IDS = {"BTCUSDT_PERP": "BTC-USDT:USDT-PERP", "BTCUSDT_20220624": "BTC-USDT:USDT-20220624",
       "BTCUSD_PERP": "BTC-USD:BTC-PERP"}


def _uni_mmr_files(case: Case) -> Files:
    inputs = case["inputs"]
    margin = inputs["margin"].items()
    wallets = [
        {"id": "margin", "balances": {code: str(w["asset"]) for code, w in margin},
         "loans": {code: {"amount": str(w["loan"])} for code, w in margin if w["loan"]}},
        {"id": "um_wallet", "balances": {"USDT": str(inputs["um_wallet_USDT"])}},
        {"id": "cm_wallet", "balances": {"BTC": str(inputs["cm_wallet_BTC"])}}]
    return {"account": {
        "as_of": "2022-06-01T00:00:00Z", "model": "binance_pm", "symbols": "ccxt",
        "parameters": {"general": {"programme": "portfolio_margin_pro",
                                   "loan_rate": case["parameters"]["margin_mmr_inferred"]},
                       **_rates(inputs["positions"])},
        "market": {"instruments": {SYMBOLS[p["sym"]]: {"mark": str(p["mark"])}
                                   for p in inputs["positions"]}},
        "accounts": [*wallets, *map(_held, inputs["positions"])],
    }}


def _rates(positions: list[dict[str, Any]]) -> dict[str, Any]:
    keys = {"BTCUSDT_PERP": ("perpetual", "btc_usdt"), "BTCUSDT_20220624": ("future", "btc_usdt"),
            "BTCUSD_PERP": ("perpetual", "btc_btc")}
    tables: dict[str, Any] = {}
    for p in positions:
        kind, key = keys[p["sym"]]
        tables.setdefault(kind, {})[key] = {"up_to": [], "rate": [p["mmr"]]}
    return tables


def _held(position: dict[str, Any]) -> dict[str, Any]:
    sign = "-" if position["side"] == "short" else ""
    size = position.get("qty", position.get("qty_usd"))
    return {"id": position["sym"], "positions": [
        {"instrument": SYMBOLS[position["sym"]], "quantity": f"{sign}{size}",
         "entry_price": str(position["entry"])}]}


def _uni_mmr_inputs(portfolios: dict[str, Portfolio]) -> dict[str, Any]:
    p = portfolios["account"]
    codes = [a.code for a in p.book.assets]
    rate = p.overrides["general"]["loan_rate"]

    def balance(account: int, code: str) -> Decimal:
        k = codes.index(code)
        return Decimal(int(p.book.balances[account, k])).scaleb(-p.book.assets[k].decimals)

    margin = {}
    for code in ("USDT", "BTC", "ETH"):
        at = codes.index(code)
        loan = Decimal(int(p.book.loans[0, at])).scaleb(-p.book.assets[at].decimals)
        margin[code] = {"asset": float(balance(0, code) + loan), "loan": float(loan),
                        "mm": float(loan * Decimal(str(rate)))}
    return {"margin": margin, "um_wallet_USDT": float(balance(1, "USDT")),
            "cm_wallet_BTC": float(balance(2, "BTC")),
            "positions": [_position(p, k, name) for k, name in enumerate(SYMBOLS, 3)]}


def _position(p: Portfolio, account: int, name: str) -> dict[str, Any]:
    place = int(p.book.row_pointer[account])
    column, lots = int(p.book.instrument[place]), int(p.book.lots[place])
    contract: Any = p.book.catalogue.instruments[column]
    assert contract.id == IDS[name]
    size = Decimal(lots).scaleb(contract.lot_exponent)
    value = Decimal(int(p.book.entry_cost[place])).scaleb(
        -p.book.assets[[a.code for a in p.book.assets].index(contract.settlement)].decimals)
    inverse = contract.settlement == "BTC"
    entry = -size / value if inverse else value / size
    kind = "perpetual" if name.endswith("PERP") else "future"
    key = f"btc_{contract.settlement}".lower()
    return {"sym": name, "side": "long" if lots > 0 else "short",
            "qty_usd" if inverse else "qty": float(abs(size)), "entry": float(entry),
            "mark": float(p.market.mark[column]), "mmr": p.overrides[kind][key]["rate"][0]}


def _tier_files(case: Case) -> Files:
    tiers = case["parameters"]["BTC_tiers_usdt"]
    return {"account": {
        "as_of": "2024-11-06T00:00:00Z", "model": "binance_pm", "symbols": "ccxt",
        "parameters": {"collateral": {"btc": {
            "tiers_in": "numeraire", "up_to": [end for _, end, _ in tiers],
            "weight": [weight for _, _, weight in tiers]}}},
        "market": {"indices": {"BTC": str(case["inputs"]["price"])}, "instruments": {}},
        "account": {"balances": {"BTC": str(case["inputs"]["qty_BTC"])}},
    }}


def _tier_inputs(portfolios: dict[str, Portfolio]) -> dict[str, Any]:
    p = portfolios["account"]
    return {"qty_BTC": int(p.book.balances[0, 0]) / 10**p.book.assets[0].decimals,
            "price": float(p.market.price[p.market.assets.index("BTC")])}


CONVERTERS: Any = {
    "binance/pm_pro_unimmr_2022.json": (_uni_mmr_files, _uni_mmr_inputs),
    "binance/tiered_collateral_value.json": (_tier_files, _tier_inputs),
}
WITHOUT_ACCOUNT = {
    "binance/options_margin_parameters.json": "rates of short options, no account",
}
