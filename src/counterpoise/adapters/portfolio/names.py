"""Which instrument is meant by each name in this file: its own definitions first, then the venue.

Also the labels of expiries: `BTC-28JUN24`, `BTC-240628`, `BTC-20240628` or `BTC` for all of them.
"""

import re
from typing import Any, Final

from counterpoise.adapters.symbols.dates import expiry_of_day_month, expiry_of_digits
from counterpoise.adapters.symbols.names import instrument_of
from counterpoise.instruments.contracts import Instrument, Option, Right
from counterpoise.instruments.listing import Listing, future, option, perpetual, spot
from counterpoise.values.assets import is_asset_code
from counterpoise.values.decimals import parse_decimal, parse_float
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.quantity import INT64_MAX
from counterpoise.values.time import DAY_NS, SECOND_NS, parse_instant

FAILURES_MAX: Final = 1000
_LABEL: Final = r"([A-Z0-9]+)(?:-(?:(\d{1,2}[A-Z]{3}\d\d)|(\d{6}|\d{8})))?"


@frozen
class Names:
    """How this file names instruments: by its own `definitions`, else by the `venue`'s dialect.

    `found` remembers what was looked up; `failures` collects names that mean nothing. Without a
    venue (the file names none that we know) no name is looked up, as that is reported already.
    """

    venue: str | None
    definitions: dict[str, Instrument]
    found: dict[str, Instrument | None]
    failures: list[Failure]


def names_of(tree: dict[str, Any], failures: list[Failure]) -> Names:
    """Return the naming of a pruned portfolio tree."""
    definitions = {}
    for name, definition in tree.get("instruments", {}).items():
        if not {"kind", "underlying", "quote"} <= definition.keys():
            continue  # The schema has said already what is missing.
        try:
            definitions[name] = _defined(definition, f"instruments.{name}")
        except BadInput as wrong:
            failures.extend(wrong.failures)
    found: dict[str, Instrument | None] = dict(definitions)
    # A definition that is wrong is reported once, not again where it is used.
    found |= {name: None for name in tree.get("instruments", {}) if name not in definitions}
    unnamed = any(failure.subject == "symbols" for failure in failures)
    return Names(venue=None if unnamed else tree.get("symbols", "counterpoise"), found=found,
                 definitions=definitions, failures=failures)


def instrument_named(names: Names, name: str) -> Instrument | None:
    """Return the instrument, or None after noting why there is none (once per name)."""
    if name not in names.found:
        names.found[name] = None
        if names.venue is None:
            return None
        try:
            names.found[name] = instrument_of(name, names.venue)
        except BadInput as wrong:
            names.failures.extend(wrong.failures)
    return names.found[name]


def _defined(tree: dict[str, Any], path: str) -> Instrument:
    made = _made(tree["kind"], tree, path)
    changes: dict[str, Any] = {}
    if "lot_exponent" in tree:
        changes["lot_exponent"] = whole(tree["lot_exponent"], f"{path}.lot_exponent")
    if "settlement_window_minutes" in tree:
        minutes = parse_float(tree["settlement_window_minutes"], subject=f"{path}.window")
        changes["settlement_window_ns"] = int(minutes * 60) * SECOND_NS
    try:
        return replaced(made, **changes) if changes else made
    except TypeError:
        raise bad_input(Reason.BAD_VALUE, path, "only a future or an option has a "
                        "settlement window") from None


def whole(number: str, path: str) -> int:
    """Return an integer of the file.

    Raises
    ------
    BadInput
        If it is none, or does not fit 64 bits.
    """
    value = parse_decimal(number, subject=path)
    if abs(value) > INT64_MAX:
        raise bad_input(Reason.ABSURD_QUANTITY, path, f"{number[:40]} is too large; a whole number "
                        f"here is at most {INT64_MAX}")
    if value != value.to_integral_value():
        raise bad_input(Reason.BAD_VALUE, path, f"{number[:40]} is not a whole number; write it "
                        "without decimals")
    return int(value)


