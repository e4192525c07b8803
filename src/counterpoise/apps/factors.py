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
from counterpoise.calibration.factor_levels import FactorRecord, Levels, parted, record_of
from counterpoise.values.assets import is_asset_code
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, parse_instant


@frozen
class FactorFiles:
    """The files of a factor history by what they hold; see `adapters.factor_sources`.

    `staked` are texts TOKEN=COIN; `perpetuals` the prices of perpetuals beside the chains; `gaps`
    are texts CODE=DATE, days on which no move of the code is taken: its price changed the unit.
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
    gaps: tuple[str, ...] = ()


def factor_record(files: FactorFiles, *, track: Callable[[Sequence[Any]], Iterable[Any]] = iter,
                  ) -> FactorRecord:
    """Return the history of all factors in the files, with its table of gaps.

    Raises
    ------
    BadInput
        With the violations of all files.
    """
    staked, gaps = _staked(files.staked), _gaps(files.gaps)
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
    levels = [s for s in levels if s.factor.subject not in files.without]
    return record_of(_with_gaps(levels, gaps), source=_source(files))


def _with_gaps(levels: list[Levels], gaps: list[tuple[str, int]]) -> list[Levels]:
    """Return the levels without the moves of declared gaps; prices and pegs of a code alike."""
    unknown = [code for code, _ in gaps if code not in {s.factor.subject for s in levels}]
    if unknown:
        raise BadInput(*(Failure(reason=Reason.UNKNOWN_ASSET, subject=f"--gap {code}", sentence=(
            "has no factor in these files; name a code that has")) for code in unknown))
    for code, day in gaps:
        levels = [part for s in levels
                  for part in (parted(s, day) if s.factor.subject == code else (s,))]
    return levels


def _gaps(texts: Iterable[str]) -> list[tuple[str, int]]:
    """Return (code, day since 1970-01-01) of texts like LUNA=2022-05-12."""
    found = []
    for text in texts:
        code, _, day = text.partition("=")
        if not is_asset_code(code):
            raise bad_input(Reason.BAD_VALUE, "--gap", f"{text[:40]!r} is not CODE=DATE; write it "
                            "like LUNA=2022-05-12")
        found.append((code, parse_instant(f"{day}T00:00:00Z", subject="--gap") // DAY_NS))
    return found


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
    told = f"; declared gaps: {', '.join(files.gaps)}" if files.gaps else ""
    return "observed: " + ", ".join(f"{len(paths)} files of {what}"
                                    for what, paths in counts.items() if paths) + told
