"""Does one contract have one set of terms, whoever names it?

The canonical id does not say lot or settlement window. Two names of one id with other terms would
make lots of one size be read as lots of another, wrong by powers of ten; hence they are refused.
"""

from collections.abc import Iterable

from counterpoise.instruments.catalogue import Catalogue
from counterpoise.instruments.contracts import Instrument
from counterpoise.values.failure import Failure, Reason


def contradictions(named: Iterable[tuple[str, Instrument]],
                   listed: Catalogue | None = None) -> list[Failure]:
    """Return a failure for each name whose terms differ from those of an earlier name of its id.

    With `listed` (a market's catalogue) its own terms come first.
    """
    first = {} if listed is None else {c.id: ("the market", c) for c in listed.instruments}
    failures = []
    for name, instrument in named:
        other, known = first.setdefault(instrument.id, (name, instrument))
        if known is not instrument and known != instrument:
            failures.append(Failure(reason=Reason.DUPLICATE, subject=name[:80], sentence=(
                f"means {instrument.id} with {_difference(instrument, known)}, but "
                f"{other[:80]} with {_difference(known, instrument)}; one contract has one set of "
                "terms, so correct or take out one of the two")))
    return failures


def _difference(one: Instrument, other: Instrument) -> str:
    names = ("lot_exponent", "settlement_window_ns", "multiplier", "strike", "expiry")
    terms = [(name, getattr(one, name, None)) for name in names
             if getattr(one, name, None) != getattr(other, name, None)]
    return " and ".join(f"{name} {term!r}" for name, term in terms) or f"other terms ({one!r:.80})"
