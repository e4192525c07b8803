"""Bybit: the account of the published portfolio margin answer.

Its wallet is printed as two totals in USD: the USD column holds them, other assets hold nothing.
The perpetual's mark is a price of the test network, more than three times the index, which no
portfolio file takes for a price: it stands in the note.
"""

from typing import Any, Final

from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.values.time import format_instant

Case = dict[str, Any]
Files = dict[str, dict[str, Any]]
PORTFOLIO_MARGIN: Final = "bybit/asset_portfolio_margin_2026-03-24.json"
_MS_NS: Final = 10**6


def _files(case: Case) -> Files:
    inputs = case["inputs"]
    perp, option, hedge = inputs["perp"], inputs["option"], inputs["spot_hedge"]
    wallet = inputs["wallet"]
    return {"account": {
        "as_of": format_instant(inputs["valuation_time_ms"] * _MS_NS), "model": "bybit",
        "symbols": "bybit", "note": [f"{perp['symbol']} mark {perp['markPrice']}"],
        "market": {"indices": {"BTC": hedge["index_inferred"]},
                   "assets": {"USDT": inputs["usdt_usd_inferred"], "USD": 1,
                              "BTC": hedge["index_inferred"]},
                   "instruments": {
                       perp["symbol"]: {},
                       option["symbol"]: {"mark": option["markPrice"],
                                          "forward": option["forward_inferred"],
                                          "iv": option["iv_inferred"]}}},
        "account": {"equity": {"USD": wallet["equity"], "USDT": 0, "BTC": 0},
                    "given": {"spot_in_use": {"BTC": hedge["qty"]},
                              "margin_balance": {"USD": wallet["marginBalance"]}},
                    "positions": [{"instrument": leg["symbol"], "quantity": leg["qty"]}
                                  for leg in (perp, option)]}}}


def perpetual_mark(portfolio: Portfolio) -> float:
    """Return the mark of the perpetual, from the note."""
    return float(portfolio.notes[0].split()[-1])


def _inputs(portfolios: dict[str, Portfolio]) -> Case:
    p = portfolios["account"]
    terms, book = p.market.catalogue, p.book
    perp, option = (next(k for k, c in enumerate(terms.instruments)
                         if hasattr(c, "strike") is with_strike) for with_strike in (False, True))
    contract: Any = terms.instruments[option]
    sizes = dict(zip(book.instrument.tolist(), (book.lots * terms.unit[book.instrument]).tolist(),
                     strict=True))
    codes = [a.code for a in book.assets]
    return {
        "perp": {"symbol": "BTCUSDT", "qty": sizes[perp], "markPrice": perpetual_mark(p)},
        "option": {"symbol": "BTC-25SEP26-80000-C-USDT", "qty": sizes[option],
                   "strike": contract.strike, "type": str(contract.right),
                   "expiry": format_instant(contract.expiry),
                   "markPrice": p.market.mark[option],
                   "forward_inferred": p.market.forward[option],
                   "iv_inferred": p.market.volatility[option]},
        "spot_hedge": {"qty": book.given["spot_in_use"][0, codes.index("BTC")],
                       "index_inferred": p.market.index[0]},
        "valuation_time_ms": p.as_of // _MS_NS,
        "usdt_usd_inferred": p.market.price[p.market.assets.index("USDT")],
        "wallet": {"equity": book.given["equity"][0, codes.index("USD")],
                   "marginBalance": book.given["margin_balance"][0, codes.index("USD")]}}


CONVERTERS: Final = {PORTFOLIO_MARGIN: (_files, _inputs)}
WITHOUT_ACCOUNT: Final = {"bybit/collateral_tiers_sample.json": "tiers of collateral and loans"}
