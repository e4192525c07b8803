"""Gate: premium and out-of-the-money amount of options; the expiry is not printed."""

from decimal import Decimal
from typing import Any

from counterpoise.adapters.portfolio.portfolio import Portfolio

Case = dict[str, Any]
Files = dict[str, dict[str, Any]]
EXPIRY = "2025-12-26T08:00:00Z"


def _files(case: Case) -> Files:
    bought = case["inputs"]["buy_call"]
    listed = {f"{right} {strike}": {
        "kind": "option", "underlying": "BTC", "quote": "USDT", "settlement": "USDT",
        "multiplier": bought["mult"], "expiry": EXPIRY, "strike": strike, "right": right}
        for right, _, strike in case["inputs"]["otm"]}
    index = {str(price) for _, price, _ in case["inputs"]["otm"]}
    call = next(name for name in listed if name.startswith("C"))
    return {"account": {
        "as_of": "2025-12-01T00:00:00Z", "instruments": listed,
        "market": {"indices": {"BTC": index.pop()}, "assets": {"USDT": "1"},
                   "instruments": {name: {"mark": str(bought["price"])} if name == call else {}
                                   for name in listed}},
        "account": {"positions": [{"instrument": call, "quantity": str(bought["size"]),
                                   "entry_price": str(bought["price"])}]},
    }}


def _inputs(portfolios: dict[str, Portfolio]) -> dict[str, Any]:
    p = portfolios["account"]
    call: Any = p.book.catalogue.instruments[p.book.instrument[0]]
    size = Decimal(int(p.book.lots[0])).scaleb(call.lot_exponent)
    price = Decimal(int(p.book.entry_cost[0])).scaleb(-6) / size / Decimal(str(call.multiplier))
    options: list[Any] = sorted(p.book.catalogue.instruments, key=lambda c: c.right)
    return {"buy_call": {"price": float(price), "size": float(size), "mult": call.multiplier},
            "otm": [[str(c.right), float(p.market.index[0]), c.strike] for c in options]}


CONVERTERS: Any = {"gate/options_basics.json": (_files, _inputs)}
WITHOUT_ACCOUNT = {"gate/portfolio_calculator_shape.json": "the shape of a response, all zeros"}
