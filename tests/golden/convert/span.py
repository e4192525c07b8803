"""SPAN, TIMS and PRISMA: contracts of the cases; underlyings and dates they leave out are chosen.

Amounts that a case takes as given (risk arrays, a scan risk, a grid loss) are parameters of the
file: no market could give them back.
"""

from decimal import Decimal
from typing import Any

from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.values.time import day_text

Case = dict[str, Any]
Files = dict[str, dict[str, Any]]
MONTHS = {"M2": "2026-07-31", "M3": "2026-08-31", "M4": "2026-09-30"}
AS_OF = "2026-05-29T08:00:00Z"


def _file(instrument: Case, quantity: object, *, given: Case, index: str | None = None,
          mark: str | None = None) -> Case:
    """Return a document with one position of one contract."""
    quote = {} if mark is None else {"mark": mark}
    return {"as_of": AS_OF, "model": "span", "parameters": given,
            "instruments": {"held": instrument},
            "market": {"indices": {} if index is None else {instrument["underlying"]: index},
                       "instruments": {"held": quote}},
            "account": {"positions": [{"instrument": "held", "quantity": str(quantity)}]}}


def _contract(kind: str, underlying: str, paid: str = "USD", **more: Any) -> Case:
    return {"kind": kind, "underlying": underlying, "quote": paid, "settlement": paid,
            "expiry": "2026-06-30T08:00:00Z", **more}


def _array_files(case: Case) -> Files:
    position = case["inputs"]["positions"][0]
    option = {"strike": 410, "right": "C"} if position["inst"].endswith("C") else {}
    held = _contract("option" if option else "future", "SP", multiplier=500, **option)
    return {"account": _file(held, position["qty"],
                             given={"risk_arrays": case["inputs"]["risk_arrays"]})}


def _array_inputs(portfolios: dict[str, Portfolio]) -> Case:
    arrays = portfolios["account"].overrides["risk_arrays"]
    return {"positions": [{"inst": next(iter(arrays)), "qty": _whole(portfolios["account"])}],
            "risk_arrays": arrays}


def _calendar_files(case: Case) -> Files:
    listed = {month: _contract("future", "X") | {"expiry": f"{day}T08:00:00Z"}
              for month, day in MONTHS.items()}
    return {"account": {
        "as_of": AS_OF, "model": "span", "instruments": listed, "market": {},
        "account": {"positions": [{"instrument": p["month"], "quantity": str(p["qty"])}
                                  for p in case["inputs"]["positions"]]}}}


def _calendar_inputs(portfolios: dict[str, Portfolio]) -> Case:
    month = {day: name for name, day in MONTHS.items()}
    return {"positions": [{"month": month[day_text(c.expiry)], "qty": size}
                          for c, size in _sizes(portfolios["account"])]}


def _call_files(case: Case) -> Files:
    given = case["inputs"]
    side, quantity, underlying, _, strike, _ = given["position"].split()
    held = _contract("option", underlying, "INR", strike=int(strike), right="C")
    amounts = {name: given[name] for name in ("scan_risk", "net_option_value")}
    return {"account": _file(held, quantity if side == "BUY" else f"-{quantity}", given=amounts,
                             index=str(given["spot"]))}


def _call_inputs(portfolios: dict[str, Portfolio]) -> Case:
    p = portfolios["account"]
    contract, size = _sizes(p)[0]
    year, _, day = day_text(contract.expiry).split("-")
    position = (f"{'BUY' if size > 0 else 'SELL'} {abs(size)} {contract.underlying} {day}-Jun-"
                f"{year} {contract.strike:.0f} CE")
    return {"position": position, **p.overrides, "spot": float(p.market.index[0])}


def _liquidity_files(case: Case) -> Files:
    given = dict(case["inputs"])
    held = _contract("future", "X", multiplier=given.pop("trade_unit_value"))
    size, price = given.pop("position_contracts"), given.pop("price")
    return {"account": _file(held, size, given=given, mark=str(price))}


def _liquidity_inputs(portfolios: dict[str, Portfolio]) -> Case:
    p = portfolios["account"]
    contract, size = _sizes(p)[0]
    return {"position_contracts": size, "price": float(p.market.mark[0]),
            "trade_unit_value": contract.multiplier, **p.overrides}


def _tims_files(case: Case) -> Files:
    position = case["inputs"]["positions"][0]
    if position["type"] == "stock":
        return {"account": {
            "as_of": AS_OF, "model": "tims", "market": {"assets": {"X": str(position["price"])}},
            "account": {"balances": {"X": str(position["qty"])}, "positions": []}}}
    held = _contract("option", "X", strike=200, right="C", multiplier=position["multiplier"])
    return {"account": _file(held, -position["contracts"],
                             given={"worst_grid_loss": position["worst_grid_loss"]})}


def _tims_inputs(portfolios: dict[str, Portfolio]) -> Case:
    p = portfolios["account"]
    if not len(p.book.lots):
        owned = Decimal(int(p.book.balances[0, 0])).scaleb(-p.book.assets[0].decimals)
        price = float(p.market.price[p.market.assets.index("X")])
        return {"positions": [{"type": "stock", "qty": int(owned), "price": price}]}
    contract, size = _sizes(p)[0]
    return {"positions": [{"type": "short_call", "contracts": -size,
                           "multiplier": contract.multiplier, **p.overrides}]}


def _sizes(p: Portfolio) -> list[tuple[Any, int]]:
    """Return contracts held with their whole number of contracts."""
    held = [p.book.catalogue.instruments[k] for k in p.book.instrument]
    return [(c, int(Decimal(int(lots)).scaleb(c.lot_exponent)))
            for c, lots in zip(held, p.book.lots, strict=True)]


def _whole(p: Portfolio) -> int:
    return _sizes(p)[0][1]


_MCMILLAN = "span/scanning_risk_mcmillan__mcmillan_"
CONVERTERS: Any = {
    f"{_MCMILLAN}long_1_dec410_call.json": (_array_files, _array_inputs),
    f"{_MCMILLAN}long_1_sp_future.json": (_array_files, _array_inputs),
    f"{_MCMILLAN}short_1_sp_future.json": (_array_files, _array_inputs),
    "span/spreads_cme_hkex__cme_intra_M2_M3.json": (_calendar_files, _calendar_inputs),
    "span/nse_marginism__short_call_nov.json": (_call_files, _call_inputs),
    "span/prisma__prisma_liquidity_constructed.json": (_liquidity_files, _liquidity_inputs),
    "span/tims_cpm__tims_long_100_shares.json": (_tims_files, _tims_inputs),
    "span/tims_cpm__tims_far_otm_short_minimum.json": (_tims_files, _tims_inputs),
}
WITHOUT_ACCOUNT = {
    "span/nse_marginism__official_parameters.json": "a parameter set",
    "span/prisma__prisma_robust_var_scaling.json": "ratios of quantiles, no account",
    "span/spreads_cme_hkex__prime_ics_identity.json": "a formula; the quantity is a letter",
    "span/tims_cpm__tims_grids.json": "price points of three classes, no account",
}
