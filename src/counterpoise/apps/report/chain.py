"""What is in a market snapshot? By expiry: forward, at-the-money volatility, counts, quality.

The at-the-money volatility of an expiry is that of the strike nearest to its forward.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from counterpoise.apps.report.document import number
from counterpoise.apps.report.source import source_line
from counterpoise.apps.report.table import heading, percent, significant, table
from counterpoise.instruments.catalogue import FUTURE, OPTION, PERPETUAL, SPOT
from counterpoise.market.snapshot import MarketSnapshot, Quality, snapshot_digest
from counterpoise.values.time import YEAR_NS, format_instant

_KINDS = {"option": OPTION, "future": FUTURE, "perpetual": PERPETUAL, "spot": SPOT}
Object = dict[str, Any]


def chain_document(market: MarketSnapshot, stamps: Sequence[int]) -> Object:
    """Return the snapshot in numbers; `stamps` are the instants of all snapshots in its file."""
    return {"as_of": format_instant(market.as_of), "source": market.source,
            "simulated": market.simulated, "digest": snapshot_digest(market),
            "stamps": [format_instant(s) for s in stamps],
            "underlyings": [_underlying(market, k) for k in range(len(market.index))]}


def chain_text(market: MarketSnapshot, stamps: Sequence[int], *, bold: bool = False) -> list[str]:
    """Return the snapshot as tables."""
    document = chain_document(market, stamps)
    lines = [heading(source_line(market), bold=bold), f"as of {document['as_of']}"]
    if len(stamps) > 1:
        lines.append(f"one of {len(stamps)} snapshots from {document['stamps'][0]} to "
                     f"{document['stamps'][-1]}; choose with --at")
    for underlying in document["underlyings"]:
        lines += ["", *_underlying_text(underlying, bold=bold)]
    return lines


def _underlying_text(underlying: Object, *, bold: bool) -> list[str]:
    counts = ", ".join(f"{n} {kind}s" for kind, n in underlying["counts"].items() if n)
    index = underlying["index"]
    head = heading(f"{underlying['underlying']}, index "
                   f"{'?' if index is None else significant(index, 7)}: {counts}", bold=bold)
    rows = [(e["expiry"], e["settlement"], f"{e['days']:.1f}", _shown(e["forward"]),
             _as_percent(e["basis"], 2), _as_percent(e["atm_volatility"], 1), str(e["options"]),
             str(e["good"]), f"{_shown(e['strikes'][0])} to {_shown(e['strikes'][1])}")
            for e in underlying["expiries"]]
    lines = [head, *table(("expiry", "in", "days", "forward", "basis", "ATM vol", "options", "good",
                           "strikes"), rows, left=(0, 1))] if rows else [head]
    lines += [f"{q['instrument']}: mark {_shown(q['mark'])}" for q in underlying["perpetuals"]]
    return lines + [f"{n} with {what.replace('_', ' ')}" for what, n in
                    underlying["quality"].items()]


def _underlying(market: MarketSnapshot, k: int) -> Object:
    terms = market.catalogue
    mine = terms.underlying == k
    option = mine & (terms.kind == OPTION)
    lines = sorted({(int(e), int(s)) for e, s in zip(
        terms.expiry[option], terms.settlement[option], strict=True)})
    return {
        "underlying": terms.underlyings[k], "index": number(float(market.index[k])),
        "counts": {name: int((mine & (terms.kind == kind)).sum())
                   for name, kind in _KINDS.items()},
        "quality": {str(flag.name).lower(): int(((market.quality[mine] & flag) != 0).sum())
                    for flag in Quality if flag and ((market.quality[mine] & flag) != 0).any()},
        "perpetuals": [{"instrument": terms.instruments[c].id,
                        "mark": number(float(market.mark[c]))}
                       for c in np.flatnonzero(mine & (terms.kind == PERPETUAL)).tolist()],
        "expiries": [_expiry(market, np.flatnonzero(
            option & (terms.expiry == e) & (terms.settlement == s)), k) for e, s in lines]}


def _expiry(market: MarketSnapshot, at: np.ndarray[Any, np.dtype[np.intp]], k: int) -> Object:
    terms = market.catalogue
    total = market.forward[at] + market.forward_fixed[at]
    known = total[np.isfinite(total)]
    forward = float(known[0]) if len(known) else float("nan")
    strikes, expiry = terms.strike[at], int(terms.expiry[at[0]])
    quoted = at[np.isfinite(market.volatility[at])]
    near = (quoted[np.argmin(np.abs(terms.strike[quoted] - forward))]
            if len(quoted) and forward == forward else None)
    return {"expiry": format_instant(expiry), "settlement": terms.settlements[
                terms.settlement[at[0]]],
            "days": (expiry - market.as_of) / YEAR_NS * 365, "forward": number(forward),
            "basis": number(forward / float(market.index[k]) - 1),
            "atm_volatility": None if near is None else number(float(market.volatility[near])),
            "options": len(at), "good": int((market.quality[at] == 0).sum()),
            "strikes": [float(strikes.min()), float(strikes.max())]}


def _shown(value: float | None) -> str:
    return "?" if value is None else significant(value, 7)


def _as_percent(value: float | None, decimals: int) -> str:
    return "?" if value is None else percent(value, decimals)
