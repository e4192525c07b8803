"""Small cleared markets for SPAN and TIMS: one contract is one lot, every number is visible."""

from typing import Any

import numpy as np

from counterpoise.accounts.book import Book, Entries, book_of
from counterpoise.instruments.catalogue import OPTION, catalogue
from counterpoise.instruments.contracts import (
    Future,
    Instrument,
    Option,
    Right,
    Spot,
    payoff_of,
)
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.terms.span_parameters import (
    Commodity,
    General,
    InterCommoditySpread,
    SpanParameters,
)
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.risk.arrays import RiskArrays, deltas
from counterpoise.scenarios.scanning import ScanRange, scanning_scenarios
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import UNKNOWN
from counterpoise.values.time import DAY_NS, parse_instant

NOW = parse_instant("2026-05-29T08:00:00Z")
WEIGHTS = (0.27, 0.217, 0.11, 0.037)
GENERAL = General(extreme_move_multiplier=2.0, extreme_move_covered_fraction=0.35,
                  lookahead_days=0.0, volatility_relative=True, delta_weights=WEIGHTS)


def _terms(name: str, underlying: str, paid: str, multiplier: float) -> dict[str, Any]:
    quote = "USD" if paid == underlying else paid
    return {"id": name, "underlying": underlying, "quote": quote, "settlement": paid,
            "payoff": payoff_of(underlying=underlying, quote=quote, settlement=paid),
            "multiplier": multiplier, "lot_exponent": 0}


def future(name: str, *, days: float, underlying: str = "X", paid: str = "USD",
           multiplier: float = 1.0) -> Future:
    """Return a future that expires in `days`."""
    return Future(expiry=NOW + round(days * DAY_NS), **_terms(name, underlying, paid, multiplier))


def option(name: str, *, strike: float, right: str = "C", days: float = 30.0,
           underlying: str = "X", paid: str = "USD", multiplier: float = 1.0) -> Option:
    """Return an option that expires in `days`."""
    return Option(expiry=NOW + round(days * DAY_NS), strike=strike, right=Right(right),
                  **_terms(name, underlying, paid, multiplier))


def stock(name: str, *, underlying: str = "X", paid: str = "USD") -> Spot:
    """Return the asset itself."""
    return Spot(id=name, underlying=underlying, quote=paid, lot_exponent=0)


def quoted(marks: dict[Instrument, float], *, index: dict[str, float],
           forward: float | None = None, volatility: float = 0.6) -> MarketSnapshot:
    """Return a good snapshot: the mark of every instrument, the index of every underlying.

    Options are valued on `forward`, the index where None.
    """
    terms = catalogue(list(marks))
    mark = np.array([marks[c] for c in terms.instruments], np.float64)
    level = np.array([index[u] for u in terms.underlyings], np.float64)
    option_ = terms.kind == OPTION
    own = level[terms.underlying] if forward is None else np.full(len(terms), forward)
    n = len(terms)
    return MarketSnapshot(
        catalogue=terms, as_of=NOW, sequence=1, mark=mark, forward=np.where(option_, own, mark),
        forward_fixed=np.zeros(n), volatility=np.where(option_, volatility, np.nan),
        rate=np.zeros(n), quality=np.full(n, Quality.GOOD, np.uint16),
        quote_age_ns=np.zeros(n, np.int64), index=level, assets=tuple(terms.settlements),
        price=np.array([index.get(s, 1.0) for s in terms.settlements]), source="made for a test")


def book(market: MarketSnapshot, *accounts: dict[str, int],
         orders: dict[str, int] | None = None) -> Book:
    """Return accounts of contracts by id; `orders` are the first account's."""
    return book_of(catalogue=market.catalogue, accounts=np.arange(len(accounts)),
                   positions=_entries(market, accounts), orders=_entries(market, (orders or {},)))


def _entries(market: MarketSnapshot, accounts: tuple[dict[str, int], ...]) -> Entries:
    rows = [(a, market.catalogue.column[name], lots) for a, held in enumerate(accounts)
            for name, lots in held.items()]
    account, column, lots = (np.array([r[k] for r in rows], np.int64) for k in range(3))
    return Entries(account=account, instrument=column.astype(np.int32), lots=lots,
                   entry_cost=np.full(len(rows), UNKNOWN, np.int64))


def span_version(commodity: dict[str, Commodity], *,
                 inter_commodity: dict[str, InterCommoditySpread] | None = None,
                 **general: Any) -> ParameterVersion:
    """Return SPAN parameters with fields of `General` changed."""
    return ParameterVersion(model="span", number=0, parameters=SpanParameters(
        general=replaced(GENERAL, **general), commodity=commodity,
        inter_commodity=inter_commodity or {}))


def read_arrays(market: MarketSnapshot, gains: dict[str, list[float]]) -> RiskArrays:
    """Return risk arrays as a file gives them, by id: gains per contract in scenarios 1 to 16."""
    count = len(market.catalogue)
    ranges = ScanRange(factors=("X",), factor_of=np.zeros(count, np.int32), price=np.array([0.0]),
                       volatility=np.array([0.0]))
    scenarios = scanning_scenarios(ranges, extreme_multiplier=1.0, lookahead_days=0.0,
                                   volatility_relative=True)
    rows = [[0.0, *gains[c.id]] for c in market.catalogue.instruments]
    return arrays_of(market, scenarios, rows)


def arrays_of(market: MarketSnapshot, scenarios: ScenarioSet, gains: Any) -> RiskArrays:
    """Return risk arrays of given gains per contract, [instrument, scenario]."""
    delta, black_delta = deltas(market, scenarios)
    return RiskArrays(scenarios=scenarios, sequence=market.sequence, value=market.mark,
                      pnl=np.array(gains, np.float64), delta=delta, black_delta=black_delta,
                      failed=np.zeros(len(market.catalogue), bool))
