"""What a clearing house's SPAN file says: contracts, prices, risk arrays and parameters.

Reads SPAN XML (`.spn`, format 4) in one pass. Arrays in files are losses of one long contract: the
sign is turned here, once. Deltas are composite and scaled, extreme losses are covered already.
Contracts get our own names; an expiry is a date in the file and stands at 08:00 UTC here. Source:
the published schema of the format (CME, 2014); docs/methodology/span.md says what is not read.
"""

from typing import Any, BinaryIO, Final

import numpy as np

from counterpoise.adapters.span_commodities import CommodityRecords, commodity_of, credits_of
from counterpoise.adapters.span_xml import Record, number, number_of, records, text_of
from counterpoise.instruments.catalogue import OPTION, Catalogue, catalogue
from counterpoise.instruments.contracts import (
    EXPIRY_TIME_NS,
    Future,
    Instrument,
    Option,
    Payoff,
    Right,
    canonical_id,
    expiry_text,
    strike_text,
)
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.terms.span_parameters import General, SpanParameters
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.risk.arrays import Floats, RiskArrays
from counterpoise.scenarios.scanning import ScanRange, scanning_scenarios
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.assets import is_asset_code
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import instant_of_day

_WANTED: Final = frozenset({"fut", "opt", "phy", "ccDef", "interSpreads"})
_OPEN: Final = frozenset({"spanFile", "pointInTime", "clearingOrg", "exchange", "futPf", "oofPf",
                          "oopPf", "phyPf", "series", "root"})
_FAMILY: Final = {"futPf": "FUT", "oofPf": "OOF", "oopPf": "OOP"}
_POINTS: Final = 16
_FULL_MOVES: Final = slice(10, 14)
_GENERAL: Final = General(
    extreme_move_multiplier=1.0, extreme_move_covered_fraction=1.0, lookahead_days=0.0,
    volatility_relative=True, delta_weights=(0.27, 0.217, 0.11, 0.037), risk_arrays="read")


@frozen
class SpanFile:
    """A parameter file, ready for `compute_margin` with the model `span`."""

    market: MarketSnapshot
    arrays: tuple[RiskArrays, ...]
    version: ParameterVersion


@frozen
class _Row:
    """One contract as the file has it: family (code and kind), terms, numbers, gains [16]."""

    path: str
    family: tuple[str, str]
    month: str
    expiry: int
    right: str
    strike: float
    currency: str
    multiplier: float
    price: float
    volatility: float
    delta: float
    gains: Floats


@frozen
class _Cleared:
    """A row of the file, the code of its commodity, and the contract it becomes."""

    code: str
    row: _Row
    contract: Instrument


def read_span(stream: BinaryIO, *, only: frozenset[str] = frozenset()) -> SpanFile:
    """Read a SPAN XML file, or the commodities `only` of it.

    Raises
    ------
    BadInput
        If the file is no SPAN XML or made to hurt, or an element cannot be used: it is named.
    """
    seen = _Seen(only)
    for record in records(stream, wanted=_WANTED, open_=_OPEN):
        seen.take(record)
    if not seen.rows:
        raise bad_input(Reason.UNREADABLE, "SPAN file", "holds no future or option"
                        + (" of " + ", ".join(sorted(only))[:200] if only else ""))
    return _file(seen)


class _Seen:
    """What has passed of a file so far."""

    def __init__(self, only: frozenset[str]) -> None:
        self.only = only
        self.day = ""
        self.rows: list[_Row] = []
        self.definitions: dict[str, Record] = {}
        self.spreads: list[Record] = []
        self.index: dict[str, float] = {}
        self.linked: dict[tuple[str, str], str] = {}

    def take(self, record: Record) -> None:
        """Keep what is of use in a record."""
        self.day = self.day or record.around.get("date", "")
        if record.name == "ccDef":
            self._define(record)
        elif record.name == "interSpreads":
            self.spreads.append(record)
        elif record.name == "phy":
            self.index.setdefault(text_of(record, "pfCode"), number_of(record, "p", 0.0))
        else:
            self.rows.append(_row(record))

    def _define(self, record: Record) -> None:
        code = text_of(record, "cc")
        if code in self.definitions:
            raise bad_input(Reason.DUPLICATE, record.path, f"{code[:40]!r} is defined twice")
        self.definitions[code] = record
        for link in record.parts:
            if link.name == "pfLink":
                self.linked[text_of(link, "pfCode"), text_of(link, "pfType")] = code

    def commodity(self, row: _Row) -> str:
        """Return the commodity code of a contract: what links its family, or the family itself."""
        return self.linked.get(row.family, row.family[0])


