"""The entry point of `counterpoise`: what was typed, to a command, to an exit code.

The everyday question, `counterpoise margin FILE... [--json]`, goes straight to its command without
the parser of options, which costs more time than the margin itself
(docs/decisions/0003-cold-start.md). There is one implementation of the command.
"""

import sys
from typing import NoReturn

from counterpoise.apps.cli.output import complain, confess
from counterpoise.values.failure import BadInput


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run one command and exit with its code."""
    typed = sys.argv[1:] if arguments is None else arguments
    try:
        code = _straight(typed)
    except BadInput as wrong:
        code = complain(wrong, as_json="--json" in typed)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        code = _reader_left()
    except Exception as error:
        if "--debug" in typed:
            raise
        code = confess(error)
    sys.exit(code)


def _straight(typed: list[str]) -> int:
    words = [word for word in typed[1:] if word != "--json"]
    if typed[:1] == ["margin"] and words and all(w == "-" or w[:1] != "-" for w in words):
        from counterpoise.apps.cli.margin import margin
        from counterpoise.apps.cli.question import Question

        return margin(Question(files=tuple(words), as_json="--json" in typed))
    from counterpoise.apps.cli.commands import run

    return run(typed)


def _reader_left() -> int:
    """Close standard output quietly when its reader, such as `head`, has had enough."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    main()
