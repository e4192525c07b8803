"""Which files become a factor history? The sources that were named, read and joined in order.

Of one factor the option chains come first (their own volatilities and basis), then closes, then
proxies: the premium from closes, a volatility index. Within a kind, files come as they were named.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from counterpoise.adapters.chain_factors import read_chain_levels
from counterpoise.adapters.factor_sources import read_closes, read_funding, read_vol_index
from counterpoise.calibration.closes import (
    PERPETUAL,
    Closes,
    peg_levels,
    premium_levels,
    price_levels,
)
from counterpoise.calibration.factor_levels import FactorRecord, Levels, record_of
from counterpoise.values.assets import is_asset_code
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen


@frozen
class FactorFiles:
    """The files of a factor history by what they hold; see `adapters.factor_sources`.

    `staked` are texts TOKEN=COIN; `perpetuals` the prices of perpetuals beside the chains.
    """

    prices: tuple[str, ...] = ()
    perpetual_closes: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()
    perpetuals: str | None = None
    vol_index: tuple[str, ...] = ()
    funding: tuple[str, ...] = ()
    pegs: tuple[str, ...] = ()
    staked: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


def factor_record(files: FactorFiles, *, track: Callable[[Sequence[Any]], Iterable[Any]] = iter,
                  ) -> FactorRecord:
    """Return the history of all factors in the files, with its table of gaps.

    Raises
    ------
    BadInput
        With the violations of all files.
    """
    staked = _staked(files.staked)
    closes, pegs, chain, index, funding = _gathered(
        (lambda: [*_all(read_closes, files.prices),
                  *_all(lambda p: read_closes(p, market=PERPETUAL), files.perpetual_closes)],
         lambda: _all(read_closes, files.pegs),
         lambda: list(read_chain_levels(files.chains, perpetuals=files.perpetuals, track=track)),
         lambda: _all(read_vol_index, files.vol_index), lambda: _all(read_funding, files.funding)))
    levels: list[Levels] = [
        *(s for s in chain if s.factor.kind != "price"), *price_levels(_wanted(closes, files)),
        *(s for s in chain if s.factor.kind == "price"), *premium_levels(_wanted(closes, files)),
        *peg_levels(_wanted(pegs, files), staked, closes), *index, *funding]
    return record_of([s for s in levels if s.factor.subject not in files.without],
                     source=_source(files))


def _wanted(closes: list[Closes], files: FactorFiles) -> list[Closes]:
    return [c for c in closes if c.symbol not in files.without]


def _all(read: Callable[[str], Iterable[Any]], paths: Iterable[str]) -> list[Any]:
    return [one for found in _gathered(partial(_listed, read, path) for path in paths)
            for one in found]


def _listed(read: Callable[[str], Iterable[Any]], path: str) -> list[Any]:
    return list(read(path))


def _gathered(readers: Iterable[Callable[[], list[Any]]]) -> list[list[Any]]:
    """Return what each reader gives; raises the violations of all of them together."""
    found: list[list[Any]] = []
    failures: list[Failure] = []
    for read in readers:
        try:
            found.append(read())
        except BadInput as wrong:
            failures += wrong.failures
    if failures:
        raise BadInput(*failures)
    return found


def _staked(texts: Iterable[str]) -> dict[str, str]:
    pairs = [(t, *t.partition("=")[::2]) for t in texts]
    wrong = [t for t, token, coin in pairs if not (is_asset_code(token) and is_asset_code(coin))]
    if wrong:
        raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject="--staked", sentence=(
            f"{t[:40]!r} is not TOKEN=COIN; write it like BETH=ETH")) for t in wrong))
    return {token: coin for _, token, coin in pairs}


def _source(files: FactorFiles) -> str:
    counts = {"option chains": files.chains, "closes": files.prices + files.perpetual_closes,
              "pegs": files.pegs, "volatility indices": files.vol_index, "funding": files.funding}
    return "observed: " + ", ".join(f"{len(paths)} files of {what}"
                                    for what, paths in counts.items() if paths)
