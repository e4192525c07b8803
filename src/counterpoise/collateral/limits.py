"""How much may an account lean on one asset, or on one counterparty, and how large may it be?

A schedule says what an asset counts; limits say how much of it counts in one segment of accounts,

    what counts of an amount > 0 = amount x share,    share = 0 where it is not eligible, else
                                   min(1, platform cap / what all accounts hold of it)
    taken off = max(0, sum of what a counterparty's assets count - min(share_max x V, value_max))

with V what all assets of the account count before that. A debt is never reduced, and more
collateral never counts less.
"""

from collections.abc import Collection
from typing import Final

from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen

INFINITE: Final = float("inf")


@frozen
class Counterparty:
    """Who stands behind `assets`: their issuer, a custodian, a venue.

    share_max   of all that an account's collateral counts, the most that these may
    value_max   in the numeraire: the most that these may count in an account, and the most of
                them, at the market, that may be brought to one party by transfers
    """

    assets: tuple[str, ...]
    share_max: float = 1.0
    value_max: float = INFINITE

    def __post_init__(self) -> None:
        """Refuse limits that have no meaning."""
        wrong = [(name, words) for name, good, words in (
            ("assets", len(self.assets) == len({*self.assets}) > 0, "needs assets, each once"),
            ("share_max", 0 <= self.share_max <= 1, f"is {self.share_max}; use 0 to 1"),
            ("value_max", self.value_max >= 0, f"is {self.value_max}; use 0 or more")) if not good]
        _raise(wrong)


@frozen
class ExposureLimits:
    """What the accounts of a segment may lean on, and how large they may be.

    eligible         assets that may be brought in and count; None for all of the schedule
    platform         {asset: what counts in full only while all accounts hold no more, own units}
    counterparties   {name: who stands behind which assets}; an asset has one at most
    gross_max        USD: the gross notional of one party, orders on their worse side
    """

    eligible: tuple[str, ...] | None = None
    platform: dict[str, float] = {}
    counterparties: dict[str, Counterparty] = {}
    gross_max: float = INFINITE

    def __post_init__(self) -> None:
        """Refuse limits that have no meaning."""
        named = [code for one in self.counterparties.values() for code in one.assets]
        twice = sorted({code for code in named if named.count(code) > 1})
        wrong = [(code, "has two counterparties; one stands behind it") for code in twice]
        wrong += [(code, f"has a cap of {cap} on the platform; use 0 or more, finite")
                  for code, cap in self.platform.items() if not 0 <= cap < INFINITE]
        if not self.gross_max >= 0:
            wrong.append(("gross_max", f"is {self.gross_max}; use 0 or more"))
        _raise(wrong)


@frozen
class Counts:
    """Limits against what is held: `share` {asset: part of an amount > 0 that counts}, else 1."""

    share: dict[str, float]
    counterparties: dict[str, Counterparty]


def assets_named(limits: ExposureLimits) -> tuple[str, ...]:
    """Return every asset that limits name, sorted."""
    return tuple(sorted({*(limits.eligible or ()), *limits.platform,
                         *(c for one in limits.counterparties.values() for c in one.assets)}))


def counts_of(limits: ExposureLimits, codes: Collection[str], held: dict[str, float]) -> Counts:
    """Return what counts of the assets `codes` while all accounts hold `held` (own units)."""
    share = {code: min(1.0, cap / held[code]) for code, cap in limits.platform.items()
             if held.get(code, 0.0) > cap}
    if limits.eligible is not None:
        share |= dict.fromkeys(sorted({*codes} - {*limits.eligible}), 0.0)
    return Counts(share=share, counterparties=limits.counterparties)


def _raise(wrong: list[tuple[str, str]]) -> None:
    if wrong:
        raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=subject[:60], sentence=words)
                         for subject, words in wrong))
