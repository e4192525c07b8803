"""Derive: the portfolios of PMRM, PMRM_2 and SRM, one file each.

What a file cannot hold stands in its note, a line for each number: amounts finer than the ledger,
forwards, perpetual prices and volatilities that no portfolio file takes for a market's (and the
smiles that say such a volatility), a strike of more than 15 digits. The note also holds the order
of the options, as a book sorts them. A perpetual without a price is printed as 0 and is not quoted.
Premiums are Black-76, the venue's own formula; the market and the day are chosen here where none is
printed.
"""

import json
from decimal import Decimal
from functools import partial
from math import isnan
from typing import Any, Final

from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.instruments.contracts import Option, Perpetual, strike_text
from counterpoise.market.bounds import OFF_INDEX_MAX, VOLATILITY_MAX
from counterpoise.values.assets import decimals_of
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, SECOND_NS, format_instant, parse_instant
from golden.derive_pmrm_portfolios import AS_OF, overrides_of
from golden.derive_srm_portfolios import premium, standard_overrides_of

Case = dict[str, Any]
Files = dict[str, Case]
_CASH: Final = "USDC"
_LOT_DIGITS: Final = 12
_MARKET: Final = ("spot", "spot_conf", "perp_position", "perp_price", "perp_conf", "perp_value")
_SVI: Final = ("a", "b", "rho", "m", "sigma")


@frozen
class Printed:
    """What the cases of a file print: of a market, an expiry and an option; `coin` if one market.

    `parameters` returns the overrides of a case; without a `model` of ours there are none.
    """

    model: str | None
    market: tuple[str, ...]
    expiry: tuple[str, ...]
    option: tuple[str, ...]
    coin: str | None
    parameters: Any


@frozen
class _Sheet:
    """A file while it is filled; `kept` is what goes into its note, by the place in the case."""

    as_of: int
    instruments: Case
    quotes: Case
    positions: list[Case]
    confidence: Case
    surfaces: Case
    kept: Case

    def amount(self, place: str, amount: float, digits: int) -> float:
        """Return an amount of at most `digits` digits; a finer one is kept and rounded."""
        if round(Decimal(repr(float(amount))), digits) != Decimal(repr(float(amount))):
            self.kept[place] = amount
        return float(round(Decimal(repr(float(amount))), digits))

    def plausible(self, place: str, number: float, low: float, high: float) -> bool:
        """Say whether a number is within its bounds; another one is kept."""
        if low <= number <= high:
            return True
        self.kept[place] = number
        return False


def _to_files(printed: Printed, document: Case) -> Files:
    return {case["id"]: _file(printed, case) for case in document["cases"]}


def _file(printed: Printed, case: Case) -> Case:
    inputs = case["inputs"]
    markets = {printed.coin: inputs} if printed.coin else inputs["markets"]
    sheet = _Sheet(as_of=_as_of(markets), instruments={}, quotes={}, positions=[], surfaces={},
                   confidence=_certain("asset:USDC", inputs, "stable_conf"), kept={})
    owned = {_CASH: sheet.amount("cash", inputs["cash"], decimals_of(_CASH))}
    for code, market in markets.items():
        place = "" if printed.coin else f"markets.{code}."
        _add_market(sheet, code, market, place)
        owned |= {code: market["base_position"]} if "base_position" in market else {}
    for k, c in enumerate(inputs.get("collaterals", ())):
        owned[c["name"]] = sheet.amount(f"collaterals.{k}.amount", c["amount"],
                                        decimals_of(c["name"]))
        sheet.confidence[f"asset:{c['name']}"] = c["conf"]
    prices = {c["name"]: c["price"] for c in inputs.get("collaterals", ())}
    return {
        "as_of": format_instant(sheet.as_of), "parameters": printed.parameters(case),
        **({"model": printed.model} if printed.model else {}),
        "note": [f"{place}: {json.dumps(number)}" for place, number in sheet.kept.items()],
        "instruments": sheet.instruments,
        "market": {"indices": {code: m["spot"] for code, m in markets.items()},
                   "assets": {_CASH: inputs["stable"], **prices}, "instruments": sheet.quotes,
                   "confidence": sheet.confidence, "surfaces": sheet.surfaces},
        "account": {"balances": owned, "positions": sheet.positions}}


