"""How far may a change go on one day? Limits on what it does to the accounts as they are.

A change that many accounts could not meet is no risk control but an event of its own: it is taken
in smaller steps, or accepted by name. The numbers are each venue's own.
"""

from collections.abc import Iterable

from counterpoise.governance.impact import Group
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen


@frozen
class ImpactLimits:
    """What a change may do to the accounts of a segment, pool by pool, as fractions.

    below_initial, below_maintenance, bankrupt
        of the accounts: how many may come to stand there who stood better
    extra
        of the initial margin of all: how much more those may need together who need more

    Nobody who has a margin may be left without one.
    """

    below_initial: float
    below_maintenance: float
    bankrupt: float
    extra: float

    def __post_init__(self) -> None:
        """Refuse limits that are no fractions; `extra` may be above one."""
        wrong = [Failure(reason=Reason.BAD_VALUE, subject=name, sentence=(
            f"{value} is no limit; use a fraction from 0 to {most:g}"))
            for name, most in (("below_initial", 1.0), ("below_maintenance", 1.0),
                               ("bankrupt", 1.0), ("extra", 1e6))
            if not 0 <= (value := getattr(self, name)) <= most]
        if wrong:
            raise BadInput(*wrong)


def beyond(groups: Iterable[Group], limits: ImpactLimits | None) -> tuple[Failure, ...]:
    """Return everything about an impact that is beyond the limits; none is the good answer.

    Without limits that is only who would lose a margin: no limits allow it.
    """
    return tuple(Failure(reason=Reason.TOO_LARGE, subject=f"{group.segment}, {group.pool}"[:60],
                         sentence=sentence)
                 for group in groups for sentence in (
                     *(() if limits is None else _beyond(group, limits)), *_lost(group)))


def _beyond(group: Group, limits: ImpactLimits) -> list[str]:
    out = []
    for status, count in group.breaches.items():
        allowed = getattr(limits, status) * group.rows
        if count > allowed:
            out.append(f"{count} of {group.rows} accounts would come to stand "
                       f"{status.replace('_', ' ')}, at most {int(allowed)} may: take smaller "
                       "steps, or have the impact accepted")
    if group.extra_of_losers > limits.extra * group.before:
        out.append(f"{group.losers} accounts would need {group.extra_of_losers!r} more initial "
                   f"margin, at most {limits.extra * group.before!r} may be asked for at once: "
                   "take smaller steps, or have the impact accepted")
    return out


def _lost(group: Group) -> list[str]:
    return [f"{group.lost} accounts that have a margin would have none"] if group.lost else []
