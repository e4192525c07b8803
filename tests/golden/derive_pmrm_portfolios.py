"""The published PMRM_2 portfolios as a market, a book and parameters of ours.

Built as values, without a file: some prices are far from any market's, and amounts have more digits
than a ledger keeps. Names and dates are chosen here; no number is.
"""

from decimal import Decimal
from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book, Entries, book_of
from counterpoise.adapters.parameters import parameters_of
from counterpoise.instruments.catalogue import Catalogue, catalogue
from counterpoise.instruments.contracts import Option, Payoff, Perpetual, Right
from counterpoise.margin.models.derive_pmrm import MODEL
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.market.conditions import Conditions
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.pricing.black import black76
from counterpoise.values.assets import Asset
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, SECOND_NS, YEAR_NS, parse_instant

AS_OF: Final = parse_instant("2026-01-21T00:00:00Z")
_SPOT: Final = "SPOT"
_DIGITS: Final = 11
_TERMS: Final = {"underlying": _SPOT, "quote": "USDC", "settlement": "USDC",
                 "payoff": Payoff.LINEAR, "multiplier": 1.0, "lot_exponent": -12}
_DIRECTION: Final = {"None": "none", "Up": "up", "Down": "down", "Linear": "linear",
                     "Abs": "absolute"}
PERPETUAL: Final = "SPOT-PERP"


@frozen
class PublishedPortfolio:
    """One case; `options` are the columns of its options in the order of the case."""

    market: MarketSnapshot
    book: Book
    version: ParameterVersion
    options: tuple[int, ...]


def portfolio_of(case: dict[str, Any]) -> PublishedPortfolio:
    """Return a published case as values of ours."""
    inputs = case["inputs"]
    legs = [(expiry, option) for expiry in inputs["expiries"] for option in expiry["options"]]
    # The perpetual is listed even where it is not held: it says which market the account is in.
    terms = catalogue([Perpetual(id=PERPETUAL, **_TERMS), *(_contract(e, o) for e, o in legs)])
    column = {c.id: k for k, c in enumerate(terms.instruments)}
    return PublishedPortfolio(
        market=_market(inputs, terms), book=_book(inputs, terms),
        version=parameters_of(MODEL, AS_OF, overrides_of(case)),
        options=tuple(column[_name(e, o)] for e, o in legs))


def _name(expiry: dict[str, Any], option: dict[str, Any]) -> str:
    return f"SPOT-{expiry['sec']}-{option['strike']!r}-{'C' if option['call'] else 'P'}"


def _contract(expiry: dict[str, Any], option: dict[str, Any]) -> Option:
    return Option(id=_name(expiry, option), expiry=AS_OF + expiry["sec"] * SECOND_NS,
                  strike=option["strike"], right=Right.CALL if option["call"] else Right.PUT,
                  **_TERMS)


def _market(inputs: dict[str, Any], terms: Catalogue) -> MarketSnapshot:
    quotes = {_name(e, o): (e["fwd_var"], e["fwd_fix"], o["vol"], e["rate"], o["vol_conf"])
              for e in inputs["expiries"] for o in e["options"]}
    mark = inputs["perp_price"] or inputs["spot"]
    quotes[PERPETUAL] = (mark, 0.0, np.nan, 0.0, inputs["perp_conf"])
    forward, fixed, vol, rate, sure = map(np.array, zip(
        *[quotes[c.id] for c in terms.instruments], strict=True))
    option = terms.kind == 3
    value = black76(forward=np.where(option, forward + fixed, 1.0),
                    strike=np.where(option, terms.strike, 1.0),
                    years=np.where(option, terms.expiry - AS_OF, 0) / YEAR_NS,
                    volatility=np.where(option, vol, 1.0), rate=np.maximum(rate, 0.0),
                    right=np.where(option, terms.right, 1).astype(np.int8)).value
    held = {c["name"]: c for c in inputs["collaterals"]}
    prices = {code: c["price"] for code, c in held.items()} | {"USDC": inputs["stable"]}
    confidences = {("index", _SPOT, 0): inputs["spot_conf"]} | {
        ("asset", code, 0): c["conf"] for code, c in held.items()}
    for e in inputs["expiries"]:
        day = (AS_OF + e["sec"] * SECOND_NS) // DAY_NS
        confidences |= {("forward", _SPOT, day): e["fwd_conf"],
                        ("rate", _SPOT, day): e["rate_conf"]}
    return MarketSnapshot(
        catalogue=terms, as_of=AS_OF, sequence=1, mark=np.where(option, value, forward),
        forward=forward, forward_fixed=fixed, volatility=vol, rate=rate,
        quality=np.zeros(len(terms), np.uint16), quote_age_ns=np.zeros(len(terms), np.int64),
        index=np.full(len(terms.underlyings), inputs["spot"]), assets=tuple(sorted(prices)),
        price=np.array([prices[code] for code in sorted(prices)]), source="a published case",
        conditions=Conditions(columns={"confidence": sure}, confidences=confidences,
                              borrow_rates={}, smiles={}))


