"""What does the file say of the market beside prices? Funding, activity, confidence, smiles."""

from typing import Any, Final

import numpy as np

from counterpoise.adapters.portfolio.names import Names, label_key
from counterpoise.instruments.catalogue import Catalogue
from counterpoise.instruments.contracts import Instrument
from counterpoise.market.conditions import COLUMNS, FEEDS, Conditions, Feed, SviSmile
from counterpoise.values.assets import is_asset_code
from counterpoise.values.decimals import parse_float
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input

_BOUNDS: Final = {"funding_rate": (-1.0, 1.0), "confidence": (0.0, 1.0)}
_LARGEST: Final = 1e18
_BORROW_MAX: Final = 100.0


def stated_conditions(tree: dict[str, Any], quoted: dict[str, Instrument], catalogue: Catalogue,
                      names: Names) -> Conditions:
    """Return what an inline market states beside prices; violations join `names.failures`."""
    columns: dict[str, Any] = {}
    for name, instrument in quoted.items():
        quote = tree["instruments"][name]
        for key in COLUMNS.keys() & quote.keys():
            low, high = _BOUNDS.get(key, (0.0, _LARGEST))
            number = _between(quote[key], low, high, f"market.instruments.{name}.{key}", names)
            column = columns.setdefault(key, np.full(len(catalogue), np.nan))
            column[catalogue.column[instrument.id]] = number
    return Conditions(columns=dict(sorted(columns.items())), confidences=_confidences(tree, names),
                      borrow_rates=_borrow_rates(tree, names), smiles=_smiles(tree, names))


def _between(text: str, low: float, high: float, subject: str, names: Names) -> float:
    try:
        number = parse_float(text, subject=subject)
        if not low <= number <= high:
            raise bad_input(Reason.BAD_VALUE, subject, f"{number:g} must lie between {low:g} and "
                            f"{high:g}")
        return number
    except BadInput as wrong:
        names.failures.extend(wrong.failures)
        return float("nan")


def _confidences(tree: dict[str, Any], names: Names) -> dict[Feed, float]:
    found: dict[Feed, float] = {}
    for label, text in tree.get("confidence", {}).items():
        subject = f"market.confidence.{label}"
        try:
            feed = _feed(label, subject)
            if feed in found:
                raise bad_input(Reason.DUPLICATE, subject, "names a feed that stands there "
                                "already; keep one")
            found[feed] = _between(text, 0.0, 1.0, subject, names)
        except BadInput as wrong:
            names.failures.extend(wrong.failures)
    return found


def _feed(label: str, subject: str) -> Feed:
    kind, _, rest = label.partition(":")
    if kind not in FEEDS or (kind in ("index", "asset") and not is_asset_code(rest)):
        raise bad_input(Reason.BAD_VALUE, subject[:80], "is not a feed; write it like index:BTC, "
                        "asset:USDC, or forward:, volatility: or rate: and an expiry")
    return (kind, *((rest, 0) if kind in ("index", "asset") else label_key(rest, subject)))


def _borrow_rates(tree: dict[str, Any], names: Names) -> dict[str, float]:
    rates = {}
    for code, text in tree.get("borrow_rates", {}).items():
        subject = f"market.borrow_rates.{code}"
        if not is_asset_code(code):
            names.failures.append(Failure(
                reason=Reason.UNKNOWN_ASSET, subject=subject[:80], sentence=(
                    "is not an asset code; use capital letters and digits, like BTC")))
        rates[code] = _between(text, 0.0, _BORROW_MAX, subject, names)
    return rates


def _smiles(tree: dict[str, Any], names: Names) -> dict[tuple[str, int], SviSmile]:
    smiles: dict[tuple[str, int], SviSmile] = {}
    for label, given in tree.get("surfaces", {}).items():
        subject = f"market.surfaces.{label}"
        if not {"a", "b", "rho", "m", "sigma"} <= given.keys():
            continue  # The schema has said already what is missing.
        try:
            key = label_key(label, subject)
            if key[1] == 0 or key in smiles:
                raise bad_input(Reason.BAD_VALUE, subject, "must name one expiry, like "
                                "BTC-28JUN24, and each once")
            smiles[key] = _smile(given, subject)
        except BadInput as wrong:
            names.failures.extend(wrong.failures)
    return smiles


def _smile(given: dict[str, str], subject: str) -> SviSmile:
    numbers = {name: parse_float(text, subject=f"{subject}.{name}") for name, text in given.items()}
    try:
        return SviSmile(**numbers)
    except BadInput as wrong:
        raise BadInput(*(Failure(reason=f.reason, subject=subject, sentence=f.sentence)
                         for f in wrong.failures)) from None
