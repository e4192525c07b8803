"""The published SRM portfolios as a market, a book and parameters of ours.

Built as values, like those of PMRM_2; names and dates are chosen here, no number is.
"""

from decimal import Decimal
from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book, Entries, book_of
from counterpoise.adapters.parameters import parameters_of
from counterpoise.instruments.catalogue import Catalogue, catalogue
from counterpoise.instruments.contracts import Option, Payoff, Perpetual, Right
from counterpoise.margin.models.derive_srm import MODEL
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.market.conditions import Conditions
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.pricing.black import black76
from counterpoise.values.assets import Asset
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, SECOND_NS, YEAR_NS, parse_instant

AS_OF: Final = parse_instant("2026-01-21T00:00:00Z")
_DIGITS: Final = 11
_TERMS: Final = {"quote": "USDC", "settlement": "USDC", "payoff": Payoff.LINEAR,
                 "multiplier": 1.0, "lot_exponent": -12}


@frozen
class StandardPortfolio:
    """One case."""

    market: MarketSnapshot
    book: Book
    version: ParameterVersion


@frozen
class _Quote:
    mark: float
    forward: float
    confidence: float
    amount: float
    earned: float


def standard_portfolio_of(case: dict[str, Any]) -> StandardPortfolio:
    """Return a published case as values of ours."""
    inputs = case["inputs"]
    quotes = {contract: quote for code, market in inputs["markets"].items()
              for contract, quote in [_perpetual(code, market), *_options(code, market)]}
    terms = catalogue(list(quotes))
    listed = [quotes[c] for c in terms.instruments]
    return StandardPortfolio(
        market=_market(inputs, terms, listed), book=_book(inputs, terms, listed),
        version=parameters_of(MODEL, AS_OF, standard_overrides_of(case["parameters"])))


def _perpetual(code: str, market: dict[str, Any]) -> tuple[Perpetual, _Quote]:
    return Perpetual(id=f"{code}-PERP", underlying=code, **_TERMS), _Quote(
        mark=market["perp_price"], forward=market["perp_price"], confidence=market["perp_conf"],
        amount=market["perp_position"], earned=market["perp_value"])


def _options(code: str, market: dict[str, Any]) -> list[tuple[Option, _Quote]]:
    return [(_option(code, e, o), _Quote(mark=premium(e, o), forward=e["fwd"], confidence=1.0,
                                         amount=o["amount"], earned=np.nan))
            for e in market["expiries"] for o in e["options"]]


def _option(code: str, expiry: dict[str, Any], option: dict[str, Any]) -> Option:
    right = Right.CALL if option["call"] else Right.PUT
    return Option(id=f"{code}-{expiry['sec']}-{option['strike']!r}-{right}", underlying=code,
                  expiry=AS_OF + expiry["sec"] * SECOND_NS, strike=option["strike"], right=right,
                  **_TERMS)


def premium(expiry: dict[str, Any], option: dict[str, Any]) -> float:
    """Return the Black-76 premium of an option at the forward and, if any, rate of its expiry."""
    one = {name: np.array([float(x)]) for name, x in (
        ("forward", expiry["fwd"]), ("strike", option["strike"]), ("volatility", option["vol"]),
        ("years", expiry["sec"] * SECOND_NS / YEAR_NS),
        ("rate", max(expiry.get("rate", 0.0), 0.0)))}
    right = np.array([1 if option["call"] else -1], np.int8)
    return float(black76(right=right, **one).value[0])


def _market(inputs: dict[str, Any], terms: Catalogue, listed: list[_Quote]) -> MarketSnapshot:
    markets = inputs["markets"]
    prices = {code: m["spot"] for code, m in markets.items()} | {"USDC": inputs["stable"]}
    feeds = {("index", code, 0): m["spot_conf"] for code, m in markets.items()}
    for code, m in markets.items():
        for e in m["expiries"]:
            day = (AS_OF + e["sec"] * SECOND_NS) // DAY_NS
            feeds |= {("forward", code, day): e["fwd_conf"],
                      ("volatility", code, day): e["vol_conf"]}
    zero = np.zeros(len(terms))
    return MarketSnapshot(
        catalogue=terms, as_of=AS_OF, sequence=1, mark=np.array([q.mark for q in listed]),
        forward=np.array([q.forward for q in listed]), forward_fixed=zero,
        volatility=zero + np.nan, rate=zero, quality=np.zeros(len(terms), np.uint16),
        quote_age_ns=np.zeros(len(terms), np.int64),
        index=np.array([markets[u]["spot"] for u in terms.underlyings]),
        assets=tuple(sorted(prices)), price=np.array([prices[c] for c in sorted(prices)]),
        source="a published case", conditions=Conditions(
            columns={"confidence": np.array([q.confidence for q in listed])}, confidences=feeds,
            borrow_rates={}, smiles={}))


def _book(inputs: dict[str, Any], terms: Catalogue, listed: list[_Quote]) -> Book:
    column = np.array([k for k, q in enumerate(listed) if q.amount], np.int32)
    lots = np.array([_integer(listed[k].amount, 12) for k in column], np.int64)
    at_mark = np.array([listed[k].mark for k in column]) * lots * 10.0 ** (_DIGITS - 12)
    cost = np.where(terms.kind[column] == 1, at_mark, 0.0)
    owned = {code: m["base_position"] for code, m in inputs["markets"].items()}
    owned |= {"USDC": inputs["cash"]}
    assets = tuple(Asset(code=code, decimals=_DIGITS) for code in sorted(owned))
    return book_of(
        catalogue=terms, accounts=np.array(["case"]),
        positions=Entries(account=np.zeros(len(column), np.int64), instrument=column, lots=lots,
                          entry_cost=np.rint(cost).astype(np.int64),
                          given={"unrealised_funding": np.array(
                              [listed[k].earned for k in column], float)}),
        balances=(assets, np.array([[_integer(owned[a.code], _DIGITS) for a in assets]],
                                   np.int64)))


def _integer(amount: float, digits: int) -> int:
    return round(Decimal(repr(amount)).scaleb(digits))


def standard_overrides_of(told: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a case as overrides of the model's."""
    return {"market": {code.lower(): _market_parameters(m) for code, m in told["markets"].items()},
            "asset": {code.lower(): {
                "factor": m["base"]["marginFactor"], "initial_scale": m["base"]["IMScale"],
                "confidence_threshold": m["oracle"]["baseThreshold"],
                "oracle_factor": m["oracle"]["OCFactor"]} for code, m in told["markets"].items()},
            "peg": {"threshold": told["depeg"]["threshold"],
                    "factor": told["depeg"]["depegFactor"]}}


def _market_parameters(told: dict[str, Any]) -> dict[str, dict[str, float]]:
    option, oracle = told["option"], told["oracle"]
    return {
        "perpetual": {"initial": told["perp"]["im"], "maintenance": told["perp"]["mm"]},
        "option": {"most": option["maxSpotReq"], "least": option["minSpotReq"],
                   "call_maintenance": option["mmCallSpotReq"],
                   "put_maintenance": option["mmPutSpotReq"],
                   "put_mark_maintenance": option["MMPutMtMReq"],
                   "unpaired_initial": option["unpairedIMScale"],
                   "unpaired_maintenance": option["unpairedMMScale"],
                   "maintenance_offset": option["mmOffsetScale"]},
        "oracle": {"perpetual_threshold": oracle["perpThreshold"],
                   "option_threshold": oracle["optionThreshold"], "factor": oracle["OCFactor"]}}
