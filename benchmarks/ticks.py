"""How much cheaper is a tick of one underlying in twenty than margining everything again?

Twenty coins with a hundred contracts each, a million accounts of ten random positions, S:PM with
297 scenarios. Parameters and quotes of every coin are BTC's of the simulated market under twenty
names: parameters are data. Contracts settle in their coin (a pool per coin, the segregated model's
own case) or all in USDC, where one requirement row adds up the units of many coins and has to be
added up again as a whole. The full pass prices everything and recomputes every row of a layout
that is there already; the tick prices one coin and recomputes what it touches.
"""

import json
import sys
from argparse import ArgumentParser
from functools import partial
from typing import Any

import million_accounts
import numpy as np
from whole_margin import MODEL, best

from counterpoise.accounts.book import Book, Entries, book_of
from counterpoise.adapters.parameters import parameters_of
from counterpoise.instruments.catalogue import OPTION, PERPETUAL, catalogue
from counterpoise.instruments.listing import Listing, option, perpetual
from counterpoise.margin.compute import compute_margin, laid_out
from counterpoise.margin.layout import Layout
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.tick import all_rows, margined, moved, rows_that_moved
from counterpoise.market.simulated import simulated_market
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.digest import sha256_of
from counterpoise.values.frozen import replaced

COINS = tuple(f"C{k:02d}" for k in range(20))
CONTRACTS = 100
POSITIONS = 10
SEED = 7
GOAL_MIN = 14.0


def main() -> None:
    """Measure and print one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    json.dump(measured(parser.parse_args().quick), sys.stdout)


def measured(quick: bool) -> dict[str, Any]:
    """Return how many times a full pass costs a tick, and whether the bits were the same."""
    accounts = 5_000 if quick else 1_000_000
    return {"accounts": accounts, "coins": len(COINS), "scenarios": 297, "goal_min": GOAL_MIN,
            "settled_in_coin": compared(twenty_coins(simulated_market(), "BTC"), accounts),
            "settled_in_usdc": compared(twenty_coins(simulated_market(), "USDC"), accounts)}


def compared(market: MarketSnapshot, accounts: int) -> dict[str, Any]:
    """Return the ratio of a full pass to a tick of one coin for 1 and 2 threads, and the bits."""
    version = twenty_parameters(market)
    layout = laid_out(random_book(market, accounts), MODEL)
    assert isinstance(layout, Layout)
    there = one_moved(market)
    state = margined(layout, market, model=MODEL, version=version, threads=2).now
    found = {}
    for threads in (1, 2):
        everything = partial(compute_margin, layout, there, model=MODEL, version=version,
                             threads=threads)
        full, tick = best({"full": everything, "tick": partial(moved, state, there,
                                                               threads=threads)})
        found[f"full_over_tick_{threads}_threads"] = round(full / tick, 1)
    expected = compute_margin(layout, there, model=MODEL, version=version, threads=2)
    after = moved(state, there, threads=2)
    touched = rows_that_moved(layout, after.margins)
    same = (digest(expected) == digest(all_rows(after.now, threads=2))
            and expected.maintenance_excess[touched].tobytes()
            == after.margins.maintenance_excess.tobytes())
    return {"rows": len(expected.requirements), "rows_touched": len(touched), **found,
            "same_bits": same}


def twenty_coins(market: MarketSnapshot, settlement: str) -> MarketSnapshot:
    """Return a market where every coin has contracts and quotes like BTC's of that settlement."""
    terms, cash = market.catalogue, settlement == "USDC"
    paid = terms.settlements.index(settlement)
    like = np.flatnonzero((terms.underlying == terms.underlyings.index("BTC"))
                          & (terms.settlement == paid) & (terms.kind == OPTION))
    like = like[np.linspace(0, len(like) - 1, CONTRACTS - 1).astype(int)]
    future = int(np.flatnonzero((terms.kind == PERPETUAL) & (terms.settlement == paid))[0])
    listed, source = [], {}
    for coin in COINS:
        line = Listing(underlying=coin, quote="USDC" if cash else "USD",
                       settlement="USDC" if cash else coin)
        one = perpetual(line)
        listed.append(one)
        source[one.id] = future
        for k in like.tolist():
            old: Any = terms.instruments[k]
            one = option(line, expiry=old.expiry, strike=old.strike, right=old.right)
            listed.append(one)
            source[one.id] = k
    held = catalogue(listed)
    at = np.array([source[c.id] for c in held.instruments])
    columns = {name: getattr(market, name)[at] for name in (
        "mark", "forward", "forward_fixed", "volatility", "rate", "quality", "quote_age_ns")}
    btc = float(market.index[terms.underlyings.index("BTC")])
    assets, price = (("USDC",), np.ones(1)) if cash else (COINS, np.full(len(COINS), btc))
    return MarketSnapshot(
        catalogue=held, as_of=market.as_of, sequence=0, index=np.full(len(COINS), btc),
        assets=assets, price=price, source="BTC's simulated market under twenty names",
        simulated=True, **columns)


def twenty_parameters(market: MarketSnapshot) -> ParameterVersion:
    """Return S:PM parameters with BTC's for every coin."""
    version = parameters_of(MODEL, market.as_of, million_accounts.GRID)
    known = version.parameters
    return replaced(version, parameters=replaced(
        known, currency={c.lower(): known.currency["btc"] for c in COINS},
        currency_pair={f"{c.lower()}_usd": known.currency_pair["btc_usd"] for c in COINS}))


def random_book(market: MarketSnapshot, accounts: int) -> Book:
    """Return accounts with ten random positions each; equal contracts net."""
    random = np.random.Generator(np.random.PCG64(SEED))
    count = accounts * POSITIONS
    coins = random.integers(1, 500, count) * np.where(random.random(count) < 0.5, -1, 1)
    instrument = random.integers(0, len(market.catalogue), count).astype(np.int32)
    dollars = (market.catalogue.payoff == 1) & (market.catalogue.right == 0)
    lots = coins * np.where(dollars[instrument], 10**10, 10**4)
    rows = Entries(account=np.repeat(np.arange(accounts), POSITIONS),
                   instrument=instrument, lots=lots, entry_cost=np.zeros(count, np.int64))
    return book_of(catalogue=market.catalogue, accounts=np.arange(accounts), positions=rows)


def one_moved(market: MarketSnapshot) -> MarketSnapshot:
    """Return the market with one coin a percent up: index, marks and forwards."""
    coin = COINS[3]
    terms = market.catalogue
    mine = np.take(np.array(terms.underlyings) == coin, terms.underlying)
    by = np.where(mine, 1.01, 1.0)
    return replaced(market, sequence=1, mark=market.mark * by, forward=market.forward * by,
                    index=market.index * np.where(np.array(terms.underlyings) == coin, 1.01, 1.0),
                    price=market.price * np.where(np.array(market.assets) == coin, 1.01, 1.0))


def digest(margins: Any) -> str:
    """Return the SHA-256 of requirements, worst losses, equity and status."""
    needs = margins.requirements
    return sha256_of("", needs.initial, needs.maintenance, needs.worst.loss, margins.equity,
                     margins.status)


if __name__ == "__main__":
    main()
