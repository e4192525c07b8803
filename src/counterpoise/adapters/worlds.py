"""Which world does a backtest replay? What a person names, turned into one.

A `Place` says in plain words what to read; it can be sent to another process, which builds the
same world from it.
"""

import os
from typing import Final

from counterpoise.adapters.chain_world import chain_world
from counterpoise.adapters.price_history import PriceFiles, is_prices, price_history
from counterpoise.adapters.tables import opened
from counterpoise.backtest.price_world import PriceWorld, simulated_history
from counterpoise.backtest.world import World
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import parse_instant

SIMULATED_BEGIN: Final = parse_instant("2023-01-01T00:00:00Z")
_ENDINGS: Final = (".parquet", ".csv", ".arrow")
_CHAIN: Final = {"snapshot_ts", "instrument", "mark_price", "mark_iv"}


@frozen
class Place:
    """What to replay.

    market        a folder of option chains, a chain, or a table of daily prices; None: simulated
    coins         of daily prices
    perpetuals    prices of perpetuals beside chains
    volatilities  tables of a volatility index beside daily prices; `surfaces` fitted ones
    funding       funding rates
    seed, days    of the simulated world
    """

    market: str | None
    coins: tuple[str, ...]
    perpetuals: str | None
    volatilities: tuple[str, ...]
    surfaces: str | None
    funding: str | None
    seed: int
    days: int


def world_at(place: Place) -> World:
    """Return the world that a place names.

    Raises
    ------
    BadInput
        If its files are neither option chains nor daily prices.
    """
    if place.market is None:
        return PriceWorld(history=simulated_history(seed=place.seed, days=place.days,
                                                    begin=SIMULATED_BEGIN))
    if os.path.isdir(place.market):
        chains = tuple(path for path in _files_in(place.market) if _is_chain(path))
        if not chains:
            raise bad_input(Reason.UNREADABLE, place.market, "has no file of option chains; give "
                            "such a folder, or one table of daily prices")
        return chain_world(chains, perpetuals=place.perpetuals, funding=place.funding)
    if is_prices(opened(place.market)):
        return PriceWorld(history=price_history(PriceFiles(
            prices=place.market, coins=place.coins, volatilities=place.volatilities,
            surfaces=place.surfaces, funding=place.funding)))
    return chain_world((place.market,), perpetuals=place.perpetuals, funding=place.funding)


def _files_in(folder: str) -> list[str]:
    return sorted(os.path.join(folder, name) for name in os.listdir(folder)
                  if name.endswith(_ENDINGS) and not name.startswith("."))


def _is_chain(path: str) -> bool:
    return opened(path).columns.keys() >= _CHAIN
