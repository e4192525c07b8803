"""The entry point of `counterpoise`: what was typed, to a command, to an exit code.

The everyday question, `counterpoise margin FILE... [--json]`, goes straight to its command, without
the parser of options, and leaves without taking the interpreter apart: both cost more time than the
margin itself (docs/decisions/0003-cold-start.md). There is one implementation of the command.
"""

import os
import sys

from counterpoise.apps.cli.output import ANSWERED, complain, confess
from counterpoise.values.failure import BadInput

INTERRUPTED = 130


def main() -> None:
    """Run the command of this process and leave it."""
    code = answered(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass
    os._exit(code)


def answered(typed: list[str]) -> int:
    """Run the command that was typed and return its exit code; usage errors raise SystemExit."""
    try:
        return _straight(typed)
    except BadInput as wrong:
        return complain(wrong, as_json="--json" in typed)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has had enough.
        return ANSWERED
    except Exception as error:
        if "--debug" in typed:
            raise
        return confess(error)


def _straight(typed: list[str]) -> int:
    words = [word for word in typed[1:] if word != "--json"]
    if typed[:1] == ["margin"] and words and all(w == "-" or w[:1] != "-" for w in words):
        from counterpoise.apps.cli.margin import margin
        from counterpoise.apps.cli.question import Question

        return margin(Question(files=tuple(words), as_json="--json" in typed))
    from counterpoise.apps.cli.commands import run

    return run(typed)


if __name__ == "__main__":
    main()