def _made(kind: str, tree: dict[str, Any], path: str) -> Instrument:
    wanted = {"spot": (), "perpetual": (), "future": ("expiry",),
              "option": ("expiry", "strike", "right")}[kind]
    missing = [key for key in wanted if key not in tree]
    surplus = [key for key in ("expiry", "strike", "right") if key in tree and key not in wanted]
    if missing or surplus:
        raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=f"{path}.{key}",
                                 sentence=f"is missing; a {kind} needs it") for key in missing),
                       *(Failure(reason=Reason.BAD_VALUE, subject=f"{path}.{key}",
                                 sentence=f"does not belong to a {kind}") for key in surplus))
    if kind == "spot":
        return spot(tree["underlying"], tree["quote"])
    listing = Listing(underlying=tree["underlying"], quote=tree["quote"],
                      settlement=tree.get("settlement", tree["quote"]),
                      multiplier=_short(tree.get("multiplier", "1"), f"{path}.multiplier"))
    if kind == "perpetual":
        return perpetual(listing)
    expiry = parse_instant(tree["expiry"], subject=f"{path}.expiry")
    if kind == "future":
        return future(listing, expiry)
    return option(listing, expiry=expiry, strike=_short(tree["strike"], f"{path}.strike"),
                  right=Right(tree["right"]))


def _short(number: str, path: str) -> float:
    """Read a number that becomes part of the canonical id, which shows 15 digits of it."""
    value = parse_float(number, subject=path)
    if float(f"{value:.15g}") != value:
        raise bad_input(Reason.BAD_VALUE, path, f"{number} has more than 15 digits; round it")
    return value


def labelled(tree: dict[str, Any], path: str, names: Names) -> dict[tuple[str, int], float]:
    """Return {(underlying, expiry day, 0 for all): number} of a table by expiry label."""
    table: dict[tuple[str, int], float] = {}
    for label, number in tree.items():
        subject = f"{path}.{label}"
        try:
            key = label_key(label, subject)
            if key in table:
                raise bad_input(Reason.DUPLICATE, subject, "names an expiry that stands there "
                                "already; keep one")
            table[key] = parse_float(number, subject=subject)
        except BadInput as wrong:
            names.failures.extend(wrong.failures)
    return table


def label_key(label: str, subject: str) -> tuple[str, int]:
    """Return (underlying, expiry day, 0 for all) of an expiry label.

    Raises
    ------
    BadInput
        If it is none.
    """
    # Compiled on use: most files have no such table, and a cold start should not pay for it.
    found = re.fullmatch(_LABEL, label, re.ASCII)
    if found is None or not is_asset_code(found[1]):
        raise bad_input(Reason.BAD_VALUE, subject, "is not an expiry label; write it like BTC, "
                        "BTC-28JUN24 or BTC-20240628")
    if found[2]:
        return found[1], expiry_of_day_month(found[2], subject=subject) // DAY_NS
    return found[1], expiry_of_digits(found[3], subject=subject) // DAY_NS if found[3] else 0


def by_expiry(table: dict[tuple[str, int], float], instrument: Option) -> float:
    """Return the number for an option's expiry day, else for its underlying, else NaN."""
    of_all = table.get((instrument.underlying, 0), float("nan"))
    return table.get((instrument.underlying, instrument.expiry // DAY_NS), of_all)


def raise_all(failures: list[Failure]) -> None:
    """Raise what was collected, if anything: `FAILURES_MAX` of it and the count of the rest.

    Raises
    ------
    BadInput
        If there is a failure.
    """
    if len(failures) > FAILURES_MAX:
        rest = Failure(reason=Reason.TOO_LARGE, subject="document",
                       sentence=f"and {len(failures) - FAILURES_MAX} more violations")
        failures = [*failures[:FAILURES_MAX], rest]
    if failures:
        raise BadInput(*failures)
