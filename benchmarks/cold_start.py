"""How soon does a fresh interpreter give its first margin, measured in imports of NumPy?

Every sample is a new process, the kinds take turns, and the median counts. Processes are timed
from start to exit, so that a ratio says what a person at a shell would feel.
"""

import json
import statistics
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

from counterpoise.adapters.portfolio_file import write_portfolio
from counterpoise.apps.examples import portfolio_of
from counterpoise.apps.model_portfolios import model_portfolios
from counterpoise.market.simulated import simulated_market

OPTIONS = 200
SMALL = "covered call"
LIBRARY = """
import numpy as np
from counterpoise.accounts.book import Entries, book_of
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.instruments.catalogue import catalogue
from counterpoise.instruments.listing import Listing, perpetual
from counterpoise.margin.compute import compute_margin
from counterpoise.market.snapshot import MarketSnapshot

terms = catalogue([perpetual(Listing(underlying="BTC", quote="USD", settlement="BTC"))])
price, none = np.array([65910.57]), np.zeros(1)
market = MarketSnapshot(
    catalogue=terms, as_of=1718619740 * 10**9, sequence=0, mark=price, forward=price,
    forward_fixed=none, volatility=np.full(1, np.nan), rate=none, quality=np.zeros(1, np.uint16),
    quote_age_ns=np.zeros(1, np.int64), index=price, assets=("BTC",), price=price, source="")
book = book_of(catalogue=terms, accounts=np.array(["a"]), positions=Entries(
    account=np.zeros(1, np.int64), instrument=np.zeros(1, np.int32),
    lots=np.array([20731 * 10**9]), entry_cost=np.zeros(1, np.int64)))
model = model_named("deribit_spm")
version = parameters_of(model, market.as_of)
assert compute_margin(book, market, model=model, version=version).requirements.initial[0] > 0
"""
FROM_FILE = """
import sys, counterpoise
assert counterpoise.margin_of(counterpoise.read_portfolio(sys.argv[1])).pools[0].initial > 0
"""
SHELL = "from counterpoise.apps.cli.main import main; main()"


def main() -> None:
    """Measure and print one JSON object."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=11)
    samples = parser.parse_args().samples
    with TemporaryDirectory() as folder:
        small, large = portfolio_files(Path(folder))
        kinds = {
            "nothing": ["-c", "pass"],
            "import numpy": ["-c", "import numpy"],
            "library, values in Python": ["-c", LIBRARY],
            "library, 2-position file": ["-c", FROM_FILE, small],
            "counterpoise margin, 2 positions": ["-c", SHELL, "margin", small, "--json"],
            f"counterpoise margin, {OPTIONS} options": ["-c", SHELL, "margin", large, "--json"],
        }
        seconds = {kind: [seconds_of(arguments)] for kind, arguments in kinds.items()}
        for _ in range(samples):
            for kind, arguments in kinds.items():
                seconds[kind].append(seconds_of(arguments))
    # The first round compiled and cached what later rounds read.
    json.dump({kind: statistics.median(values[1:]) for kind, values in seconds.items()},
              sys.stdout)


def portfolio_files(folder: Path) -> tuple[str, str]:
    """Write a small portfolio and one of `OPTIONS` options; return their paths."""
    market = simulated_market()
    portfolios = model_portfolios(market)
    maker = next(legs for name, legs in portfolios.items() if name.startswith("market maker"))
    small, large = folder / "small.json", folder / "large.json"
    small.write_bytes(write_portfolio(portfolio_of(
        market, {"small": portfolios[SMALL]}, balance=5.0)))
    large.write_bytes(write_portfolio(portfolio_of(
        market, {"large": maker[:OPTIONS]}, balance=500.0)))
    return str(small), str(large)


def seconds_of(arguments: list[str]) -> float:
    """Return the seconds that a fresh interpreter needs for its arguments."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
