"""Paradex: sizes and orders of one market, a hedged option, the steps of a pre-trade check.

Names, dates and the market of the examples that print none are chosen here.
"""

from typing import Any, Final

from counterpoise.adapters.portfolio.portfolio import Portfolio

Case = dict[str, Any]
Files = dict[str, dict[str, Any]]
DAY: Final = "2026-08-20T00:00:00Z"
_TERMS: Final = {"quote": "USDC", "settlement": "USDC", "multiplier": 1, "lot_exponent": -8}
_OPTION: Final = "BTC 70k call"


def _cancel_files(case: Case) -> Files:
    inputs = case["inputs"]
    return {"orders": {
        "as_of": DAY, "model": "paradex",
        "instruments": {"ETH-USD-PERP": {"kind": "perpetual", "underlying": "ETH", **_TERMS}},
        "market": {"indices": {"ETH": 2000}, "assets": {"USDC": 1},
                   "instruments": {"ETH-USD-PERP": {"mark": 2000}}},
        "account": {"positions": [{"instrument": "ETH-USD-PERP", "quantity": inputs["position"]}],
                    "orders": [{"instrument": "ETH-USD-PERP", "side": side, "quantity": size,
                                "price": price} for side, size, price in inputs["orders"]]},
    }}


def _cancel_inputs(portfolios: dict[str, Portfolio]) -> Case:
    p = portfolios["orders"]
    coins = p.book.order_lots * p.market.catalogue.unit[p.book.order_instrument]
    orders = [["buy" if q > 0 else "sell", round(abs(q)), round(price)]
              for q, price in zip(coins, p.book.order_given["price"], strict=True)]
    printed = [["buy", 2, 1900], ["sell", 5, 2150], ["sell", 3, 2100], ["sell", 3, 2200]]
    # The book sorts its orders; the page lists them in this order.
    return {"position": _coins(p)[0], "orders": sorted(orders, key=printed.index)}


def _delta_files(case: Case) -> Files:
    inputs = case["inputs"]
    kinds = {"BTC-USD-PERP": {"kind": "perpetual"},
             _OPTION: {"kind": "option", "strike": 70000, "right": "C",
                       "expiry": "2026-09-25T08:00:00Z"}}
    quotes = {"BTC-USD-PERP": {"mark": inputs["spot"]},
              _OPTION: {"mark": 3000, "forward": inputs["spot"], "iv": 0.5}}
    return {"book": {
        "as_of": DAY, "model": "paradex", "instruments": {
            name: {**_TERMS, "underlying": "BTC", **kind} for name, kind in kinds.items()},
        "market": {"indices": {"BTC": inputs["spot"]}, "assets": {"USDC": 1},
                   "instruments": quotes},
        "account": {"positions": [{"instrument": held["i"], "quantity": held["qty"],
                                   "given": {"delta": held["qty"] * held["delta"]}}
                                  for held in inputs["positions"]]},
    }}


def _delta_inputs(portfolios: dict[str, Portfolio]) -> Case:
    p = portfolios["book"]
    names = ("BTC-USD-PERP", _OPTION)
    return {"spot": p.market.index[0], "positions": [
        {"i": name, "qty": size, "delta": delta / size} for name, size, delta in zip(
            names, _coins(p), p.book.position_given["delta"], strict=True)]}


def _check_files(case: Case) -> Files:
    """One file per step: what is held and open after it."""
    bought, sold, out = 0, 0, {}
    for k, step in enumerate(case["inputs"]["steps"]):
        words = step.get("order", "").split()
        bought += int(words[1]) if words[:1] == ["buy"] else 0
        sold += int(words[1]) if words[:1] == ["sell"] else 0
        out[f"step {k + 1}"] = {
            "as_of": DAY, "model": "paradex",
            "note": [f"imf {case['inputs']['imf']}", step.get("order", "")],
            "instruments": {"BTC-USD-PERP": {"kind": "perpetual", "underlying": "BTC", **_TERMS}},
            "market": {"indices": {"BTC": step["mark"]}, "assets": {"USDC": 1},
                       "instruments": {"BTC-USD-PERP": {"mark": step["mark"]}}},
            "account": {"balances": {"USDC": case["inputs"]["collateral"]},
                        "positions": [{"instrument": "BTC-USD-PERP", "quantity": bought,
                                       "entry_price": case["inputs"]["steps"][0]["mark"]}],
                        "orders": [{"instrument": "BTC-USD-PERP", "side": "sell",
                                    "quantity": sold}] if sold else []}}
    return out


def _check_inputs(portfolios: dict[str, Portfolio]) -> Case:
    first = portfolios["step 1"]
    steps = [{**({"order": p.notes[1]} if p.notes[1] else {}), "mark": p.market.mark[0]}
             for p in portfolios.values()]
    return {"collateral": first.book.balances[0, 0] / 10**6,
            "imf": float(first.notes[0].split()[1]), "steps": steps}


def _coins(p: Portfolio) -> list[float]:
    return list(p.book.lots * p.market.catalogue.unit[p.book.instrument])


CONVERTERS: Final = {
    "paradex/deleveraging_order_cancel.json": (_cancel_files, _cancel_inputs),
    "paradex/min_delta.json": (_delta_files, _delta_inputs),
    "paradex/order_risk_check.json": (_check_files, _check_inputs),
}
WITHOUT_ACCOUNT: Final = {
    "paradex/options_cross_margin_parameters.json": "coefficients",
    "paradex/scan_parameters.json": "scenarios and factors",
}
