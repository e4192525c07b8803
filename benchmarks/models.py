"""What does each rule book cost for 100,000 accounts, beside the plain worst of a grid?

A model's accounts hold ten positions each, drawn from what it covers of a simulated market with
contracts settled in coin, USDC and USDT; `positions_each` says how many are left where equal ones
net. Its figure is the whole margin from the book: rows, requirement with components, equity,
status; risk arrays are made before, as one pricing pass serves every account. The kernel is
`worst_loss` over the 35 scenarios of S:PM for 100,000 accounts of ten positions; one thread, like
all here. Last: a market maker's book of 400 options under all models, restated where they cover no
coin-settled contracts, prices included, as a share of the two seconds that a person waits.
"""

import json
import os
import sys
import time
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from whole_margin import best

from counterpoise.accounts.book import Book
from counterpoise.adapters.chain import read_chain
from counterpoise.adapters.models import model_named, model_names
from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.apps.comparison import compare
from counterpoise.apps.examples import only
from counterpoise.apps.model_portfolios import model_portfolios
from counterpoise.backtest.shelf import book_of_portfolios
from counterpoise.instruments.catalogue import catalogue
from counterpoise.instruments.contracts import Spot
from counterpoise.margin.compute import compute_margin, priced
from counterpoise.margin.conformance import covered, random_book
from counterpoise.margin.terms.risk_matrix import unit_terms
from counterpoise.market.simulated import simulated_market
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.aggregation import grouped, worst_loss
from counterpoise.values.frozen import replaced
from counterpoise.values.time import parse_instant

REPEATS = 3
SEED = 11
PATIENCE_SECONDS = 2.0
APART = {"dynamic": "looks at thousands of joint scenarios, no grid: it has a part of its own"}
MARKET_MAKER = "market maker, 400 options"


def main() -> None:
    """Measure and print one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    json.dump(measured(parser.parse_args().quick), sys.stdout)


def measured(quick: bool) -> dict[str, Any]:
    """Return each model's ratio to the kernel, its failures, and what `compare` takes."""
    accounts = 2_000 if quick else 100_000
    coin = simulated_market()
    markets = (coin, in_tether(coin))
    kernel = kernel_seconds(coin, accounts)
    named = [name for name in model_names() if name not in APART
             and len(drawn(name, covering(name, markets), 1).lots)]
    found = {name: model_cost(name, covering(name, markets), accounts, kernel) for name in named}
    return {"accounts": accounts, "kernel_us": 1e6 * kernel / accounts,
            "models": found, "slowest": max(one["over_kernel"] for one in found.values()),
            "notes": [f"{name} {APART.get(name, 'covers nothing of these markets')}"
                      for name in model_names() if name not in named], **compare_cost()}


def covering(name: str, markets: tuple[MarketSnapshot, ...]) -> MarketSnapshot:
    """Return the market of which a model covers most."""
    model = model_named(name)
    return max(markets, key=lambda m: covered(model, parameters_of(model, m.as_of), m).sum())


def in_tether(market: MarketSnapshot) -> MarketSnapshot:
    """Return the contracts settled in USDC, settled and quoted in USDT."""
    terms = market.catalogue
    linear = [k for k, c in enumerate(terms.instruments)
              if c.settlement == "USDC" and not isinstance(c, Spot)]
    part = only(market, np.array(linear, np.intp))
    contracts = [replaced(c, id=c.id.replace("USDC", "USDT"), quote="USDT", settlement="USDT")
                 for c in part.catalogue.instruments]
    return replaced(part, catalogue=catalogue(contracts), assets=(*part.assets, "USDT"),
                    price=np.append(part.price, 1.0))


def drawn(name: str, market: MarketSnapshot, accounts: int) -> Book:
    """Return accounts with ten positions and no orders, drawn from what a model covers."""
    model = model_named(name)
    among = covered(model, parameters_of(model, market.as_of), market)
    book = random_book(market, seed=SEED, accounts=accounts, positions=10, among=among)
    return replaced(book, order_pointer=0 * book.order_pointer, order_lots=book.order_lots[:0],
                    order_instrument=book.order_instrument[:0])


def kernel_seconds(market: MarketSnapshot, accounts: int) -> float:
    """Return the seconds of the worst of S:PM's grid for every (account, unit), one thread."""
    model = model_named("deribit_spm")
    book = drawn(model.name, market, accounts)
    version = parameters_of(model, market.as_of)
    arrays = priced(market, model=model, version=version)
    terms = unit_terms(arrays[0], market, version.parameters)
    rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                   key=terms.units.of)
    return best({"kernel": partial(worst_loss, rows, arrays[0].pnl, terms.transform)},
                repeats=2 * REPEATS)[0]


def model_cost(name: str, market: MarketSnapshot, accounts: int,
               kernel: float) -> dict[str, Any]:
    """Return what the whole margin of `accounts` costs under one model."""
    model = model_named(name)
    version = parameters_of(model, market.as_of)
    book = drawn(name, market, accounts)
    arrays = priced(market, model=model, version=version)
    margin = partial(compute_margin, book, market, model=model, version=version, arrays=arrays)
    failed = float(np.mean(margin().requirements.failure >= 0))
    (seconds,) = best({name: margin}, repeats=REPEATS)
    return {"over_kernel": seconds / kernel, "each_us": 1e6 * seconds / accounts,
            "positions_each": len(book.lots) / accounts, "rows_that_fail": failed}


def compare_cost() -> dict[str, Any]:
    """Return what a market maker's book takes under all models, as a share of two seconds."""
    market = real_market() or simulated_market()
    held = book_of_portfolios(market, {MARKET_MAKER: model_portfolios(market)[MARKET_MAKER]})
    portfolio = Portfolio(as_of=market.as_of, model=None, overrides={}, symbols="deribit",
                          market=market, book=held, notes=())
    start = time.perf_counter()
    rows = compare(portfolio, restate=True).rows
    seconds = time.perf_counter() - start
    return {"compared_models": len(rows), "compared_positions": len(held.lots),
            "real_chain": "yes" if not market.simulated else "no",
            "compare_seconds": seconds, "compare_share_of_two_s": seconds / PATIENCE_SECONDS}


def real_market() -> MarketSnapshot | None:
    """Return a day of the real option chain, None where the reference data is not there."""
    folder = Path(os.environ.get("COUNTERPOISE_SHARED") or "../shared") / "data/options"
    if not (folder / "deribit_chain_selected.parquet").is_file():
        return None
    return read_chain(folder / "deribit_chain_selected.parquet",
                      at=parse_instant("2026-01-28T23:59:59Z"),
                      perpetuals=folder / "deribit_perp_at_snapshots.parquet")


if __name__ == "__main__":
    main()
