"""Where do the prices come from? The line that no result may be shown without."""

from counterpoise.market.snapshot import MarketSnapshot


def source_line(market: MarketSnapshot) -> str:
    """Return where the prices come from; a simulated market says so in capitals."""
    return f"SIMULATED MARKET ({market.source})" if market.simulated else market.source