def _file(seen: _Seen) -> SpanFile:
    as_of = _day(seen.day, "pointInTime/date")
    chosen = [(seen.commodity(row), row) for row in seen.rows]
    cleared = [_Cleared(code=code, row=row, contract=_contract(code, row)) for code, row in chosen
               if not seen.only or code in seen.only]
    if not cleared:
        raise bad_input(Reason.UNREADABLE, "SPAN file", "holds no contract of "
                        + ", ".join(sorted(seen.only))[:200])
    terms = catalogue([c.contract for c in cleared])
    rows = sorted(cleared, key=lambda c: terms.column[c.contract.id])
    keys = _keys(rows)
    of_code: dict[str, list[_Cleared]] = {}
    for row in rows:
        of_code.setdefault(row.code, []).append(row)
    commodity = {keys[code]: commodity_of(
        _records_of(seen.definitions.get(code), own, as_of), as_of)
                 for code, own in of_code.items()}
    parameters = SpanParameters(
        general=_GENERAL, commodity=commodity,
        inter_commodity={name: spread for record in seen.spreads
                         for name, spread in credits_of(record, keys).items()})
    market = _market(rows, terms, as_of, seen)
    day = f"{seen.day[:4]}-{seen.day[4:6]}-{seen.day[6:8]}"
    return SpanFile(
        market=market, arrays=(_arrays(rows, market),),
        version=ParameterVersion(model="span", number=0, parameters=parameters,
                                 sections=(("SPAN file", day, day),)))


def _row(record: Record) -> _Row:
    if text_of(record, "isContractScale") in ("0", "false") and number_of(record, "cvf", 1.0) != 1:
        raise bad_input(Reason.NOT_APPLICABLE, f"{record.path}/ra", "is not per contract "
                        "(isContractScale 0); only arrays per contract are read")
    gains, delta = _array(record)
    option = record.name == "opt"
    right = text_of(record, "o").upper() if option else ""
    if option and right not in ("C", "P"):
        raise bad_input(Reason.BAD_VALUE, f"{record.path}/o", f"{right[:20]!r} is neither C nor P")
    day = text_of(record, "setlDate") or text_of(record, "pe")
    kind = _FAMILY.get(record.path.split("/")[-3 if option else -2], "")
    return _Row(
        path=record.path, family=(text_of(record, "pfCode"), kind), month=text_of(record, "pe"),
        expiry=_day(day, f"{record.path}/setlDate") + EXPIRY_TIME_NS, right=right,
        strike=number_of(record, "k") if option else 0.0,
        currency=text_of(record, "currency").upper(), multiplier=number_of(record, "cvf", 1.0),
        price=number_of(record, "p", float("nan")), volatility=number_of(record, "v", float("nan")),
        delta=delta * number_of(record, "sc", 1.0), gains=gains)


def _array(record: Record) -> tuple[Floats, float]:
    """Return gains per contract in the sixteen scenarios and the composite delta; NaN if none."""
    arrays = [part for part in record.parts if part.name == "ra"]
    if not arrays:
        return np.full(_POINTS, np.nan), float("nan")
    losses = [number(text, f"{record.path}/ra/a") for text in arrays[0].texts.get("a", [])]
    if len(losses) != _POINTS:
        raise bad_input(Reason.BAD_VALUE, f"{record.path}/ra", f"has {len(losses)} values; a risk "
                        f"array has {_POINTS}")
    return 0.0 - np.array(losses), number_of(arrays[0], "d")


def _contract(code: str, row: _Row) -> Instrument:
    asset, money = _asset(code, row), row.currency
    names = {"underlying": asset, "quote": money, "settlement": money}
    tail = expiry_text(row.expiry)
    shared: dict[str, Any] = {**names, "payoff": Payoff.LINEAR, "multiplier": row.multiplier,
                              "lot_exponent": 0, "expiry": row.expiry}
    if not row.right:
        return Future(id=canonical_id(**names, tail=tail, multiplier=row.multiplier), **shared)
    tail = f"{tail}-{strike_text(row.strike)}-{row.right}"
    return Option(id=canonical_id(**names, tail=tail, multiplier=row.multiplier),
                  strike=row.strike, right=Right(row.right), **shared)


def _asset(code: str, row: _Row) -> str:
    """Return a commodity code as an asset code: capital letters and digits, no others."""
    letters = "".join(c for c in code.upper() if c.isascii() and c.isalnum())
    asset = f"CC{letters}" if letters.isdigit() else letters
    if not is_asset_code(asset):
        raise bad_input(Reason.UNKNOWN_ASSET, f"{row.path}/pfCode", f"{code[:40]!r} has no name "
                        "of capital letters and digits")
    return asset


