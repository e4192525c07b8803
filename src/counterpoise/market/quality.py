"""Why an instrument's numbers cannot be used, as a sentence."""

from typing import Final

from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.time import format_instant

_SENTENCES: Final = {
    Quality.EXPIRED: (Reason.EXPIRED, "expired before {as_of}; settle it and drop the position"),
    Quality.MISSING_MARK: (Reason.MISSING_MARK, "has no mark in the snapshot; add its mark price"),
    Quality.MISSING_FORWARD: (Reason.MISSING_FORWARD,
                              "has no forward for its expiry; add the forward"),
    Quality.MISSING_VOLATILITY: (Reason.MISSING_VOLATILITY,
                                 "has no implied volatility; add it as a fraction, like 0.55"),
    Quality.MISSING_INDEX: (Reason.MISSING_INDEX, "has no index for its underlying; add the index"),
    Quality.ABSURD_PRICE: (Reason.ABSURD_PRICE,
                           "has a price beyond the bounds of docs/methodology/market.md"),
    Quality.ABSURD_VOLATILITY: (Reason.ABSURD_VOLATILITY,
                                "has a volatility beyond the bounds of docs/methodology/market.md"),
    Quality.STALE: (Reason.STALE, "has a quote too old for {as_of}; refresh it"),
}


def instrument_failure(market: MarketSnapshot, column: int) -> Failure:
    """Return why the instrument in `column` has no number, the first reason that applies."""
    subject = market.catalogue.instruments[column].id
    quality = Quality(int(market.quality[column]))
    for bit, (reason, sentence) in _SENTENCES.items():
        if bit in quality:
            return Failure(reason=reason, subject=subject,
                           sentence=sentence.format(as_of=format_instant(market.as_of)))
    return Failure(reason=Reason.NOT_FINITE, subject=subject,
                   sentence="has numbers that give no finite value; check its price and volatility")
