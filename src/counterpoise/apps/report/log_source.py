"""Whose prices does a log live on? The line that nothing of a log may be shown without."""

from typing import Final

from counterpoise.adapters.store.engine_log import Market, Origin

_WORDS: Final = {Origin.SIMULATED: "SIMULATED PRICES", Origin.RECORDED: "recorded prices",
                 Origin.FED: "prices fed from outside"}


def market_line(market: Market | None) -> str:
    """Return whose prices a log lives on; simulated ones say so in capitals."""
    if market is None:
        return "the log does not say whether its prices were observed or simulated"
    return _WORDS[market.origin] + (f" ({market.source})" if market.source else "")
