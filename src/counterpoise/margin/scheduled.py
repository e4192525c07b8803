"""What does a model say when a segment has terms of its own? All else as it was."""

from typing import Any, cast

from counterpoise.collateral.borrowing import NO_BORROWING, Borrowing
from counterpoise.collateral.counting import CountingTerms
from counterpoise.collateral.limits import Counts, ExposureLimits
from counterpoise.collateral.schedule import CollateralSchedule, schedule_digest
from counterpoise.margin.model import CrossEquity, EquityRule, MarginModel
from counterpoise.values.frozen import frozen, replaced


@frozen
class OwnTerms:
    """What stands beside parameters: a schedule (the model's where None), debts, prices, limits.

    `counts` are limits of exposure against what is held now, None where all counts.
    """

    schedule: CollateralSchedule | None = None
    borrowing: Borrowing = NO_BORROWING
    counting: dict[str, CountingTerms] = {}
    counts: Counts | None = None


MODELS_OWN = OwnTerms()


class SegmentModel:
    """A model whose collateral counts, and whose debts are margined, by a segment's own terms."""

    def __init__(self, model: MarginModel, terms: OwnTerms) -> None:
        self._model, self._terms = model, terms

    def equity(self, parameters: Any) -> EquityRule | CrossEquity:
        """Return the model's rule with the terms in it."""
        rule, own = self._model.equity(parameters), self._terms
        assert isinstance(rule, CrossEquity)
        return replaced(rule, schedule=own.schedule or rule.schedule,
                        borrowing=own.borrowing.assets, counting=own.counting,
                        counts=own.counts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def with_terms(model: MarginModel, terms: OwnTerms) -> MarginModel:
    """Return the model with a segment's terms in place of its own, itself where there are none."""
    return model if terms == MODELS_OWN else cast(MarginModel, SegmentModel(model, terms))


def own_digests(terms: OwnTerms) -> tuple[str, ...]:
    """Return the digests of what stands beside the parameters, none where nothing does."""
    out = () if terms.schedule is None else (schedule_digest(terms.schedule),)
    out = out if terms.borrowing == NO_BORROWING else (*out, digest_of_terms(terms.borrowing))
    out = (*out, digest_of_terms(terms.counting)) if terms.counting else out
    return out if terms.counts is None else (*out, digest_of_terms(terms.counts))


def digest_of_terms(terms: CollateralSchedule | Borrowing | Counts | ExposureLimits
                    | dict[str, CountingTerms]) -> str:
    """Return the SHA-256 of terms, names and values."""
    from counterpoise.values.digest import sha256_of, text_of  # no margin number needs it

    return sha256_of(text_of(terms))
