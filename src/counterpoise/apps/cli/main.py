"""The entry point of `counterpoise`: a process that answers one question, and leaves.

What it does not do saves more time than the margin takes (docs/decisions/0003-cold-start.md): it
starts no threads of a BLAS library, which nothing here uses, and it leaves without taking the
interpreter apart, once everything is written.
"""

import os
import sys


def main() -> None:
    """Run the command of this process and leave it."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from counterpoise.apps.cli.dispatch import answered

    code = answered(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass
    os._exit(code)


if __name__ == "__main__":
    main()
