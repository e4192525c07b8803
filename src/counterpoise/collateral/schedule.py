"""How much of each asset counts as collateral: tiers, weights and caps as data.

A positive amount is worth, in the numeraire, price x sum over its tiers of (part inside) x weight;
a negative one counts whole: a debt is never haircut. A haircut of 5 % is a weight of 0.95.
"""

from typing import Final

import numpy as np

from counterpoise.collateral.tiers import marginal
from counterpoise.market.snapshot import Floats
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen

IN_ASSET: Final = "asset"
IN_NUMERAIRE: Final = "numeraire"


@frozen
class AssetTerms:
    """How positive amounts of one asset count.

    up_to       upper ends of the tiers, increasing; may leave the last tier without an end, which
                is then infinite
    weight      fraction of the value that counts, by tier
    tiers_in    whether `up_to` and `cap` are amounts of the asset or of the numeraire
    cap         what is held beyond it does not count
    value_cap   in the numeraire: the most that all of it may count
    """

    up_to: tuple[float, ...]
    weight: tuple[float, ...]
    tiers_in: str = IN_ASSET
    cap: float = float("inf")
    value_cap: float = float("inf")

    def __post_init__(self) -> None:
        """Refuse tiers that do not increase and weights that have no meaning."""
        if len(self.up_to) == len(self.weight) - 1:
            object.__setattr__(self, "up_to", (*self.up_to, float("inf")))
        wrong = [Failure(reason=Reason.BAD_VALUE, subject=name, sentence=sentence)
                 for name, sentence in _violations(self)]
        if wrong:
            raise BadInput(*wrong)


@frozen
class CollateralSchedule:
    """Which assets count, and how much of them, in an account valued in `numeraire`.

    `assets` {code: terms}. Any other asset counts by the terms `other`, nothing where None; the
    numeraire itself counts whole unless it is listed.
    """

    numeraire: str
    assets: dict[str, AssetTerms]
    other: AssetTerms | None

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (asset, sentence) for what can be computed but makes no economic sense."""
        return tuple((code, f"odd parameter: {sentence} of {code}")
                     for code, terms in sorted(self.assets.items()) for sentence in _odd(terms))


def listed_schedule(terms: dict[str, AssetTerms], numeraire: str) -> CollateralSchedule:
    """Return the schedule of assets by code in any case; an asset not listed counts nothing."""
    return CollateralSchedule(numeraire=numeraire, other=None, assets={
        code.upper(): own for code, own in terms.items()})


def schedule_digest(schedule: CollateralSchedule) -> str:
    """Return the SHA-256 of a schedule, names and values."""
    from counterpoise.values.digest import sha256_of, text_of  # no margin number needs it

    return sha256_of(text_of(schedule))


def terms_of(schedule: CollateralSchedule, asset: str) -> AssetTerms:
    """Return the terms by which an asset counts."""
    if asset in schedule.assets:
        return schedule.assets[asset]
    return WHOLE if asset == schedule.numeraire else schedule.other or NOTHING


def collateral_value(terms: AssetTerms, amount: Floats, price: float) -> Floats:
    """Return what amounts of one asset count, in the numeraire; amounts below zero count whole.

    `amount` in the asset's own units, any shape, positive = owned; `price` numeraire per unit. A
    price or amount that is NaN gives NaN.
    """
    scale, worth = (price, 1.0) if terms.tiers_in == IN_NUMERAIRE else (1.0, price)
    owned = np.minimum(np.maximum(amount, 0.0) * scale, terms.cap)
    weighed = np.minimum(marginal(owned, terms.up_to, terms.weight) * worth, terms.value_cap)
    return np.asarray(weighed + np.minimum(amount, 0.0) * price)


def _violations(terms: AssetTerms) -> list[tuple[str, str]]:
    ends, weights = terms.up_to, terms.weight
    wrong = []
    if not weights or len(ends) != len(weights):
        wrong.append(("weight", f"{len(weights)} weights for {len(ends)} tiers; give one for each "
                      "tier"))
    if not all(a < b for a, b in zip((0.0, *ends), ends, strict=False)):
        wrong.append(("up_to", f"{list(ends)[:9]} must increase from above 0"))
    if not all(0 <= w <= 10 for w in weights):
        wrong.append(("weight", f"{list(weights)[:9]} must lie between 0 and 10"))
    if terms.tiers_in not in (IN_ASSET, IN_NUMERAIRE):
        wrong.append(("tiers_in", f"{terms.tiers_in[:40]!r} is unknown; use {IN_ASSET} or "
                      f"{IN_NUMERAIRE}"))
    wrong += [(name, f"{getattr(terms, name)} must not be negative")
              for name in ("cap", "value_cap") if not getattr(terms, name) >= 0]
    return wrong


def _odd(terms: AssetTerms) -> list[str]:
    weights = terms.weight
    odd = [f"weight {w:g} above 1" for w in weights if w > 1]
    return odd + [f"weight {b:g} of a larger amount above {a:g}"
                  for a, b in zip(weights, weights[1:], strict=False) if b > a]


WHOLE: Final = AssetTerms(up_to=(), weight=(1.0,))
NOTHING: Final = AssetTerms(up_to=(), weight=(0.0,))
