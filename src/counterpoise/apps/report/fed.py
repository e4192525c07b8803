"""What came of a feed? Effects as objects while it goes on; then counts, and who was refused."""

from collections.abc import Iterator, Sequence
from typing import Any

from counterpoise.adapters.event_document import event_document
from counterpoise.apps.engine_writer import Durable
from counterpoise.apps.feed import Fed, Refusal
from counterpoise.apps.report.table import table
from counterpoise.values.failure import Failure


def effect_documents(durable: Durable) -> Iterator[dict[str, Any]]:
    """Yield the effects of a durable batch with their records and those of their events."""
    first = durable.first + len(durable.events)
    for k, effect in enumerate(durable.told):
        yield {"record": first + k, "cause": durable.first + effect.position - durable.position,
               **event_document(effect)}


def fed_document(fed: Fed) -> dict[str, Any]:
    """Return what came of a feed for `--json`."""
    return {"ended": "input", **{name: getattr(fed, name) for name in (
        "lines", "events", "refused", "repeated", "record", "root")}}


def fed_text(fed: Fed, refused: Sequence[Refusal], place: str) -> list[str]:
    """Return what came of a feed as text; `refused` are those that are shown."""
    rows = [(str(one.line or ""), one.client_id[:24], failure.reason.value, _because(one, failure))
            for one in refused for failure in one.failures]
    more = fed.refused - len(refused)
    return [f"{fed.lines:,} lines: {fed.events:,} events recorded, {fed.refused:,} of them "
            f"refused; {fed.repeated:,} were in the log already",
            *(table(("line", "id", "refused for", "because"), rows, left=(1, 2, 3))
              if rows else []),
            *([f"and {more:,} more; --json has every one"] if more > 0 else []),
            f"root {fed.root} after record {fed.record}",
            f"all of it is durable in {place}; the same may be fed again"]


def _because(one: Refusal, failure: Failure) -> str:
    if failure.subject in one.client_id:
        return failure.sentence
    return f"{failure.subject[:60]} {failure.sentence}"