def _as_of(markets: Case) -> int:
    """Return the day of the case: the one from which its dates follow, else one chosen here."""
    dated = [e for m in markets.values() for e in m["expiries"] if "date" in e]
    if not dated:
        return AS_OF
    day = dated[0]["date"]
    return parse_instant(f"{day[:4]}-{day[4:6]}-{day[6:]}T08:00:00Z") - dated[0]["sec"] * SECOND_NS


def _certain(feed: str, printed: Case, name: str) -> Case:
    return {feed: printed[name]} if name in printed else {}


def _add_market(sheet: _Sheet, code: str, market: Case, place: str) -> None:
    sheet.confidence[f"index:{code}"] = market["spot_conf"]
    _add_perpetual(sheet, code, market, place)
    ranks = sorted((e["sec"], o["strike"], not o["call"])
                   for e in market["expiries"] for o in e["options"])
    order = [ranks.index((e["sec"], o["strike"], not o["call"]))
             for e in market["expiries"] for o in e["options"]]
    if order != sorted(order):
        sheet.kept[f"order.{code}"] = order
    for k, expiry in enumerate(market["expiries"]):
        _add_expiry(sheet, code, expiry, market["spot"], f"{place}expiries.{k}.")


def _terms(code: str) -> Case:
    return {"underlying": code, "quote": _CASH, "settlement": _CASH, "multiplier": 1,
            "lot_exponent": -_LOT_DIGITS}


def _add_perpetual(sheet: _Sheet, code: str, market: Case, place: str) -> None:
    name = f"{code}-PERP"
    price, size = market["perp_price"], market["perp_position"]
    sheet.instruments[name] = {"kind": "perpetual", **_terms(code)}
    sheet.quotes[name] = {"confidence": market["perp_conf"]}
    low, high = _around(market["spot"])
    quoted = bool(price) and sheet.plausible(f"{place}perp_price", price, low, high)
    if quoted:
        sheet.quotes[name]["mark"] = price
    if size:
        gained = {kind: market[f"perp_{kind}"] for kind in ("unrealised_pnl", "unrealised_funding")
                  if f"perp_{kind}" in market} or {"unrealised_funding": market["perp_value"]}
        sheet.positions.append({
            "instrument": name, "quantity": sheet.amount(f"{place}perp_position", size,
                                                         _LOT_DIGITS), "given": gained,
            **({"entry_price": price} if quoted and "unrealised_pnl" not in gained else {})})


def _around(spot: float) -> tuple[float, float]:
    return (1 - OFF_INDEX_MAX) * spot, (1 + OFF_INDEX_MAX) * spot


def _add_expiry(sheet: _Sheet, code: str, expiry: Case, spot: float, place: str) -> None:
    at = sheet.as_of + expiry["sec"] * SECOND_NS
    day = format_instant(at)[:10].replace("-", "")
    for kind, name in (("forward", "fwd_conf"), ("volatility", "vol_conf"), ("rate", "rate_conf")):
        sheet.confidence.update(_certain(f"{kind}:{code}-{day}", expiry, name))
    variable = "fwd_var" if "fwd_var" in expiry else "fwd"
    likely = sheet.plausible(f"{place}{variable}", expiry[variable], *_around(spot))
    quote = _certain("rate", expiry, "rate")
    quote |= {"forward_fixed": expiry["fwd_fix"]} if expiry.get("fwd_fix") else {}
    quote |= {"forward": expiry[variable]} if likely else {}
    # The forward of SRM is whole: no part of it is averaged yet.
    window = {} if "fwd_fix" in expiry else {"settlement_window_minutes": 0}
    definition = {"kind": "option", **_terms(code), "expiry": format_instant(at), **window}
    for k, option in enumerate(expiry["options"]):
        name = f"{code}-{expiry['sec']}-{option['strike']!r}-{'C' if option['call'] else 'P'}"
        sheet.instruments[name] = definition | _terms_of(sheet, option, f"{place}options.{k}.")
        sheet.quotes[name] = quote | _quote(sheet, expiry, option, f"{place}options.{k}.")
        sheet.positions.append({"instrument": name, "quantity": sheet.amount(
            f"{place}options.{k}.amount", option["amount"], _LOT_DIGITS)})
    if "svi" in expiry:
        _add_smile(sheet, f"{code}-{day}", expiry, place)


def _terms_of(sheet: _Sheet, option: Case, place: str) -> Case:
    strike = float(strike_text(option["strike"]))
    if strike != option["strike"]:
        sheet.kept[f"{place}strike"] = option["strike"]
    return {"strike": strike, "right": "C" if option["call"] else "P"}