def _book(inputs: dict[str, Any], terms: Catalogue) -> Book:
    held = {_name(e, o): o["amount"] for e in inputs["expiries"] for o in e["options"]}
    if inputs["perp_position"]:
        held[PERPETUAL] = inputs["perp_position"]
    column = np.array([terms.column[name] for name in held], np.int32)
    lots = np.array([_integer(q, 12) for q in held.values()], np.int64)
    perpetual = terms.kind[column] == 1
    cost = np.where(perpetual, lots * (inputs["perp_price"] * 10.0 ** (_DIGITS - 12)), 0.0)
    owned = {c["name"]: c["amount"] for c in inputs["collaterals"]} | {"USDC": inputs["cash"]}
    assets = tuple(Asset(code=code, decimals=_DIGITS) for code in sorted(owned))
    return book_of(
        catalogue=terms, accounts=np.array(["case"]),
        positions=Entries(account=np.zeros(len(column), np.int64), instrument=column, lots=lots,
                          entry_cost=np.rint(cost).astype(np.int64),
                          given={"unrealised_funding": np.where(
                              perpetual, inputs["perp_value"], np.nan)}),
        balances=(assets, np.array([[_integer(owned[a.code], _DIGITS) for a in assets]],
                                   np.int64)))


def _integer(amount: float, digits: int) -> int:
    return round(Decimal(repr(amount)).scaleb(digits))


def overrides_of(case: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a case as overrides of the model's."""
    told = case["parameters"]
    return {"general": _general(told), "market": dict.fromkeys(
        ("spot", "btc", "eth"), _market_parameters(told)), "collateral": {
        c["name"].lower(): {"maintenance_haircut": c["mm_haircut"],
                            "initial_haircut": c["im_haircut"],
                            "offsets": _SPOT if c["risk_cancelling"] else ""}
        for c in case["inputs"]["collaterals"]}}


def _general(told: dict[str, Any]) -> dict[str, float]:
    other, margin = told["other"], told["margin"]
    return {"initial_factor": margin["imFactor"], "maintenance_factor": margin["mmFactor"],
            "peg_threshold": other["pegLossThreshold"], "peg_factor": other["pegLossFactor"],
            "confidence_threshold": other["confThreshold"],
            "confidence_margin": other["confMargin"]}


def _market_parameters(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    margin, vol, skew, other = (told[name] for name in ("margin", "vol", "skew", "other"))
    return {
        "grid": {"spot": [s["spot"] for s in told["scenarios"]],
                 "volatility": [_DIRECTION[s["vol"]] for s in told["scenarios"]],
                 "damping": [s["damp"] for s in told["scenarios"]]},
        "discount": {"long_base": margin["longBaseStaticDiscount"],
                     "short_base": margin["shortBaseStaticDiscount"],
                     "long_rate_scale": margin["longRateMultScale"],
                     "long_rate_add": margin["longRateAddScale"],
                     "short_rate_scale": margin["shortRateMultScale"],
                     "short_rate_add": margin["shortRateAddScale"]},
        "basis": {"up": told["basis"]["up"], "down": told["basis"]["down"],
                  "add": told["basis"]["add"], "multiply": told["basis"]["mult"]},
        "volatility": {"range_up": vol["volRangeUp"], "range_down": vol["volRangeDown"],
                       "short_term_power": vol["shortTermPower"],
                       "long_term_power": vol["longTermPower"],
                       "days_floor": vol["dteFloor"] / 86_400, "least_up": vol["minVolUpShock"]},
        "skew": {"linear_cap": skew["linearBaseCap"], "linear_cap_slope": skew["linearCBase"],
                 "absolute_cap": skew["absBaseCap"], "absolute_cap_slope": skew["absCBase"],
                 "least_width": skew["minKStar"], "width_scale": skew["widthScale"],
                 "width_static": skew["volParamStatic"], "width_slope": skew["volParamScale"]},
        "contingency": {"perpetual_maintenance": other["MMPerpPercent"],
                        "perpetual_initial": other["IMPerpPercent"],
                        "option_maintenance": other["MMOptionPercent"],
                        "option_initial": other["IMOptionPercent"]}}