def _keys(rows: list[_Cleared]) -> dict[str, str]:
    """Return {code: parameter key} of the commodities, each with one currency and one name."""
    keys: dict[str, str] = {}
    for row in rows:
        key = f"{row.contract.underlying}_{row.contract.settlement}".lower()
        if keys.setdefault(row.code, key) != key:
            raise bad_input(Reason.NOT_APPLICABLE, row.code[:40], "has contracts in two currencies")
    if len(set(keys.values())) < len(keys):
        raise bad_input(Reason.DUPLICATE, "ccDef/cc", "two codes differ in signs alone; read them "
                        "one at a time")
    return keys


def _records_of(definition: Record | None, own: list[_Cleared], as_of: int) -> CommodityRecords:
    month = {c.row.month: c.row.expiry for c in own if c.row.expiry > as_of}
    scan = {c.row.month: _full_loss(c.row) / abs(c.row.delta) for c in own
            if not c.row.right and abs(c.row.delta) > 0}
    return CommodityRecords(definition=definition, month=month, scan=scan, multiplier=frozenset(
        c.row.multiplier for c in own if c.row.right))


def _full_loss(row: _Row) -> float:
    """Return the largest change of value over the whole price scan range."""
    return float(np.abs(row.gains[_FULL_MOVES]).max())


def _market(rows: list[_Cleared], terms: Catalogue, as_of: int, seen: _Seen) -> MarketSnapshot:
    price, volatility = (np.array([getattr(c.row, name) for c in rows])
                         for name in ("price", "volatility"))
    price = np.where((price > 0) | (terms.kind == OPTION), price, np.nan)
    quality = np.where(np.isnan(price), int(Quality.MISSING_MARK), 0)
    quality |= np.where(terms.expiry <= as_of, int(Quality.EXPIRED), 0)
    index = _index(rows, terms, seen, price)
    option = terms.kind == OPTION
    count = len(terms)
    return MarketSnapshot(
        catalogue=terms, as_of=as_of, sequence=0, mark=price,
        forward=np.where(option, index[terms.underlying], price), forward_fixed=np.zeros(count),
        volatility=np.where(option, volatility, np.nan), rate=np.zeros(count),
        quality=quality.astype(np.uint16), quote_age_ns=np.zeros(count, np.int64), index=index,
        assets=terms.settlements,
        price=np.array([1.0 if s == "USD" else np.nan for s in terms.settlements]),
        source=f"SPAN file of {seen.day}")


def _index(rows: list[_Cleared], terms: Catalogue, seen: _Seen, price: Floats) -> Floats:
    """Return the price of each underlying: of the physical, else of its first future."""
    out = np.full(len(terms.underlyings), np.nan)
    for row, own in zip(reversed(rows), price[::-1], strict=True):
        at = terms.underlyings.index(row.contract.underlying)
        physical = seen.index.get(row.code, 0.0)
        if physical > 0:
            out[at] = physical
        elif isinstance(row.contract, Future):
            out[at] = own
    return out


def _arrays(rows: list[_Cleared], market: MarketSnapshot) -> RiskArrays:
    terms = market.catalogue
    gains = np.stack([c.row.gains for c in rows])
    delta = np.array([c.row.delta for c in rows])
    failed = np.isnan(gains[:, 0]) | ((market.quality & int(Quality.EXPIRED)) != 0)
    gains[failed] = delta[failed] = np.nan
    return RiskArrays(
        scenarios=_scenarios(rows, market), sequence=market.sequence,
        value=market.mark * terms.unit, pnl=np.column_stack((np.zeros(len(rows)), gains)),
        delta=delta, black_delta=delta, failed=failed)


def _scenarios(rows: list[_Cleared], market: MarketSnapshot) -> ScenarioSet:
    """Return the sixteen scenarios as people read them: moves of the futures' full scan ranges."""
    terms = market.catalogue
    share = np.zeros(len(terms.underlyings))
    for c in reversed(rows):
        worth = c.row.price * c.row.multiplier
        if not c.row.right and worth > 0:
            share[terms.underlyings.index(c.contract.underlying)] = min(
                _full_loss(c.row) / worth, 0.99)
    ranges = ScanRange(factors=terms.underlyings, factor_of=terms.underlying,
                       price=np.nan_to_num(share), volatility=np.zeros(len(share)))
    return scanning_scenarios(ranges, extreme_multiplier=1.0, lookahead_days=0.0,
                              volatility_relative=True)


def _day(text: str, subject: str) -> int:
    """Return the instant at which the day `YYYYMMDD` of the file begins.

    Raises
    ------
    BadInput
        Naming the element, if the text is no such day.
    """
    try:
        if len(text) == 8 and text.isascii() and text.isdigit():
            return instant_of_day(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        pass
    raise bad_input(Reason.BAD_TIME, subject, f"{text[:20]!r} is no day; the file must say it like "
                    "20260130")
