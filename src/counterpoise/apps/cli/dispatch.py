"""Which command was typed, and with which exit code does it end?

The everyday question, `counterpoise margin FILE... [--json]`, goes straight to its command, without
the parser of options, which costs more time than the margin itself. There is one implementation of
the command.
"""

from typing import Final

from counterpoise.apps.cli.output import ANSWERED, complain, confess
from counterpoise.values.failure import BadInput

INTERRUPTED: Final = 130


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
