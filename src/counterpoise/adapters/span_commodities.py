"""How the definitions of a SPAN file become parameters: tiers, spreads, charges, credits.

Tiers are the months that have a future or are named by a spread, or the tiers of the file where
its spreads name those; a contract between two months stands in the later one. Amounts are money per
unit of scaled delta. What the model has no rule for is refused by the name of its spread.
"""

from typing import Final

from counterpoise.adapters.span_xml import Record, number, number_of, text_of
from counterpoise.margin.terms.span_parameters import (
    CalendarSpread,
    Commodity,
    CreditLeg,
    InterCommoditySpread,
    Tier,
)
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS

_MINIMUM: Final = {"": "both", "GROSS": "both", "1": "greater", "2": "both", "MAX": "greater"}


@frozen
class CommodityRecords:
    """What a file says of one commodity.

    definition     its `ccDef`, None where the file has none
    month          {month code: expiry, ns} of its contracts that have not expired
    scan           {month code: price scan range per unit of scaled delta} of its futures
    multiplier     contract sizes of its options
    """

    definition: Record | None
    month: dict[str, int]
    scan: dict[str, float]
    multiplier: frozenset[float]


@frozen
class _Tiers:
    """Last expiry (ns) of every tier, increasing, and the tier of every code, from 1."""

    last: tuple[int, ...]
    number: dict[str, int]


def commodity_of(stated: CommodityRecords, as_of: int) -> Commodity:
    """Return the parameters of one commodity.

    Raises
    ------
    BadInput
        Naming a spread or charge that the model has no rule for.
    """
    definition = stated.definition
    spreads = () if definition is None else _parts(definition, "dSpread")
    tiers = _tiers(stated, spreads)
    rates = {} if definition is None else {
        text_of(r, "pe"): (number_of(r, "sprd", 0.0), number_of(r, "outr", 0.0))
        for r in _parts(definition, "spotRate")}
    minimum, method = _short_option_minimum(stated)
    narrowest = min(stated.scan.values(), default=0.0)
    by_tier = {tiers.number[month]: scan for month, scan in stated.scan.items()
               if month in tiers.number}
    charged = {tiers.number[month]: rate for month, rate in rates.items() if month in tiers.number}
    return Commodity(
        amounts="money", short_option_method=method,
        tiers=tuple(Tier(
            days=(last - as_of) / DAY_NS, price_scan_range=by_tier.get(k, narrowest),
            volatility_scan_range=0.0, short_option_minimum=minimum,
            delivery_spread_rate=charged.get(k, (0.0, 0.0))[0],
            delivery_outright_rate=charged.get(k, (0.0, 0.0))[1])
            for k, last in enumerate(tiers.last or (as_of,), 1)),
        calendar_spreads=tuple(s for record in sorted(spreads, key=_priority)
                               if (s := _calendar_spread(record, tiers)) is not None))


def credits_of(record: Record, key: dict[str, str]) -> dict[str, InterCommoditySpread]:
    """Return the inter-commodity spreads among the commodities of `key` {code: parameter key}."""
    found = {}
    for spread in _parts(record, "dSpread"):
        legs = [*_parts(spread, "tLeg"), *_parts(spread, "pLeg")]
        if legs and all(text_of(leg, "cc") in key for leg in legs):
            _refuse_other_charges(spread)
            found[f"spread {_priority(spread)}"] = InterCommoditySpread(
                priority=_priority(spread), credit=_rate(spread), legs=tuple(CreditLeg(
                    commodity=key[text_of(leg, "cc")], ratio=number_of(leg, "i", 1.0),
                    side=text_of(leg, "rs").lower()) for leg in legs))
    return found


def _parts(record: Record, name: str) -> tuple[Record, ...]:
    return tuple(part for part in record.parts if part.name == name)


