"""How do quotes become one snapshot: one index per underlying, one forward per expiry?

The index of an underlying is the median over all rows of the stamp, the forward of an expiry the
median over its rows (per underlying, quote and settlement): rows of one collection run differ by
up to 114 bp in index and 10 bp in forward, and the median neither follows a single late row nor
lets a box or a conversion show a loss that is only a time difference (docs/methodology/market.md).

Inside the settlement window (30 minutes before expiry) an option is one on the index average: with
the share w of the window gone and the average a so far, forward = a w + f (1 - w), where f is the
index plus the remaining basis. The first part is fixed, shocks move only the second. That options
are options on the average there is *our reading*; the split is venues' own (Derive v2, "forward
feed"). Where the average is not known the forward is missing, not guessed.
"""

from typing import Any

import numpy as np

from counterpoise.instruments.catalogue import OPTION, Catalogue
from counterpoise.market.bounds import absurd_index, absurdities, apart, is_stale, needs
from counterpoise.market.quotes import Quotes, silence, window_share
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.values.frozen import frozen, replaced

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


@frozen
class QuoteRows:
    """Quotes as a feed or file gives them, one row per observation; NaN where empty.

    instrument   column of the catalogue, [row]
    mark         as in `Quotes`, [row]
    forward      options: forward of the expiry, [row]
    volatility   options: annualised, fraction, [row]
    index        index of the underlying as seen with this row, [row]
    age_ns       age of the row at the stamp, [row]
    """

    instrument: Ints
    mark: Floats
    forward: Floats
    volatility: Floats
    index: Floats
    age_ns: Ints


def quotes_of(rows: QuoteRows, catalogue: Catalogue) -> Quotes:
    """Return one quote per instrument of the rows of one stamp.

    Of several rows of one instrument the youngest counts, the later one among equals.
    """
    columns = silence(catalogue)
    order = np.lexsort((-np.arange(len(rows.age_ns)), rows.age_ns))[::-1]
    place = rows.instrument[order]
    for name in ("mark", "volatility", "age_ns"):
        columns[name][place] = getattr(rows, name)[order]
    columns["index"] = _medians(rows.index, catalogue.underlying[rows.instrument],
                                len(catalogue.underlyings))
    series = _series(catalogue)
    forwards = _medians(rows.forward, series[rows.instrument], len(catalogue))
    columns["forward"] = np.where(catalogue.kind == OPTION, forwards[series], np.nan)
    return Quotes(catalogue=catalogue, **columns)


def _series(catalogue: Catalogue) -> Ints:
    """Number the (underlying, expiry, settlement, quote) of every instrument, [instrument]."""
    number: dict[tuple[object, ...], int] = {}
    return np.array([number.setdefault((c.underlying, getattr(c, "expiry", 0), c.settlement,
                                        c.quote), len(number))
                     for c in catalogue.instruments], np.int64)


def _medians(values: Floats, group: Any, groups: int) -> Floats:
    # What is not a price has no vote.
    known = np.isfinite(values) & (values > 0)
    values, group = values[known], np.asarray(group)[known]
    order = np.argsort(group, kind="stable")
    names, starts = np.unique(group[order], return_index=True)
    medians = np.full(groups, np.nan)
    for name, part in zip(names, np.split(values[order], starts[1:]), strict=True):
        medians[name] = np.median(part)
    return medians


def snapshot_of(quotes: Quotes, *, as_of: int, prices: dict[str, float], source: str,
                sequence: int = 0, simulated: bool = False) -> MarketSnapshot:
    """Return the judged snapshot: absurd numbers NaN, everything missing said in `quality`.

    `prices` are the stated USD prices of assets; coins default to their index and USD is 1. Any
    other asset without a stated price has none. A coin whose price and index are apart has neither.
    """
    conflict = apart(quotes, prices)
    judged, quality = _judged(quotes, as_of, absurd_index(quotes) | conflict)
    if conflict.any():
        wrong = {u for u, bad in zip(quotes.catalogue.underlyings, conflict, strict=True) if bad}
        prices = {code: price for code, price in prices.items() if code not in wrong}
    forward, fixed = _split(judged, as_of)
    catalogue = quotes.catalogue
    option = catalogue.kind == OPTION
    complete = replaced(judged, forward=forward)
    for flag, mask in needs(complete):
        quality |= np.where(mask, np.uint16(flag), np.uint16(0))
    expired = (catalogue.expiry > 0) & (catalogue.expiry <= as_of)
    quality |= np.where(expired, np.uint16(Quality.EXPIRED), np.uint16(0))
    known = dict(zip(catalogue.underlyings, judged.index.tolist(), strict=True)) | {"USD": 1.0}
    assets = tuple(sorted({*known, *prices, *catalogue.settlements}))
    return MarketSnapshot(
        catalogue=catalogue, as_of=as_of, sequence=sequence, mark=judged.mark,
        forward=np.where(option, forward, judged.mark), forward_fixed=fixed,
        volatility=np.where(option, judged.volatility, np.nan),
        rate=np.where(np.isnan(judged.rate), 0.0, judged.rate), quality=quality,
        quote_age_ns=judged.age_ns, index=judged.index, assets=assets,
        price=np.array([(known | prices).get(a, np.nan) for a in assets], np.float64),
        source=source, simulated=simulated)


def _judged(quotes: Quotes, as_of: int, bad_index: np.ndarray[Any, np.dtype[np.bool_]],
            ) -> tuple[Quotes, np.ndarray[Any, np.dtype[np.uint16]]]:
    quality = np.zeros(len(quotes.catalogue), np.uint16)
    quality[is_stale(quotes)] |= np.uint16(Quality.STALE)
    if bad_index.any():
        quality[bad_index[quotes.catalogue.underlying]] |= np.uint16(Quality.ABSURD_PRICE)
        quotes = replaced(quotes, index=np.where(bad_index, np.nan, quotes.index))
    cleaned: dict[str, Floats] = {}
    for bound, mask in absurdities(quotes, as_of):
        quality[mask] |= np.uint16(bound.quality)
        # Half a forward is none: without its fixed part the variable one says nothing.
        for name in {bound.column, *(("forward",) if bound.column == "forward_fixed" else ())}:
            cleaned[name] = np.where(mask, np.nan, cleaned.get(name, getattr(quotes, name)))
    return (replaced(quotes, **cleaned) if cleaned else quotes), quality


def _split(quotes: Quotes, as_of: int) -> tuple[Floats, Floats]:
    """Return variable and fixed part of every option's forward, [instrument]."""
    share = window_share(quotes.catalogue, as_of)
    stated = ~np.isnan(quotes.forward_fixed)
    fixed = np.where(stated, quotes.forward_fixed, 0.0)
    forward = quotes.forward
    split = (share > 0) & ~stated
    known = split & ~np.isnan(quotes.average) & ~np.isnan(forward)
    fixed = np.where(known, quotes.average * share, fixed)
    forward = np.where(split, np.where(known, forward * (1.0 - share), np.nan), forward)
    return forward, fixed