def _quote(sheet: _Sheet, expiry: Case, option: Case, place: str) -> Case:
    sure = _certain("confidence", option, "vol_conf")
    if not sheet.plausible(f"{place}vol", option["vol"], 0, VOLATILITY_MAX):
        return sure
    forward = expiry["fwd"] if "fwd" in expiry else expiry["fwd_var"] + expiry["fwd_fix"]
    return sure | {"iv": option["vol"], "mark": premium(expiry | {"fwd": forward}, option)}


def _add_smile(sheet: _Sheet, label: str, expiry: Case, place: str) -> None:
    svi = expiry["svi"]
    if all(o["vol"] <= VOLATILITY_MAX for o in expiry["options"]):
        sheet.surfaces[label] = {**{name: svi[name] for name in _SVI}, "forward": svi["fwd"],
                                 "years": svi["tau"]}
    else:
        sheet.kept[f"{place}svi"] = svi


def _from_files(printed: Printed, portfolios: dict[str, Portfolio]) -> Files:
    return {name: _inputs(printed, portfolio) for name, portfolio in portfolios.items()}


def holds_all(portfolio: Portfolio) -> bool:
    """Say whether nothing but an order of options had to be kept in the note."""
    return all(line.startswith("order.") for line in portfolio.notes)


def _inputs(printed: Printed, p: Portfolio) -> Case:
    kept = {place: json.loads(number) for place, number in (
        note.split(": ", 1) for note in p.notes)}
    owned = {a.code: _exact(amount, -a.decimals)
             for a, amount in zip(p.book.assets, p.book.balances[0].tolist(), strict=True)}
    price = dict(zip(p.market.assets, p.market.price.tolist(), strict=True))
    sure = p.market.conditions.confidences
    markets = {code: _market(printed, p, code, kept.pop(f"order.{code}", None))
               for code in p.market.catalogue.underlyings}
    whole: Case = {"cash": owned[_CASH], "stable": price[_CASH]}
    whole |= markets[printed.coin] if printed.coin else {"markets": markets}
    if ("asset", _CASH, 0) in sure:
        whole["stable_conf"] = sure["asset", _CASH, 0]
    if "collateral" in p.overrides:
        whole["collaterals"] = [
            {"name": name.upper(), "amount": owned[name.upper()], "price": price[name.upper()],
             "conf": sure["asset", name.upper(), 0], "risk_cancelling": bool(told["offsets"]),
             "im_haircut": told["initial_haircut"], "mm_haircut": told["maintenance_haircut"]}
            for name, told in p.overrides["collateral"].items()]
    for place, number in kept.items():
        _put(whole, place.split("."), number)
    return whole


def _exact(integer: int, exponent: int) -> float:
    return float(Decimal(integer).scaleb(exponent))


def _put(tree: Any, path: list[str], number: Any) -> None:
    for step in path[:-1]:
        tree = tree[int(step) if isinstance(tree, list) else step]
    tree[path[-1]] = number


def _sizes(p: Portfolio) -> dict[int, float]:
    """Return the size of each instrument held."""
    return {column: _exact(lots, -_LOT_DIGITS) for column, lots in zip(
        p.book.instrument.tolist(), p.book.lots.tolist(), strict=True)}


def _market(printed: Printed, p: Portfolio, code: str, order: list[int] | None) -> Case:
    terms = p.market.catalogue
    column = next(k for k, c in enumerate(terms.instruments)
                  if isinstance(c, Perpetual) and c.underlying == code)
    earned = {name: _given(p, column, name) for name in ("unrealised_pnl", "unrealised_funding")}
    everything = {
        "spot": float(p.market.index[terms.underlyings.index(code)]),
        "spot_conf": p.market.conditions.confidences["index", code, 0],
        "perp_position": _sizes(p).get(column, 0.0),
        "perp_price": _or_zero(p.market.mark[column]),
        "perp_conf": float(p.market.conditions.columns["confidence"][column]),
        "perp_value": sum(earned.values()),
        **{f"perp_{name}": amount for name, amount in earned.items()},
        "base_position": next((_exact(amount, -a.decimals) for a, amount in zip(
            p.book.assets, p.book.balances[0].tolist(), strict=True) if a.code == code), 0.0),
        "expiries": _expiries(printed, p, code, order)}
    return {name: everything[name] for name in printed.market}


def _given(p: Portfolio, column: int, name: str) -> float:
    amounts = p.book.position_given.get(name)
    held = p.book.instrument.tolist()
    return _or_zero(amounts[held.index(column)]) if amounts is not None and column in held else 0.0