def _tiers(stated: CommodityRecords, spreads: tuple[Record, ...]) -> _Tiers:
    by_tier = [leg for s in spreads for leg in _parts(s, "tLeg")]
    by_month = [leg for s in spreads for leg in _parts(s, "pLeg")]
    if by_tier and by_month:
        raise _refused(spreads[0], "and others name tiers and months side by side; the model has "
                       "one division into tiers")
    if by_tier and stated.definition is not None:
        return _tiers_of_file(stated, stated.definition)
    named = {text_of(leg, "pe") for leg in by_month} | stated.scan.keys()
    months = {m: stated.month[m] for m in named if m in stated.month} or stated.month
    last = tuple(sorted(set(months.values())))
    return _Tiers(last=last, number={m: last.index(end) + 1 for m, end in months.items()})


def _tiers_of_file(stated: CommodityRecords, definition: Record) -> _Tiers:
    ends: dict[str, int] = {}
    for group in _parts(definition, "intraTiers"):
        for tier in _parts(group, "tier"):
            first, until = text_of(tier, "sPe"), text_of(tier, "ePe")
            inside = [end for month, end in stated.month.items()
                      if (not first or month >= first) and (not until or month <= until)]
            if inside:
                ends[text_of(tier, "tn")] = max(inside)
    last = tuple(sorted(set(ends.values()))) or tuple(sorted(set(stated.month.values())))[-1:]
    tiers = {code: last.index(end) + 1 for code, end in ends.items()}
    months = {month: 1 + next((k for k, end in enumerate(last) if expiry <= end), len(last) - 1)
              for month, expiry in stated.month.items()}
    return _Tiers(last=last, number=months | {f"tier {code}": k for code, k in tiers.items()})


def _calendar_spread(record: Record, tiers: _Tiers) -> CalendarSpread | None:
    """Return a spread, or None where the file has no contract of a leg: it cannot be formed."""
    legs = [*_parts(record, "tLeg"), *_parts(record, "pLeg")]
    sides = sorted(text_of(leg, "rs").upper() for leg in legs)
    if len(legs) != 2 or sides != ["A", "B"]:
        raise _refused(record, "has other legs than one on side A and one on side B")
    _refuse_other_charges(record)
    codes = [f"tier {text_of(leg, 'tn')}" if leg.name == "tLeg" else text_of(leg, "pe")
             for leg in legs]
    numbers = [tiers.number.get(code) for code in codes]
    if None in numbers or numbers[0] == numbers[1]:
        return None
    return CalendarSpread(tier_a=numbers[0] or 0, tier_b=numbers[1] or 0, rate=_rate(record),
                          ratio_a=number_of(legs[0], "i", 1.0),
                          ratio_b=number_of(legs[1], "i", 1.0))


def _priority(record: Record) -> int:
    return int(number_of(record, "spread", 0.0))


def _rate(record: Record) -> float:
    rates = _parts(record, "rate")
    if not rates:
        raise _refused(record, "has no rate")
    return number_of(rates[0], "val")


def _refuse_other_charges(record: Record) -> None:
    method = text_of(record, "chargeMeth")
    if method not in ("", "F"):
        raise _refused(record, f"is charged by method {method[:20]!r}; the model has flat rates, F")


def _refused(record: Record, sentence: str) -> Exception:
    return bad_input(Reason.NOT_APPLICABLE, f"{record.path} {text_of(record, 'spread')[:20]}",
                     sentence)


def _short_option_minimum(stated: CommodityRecords) -> tuple[float, str]:
    """Return the rate per unit of underlying, the largest of the tiers, and the method."""
    definition = stated.definition
    if definition is None:
        return 0.0, "both"
    texts = [(rate.path, text) for group in _parts(definition, "somTiers")
             for tier in _parts(group, "tier") for rate in _parts(tier, "rate")
             for text in rate.texts.get("val", [])]
    rate = max((number(text, f"{path}/val") for path, text in texts), default=0.0)
    if rate and len(stated.multiplier) > 1:
        raise bad_input(Reason.NOT_APPLICABLE, definition.path, "has one short option minimum per "
                        "contract for contracts of several sizes; the model has one per unit")
    method = text_of(definition, "somMeth").upper()
    if method not in _MINIMUM:
        raise bad_input(Reason.BAD_VALUE, f"{definition.path}/somMeth", f"{method[:20]!r} is "
                        "unknown; it is GROSS or MAX")
    return rate / min(stated.multiplier, default=1.0), _MINIMUM[method]
