"""By which rules do parameters change? Approvals, notice, bounds, limits; and in an emergency.

The numbers are each venue's own. An *emergency* change is bounded, acts at once, ends by itself and
goes one way: only numbers that the charter names, only in the direction that asks for more margin.
An *amendment* proposes another charter.
"""

from fnmatch import fnmatchcase
from typing import Final

from counterpoise.governance.guardrails import ImpactLimits
from counterpoise.governance.leaves import Leaf
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

NAME_MAX: Final = 60
"""Characters of a proposal's id, and of the name of a person."""
_REASON_MAX: Final = 500


@frozen
class Bound:
    """Numbers whose names match `path` (with `*`) stay in [least, most].

    `change_max` is how far they may move in one step, as a fraction of what they were (of 1 where
    that is zero). `tighter` says which way asks for more margin: "up", "down", or "" where neither.
    """

    path: str
    least: float
    most: float
    change_max: float
    tighter: str = ""

    def __post_init__(self) -> None:
        """Refuse bounds that nothing keeps."""
        if self.tighter not in ("", "up", "down"):
            raise bad_input(Reason.BAD_VALUE, self.path, f"{self.tighter[:20]!r} is no direction; "
                            "up, down or none")
        if not (self.least <= self.most and self.change_max >= 0):
            raise bad_input(Reason.BAD_VALUE, self.path, f"{self.least} to {self.most} with steps "
                            f"of {self.change_max} is no bound")


@frozen
class EmergencyRules:
    """Who may tighten at once, for how long, which numbers, and how far its impact may go."""

    approvals: int
    lasts_max_ns: int
    bounds: tuple[Bound, ...]
    limits: ImpactLimits

    def __post_init__(self) -> None:
        """Refuse rules without an end, an approval or a direction."""
        wrong = [Failure(reason=Reason.BAD_VALUE, subject=f"emergency: {b.path}"[:60], sentence=(
            "does not say which way is tighter; say up or down")) for b in self.bounds
            if not b.tighter]
        if self.approvals < 1 or self.lasts_max_ns < 1:
            wrong.append(Failure(reason=Reason.BAD_VALUE, subject="emergency", sentence=(
                f"{self.approvals} approvals for {self.lasts_max_ns} ns; at least 1 and 1")))
        if wrong:
            raise BadInput(*wrong)


@frozen
class Charter:
    """The rules of change: approvals by others, notice before a version acts, bounds.

    limits               how far the impact of one step may go; None: as far as it does
    exceeding_approvals  approvals of a proposal that accepts more impact than that; 0: none may
    emergency            None: nothing is tightened at once
    """

    approvals: int
    notice_ns: int
    bounds: tuple[Bound, ...]
    limits: ImpactLimits | None = None
    exceeding_approvals: int = 0
    emergency: EmergencyRules | None = None

    def __post_init__(self) -> None:
        """Refuse a charter under which one person decides, or a change surprises."""
        if self.approvals < 1 or self.notice_ns < 0 or self.exceeding_approvals < 0:
            raise bad_input(Reason.BAD_VALUE, "charter", f"{self.approvals} approvals (exceeding "
                            f"ones: {self.exceeding_approvals}) and a notice of {self.notice_ns} "
                            "ns; at least 1, 0 and 0")


@frozen
class Amendment:
    """Another charter in place of the one in force, not before `effective_from` (ns)."""

    id: str
    charter: Charter
    proposed_by: str
    reason: str
    effective_from: int

    def __post_init__(self) -> None:
        """Refuse an amendment without name, author or reason."""
        wrong = misnamed(f"amendment {self.id[:40]!r}", {
            name: getattr(self, name) for name in ("id", "proposed_by", "reason")})
        if wrong:
            raise BadInput(*wrong)


def misnamed(subject: str, texts: dict[str, str]) -> list[Failure]:
    """Return what is wrong with texts, by what they say: absent, too long or not printable."""
    return [*(Failure(reason=Reason.BAD_VALUE, subject=subject,
                      sentence=f"does not say its {name}")
              for name, text in texts.items() if not text.strip()),
            *(Failure(reason=Reason.BAD_VALUE, subject=subject, sentence=(
                f"has a {name} of {len(text)} characters; at most {most}, printable"))
              for name, text in texts.items()
              if len(text) > (most := _REASON_MAX if name == "reason" else NAME_MAX)
              or not text.isprintable())]


def beyond_bound(name: str, leaf: Leaf, before: Leaf, bound: Bound) -> list[str]:
    """Return what of a number, and of its move in one step, a bound does not allow."""
    if isinstance(leaf, bool) or not isinstance(leaf, (int, float)):
        return [f"{name} is {leaf!r}, no number that a bound could hold"]
    out = []
    if not bound.least <= leaf <= bound.most:
        out.append(f"{name} is {leaf}; the charter keeps it from {bound.least} to {bound.most}")
    if isinstance(before, (int, float)) and not isinstance(before, bool):
        allowed = bound.change_max * (abs(before) or 1.0)
        # A part in a billion of room, since steps of a ramp are rounded.
        if not abs(leaf - before) <= allowed * (1 + 1e-9):
            out.append(f"{name} moves from {before} to {leaf} in one step; the charter lets it "
                       f"move by {bound.change_max:.0%}: take more steps")
    return out


def untight(rules: EmergencyRules | None, lasts_ns: int, before: dict[str, Leaf],
            after: dict[str, Leaf]) -> list[str]:
    """Return what makes a change no emergency tightening; leaves by name, before and after."""
    if rules is None:
        return ["is an emergency change, and the charter knows none; propose it with notice"]
    if not before:
        return ["is the first of its segment; there is nothing to tighten"]
    out = [] if lasts_ns <= rules.lasts_max_ns else [
        f"would last {lasts_ns} ns; an emergency ends after {rules.lasts_max_ns} at most"]
    changed = [n for n in sorted({*before, *after}) if before.get(n) != after.get(n)]
    out += [] if changed else ["changes nothing"]
    for name in changed:
        bound = next((b for b in rules.bounds if fnmatchcase(name, b.path)), None)
        if bound is None:
            out.append(f"{name} is no number that an emergency may change")
        else:
            out += _untight(name, before.get(name), after.get(name), bound)
    return out


def _untight(name: str, old: Leaf, new: Leaf, bound: Bound) -> list[str]:
    known = isinstance(old, (int, float)) and isinstance(new, (int, float))
    if not known or isinstance(old, bool) or isinstance(new, bool):
        return [f"{name} goes from {old!r} to {new!r}; an emergency moves numbers"]
    assert isinstance(old, (int, float)) and isinstance(new, (int, float))
    if (new > old) != (bound.tighter == "up"):
        return [f"{name} from {old} to {new} loosens: tighter is {bound.tighter}, and an "
                "emergency only tightens"]
    return beyond_bound(name, new, old, bound)
