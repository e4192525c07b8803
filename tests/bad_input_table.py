"""Ways to be wrong: what a user may hand in, the reason it is refused for, and the words it takes.

Each entry makes one file. `kind` says how it is used: "portfolio" is a portfolio file, "positions"
a position file beside a good snapshot, "market" a snapshot beside good positions. `stage` says who
refuses: "read" the adapter, with BadInput; "margin" the model, with a Failure in the account's row,
because the quote is missing rather than wrong and not every model needs it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from counterpoise.values.failure import Reason

Change = Callable[[dict[str, Any]], Any]
OPTION = "BTC-28JUN24-70000-C"


class Bad(NamedTuple):
    """One way to be wrong; `make` writes the file at a path in a fresh folder."""

    name: str
    kind: str
    make: Callable[[Path], None]
    reason: Reason
    words: str
    stage: str = "read"


def good() -> dict[str, Any]:
    """Return a portfolio document with nothing wrong in it."""
    return {
        "as_of": "2024-06-17T10:22:20Z", "model": "deribit_spm", "symbols": "deribit",
        "market": {"indices": {"BTC": "65666.19"}, "assets": {"USDC": "1"}, "instruments": {
            "BTC-PERPETUAL": {"mark": "65910.57"}, "BTC-28JUN24": {"mark": "67371.75"},
            OPTION: {"mark": "0.021", "forward": "67371.75", "iv": "0.55"}}},
        "account": {"balances": {"BTC": "1.5"}, "positions": [
            {"instrument": "BTC-PERPETUAL", "quantity": "1000", "entry_price": "65000"},
            {"instrument": OPTION, "quantity": "-2", "entry_price": "0.03"}],
            "orders": [{"instrument": "BTC-28JUN24", "quantity": "-10"}]},
    }


def _written(text: str | bytes) -> Callable[[Path], None]:
    data = text if isinstance(text, bytes) else text.encode()

    def make(path: Path) -> None:
        path.write_bytes(data)

    return make


def _with(change: Change) -> Callable[[Path], None]:
    document = good()
    change(document)
    return _written(json.dumps(document))


def _text(old: str, new: str) -> Callable[[Path], None]:
    text = json.dumps(good())
    assert old in text
    return _written(text.replace(old, new))


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"[")
        file.truncate(2**30)


def _set(*keys: Any) -> Change:
    """Set the last key but one to the last value, below the keys before."""
    def change(document: dict[str, Any]) -> None:
        *path, key, value = keys
        for step in path:
            document = document[step]
        document[key] = value
    return change


def _drop(*keys: Any) -> Change:
    def change(document: dict[str, Any]) -> None:
        *path, key = keys
        for step in path:
            document = document[step]
        del document[key]
    return change


PERP = ("market", "instruments", "BTC-PERPETUAL")
CALL = ("market", "instruments", OPTION)
FIRST, SECOND = ("account", "positions", 0), ("account", "positions", 1)
ORDER = ("account", "orders", 0)
SWAP = {"kind": "perpetual", "underlying": "BTC", "quote": "USD", "settlement": "BTC"}
COPY = {"instrument": "BTC-PERPETUAL", "quantity": "5"}


def _many_assets(path: Path) -> None:
    document = good()
    del document["account"]
    document["accounts"] = [{"id": f"a{k}", "balances": {f"A{k}": "1"}} for k in range(5000)]
    path.write_text(json.dumps(document))


def _in_window(averages: dict[str, str], **quote: str) -> Callable[[Path], None]:
    def change(document: dict[str, Any]) -> None:
        document["as_of"] = "2024-06-28T07:45:00Z"
        document["market"]["settlement_averages"] = averages
        document["market"]["instruments"][OPTION] |= quote
    return _with(change)


SMILE = {"a": "0.01", "b": "0.1", "rho": "-0.2", "m": "0", "sigma": "0.1"}


def _portfolio(name: str, make: Callable[[Path], None], reason: Reason, words: str,
               stage: str = "read") -> Bad:
    return Bad(name=name, kind="portfolio", make=make, reason=reason, words=words, stage=stage)


UNREADABLE = [
    _portfolio("empty file", _written(""), Reason.UNREADABLE, "is empty"),
    _portfolio("blank file", _written("  \n"), Reason.UNREADABLE, "not valid JSON"),
    _portfolio("trailing comma", _text('"account"', '"x": 1, , "account"'), Reason.UNREADABLE,
               "line 1, column"),
    _portfolio("cut off", _written(json.dumps(good())[:-30]), Reason.UNREADABLE, "not valid JSON"),
    _portfolio("not UTF-8", _written(json.dumps(good()).encode() + b"\xff"), Reason.UNREADABLE,
               "UTF-8"),
    _portfolio("UTF-16", _written(json.dumps(good()).encode("utf-16")), Reason.UNREADABLE, "UTF-8"),
    _portfolio("1 GB of nested JSON", _huge, Reason.TOO_LARGE, "at most 64 MB"),
    _portfolio("nested 100000 deep", _written("[" * 100_000), Reason.UNREADABLE, "too deeply"),
    _portfolio("too many values", _written("[" + "[]," * 1_100_000 + "[]]"), Reason.TOO_LARGE,
               "CSV or Parquet"),
    _portfolio("list at the root", _written("[1]"), Reason.BAD_VALUE, "an object in braces"),
    _portfolio("number at the root", _written("1"), Reason.BAD_VALUE, "an object in braces"),
    *(_portfolio(f"half a character in {where}", _text(old, new), Reason.UNREADABLE,
                 "which is half of a character")
      for where, old, new in (("an id", '"balances"', '"id": "\\ud800", "balances"'),
                              ("a note", '"model"', '"note": "x\\uDFFFy", "model"'),
                              ("a key", '"model"', '"\\ud83d": 1, "model"'),
                              ("a name", '"instrument": "BTC', '"instrument": "\\ud83dBTC'))),
    _portfolio("key twice", _text('"mark": "65910.57"', '"mark": "1", "mark": "65910.57"'),
               Reason.DUPLICATE, "mark: stands twice"),
]
STRUCTURE = [
    _portfolio("unknown key", _with(_set("acount", {})), Reason.UNKNOWN_KEY, "'account'"),
    _portfolio("unknown key of a position", _with(_set(*FIRST, "qty", 1)), Reason.UNKNOWN_KEY,
               "account.positions[0].qty"),
    _portfolio("no market", _with(_drop("market")), Reason.BAD_VALUE, "market: is missing"),
    _portfolio("no account", _with(_drop("account")), Reason.BAD_VALUE, "account: is missing"),
    _portfolio("account and accounts", _with(_set("accounts", [])), Reason.BAD_VALUE,
               "stands beside account"),
    _portfolio("account as a list", _with(_set("account", [])), Reason.BAD_VALUE,
               "account: is a list"),
    _portfolio("position as text", _with(_set("account", "positions", ["BTC"])), Reason.BAD_VALUE,
               "positions[0]: is text"),
    _portfolio("accounts without ids", _with(lambda d: d.update(accounts=[d.pop("account")])),
               Reason.BAD_VALUE, "accounts[0].id"),
    _portfolio("account id twice", _with(lambda d: (d.pop("account"), d.update(
        accounts=[{"id": "a"}, {"id": "a"}]))), Reason.DUPLICATE, "a: is the id of several"),
    _portfolio("unknown dialect", _with(_set("symbols", "kraken")), Reason.BAD_VALUE,
               "deribit, okx, bybit"),
    _portfolio("unknown unit", _with(_set(*FIRST, "unit", "lots")), Reason.BAD_VALUE,
               "contracts, coin, quote"),
]
TIME = [
    _portfolio("no time", _with(_drop("as_of")), Reason.BAD_TIME, "as_of: is missing"),
    _portfolio("naive timestamp", _with(_set("as_of", "2024-06-17T10:22:20")), Reason.BAD_TIME,
               "no time zone"),
    _portfolio("nonsense timestamp", _with(_set("as_of", "yesterday")), Reason.BAD_TIME,
               "not an ISO 8601 time"),
    _portfolio("Unix seconds", _with(_set("as_of", 1718619740)), Reason.BAD_VALUE,
               "as_of: is a number"),
    _portfolio("expired instrument", _with(_set("as_of", "2024-06-29T00:00:00Z")), Reason.EXPIRED,
               "expired at 2024-06-28T08:00:00Z"),
    _portfolio("impossible expiry", _with(_set(*FIRST, "instrument", "BTC-31JUN24")),
               Reason.BAD_TIME, "does not exist"),
]
NUMBERS = [
    _portfolio("NaN price", _text('"65910.57"', "NaN"), Reason.NOT_FINITE, "not a finite number"),
    _portfolio("infinite index", _text('"65666.19"', "Infinity"), Reason.NOT_FINITE,
               "market.indices.BTC"),
    _portfolio("NaN as text", _with(_set(*PERP, "mark", "nan")), Reason.NOT_FINITE, "finite"),
    _portfolio("words for a number", _with(_set(*PERP, "mark", "cheap")), Reason.NOT_A_NUMBER,
               "'cheap' is not a number"),
    _portfolio("thousands separator", _with(_set(*PERP, "mark", "65,910.57")), Reason.NOT_A_NUMBER,
               "has a comma"),
    _portfolio("decimal comma", _with(_set(*FIRST, "quantity", "1,5")), Reason.NOT_A_NUMBER,
               "has a comma"),
    _portfolio("underscore", _with(_set(*FIRST, "quantity", "1_000")), Reason.NOT_A_NUMBER,
               "not a number"),
    _portfolio("true for a number", _with(_set(*FIRST, "quantity", True)), Reason.BAD_VALUE,
               "a number or text"),
    _portfolio("missing quantity", _with(_drop(*FIRST, "quantity")), Reason.MISSING_NUMBER,
               "never taken as zero"),
    _portfolio("null quantity", _with(_set(*FIRST, "quantity", None)), Reason.MISSING_NUMBER,
               "never taken as zero"),
    _portfolio("a number of 100 digits", _with(_set(*PERP, "mark", "1" * 100)),
               Reason.NOT_A_NUMBER, "is not a number"),
    _portfolio("vanishing number", _with(_set(*FIRST, "quantity", "1e-99999")),
               Reason.ABSURD_QUANTITY, "check the exponent"),
]
PRICES = [
    _portfolio("negative price", _with(_set(*PERP, "mark", "-5")), Reason.ABSURD_PRICE,
               "above zero"),
    _portfolio("zero price", _with(_set(*PERP, "mark", "0")), Reason.ABSURD_PRICE, "above zero"),
    _portfolio("zero index", _with(_set("market", "indices", "BTC", "0")), Reason.ABSURD_PRICE,
               "not an index"),
    _portfolio("price of another coin", _with(_set(*PERP, "mark", "3500")), Reason.ABSURD_PRICE,
               "50 % away from the index"),
    _portfolio("price in cents", _with(_set(*PERP, "mark", "6591057000000")), Reason.ABSURD_PRICE,
               "at most 1e9"),
    _portfolio("premium in USD for a coin option", _with(_set(*CALL, "mark", "1400")),
               Reason.ABSURD_PRICE, "premiums of coin-settled options are in coin"),
    _portfolio("forward of another coin", _with(_set(*CALL, "forward", "3500")),
               Reason.ABSURD_PRICE, "50 % away from the index"),
    _portfolio("volatility in percent", _with(_set(*CALL, "iv", "55")), Reason.ABSURD_VOLATILITY,
               "0.55 for 55 %"),
    _portfolio("negative volatility", _with(_set(*CALL, "iv", "-0.5")), Reason.ABSURD_VOLATILITY,
               "between 0 and 10"),
    _portfolio("rate in percent", _with(_set(*CALL, "rate", "7.5")), Reason.ABSURD_PRICE,
               "0.05 for 5 %"),
    _portfolio("volatility of a perpetual", _with(_set(*PERP, "iv", "0.5")), Reason.BAD_VALUE,
               "options only"),
    _portfolio("asset price of another coin", _with(_set("market", "assets", "BTC", "3500")),
               Reason.ABSURD_PRICE, "further than 50 % from market.indices.BTC, 65666.19"),
    _portfolio("negative asset price", _with(_set("market", "assets", "USDC", "-1")),
               Reason.ABSURD_PRICE, "market.assets.USDC"),
    _portfolio("quote twice under two spellings", _with(lambda d: d["market"]["instruments"].update(
        {"BTC-5JUL24": {"mark": "67500"}, "BTC-05JUL24": {"mark": "67500"}})), Reason.DUPLICATE,
        "same instrument as BTC-5JUL24"),
    _portfolio("forward for no expiry", _with(_set("market", "forwards", {"soon": "67000"})),
               Reason.BAD_VALUE, "not an expiry label"),
    _portfolio("fixed forward before the window", _with(_set(*CALL, "forward_fixed", "100")),
               Reason.ABSURD_PRICE, "and none before"),
    *(_portfolio(f"settlement average of {average}", _in_window({"BTC-28JUN24": average}),
                 Reason.ABSURD_PRICE, "settlement_averages of BTC 2024-06-28")
      for average in ("1", "0", "-67000", "670000")),
    _portfolio("settlement average of another expiry", _in_window({"BTC-29JUN24": "67000"}),
               Reason.BAD_VALUE, "no option in this file is inside its settlement window"),
    _portfolio("settlement average of another coin", _in_window({"ETH": "67000"}),
               Reason.BAD_VALUE, "no option in this file is inside its settlement window"),
    _portfolio("settlement average before the window", _with(_set(
        "market", "settlement_averages", {"BTC-28JUN24": "67000"})), Reason.BAD_VALUE,
        "inside its settlement window then"),
    _portfolio("fixed forward beside the whole one", _in_window({}, forward_fixed="33000"),
               Reason.ABSURD_PRICE, "50 % away from the index"),
    _portfolio("fixed forward beyond the window's share", _in_window(
        {}, forward="1", forward_fixed="67000"), Reason.ABSURD_PRICE, "the share of the"),
    _portfolio("premium in dollars without an index", _with(lambda d: (
        d["market"].pop("indices"), d["market"]["instruments"][OPTION].update(mark="1400"))),
        Reason.ABSURD_PRICE, "what the option can ever pay"),
    _portfolio("mark of another coin without an index", _with(lambda d: (
        d["market"].pop("indices"), d["market"]["instruments"]["BTC-PERPETUAL"].update(
            mark="6.5"))), Reason.ABSURD_PRICE, "from the other prices of its underlying"),
]
HOLDINGS = [
    _portfolio("unknown instrument", _with(_set(*FIRST, "instrument", "BITCOIN")),
               Reason.UNKNOWN_INSTRUMENT, "BITCOIN: is not a Deribit name"),
    _portfolio("name of another venue", _with(_set(*FIRST, "instrument", "BTC-USDT-SWAP")),
               Reason.UNKNOWN_INSTRUMENT, "name of okx"),
    _portfolio("position twice", _with(lambda d: d["account"]["positions"].append(COPY)),
               Reason.DUPLICATE, "the net quantity"),
    _portfolio("huge quantity", _with(_set(*FIRST, "quantity", "1e15")), Reason.ABSURD_QUANTITY,
               "check the unit"),
    _portfolio("huge entry cost", _with(lambda d: d["account"]["positions"][1].update(
        quantity="4e9", entry_price="1e6")), Reason.ABSURD_QUANTITY, "the ledger of BTC"),
    _portfolio("fraction of a lot", _with(_set(*FIRST, "quantity", "0.0000000001")),
               Reason.BAD_VALUE, "whole number of lots"),
    _portfolio("entry price zero", _with(_set(*FIRST, "entry_price", "0")), Reason.ABSURD_PRICE,
               "entry_price 0"),
    _portfolio("entry price and cost", _with(_set(*FIRST, "entry_cost", "1")), Reason.BAD_VALUE,
               "keep one"),
    _portfolio("spot pair as a position", _with(_set(*FIRST, "instrument", "BTC_USDC")),
               Reason.NOT_APPLICABLE, "under balances as BTC"),
    _portfolio("option counted in dollars", _with(_set(*SECOND, "unit", "quote")),
               Reason.BAD_VALUE, "contracts or coin"),
    _portfolio("size in coin without a mark", _with(lambda d: (
        d["market"]["instruments"].pop("BTC-PERPETUAL"),
        d["account"]["positions"][0].update(unit="coin"))), Reason.MISSING_MARK, "needs its mark"),
    _portfolio("margin of a position that is not isolated", _with(_set(
        *FIRST, "isolated_margin", "5")), Reason.BAD_VALUE, "set isolated to true"),
    _portfolio("isolated position of nothing", _with(lambda d: d["account"]["positions"][0].update(
        isolated=True, quantity="0")), Reason.BAD_VALUE, "an isolated position holds something"),
    _portfolio("account called like an isolated position", _with(lambda d: (
        d["account"]["positions"][0].update(isolated=True), d.update(accounts=[
            d.pop("account") | {"id": "a"}, {"id": "a isolated BTC-USD:BTC-PERP"}]))),
        Reason.DUPLICATE, "call the account otherwise"),
    _portfolio("loans as a list", _with(_set("account", "loans", [{"USDC": 5}])),
               Reason.BAD_VALUE, "account.loans: is a list in brackets"),
    _portfolio("loan of nothing", _with(_set("account", "loans", {"USDC": {"amount": "0"}})),
               Reason.BAD_VALUE, "a loan is what is owed"),
    _portfolio("loan without an amount", _with(_set("account", "loans", {"USDC": {"rate": 1}})),
               Reason.MISSING_NUMBER, "account.loans.USDC.amount: is missing"),
    _portfolio("two rates of a loan", _with(lambda d: d["account"].update(
        loans={"USDC": {"amount": "5", "rate": "0.1"}}, given={"borrow_rate": {"USDC": "0.2"}})),
        Reason.DUPLICATE, "stands beside the rate of the loan"),
    _portfolio("wallet that is a number", _with(_set("account", "wallets", {"a": 1})),
               Reason.BAD_VALUE, "account.wallets.a: is a number; it must be an object"),
    _portfolio("wallets beyond the ledger", _with(_set("account", "wallets", {
        name: {"BTC": "9e10"} for name in ("spot", "futures")})), Reason.ABSURD_QUANTITY,
        "add up to more than the ledger can count"),
    _portfolio("unknown role", _with(_set("account", "collateral", {"BTC": "gold"})),
               Reason.BAD_VALUE, "use one of collateral, none, hedge"),
    _portfolio("unknown stated amount", _with(_set("account", "given", {"luck": 1})),
               Reason.UNKNOWN_KEY, "account.given.luck: is not a key"),
    _portfolio("unknown amount of a position", _with(_set(*FIRST, "given", {"luck": 1})),
               Reason.UNKNOWN_KEY, "given.luck: is not a key"),
    _portfolio("negative rate of a position", _with(_set(
        *FIRST, "given", {"maintenance_rate": "-1"})), Reason.BAD_VALUE, "it is at least zero"),
    _portfolio("reduce-only order", _with(_set(*ORDER, "reduce_only", True)),
               Reason.NOT_APPLICABLE, "orders[0].reduce_only"),
    _portfolio("negative order price", _with(_set(*ORDER, "price", "-5")), Reason.ABSURD_PRICE,
               "price -5 is not a price"),
    _portfolio("order price zero", _with(_set(*ORDER, "price", "0")), Reason.ABSURD_PRICE,
               "price 0 is not a price"),
    _portfolio("orders beyond any size", _with(_set("account", "orders", [
        {"instrument": "BTC-PERPETUAL", "quantity": q} for q in ("4e9", "4e9")])),
        Reason.ABSURD_QUANTITY, "account.orders: orders in BTC-USD:BTC-PERP add up"),
    _portfolio("parameters nested 900 deep", _text('"model"', '"parameters": ' + '{"a":' * 900
               + "1" + "}" * 900 + ', "model"'), Reason.UNREADABLE, "parameters: are nested too"),
    _portfolio("empty model", _with(_set("model", "")), Reason.UNKNOWN_MODEL, "model: is empty"),
    _portfolio("endless id", _with(_set("account", "id", "x" * 10_000)), Reason.TOO_LARGE,
               "has 10000 characters"),
    _portfolio("order for nothing", _with(_set(*ORDER, "quantity", 0)), Reason.BAD_VALUE,
               "quantity 0"),
    _portfolio("side and sign", _with(_set(*ORDER, "side", "sell")), Reason.BAD_VALUE,
               "the quantity is positive"),
    _portfolio("currency in small letters", _with(_set("account", "balances", {"btc": 1})),
               Reason.UNKNOWN_ASSET, "capital letters"),
    _portfolio("pair as a currency", _with(_set("account", "balances", {"BTC/USD": 1})),
               Reason.UNKNOWN_ASSET, "not an asset code"),
    _portfolio("balance beyond the ledger", _with(_set("account", "balances", "BTC", "1e15")),
               Reason.ABSURD_QUANTITY, "account.balances.BTC"),
    _portfolio("given amount of no pool", _with(lambda d: d["account"].update(
        positions=[], orders=[], balances={}, given={"mmp_margin": "0.06"})), Reason.BAD_VALUE,
        "write it by asset"),
    _portfolio("negative given amount", _with(_set("account", "given", {"mmp_margin": {
        "BTC": "-1"}})), Reason.BAD_VALUE, "at least zero"),
    _portfolio("option without a strike", _with(_set("instruments", {"x": {
        "kind": "option", "underlying": "BTC", "quote": "USDC", "right": "C",
        "expiry": "2024-06-28T08:00:00Z"}})), Reason.BAD_VALUE, "instruments.x.strike"),
    _portfolio("perpetual with an expiry", _with(_set("instruments", {"x": {
        "kind": "perpetual", "underlying": "BTC", "quote": "USDC",
        "expiry": "2024-06-28T08:00:00Z"}})), Reason.BAD_VALUE, "does not belong to a perpetual"),
    _portfolio("own definition with another lot", _with(lambda d: (
        d.update(instruments={"Y": SWAP | {"lot_exponent": -3}}),
        d["account"]["positions"].append({"instrument": "Y", "quantity": "5"}))), Reason.DUPLICATE,
        "BTC-PERPETUAL: means BTC-USD:BTC-PERP with lot_exponent -9, but Y with lot_exponent -3"),
    _portfolio("order under a definition with another lot", _with(lambda d: (
        d.update(instruments={"Y": SWAP | {"lot_exponent": 1}}),
        d["account"].update(orders=[{"instrument": "Y", "quantity": "50"}]))), Reason.DUPLICATE,
        "with lot_exponent -9, but Y with lot_exponent 1"),
    _portfolio("two definitions with other settlement windows", _with(_set("instruments", {
        name: {"kind": "future", "underlying": "BTC", "quote": "USD", "settlement": "BTC",
               "expiry": "2024-07-26T08:00:00Z", "settlement_window_minutes": minutes}
        for name, minutes in (("x", 10), ("y", 20))})), Reason.DUPLICATE, "settlement_window_ns"),
    _portfolio("half a lot exponent", _with(_set("instruments", {"x": {
        "kind": "spot", "underlying": "BTC", "quote": "USDC", "lot_exponent": "-2.5"}})),
        Reason.BAD_VALUE, "a whole number"),
    _portfolio("words for a sequence", _with(_set("market", "sequence", "first")),
               Reason.NOT_A_NUMBER, "market.sequence"),
    _portfolio("endless sequence", _with(_set("market", "sequence", "1e30")),
               Reason.ABSURD_QUANTITY, "1e30 is too large"),
    *(_portfolio(f"OKX names with {name}", _with(lambda d, name=name: (
        d.update(symbols="okx"), d["market"].update(instruments={}),
        d["account"].update(positions=[{"instrument": name, "quantity": "1"}], orders=[]))),
        Reason.UNKNOWN_INSTRUMENT, "reads like a name of deribit")
      for name in ("BTC-PERPETUAL", "BTC-28JUN24")),
    _portfolio("expired this instant", _with(_set("as_of", "2024-06-28T08:00:00Z")),
               Reason.EXPIRED, "expired at 2024-06-28T08:00:00Z, at or before the market's "
               "2024-06-28T08:00:00Z"),
    _portfolio("balances of many accounts in many assets", _many_assets, Reason.TOO_LARGE,
               "5000 accounts in 5000 assets are a table"),
    _portfolio("smile without parameters", _with(_set("market", "surfaces", {"BTC-28JUN24": {}})),
               Reason.MISSING_NUMBER, "market.surfaces.BTC-28JUN24.rho: is missing"),
    _portfolio("smile of no expiry", _with(_set("market", "surfaces", {"BTC": SMILE})),
               Reason.BAD_VALUE, "must name one expiry"),
    _portfolio("smile below nothing", _with(_set("market", "surfaces", {
        "BTC-28JUN24": SMILE | {"a": "-1"}})), Reason.BAD_VALUE, "is none: b and sigma"),
    _portfolio("smile at a negative forward", _with(_set("market", "surfaces", {
        "BTC-28JUN24": SMILE | {"forward": "-1"}})), Reason.BAD_VALUE, "forward, years and width"),
    _portfolio("confidence in no feed", _with(_set("market", "confidence", {"spot": 1})),
               Reason.BAD_VALUE, "is not a feed; write it like index:BTC"),
    _portfolio("confidence above one", _with(_set("market", "confidence", {"index:BTC": 2})),
               Reason.BAD_VALUE, "2 must lie between 0 and 1"),
    _portfolio("funding rate in percent", _with(_set(
        "market", "instruments", "BTC-PERPETUAL", "funding_rate", "3")), Reason.BAD_VALUE,
        "funding_rate: 3 must lie between -1 and 1"),
    _portfolio("negative depth", _with(_set(
        "market", "instruments", "BTC-PERPETUAL", "depth", "-3")), Reason.BAD_VALUE,
        "depth: -3 must lie between 0"),
    _portfolio("borrow rate of no asset", _with(_set("market", "borrow_rates", {"usd": 1})),
               Reason.UNKNOWN_ASSET, "market.borrow_rates.usd"),
    _portfolio("path that is no file", _with(_set("market", "nowhere.parquet")), Reason.UNREADABLE,
               "is not a file"),
]
MISSING = [
    _portfolio("missing mark", _with(_drop(*PERP, "mark")), Reason.MISSING_MARK, "mark", "margin"),
    _portfolio("missing volatility", _with(_drop(*CALL, "iv")), Reason.MISSING_VOLATILITY,
               "volatility", "margin"),
    _portfolio("missing forward", _with(_drop(*CALL, "forward")), Reason.MISSING_FORWARD,
               "forward", "margin"),
    _portfolio("missing index", _with(_drop("market", "indices", "BTC")), Reason.MISSING_INDEX,
               "index", "margin"),
    _portfolio("missing average inside the settlement window",
               _with(_set("as_of", "2024-06-28T07:45:00Z")), Reason.MISSING_FORWARD, "forward",
               "margin"),
]


def _csv(name: str, text: str | bytes, reason: Reason, words: str) -> Bad:
    return Bad(name=name, kind="positions", make=_written(text), reason=reason, words=words)


ROW = "account,instrument,quantity,entry_price\n"
POSITIONS = [
    _csv("empty CSV", "", Reason.UNREADABLE, "is empty"),
    _csv("CSV without quantities", "instrument\nBTC-PERPETUAL\n", Reason.MISSING_NUMBER,
         "no column quantity"),
    _csv("CSV with a column twice", "instrument,quantity,quantity\nBTC-PERPETUAL,1,1\n",
         Reason.DUPLICATE, "'quantity' twice"),
    _csv("CSV with two names for one thing", "instrument,symbol,quantity\nBTC-PERPETUAL,x,1\n",
         Reason.DUPLICATE, "both mean instrument"),
    _csv("CSV decimal comma", "instrument;quantity\nBTC-PERPETUAL;1,5\n", Reason.NOT_A_NUMBER,
         "'1,5' is not a number"),
    _csv("CSV NaN", ROW + "a,BTC-PERPETUAL,NaN,\n", Reason.NOT_A_NUMBER, "'NaN' is not a number"),
    _csv("CSV missing quantity", ROW + "a,BTC-PERPETUAL,,\n", Reason.MISSING_NUMBER,
         "never taken as zero"),
    _csv("CSV missing account", ROW + ",BTC-PERPETUAL,1,\n", Reason.BAD_VALUE, "no account"),
    _csv("CSV endless account id", ROW + "x" * 1000 + ",BTC-PERPETUAL,1,\n", Reason.TOO_LARGE,
         "an account id of 1000 characters"),
    _csv("CSV missing instrument", ROW + "a,,1,\n", Reason.UNKNOWN_INSTRUMENT, "no instrument"),
    _csv("CSV unknown instrument", ROW + "a,BITCOIN,1,\n", Reason.UNKNOWN_INSTRUMENT,
         "BITCOIN: is not a Deribit name"),
    _csv("CSV instrument not in the market", ROW + "a,BTC-28JUN24-71000-C,1,\n",
         Reason.UNKNOWN_INSTRUMENT, "not in the market snapshot"),
    _csv("CSV fraction of a lot", ROW + "a,BTC-PERPETUAL,0.00000000011,\n", Reason.BAD_VALUE,
         "whole number of lots"),
    _csv("CSV vanishing quantity", ROW + "a,BTC-PERPETUAL,1e-30,\n", Reason.BAD_VALUE,
         "whole number of lots"),
    _csv("CSV huge quantity", ROW + "a,BTC-PERPETUAL,1e15,\n", Reason.BAD_VALUE, "limit"),
    _csv("CSV huge entry cost", ROW + "a,BTC-28JUN24-70000-C,4e9,1e6\n", Reason.ABSURD_QUANTITY,
         "more at entry than a ledger can count"),
    _csv("CSV entry cost past 128 bits", ROW + "a,BTC-28JUN24-70000-C,4e9,1e12\n",
         Reason.ABSURD_QUANTITY, "more at entry than a ledger can count"),
    _csv("CSV underscore", ROW + "a,BTC-PERPETUAL,1_000,\n", Reason.NOT_A_NUMBER,
         "is not a number"),
    _csv("CSV words for a price", ROW + "a,BTC-PERPETUAL,1,cheap\n", Reason.NOT_A_NUMBER,
         "entry price 'cheap'"),
    _csv("CSV negative price", ROW + "a,BTC-PERPETUAL,1,-5\n", Reason.NOT_A_NUMBER,
         "entry price '-5'"),
    _csv("CSV zero price", ROW + "a,BTC-PERPETUAL,1,0\n", Reason.NOT_A_NUMBER, "entry price '0'"),
    _csv("CSV ragged row", ROW + "a,BTC-PERPETUAL,1\n", Reason.UNREADABLE, "cannot be read"),
    _csv("CSV contradicting side", "instrument,quantity,side\nBTC-PERPETUAL,-1,buy\n",
         Reason.BAD_VALUE, "contradicts its side"),
    _csv("CSV wrong currency", "instrument,quantity,currency\nBTC-PERPETUAL,1,USDT\n",
         Reason.UNKNOWN_ASSET, "currency 'USDT'"),
    _csv("CSV inverse future in coin", "instrument,quantity,unit\nBTC-PERPETUAL,1,coin\n",
         Reason.BAD_VALUE, "unit 'coin' is not what its contracts are counted in"),
    _csv("CSV option in dollars", "instrument,quantity,Unit\nBTC-28JUN24-70000-C,1,quote\n",
         Reason.BAD_VALUE, "unit 'quote'"),
    _csv("CSV in lots", "instrument,quantity,unit\nBTC-PERPETUAL,1,lots\n", Reason.BAD_VALUE,
         "unit 'lots'"),
    *(_csv(f"CSV with {word}", f"instrument,quantity,{word}\nBTC-PERPETUAL,1,1\n",
           Reason.NOT_APPLICABLE, f"has a column {word}, which a position file cannot say")
      for word in ("entry_cost", "isolated", "reduce_only", "price", "multiplier",
                   "lot_exponent")),
    _csv("CSV unknown venue", "venue,instrument,quantity\nkraken,BTC-PERPETUAL,1\n",
         Reason.BAD_VALUE, "'kraken'"),
    _csv("CSV spot pair", ROW + "a,BTC_USDC,1,\n", Reason.NOT_APPLICABLE, "a balance of BTC"),
    _csv("CSV not UTF-8", "instrument,größe\n".encode("latin-1"), Reason.UNREADABLE, "UTF-8"),
    _csv("binary file", b"\0\1\2\3" * 100, Reason.UNREADABLE, "neither Parquet nor Arrow nor text"),
    _csv("truncated Parquet", b"PAR1" + b"\0" * 500, Reason.UNREADABLE, "truncated or damaged"),
    _csv("truncated Arrow", b"ARROW1\0\0" + b"\0" * 50, Reason.UNREADABLE, "truncated or damaged"),
]


def _market(name: str, text: str | bytes, reason: Reason, words: str) -> Bad:
    return Bad(name=name, kind="market", make=_written(text), reason=reason, words=words)


CHAIN = "snapshot_ts,instrument,mark_price,mark_iv,underlying_price,index_price\n"
MARKETS = [
    _market("empty snapshot", "", Reason.UNREADABLE, "is empty"),
    _market("truncated snapshot", b"PAR1" + b"\0" * 500, Reason.UNREADABLE, "truncated or damaged"),
    _market("snapshot with other columns", "a,b\n1,2\n", Reason.UNREADABLE, "no column 'mark_iv'"),
    _market("chain without rows", CHAIN, Reason.STALE, "no snapshot at or before"),
    _market("chain without a time zone", CHAIN + f"2024-06-17 10:22:20,{OPTION},1,1,1,1\n",
            Reason.BAD_TIME, "no time zone"),
    _market("chain with a comma in a number", CHAIN
            + f'2024-06-17T10:22:20Z,{OPTION},0.02,0.5,"67,371.7",65666\n', Reason.NOT_A_NUMBER,
            "'67,371.7' is not a number"),
    _market("chain of unknown instruments", CHAIN + "2024-06-17T10:22:20Z,BITCOIN,1,1,1,1\n",
            Reason.UNKNOWN_INSTRUMENT, "BITCOIN"),
]
TABLE = [*UNREADABLE, *STRUCTURE, *TIME, *NUMBERS, *PRICES, *HOLDINGS, *MISSING, *POSITIONS,
         *MARKETS]
