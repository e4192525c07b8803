"""Deribit: the simulation of the API documentation, published positions, settlements, legacy."""

from decimal import Decimal
from typing import Any

from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.values.assets import decimals_of
from counterpoise.values.time import format_instant, parse_instant

Case = dict[str, Any]
Files = dict[str, dict[str, Any]]
UNDATED = "2026-02-15T00:00:00Z"
DELIVERY = "2026-03-27T08:00:00Z"


def _spm_files(case: Case) -> Files:
    inputs = case["inputs"]
    instant = case["parameters"]["general"]["timestamp"] * 1_000_000
    marks = {name: {"mark": str(t["mark_price"])} for name, t in inputs["ticker"].items()}
    given = {name: {"BTC": str(inputs[name])}
             for name in ("mmp_margin", "open_orders_margin", "spot_margin")}
    return {"simulate": {
        "as_of": format_instant(instant), "model": "deribit_spm", "symbols": "deribit",
        "parameters": case["parameters"], "note": inputs["position_unit"],
        "market": {"indices": {"BTC": str(inputs["index_price"]["btc_usd"])},
                   "instruments": marks},
        "account": {"positions": [{"instrument": name, "quantity": str(q), "unit": "coin"}
                                  for name, q in inputs["position"].items()], "given": given},
    }}


def _spm_inputs(portfolios: dict[str, Portfolio]) -> dict[str, Any]:
    p = portfolios["simulate"]
    index = float(p.market.index[0])
    names = {"BTC-USD:BTC-PERP": "BTC-PERPETUAL", "BTC-USD:BTC-20240628": "BTC-28JUN24"}
    marks = {names[c.id]: float(m) for c, m in zip(p.market.catalogue.instruments, p.market.mark,
                                                  strict=True)}
    held = {names[c.id]: lots for c, lots in _holdings(p)}
    return {
        "position": {n: _coins(lots, marks[n]) for n, lots in held.items()},
        "position_unit": p.notes[0],
        "ticker": {n: {"mark_price": m, "index_price": index} for n, m in marks.items()},
        "index_price": {"btc_usd": index},
        **{name: float(p.book.given[name][0, 0])
           for name in ("mmp_margin", "open_orders_margin", "spot_margin")},
    }


def _coins(lots: int, mark: float) -> float:
    """Return an inverse position in coin at nine decimals, as the venue prints it."""
    dollars = Decimal(lots).scaleb(-9)
    return float((dollars / Decimal(repr(mark))).quantize(Decimal("1e-9")))


def _inverse_files(case: Case) -> Files:
    return {name: {
        "as_of": UNDATED, "model": "deribit_standard", "symbols": "deribit",
        "parameters": case["parameters"][name],
        "market": {"indices": {_coin(name): str(i["index_price"])},
                   "instruments": {f"{_coin(name)}-PERPETUAL": {"mark": str(i["mark_price"])}}},
        "account": {"positions": [{"instrument": f"{_coin(name)}-PERPETUAL", "unit": "quote",
                                   "quantity": str(i["size_usd"])}]},
    } for name, i in case["inputs"].items()}


def _coin(name: str) -> str:
    return name.rsplit("_", 1)[1].upper()


def _inverse_inputs(portfolios: dict[str, Portfolio]) -> dict[str, Any]:
    return {name: {
        "size_usd": _whole(p), "size_currency": _coins(_lots(p), float(p.market.mark[0])),
        "mark_price": float(p.market.mark[0]), "index_price": float(p.market.index[0]),
    } for name, p in portfolios.items()}


def _linear_files(case: Case) -> Files:
    return {i["id"]: {
        "as_of": UNDATED, "model": "deribit_standard", "symbols": "deribit",
        "parameters": case["parameters"][i["pair"]],
        "market": {"indices": {i["pair"].split("_")[0]: i["price"]}, "assets": {"USDC": 1},
                   "instruments": {f"{i['pair']}-PERPETUAL": {"mark": i["price"]}}},
        "account": {"positions": [{"instrument": f"{i['pair']}-PERPETUAL",
                                   "quantity": i["size"]}]},
    } for i in case["inputs"]}


def _linear_inputs(portfolios: dict[str, Portfolio]) -> Any:
    return [{"id": name, "pair": f"{p.market.catalogue.underlyings[0]}_USDC",
             "price": float(p.market.mark[0]), "size": _whole(p)}
            for name, p in portfolios.items()]


def _settlement_files(case: Case) -> Files:
    return {name: _settlement_file(i) for name, i in case["inputs"].items()}


