"""How does an engine come up again after an outage of any length? By restarts, none too long.

A restart moves the engine's time by at most `RESTART_JUMP_MAX_NS`, so that a clock gone wrong does
not end every contract. After a longer outage several follow one another, and whoever says them says
first how long an outage can have been.
"""

from counterpoise.engine.events import EngineRestarted
from counterpoise.engine.state import RESTART_JUMP_MAX_NS
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.time import DAY_NS, format_instant


def restarts(client_id: str, *, since: int, until: int, engine: str,
             outage_max_ns: int = RESTART_JUMP_MAX_NS) -> tuple[EngineRestarted, ...]:
    """Return the restarts that bring an engine from its time `since` to `until` (ns since 1970).

    One, under `client_id`, where that is within a single restart; else as many as it takes, under
    `client_id` and -1, -2, ... `engine` is the version that begins again.

    Raises
    ------
    BadInput
        If `until` is before `since`, or further from it than `outage_max_ns`.
    """
    outage = until - since
    if outage < 0:
        raise bad_input(Reason.BAD_TIME, client_id, f"would restart the engine at "
                        f"{format_instant(until)}; its time is {format_instant(since)} and never "
                        "goes back: check the clock")
    if outage > outage_max_ns:
        raise bad_input(Reason.BAD_TIME, client_id, f"would end an outage of "
                        f"{outage / DAY_NS:.1f} days, from {format_instant(since)} to "
                        f"{format_instant(until)}; at most {outage_max_ns / DAY_NS:.1f} are "
                        "expected: check the clock, or expect more")
    times = [*range(since + RESTART_JUMP_MAX_NS, until, RESTART_JUMP_MAX_NS), until]
    return tuple(EngineRestarted(client_id=client_id if len(times) == 1 else f"{client_id}-{k}",
                                 time=time, engine=engine) for k, time in enumerate(times, 1))
