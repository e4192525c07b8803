"""Which accounts have no number under `dynamic`, and what would give them one?"""

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import AssetAmounts
from counterpoise.instruments.contracts import Instrument
from counterpoise.margin.pools import Bools, PoolRows, failing_rows
from counterpoise.margin.requirement import Indices
from counterpoise.margin.terms.dynamic_parameters import NUMERAIRE, dynamics_in
from counterpoise.margin.terms.dynamic_sets import unmoved
from counterpoise.margin.terms.dynamic_tails import Pass
from counterpoise.margin.terms.verdicts import verdicts
from counterpoise.market.snapshot import usd_price
from counterpoise.scenarios.joint import missing_factors
from counterpoise.values.failure import Failure, Reason


def failures_of(book: Book, rows: PoolRows, owned: AssetAmounts, given: Pass,
                ) -> tuple[Indices, tuple[Failure, ...]]:
    """Return (index into the failures or -1, [row]; failures)."""
    still = unmoved(given.parameters, given.market, owned.assets)
    barred, why = verdicts(book.catalogue, lambda c: _barred(c, given, still))
    gaps = missing_factors(given.parameters.moves.base, given.market,
                           dynamics_in(given.parameters.general))
    failed = np.logical_or.reduce([barred, *(one.failed for one in given.arrays)])
    first, failures = failing_rows(book, rows, failed, given.market, why | gaps)
    failure = np.array(first)
    for lacking, reason in _owned_failures(owned, given, still):
        mine = lacking[rows.account] & (failure < 0)
        if mine.any():
            failure[mine], failures = len(failures), (*failures, reason)
    return failure, failures


def _barred(contract: Instrument, given: Pass, still: tuple[str, ...]) -> Failure | None:
    liquidity, paid = given.parameters.liquidity, contract.settlement
    if given.parameters.impact is not None and contract.underlying.lower() not in liquidity:
        reason, sentence = Reason.NO_PARAMETERS, (
            f"dynamic knows no volume and depth of {contract.underlying}; it knows those of "
            + ", ".join(sorted(liquidity)).upper() + "; add it, or set impact to null")
    elif paid != NUMERAIRE and not usd_price(given.market, paid) > 0:
        reason, sentence = Reason.MISSING_PRICE, (
            f"needs the USD price of {paid}; add it to market.assets")
    elif paid in still:
        return _no_factor(paid, contract.id)
    else:
        return None
    return Failure(reason=reason, subject=contract.id, sentence=sentence)


def _owned_failures(owned: AssetAmounts, given: Pass,
                    still: tuple[str, ...]) -> list[tuple[Bools, Failure]]:
    """Return who owns what has no price or does not move, and why that is no number."""
    found = []
    for k, code in enumerate(owned.assets):
        held = owned.amount[:, k] != 0
        if not owned.price[k] > 0:
            found.append((held, Failure(reason=Reason.MISSING_PRICE, subject=code, sentence=(
                "is held and has no price in USD; add it to market.assets"))))
        elif code in still:
            found.append((held, _no_factor(code, code)))
    return found


def _no_factor(asset: str, subject: str) -> Failure:
    return Failure(reason=Reason.NO_PARAMETERS, subject=subject, sentence=(
        f"the joint moves have no factor `{asset} price` or `{asset} peg`, so nobody can say how "
        f"{asset} moves with the rest; calibrate with it"))