def _settlement_file(i: dict[str, Any]) -> dict[str, Any]:
    """Put the option at the last microsecond of its averaging, with the average at delivery."""
    coin, linear = ("SOL", True) if "premium_usdc" in i else ("BTC", False)
    settlement = "USDC" if linear else coin
    sign = {"long": 1, "short": -1}[i["side"]]
    premium = i["premium_usdc" if linear else "premium_btc"]
    return {
        "as_of": format_instant(parse_instant(DELIVERY) - 1000),
        "instruments": {"the option": {
            "kind": "option", "underlying": coin, "quote": "USDC" if linear else "USD",
            "settlement": settlement, "multiplier": i.get("multiplier", 1), "expiry": DELIVERY,
            "strike": i["strike"], "right": i["type"][0].upper()}},
        "market": {"indices": {coin: i["delivery"]}, "forwards": {coin: i["delivery"]},
                   "settlement_averages": {coin: i["delivery"]}, "instruments": {}},
        "account": {"positions": [{"instrument": "the option", "quantity": sign,
                                   "entry_price": premium}]},
    }


def _settlement_inputs(portfolios: dict[str, Portfolio]) -> dict[str, Any]:
    return {name: _settled_option(p) for name, p in portfolios.items()}


def _settled_option(p: Portfolio) -> dict[str, Any]:
    option: Any = p.market.catalogue.instruments[0]
    contracts = _lots(p) * Decimal(10)**option.lot_exponent
    paid = Decimal(int(p.book.entry_cost[0])).scaleb(-decimals_of(option.settlement))
    premium = float(paid / contracts / Decimal(repr(option.multiplier)))
    size = {"multiplier": option.multiplier} if option.multiplier != 1 else {}
    return {"type": {"C": "call", "P": "put"}[option.right], "strike": option.strike,
            f"premium_{option.settlement.lower()}": premium, **size,
            "side": "long" if contracts > 0 else "short",
            "delivery": float(p.market.forward[0] + p.market.forward_fixed[0])}


LEGACY_POSITIONS = {
    "offset_futures_v1": (("long", "long"), ("short", "short")),
    "offset_futures_v2": (("long", "long"), ("short", "short")),
    "options_v1": (("gross_options", "call"),),
    "short_options_v2": (("call", "call"), ("put", "put")),
}


def _legacy_files(case: Case) -> Files:
    """Hold what is a position as one; days, powers and vegas are parameters of the example."""
    files = {}
    for name, inputs in case["inputs"].items():
        held = LEGACY_POSITIONS.get(name, ())
        used = {key for key, _ in held}
        sign = {"short": -1}
        files[name] = {
            "as_of": "2018-01-01T00:00:00Z", "model": "deribit_legacy_portfolio_margin",
            "parameters": {key: number for key, number in inputs.items() if key not in used},
            "instruments": {"long": _legacy("future", "2018-03-30"),
                            "short": _legacy("future", "2018-06-29"),
                            "call": _legacy("option", "2018-03-30") | {"right": "C"},
                            "put": _legacy("option", "2018-03-30") | {"right": "P"}},
            "market": {},
            "account": {"positions": [{"instrument": leg,
                                       "quantity": inputs[key] * sign.get(leg, 1)}
                                      for key, leg in held]},
        }
    return files


def _legacy(kind: str, day: str) -> dict[str, Any]:
    strike = {"strike": 10000} if kind == "option" else {}
    return {"kind": kind, "underlying": "BTC", "quote": "USDC", "settlement": "USDC",
            "expiry": f"{day}T08:00:00Z", **strike}


def _legacy_inputs(portfolios: dict[str, Portfolio]) -> dict[str, Any]:
    back = {}
    for name, p in portfolios.items():
        sizes = {c.id[14:]: float(lots * Decimal(10)**c.lot_exponent) for c, lots in _holdings(p)}
        legs = {"long": "20180330", "short": "20180629", "call": "20180330-10000-C",
                "put": "20180330-10000-P"}
        held = {key: sizes[legs[leg]] for key, leg in LEGACY_POSITIONS.get(name, ())}
        back[name] = p.overrides | held | ({"short": -held["short"]} if "short" in held else {})
    return back


def _holdings(p: Portfolio) -> list[tuple[Any, int]]:
    return [(p.book.catalogue.instruments[i], int(lots))
            for i, lots in zip(p.book.instrument, p.book.lots, strict=True)]


def _lots(p: Portfolio) -> int:
    return int(p.book.lots[0]) if len(p.book.lots) else 0


def _whole(p: Portfolio) -> float:
    exponent = p.book.catalogue.instruments[0].lot_exponent
    return float(_lots(p) * Decimal(10)**exponent)


CONVERTERS: Any = {
    "deribit/spm_pme_simulate_btc_docs_2024-06-17.json": (_spm_files, _spm_inputs),
    "deribit/sm_inverse_positions_api.json": (_inverse_files, _inverse_inputs),
    "deribit/sm_linear_perpetual_support.json": (_linear_files, _linear_inputs),
    "deribit/option_settlement_examples.json": (_settlement_files, _settlement_inputs),
    "deribit/legacy_pm_examples.json": (_legacy_files, _legacy_inputs),
}
