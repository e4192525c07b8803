"""A process that makes stores and dies on the way: at its n-th call of the system, for every n.

Each line of the input is a folder; a fork makes a store at FOLDER/n and is killed (SIGKILL) when it
asks the system for something for the n-th time, n = 1, 2, ... until one lives to the end. The
answer is how many died.
"""

import os
import signal
import sys

from counterpoise.adapters.store import sqlite


def die_at(count: int) -> None:
    """Kill this process when it opens, makes, renames or connects for the `count`-th time."""
    seen = [0]

    def heard(event: str, _: object) -> None:
        if event.startswith(("open", "os.", "sqlite3.")):
            seen[0] += 1
            if seen[0] == count:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heard)


def deaths(folder: str) -> int:
    """Return how many processes died before one of them made its store."""
    count = 0
    while True:
        count += 1
        child = os.fork()
        if not child:
            die_at(count)
            sqlite.create(os.path.join(folder, str(count)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return count - 1 if os.waitstatus_to_exitcode(status) == 0 else -1


if __name__ == "__main__":
    for line in sys.stdin:
        print(deaths(line.strip()), flush=True)
