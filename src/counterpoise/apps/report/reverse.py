"""How does a reverse stress read? Distance in deviations, and the move in plain numbers."""

from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.apps.report.document import number
from counterpoise.apps.report.table import amount, table
from counterpoise.apps.reverse import LEVELS, WAYS_MAX, Limits, Reverse
from counterpoise.margin.breaking_rays import ANGLES, BALL, DIRECTIONS, LENGTH_MAX, RADII
from counterpoise.margin.reverse_stress import WHOLE, BreakingMove, ReverseStress
from counterpoise.scenarios.factors import Factor, factor_name

Object = dict[str, Any]
HEADER: Final = ("the smallest move that breaks", "limit", "deviations", "shortest", "move",
                 "found by")
CERTIFIED: Final = "certified to the grid"
NOT_CERTIFIED: Final = "not certified"
_LOGS: Final = ("price", "peg", "vol")
_SHOWN: Final = 1e-3
_WORDS: Final = dict(zip(LEVELS, ("initial margin", "maintenance margin", "nothing left"),
                         strict=True))


def reverse_rows(reverse: Reverse) -> list[tuple[str, ...]]:
    """Return the rows of the table under `HEADER`: each limit, its shortest moves first."""
    out: list[tuple[str, ...]] = []
    for one in reverse.limits:
        limit = _WORDS[one.level]
        if one.found is None:
            out.append((one.account, limit, "?", "", one.refused, ""))
        elif one.found.excess_now <= 0:
            out.append((one.account, limit, "0", "", "broken today: short by "
                        f"{amount(-one.found.excess_now, 'USD')} USD", ""))
        elif not one.found.moves:
            out.append((one.account, limit, f"> {LENGTH_MAX:g}", NOT_CERTIFIED,
                        "no ray that was walked breaks it", ""))
        else:
            out += [(one.account, limit, f"{move.length:.2f}", _shortest(one.found, place),
                     in_words(move), move.way)
                    for place, move in enumerate(one.found.moves[:WAYS_MAX])]
    return out


def _shortest(found: ReverseStress, place: int) -> str:
    """Return whether the first of the moves is certified to be the shortest; "" for other ways."""
    if place:
        return ""
    return CERTIFIED if found.whole_space else NOT_CERTIFIED


def in_words(move: BreakingMove) -> str:
    """Return a move as text, largest first: `BTC price -31.2 %, BTC vol +40.1 %`."""
    parts = [f"{factor_name(f)} {_size(f, float(x))}" for f, x in zip(
        move.factors, move.move, strict=True) if abs(x) >= _SHOWN]
    return ", ".join(parts)


def _size(factor: Factor, x: float) -> str:
    if factor.kind in _LOGS:
        return f"{100 * (float(_core.exp(np.array([x]))[0]) - 1.0):+.1f} %"
    return f"{x:+.3f}"


def reverse_notes(reverse: Reverse) -> list[str]:
    """Return what to know about these distances."""
    known = [one.found for one in reverse.limits if one.found is not None]
    return [
        f"standard deviations of {reverse.scenarios} joint moves over {reverse.horizon_days:g} "
        f"days: {reverse.source}",
        *(["SIMULATED joint moves: give calibrated ones with --parameters FILE"]
          if reverse.simulated else []),
        "each move breaks the account, and no point that was tested below its length breaks it "
        f"sooner: the rays that were walked, a disc of {ANGLES} x {len(RADII)} points and, with "
        f"more than {WHOLE} factors, {2 * DIRECTIONS} directions at {len(BALL)} lengths "
        f"({sum(one.tested for one in known):,} margins)",
        f"{CERTIFIED}: at most {WHOLE} factors matter, so that the disc reaches all directions; "
        f"{NOT_CERTIFIED}: a shorter move may lie between the points, the deviations are an upper "
        f"bound, and nothing beyond {LENGTH_MAX:g} is looked for"]


def reverse_text(reverse: Reverse, *, bold: bool = False) -> list[str]:
    """Return a reverse stress as text."""
    return ["", *table(HEADER, reverse_rows(reverse), bold=bold, left=(0, 1, 3, 4, 5)),
            *(f"* {note}" for note in reverse_notes(reverse))]


def reverse_document(reverse: Reverse) -> Object:
    """Return a reverse stress as one JSON object; moves in the units of each factor's kind."""
    return {"joint_moves": reverse.source, "simulated": reverse.simulated,
            "scenarios": reverse.scenarios, "horizon_days": reverse.horizon_days,
            "limits": [_limit(one) for one in reverse.limits], "notes": reverse_notes(reverse)}


def _limit(one: Limits) -> Object:
    found = one.found
    if found is None:
        return {"account": one.account, "limit": one.level, "refused": one.refused}
    return {
        "account": one.account, "limit": one.level, "excess_now_usd": number(found.excess_now),
        "factors": list(found.factors), "markets_tested": found.tested,
        "whole_space_walked": found.whole_space,
        "certified_shortest": found.excess_now <= 0 or found.whole_space,
        "lower_bound_if_convex": number(found.first_order),
        "moves": [{"deviations": number(move.length), "found_by": move.way,
                   "excess_usd": number(move.excess),
                   "move": {factor_name(f): number(float(x)) for f, x in zip(
                       move.factors, move.move, strict=True)}} for move in found.moves]}
