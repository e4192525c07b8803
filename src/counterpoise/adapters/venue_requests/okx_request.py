"""What does a request of OKX's position builder ask for?"""

from typing import Any, Final

import numpy as np

from counterpoise.adapters.venue_requests.simulated import Wanted
from counterpoise.values.assets import Asset, asset, is_asset_code
from counterpoise.values.decimals import parse_decimal, to_smallest_unit
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen

Object = dict[str, Any]
LIST_MAX: Final = 200
_KEYS: Final = ("acctLv", "inclRealPosAndEq", "simPos", "simAsset", "greeksType", "idxVol",
                "lever")
_POSITION: Final = ("instId", "pos", "avgPx", "lever")
_ASSET: Final = ("ccy", "amt")
_GREEKS: Final = ("BS", "PA", "CASH")
_PORTFOLIO_MARGIN: Final = "4"


@frozen
class Asked:
    """A request that can be read.

    real               whether the account's own positions and assets stand beside
    positions          simulated positions, OKX's contracts
    assets, balances   simulated assets, used where `real` is false; integers [1, asset]
    greeks             BS, PA or CASH
    move               of every index, a fraction; None where none is asked for
    """

    real: bool
    positions: tuple[Wanted, ...]
    assets: tuple[Asset, ...]
    balances: np.ndarray[Any, np.dtype[np.int64]]
    greeks: str
    move: float | None


def read_request(request: Object) -> Asked:
    """Return what is asked for.

    Raises
    ------
    BadInput
        With everything that cannot be read.
    """
    wrong = [Failure(reason=Reason.UNKNOWN_KEY, subject=str(key)[:60], sentence=(
        "is not a parameter; use " + ", ".join(_KEYS))) for key in request if key not in _KEYS]
    if str(request.get("acctLv", _PORTFOLIO_MARGIN)) != _PORTFOLIO_MARGIN:
        wrong.append(_bad("acctLv", "is not 4, portfolio margin, which is all that is simulated "
                          "here"))
    real, greeks = request.get("inclRealPosAndEq", True), request.get("greeksType", "BS")
    if not isinstance(real, bool):
        wrong.append(_bad("inclRealPosAndEq", "is neither true nor false"))
    if greeks not in _GREEKS:
        wrong.append(_bad("greeksType", "is unknown; use " + ", ".join(_GREEKS)))
    positions = [Wanted(name=str(row["instId"]), size=_number(row, "pos", f"simPos[{k}]", wrong),
                        entry_price=_number(row, "avgPx", f"simPos[{k}]", wrong) or None,
                        unit="contracts")
                 for k, row in enumerate(_rows(request, "simPos", _POSITION, wrong))
                 if _named(row, "instId", f"simPos[{k}]", wrong)]
    amounts = _amounts(request, wrong)
    move = _move(request, wrong)
    if wrong:
        raise BadInput(*wrong)
    codes = sorted(amounts)
    return Asked(real=bool(real), positions=tuple(positions), greeks=str(greeks), move=move,
                 assets=tuple(asset(code) for code in codes),
                 balances=np.array([[amounts[code] for code in codes]], np.int64).reshape(
                     1, len(codes)))


def _amounts(request: Object, wrong: list[Failure]) -> dict[str, int]:
    """Return the simulated assets in their smallest units."""
    amounts: dict[str, int] = {}
    for k, row in enumerate(_rows(request, "simAsset", _ASSET, wrong)):
        where = f"simAsset[{k}]"
        text = _number(row, "amt", where, wrong)
        if not _named(row, "ccy", where, wrong) or not text:
            continue
        code = str(row["ccy"])
        if not is_asset_code(code) or code in amounts:
            wrong.append(_bad(f"{where}.ccy", "is no asset code, or stands twice"))
            continue
        try:
            amounts[code] = to_smallest_unit(parse_decimal(text, subject=f"{where}.amt"),
                                             decimals=asset(code).decimals, against="credit",
                                             subject=f"{where}.amt")
        except BadInput as refused:
            wrong += refused.failures
    return amounts


def _move(request: Object, wrong: list[Failure]) -> float | None:
    text = _number(request, "idxVol", "idxVol", wrong) if "idxVol" in request else ""
    if not text:
        return None
    if not -0.99 <= float(text) <= 1:
        wrong.append(_bad("idxVol", f"{text[:20]} must lie between -0.99 and 1"))
    return float(text) or None


def _rows(request: Object, key: str, known: tuple[str, ...], wrong: list[Failure]) -> list[Object]:
    rows = request.get(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        wrong.append(_bad(key, "is not a list of objects"))
        return []
    if len(rows) > LIST_MAX:
        wrong.append(Failure(reason=Reason.TOO_LARGE, subject=key, sentence=(
            f"has {len(rows)} entries; a request has at most {LIST_MAX}")))
        return []
    wrong += [Failure(reason=Reason.UNKNOWN_KEY, subject=f"{key}[{k}].{str(name)[:60]}", sentence=(
        "is not a field; use " + ", ".join(known)))
        for k, row in enumerate(rows) for name in row if name not in known]
    return rows


def _named(row: Object, key: str, where: str, wrong: list[Failure]) -> bool:
    good = isinstance(row.get(key), str) and bool(row[key])
    if not good:
        wrong.append(_bad(f"{where}.{key}", "is missing"))
    return good


def _number(row: Object, key: str, where: str, wrong: list[Failure]) -> str:
    """Return a number as its text, empty where there is none; one that is none is wrong."""
    given = row.get(key)
    if given is None or given == "":
        if key not in ("avgPx", "idxVol"):
            wrong.append(_bad(f"{where}.{key}", "is missing"))
        return ""
    try:
        return str(parse_decimal(given, subject=f"{where}.{key}"))
    except BadInput as refused:
        wrong += refused.failures
        return ""


def _bad(subject: str, sentence: str) -> Failure:
    return Failure(reason=Reason.BAD_VALUE, subject=subject, sentence=sentence)
