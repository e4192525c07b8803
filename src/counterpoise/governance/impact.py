"""What would other parameters do? Every account under both, before anybody approves them.

Both sides are `compute_margin` on the same book and market, so the report is the margin that the
change would make, not an estimate of it. Amounts are in the row's pool currency.
"""

from typing import Any

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.margin.compute import STATUS, AccountMargin, compute_margin
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion, version_digest
from counterpoise.margin.scheduled import MODELS_OWN, OwnTerms, own_digests, with_terms
from counterpoise.market.snapshot import MarketSnapshot, snapshot_digest
from counterpoise.values.digest import sha256_of
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Codes = np.ndarray[Any, np.dtype[np.uint8]]
_UNKNOWN = STATUS.index("unknown")


@frozen
class Group:
    """What a change does to the accounts of one segment in one pool.

    `extra` is how much more initial margin all need together (negative: less), `extra_of_losers`
    what those need more who need more; `breaches` {status: how many come to stand there who stood
    better}; `rows` counts accounts, `unknown` those without a margin or a status on
    either side: what margin of theirs is known on both is in the sums; `lost` are those of them
    who have the one or the other before and not after. `eased` come to need less or to own more.
    """

    segment: str
    pool: str
    rows: int
    before: float
    extra: float
    extra_of_losers: float
    losers: int
    breaches: dict[str, int]
    unknown: int
    lost: int
    eased: int


@frozen
class Impact:
    """A row per account and pool under both versions, and groups by segment and pool.

    `account` and `pool` name the row as in `Requirements`, `pool` indexing `pools`; `balance_*` is
    what the requirement is compared with; `status_*` index `STATUS`.
    `digest` vouches for the book's margins, market and versions: what approvals refer to.
    """

    account: np.ndarray[Any, np.dtype[np.int64]]
    pool: np.ndarray[Any, np.dtype[np.int32]]
    pools: tuple[str, ...]
    initial_before: Floats
    initial_after: Floats
    maintenance_before: Floats
    maintenance_after: Floats
    balance_before: Floats
    balance_after: Floats
    status_before: Codes
    status_after: Codes
    groups: tuple[Group, ...]
    digest: str


@frozen
class Change:
    """The same model with other parameters, other terms beside them, or both.

    `terms` are what a segment has beside its parameters before and after.
    """

    model: MarginModel
    before: ParameterVersion
    after: ParameterVersion
    terms: tuple[OwnTerms, OwnTerms] = (MODELS_OWN, MODELS_OWN)


def impact_of(change: Change, book: Book, market: MarketSnapshot, *,
              segments: tuple[str, ...] = ("all",),
              segment_of: np.ndarray[Any, np.dtype[np.int64]] | None = None,
              threads: int = 1) -> Impact:
    """Return what a change would do to every account of a book.

    Parameters
    ----------
    segments, segment_of
        Names, and the index of each account's own, [account]; all in one where not given.

    Raises
    ------
    BadInput
        If a segment is unknown, or the two versions margin in different pools.
    """
    codes = np.zeros(len(book), np.int64) if segment_of is None else segment_of
    if len(codes) != len(book) or len(codes) and not (
            0 <= int(codes.min()) and int(codes.max()) < len(segments)):
        raise bad_input(Reason.BAD_VALUE, "segment_of", "does not name a segment for every account")
    sides = [compute_margin(book, market, model=with_terms(change.model, own),
                            version=version, threads=threads)
             for version, own in zip((change.before, change.after), change.terms, strict=True)]
    before, after = (side.requirements for side in sides)
    if before.pools != after.pools or not (np.array_equal(before.account, after.account)
                                           and np.array_equal(before.pool, after.pool)):
        raise bad_input(Reason.NOT_APPLICABLE, change.after.model, "has other pools under these "
                        "parameters; the two sides cannot be laid beside each other")
    return Impact(
        account=before.account.astype(np.int64), pool=before.pool, pools=before.pools,
        initial_before=before.initial, initial_after=after.initial,
        maintenance_before=before.maintenance, maintenance_after=after.maintenance,
        balance_before=sides[0].margin_balance, balance_after=sides[1].margin_balance,
        status_before=sides[0].status, status_after=sides[1].status,
        groups=_groups(sides, codes[before.account], segments),
        digest=sha256_of(f"{terms_digest(change.before, change.terms[0])} "
                         f"{terms_digest(change.after, change.terms[1])} "
                         f"{snapshot_digest(market)} {' '.join(before.pools)}", before.account,
                         before.pool, before.initial, after.initial, sides[0].margin_balance,
                         sides[1].margin_balance, codes))


def terms_digest(version: ParameterVersion, terms: OwnTerms) -> str:
    """Return the digest of parameters and of what stands beside them, if anything does."""
    return "+".join((version_digest(version), *own_digests(terms)))


def _groups(sides: list[AccountMargin], segment: Any, segments: tuple[str, ...]
            ) -> tuple[Group, ...]:
    before, after = (side.requirements for side in sides)
    old, new = sides[0].status, sides[1].status
    lacking = np.isnan(before.initial + after.initial)
    unknown = (old == _UNKNOWN) | (new == _UNKNOWN) | lacking
    without = unknown & (old != _UNKNOWN) | np.isnan(after.initial) & ~np.isnan(before.initial)
    eased = ~unknown & ((after.initial < before.initial)
                        | (sides[1].margin_balance > sides[0].margin_balance))
    extra = np.where(lacking, 0.0, after.initial - before.initial)
    group = segment * len(before.pools) + before.pool
    count = len(segments) * len(before.pools)

    def added(column: Any, chosen: Any) -> list[float]:
        return list(np.bincount(group[chosen], column[chosen], count).tolist())

    every = np.ones(len(group), bool)
    rows, doubt = added(every, every), added(unknown, every)
    base, more = added(before.initial, ~lacking), added(extra, every)
    lost, losers = added(extra, extra > 0), added(every, extra > 0)
    gone, relieved = added(without, every), added(eased, every)
    worse = {name: added(every, ~unknown & (new == k) & (old < k))
             for k, name in enumerate(STATUS[1:_UNKNOWN], 1)}
    return tuple(Group(
        segment=segments[k // len(before.pools)], pool=before.pools[k % len(before.pools)],
        rows=int(rows[k]), before=base[k], extra=more[k], extra_of_losers=lost[k],
        losers=int(losers[k]), breaches={name: int(n[k]) for name, n in worse.items()},
        unknown=int(doubt[k]), lost=int(gone[k]), eased=int(relieved[k]))
        for k in range(count) if rows[k])