def _or_zero(number: float) -> float:
    return 0.0 if isnan(number) else float(number)


def _expiries(printed: Printed, p: Portfolio, code: str, order: list[int] | None) -> list[Case]:
    options = sorted(
        ((c.expiry, c.strike, str(c.right), k) for k, c in enumerate(p.market.catalogue.instruments)
         if isinstance(c, Option) and c.underlying == code))
    listed = options if order is None else [options[rank] for rank in order]
    columns: dict[int, list[int]] = {}
    for expiry, _, _, column in listed:
        columns.setdefault(expiry, []).append(column)
    return [_expiry(printed, p, code, expiry, held) for expiry, held in columns.items()]


def _expiry(printed: Printed, p: Portfolio, code: str, expiry: int, columns: list[int]) -> Case:
    market, first, day = p.market, columns[0], expiry // DAY_NS
    sure = market.conditions.confidences
    everything = {
        "date": format_instant(expiry)[:10].replace("-", ""),
        "sec": (expiry - p.as_of) // SECOND_NS, "fwd": float(market.forward[first]),
        "fwd_var": float(market.forward[first]), "fwd_fix": _or_zero(market.forward_fixed[first]),
        "rate": float(market.rate[first]), "svi": _smile(p, code, day),
        **{name: sure.get((kind, code, day)) for kind, name in (
            ("forward", "fwd_conf"), ("volatility", "vol_conf"), ("rate", "rate_conf"))},
        "options": [_option(printed, p, column) for column in columns]}
    return {name: everything[name] for name in printed.expiry}


def _smile(p: Portfolio, code: str, day: int) -> Case | None:
    smile = p.market.conditions.smiles.get((code, day))
    return None if smile is None else {
        **{name: getattr(smile, name) for name in _SVI}, "fwd": smile.forward, "tau": smile.years}


def _option(printed: Printed, p: Portfolio, column: int) -> Case:
    contract: Any = p.market.catalogue.instruments[column]
    everything = {"strike": contract.strike, "call": str(contract.right) == "C",
                  "amount": _sizes(p)[column], "vol": float(p.market.volatility[column])}
    if "vol_conf" in printed.option:
        everything["vol_conf"] = float(p.market.conditions.columns["confidence"][column])
    return everything


def _pair(printed: Printed) -> tuple[Any, Any]:
    return partial(_to_files, printed), partial(_from_files, printed)


_FORWARD: Final = ("sec", "fwd_fix", "fwd_var", "fwd_conf", "rate", "rate_conf", "options")
_OPTION: Final = ("strike", "call", "amount", "vol")
_STANDARD: Final = ("sec", "fwd", "fwd_conf", "vol_conf", "options")
_EXPIRIES: Final = (*_MARKET, "expiries")


def _standard(case: Case) -> Case:
    return standard_overrides_of(case["parameters"])


def _as_printed(case: Case) -> Case:
    return dict(case["parameters"])


PMRM_2: Final = "derive/pmrm2_portfolios.json"
SRM_WHOLE: Final = "derive/srm_portfolios.json"
SRM: Final = "derive/srm_cases.json"
CONVERTERS: Final = {
    PMRM_2: _pair(Printed(
        model="derive_pmrm", coin="SPOT", parameters=overrides_of, expiry=(*_FORWARD, "svi"),
        market=(*_EXPIRIES, "perp_unrealised_pnl", "perp_unrealised_funding"),
        option=(*_OPTION, "vol_conf"))),
    "derive/pmrm1_portfolios.json": _pair(Printed(
        model=None, coin="SPOT", parameters=_as_printed, expiry=("date", *_FORWARD),
        market=(*_EXPIRIES, "base_position"), option=(*_OPTION, "vol_conf"))),
    SRM_WHOLE: _pair(Printed(
        model="derive_srm", coin=None, parameters=_standard, expiry=("date", *_STANDARD),
        market=(*_EXPIRIES, "base_position"), option=_OPTION)),
    SRM: _pair(Printed(
        model="derive_srm", coin=None, parameters=_standard, expiry=_STANDARD,
        market=(*_EXPIRIES, "base_position"), option=_OPTION)),
}
WITHOUT_ACCOUNT: Final = {
    "derive/auction_units.json": "the discount of an auction at a time, no positions",
    "derive/liquidation_sims.json": "an account over the steps of an auction: bids and their "
                                    "clock have no place in a portfolio file",
    "derive/math_vectors.json": "single options and smiles, no account",
}
