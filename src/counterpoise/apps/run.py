"""What does netting save, and what does a bad day cost? The model portfolios on two days, compared.

`python -m counterpoise.apps.run` margins them on a calm and on a stressed day: of the real option
chain where the reference data lies (`COUNTERPOISE_SHARED`, else `../shared`), of the simulated
market elsewhere. It prints the comparison and draws the portfolios into `out/`.
"""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Final

from counterpoise.accounts.book import Book
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.apps.answer import Answer, PoolMargin, margin_of
from counterpoise.apps.examples import portfolio_of
from counterpoise.apps.model_portfolios import model_portfolios
from counterpoise.apps.report.source import source_line
from counterpoise.apps.report.table import amount, heading, percent, table
from counterpoise.backtest.shelf import book_of_legs, book_of_portfolios
from counterpoise.margin.worst import in_words
from counterpoise.market.simulated import simulated_market
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import frozen
from counterpoise.values.time import format_instant, parse_instant

DAYS: Final = {"calm": "2026-01-28T23:59:59Z", "stressed": "2026-02-05T23:59:59Z"}
DRAWN: Final = ("iron condor", "short gamma, delta-hedged", "market maker, 400 options")
EXAMPLES: Final = {"covered_call": ("covered call",), "iron_condor": ("iron condor",),
                   "short_gamma": ("short gamma, delta-hedged",),
                   "market_maker": ("market maker, 400 options",)}
_EXAMPLE_BALANCE: Final = 50.0
_NOTHING: Final = 1e-9
"""Of the legs' own margin: what is left of a loss is rounding."""


@frozen
class Day:
    """The model portfolios on one day.

    `whole` and `standard` are their margins under S:PM and standard margin, one pool each;
    `apart` {portfolio: sum of the S:PM requirements of its legs one by one}.
    """

    name: str
    market: MarketSnapshot
    whole: Answer
    standard: Answer
    apart: dict[str, float]


def main(arguments: list[str] | None = None) -> int:
    """Print the comparison, draw the pictures, write the examples that were asked for."""
    asked = _parser().parse_args(arguments)
    markets = _simulated_days() if asked.simulated else _days()
    try:
        days = [_day(name, market) for name, market in markets.items()]
        for day in days:
            print("\n".join([*_day_text(day), ""]))
        print("\n".join(_compared(*days)))
        _draw(days, Path(asked.pictures))
        if asked.examples:
            _write_examples(days[0].market, Path(asked.examples))
    except BadInput as wrong:
        print(f"counterpoise: {wrong}", file=sys.stderr)
        return 2
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m counterpoise.apps.run", description=__doc__)
    parser.add_argument("--simulated", action="store_true", help="use the simulated market")
    parser.add_argument("--pictures", default="out", help="folder for the pictures")
    parser.add_argument("--examples", help="folder to write the example portfolio files to")
    return parser


def _days() -> dict[str, MarketSnapshot]:
    folder = Path(os.environ.get("COUNTERPOISE_SHARED") or Path("..") / "shared") / "data/options"
    chains = folder / "deribit_chain_selected.parquet"
    if not chains.is_file():
        print(f"No option chain in {folder}: using the simulated market.\n")
        return _simulated_days()
    from counterpoise.adapters.chain import read_chain

    perpetuals = folder / "deribit_perp_at_snapshots.parquet"
    return {name: read_chain(chains, at=parse_instant(at), perpetuals=perpetuals)
            for name, at in DAYS.items()}


def _simulated_days() -> dict[str, MarketSnapshot]:
    return {name: simulated_market(stressed=name == "stressed") for name in DAYS}


def _day(name: str, market: MarketSnapshot) -> Day:
    portfolios = model_portfolios(market)
    whole = _portfolio(market, book_of_portfolios(market, portfolios))
    legs = margin_of(_portfolio(market, book_of_legs(market, portfolios)), readings=False)
    apart: dict[str, float] = {}
    for leg in legs.pools:
        portfolio = leg.account.rsplit(" ", 1)[0]
        apart[portfolio] = apart.get(portfolio, 0.0) + leg.initial
    return Day(name=name, market=market, whole=margin_of(whole, readings=False),
               standard=margin_of(whole, model="standard", readings=False), apart=apart)


def _portfolio(market: MarketSnapshot, book: Book) -> Portfolio:
    return Portfolio(as_of=market.as_of, model=None, overrides={}, symbols="deribit",
                     market=market, book=book, notes=())


def _in_order(day: Day) -> list[tuple[PoolMargin, PoolMargin]]:
    """Return (S:PM, standard) rows in the order of the portfolios."""
    return list(zip(day.whole.pools, day.standard.pools, strict=True))


def _day_text(day: Day) -> list[str]:
    market = day.market
    index = market.index[market.catalogue.underlyings.index("BTC")]
    head = (f"{day.name} day, {format_instant(market.as_of)[:16]}Z, {source_line(market)}: "
            f"BTC index {index:,.2f}")
    rows = [_row(portfolio, standard, day.apart[portfolio.account])
            for portfolio, standard in _in_order(day)]
    return [heading(head), *table(("portfolio", "in", "standard IM", "legs apart", "S:PM IM",
                                   "S:PM MM", "saved", "worst scenario"), rows, left=(0, 1, 7))]


def _row(portfolio: PoolMargin, standard: PoolMargin, apart: float) -> tuple[str, ...]:
    c = portfolio.currency
    if portfolio.initial != portfolio.initial:
        return (portfolio.account, c, amount(standard.initial, c), "?", "?", "?", "?",
                "; ".join(f"{f.subject} {f.sentence}" for f in portfolio.failures))
    saved = 1 - portfolio.initial / apart if apart > 0 else 0.0
    worst = (in_words(portfolio.worst[0]) if portfolio.worst and apart
             and portfolio.worst[0].loss > _NOTHING * apart else "loses nowhere")
    return (portfolio.account, c, amount(standard.initial, c), amount(apart, c),
            amount(portfolio.initial, c), amount(portfolio.maintenance, c),
            percent(saved, 0), worst)


def _compared(calm: Day, stressed: Day) -> list[str]:
    after = {p.account: p for p in stressed.whole.pools}
    rows = []
    for p in calm.whole.pools:
        q = after.get(p.account)
        if q is not None and p.initial > 0:
            usd = [x.initial * price_of(day.market, x.currency) for x, day in (
                (p, calm), (q, stressed))]
            rows.append((p.account, p.currency, amount(p.initial, p.currency),
                         amount(q.initial, q.currency), percent(q.initial / p.initial - 1, 0),
                         amount(usd[0], "USD"), amount(usd[1], "USD"),
                         percent(usd[1] / usd[0] - 1, 0)))
    return [heading("S:PM initial margin, calm against stressed: contracts chosen by the same rule "
                    "on both days"),
            *table(("portfolio", "in", calm.name, stressed.name, "change", "calm USD",
                    "stressed USD", "change"), rows, left=(0, 1)), "",
            "saved: S:PM initial margin of the whole against its legs margined one by one"]


def _draw(days: list[Day], folder: Path) -> None:
    from counterpoise.apps.report.pictures import draw

    folder.mkdir(parents=True, exist_ok=True)
    for day in days:
        portfolios = model_portfolios(day.market)
        for name in DRAWN:
            if name not in portfolios:
                continue
            answer = margin_of(portfolio_of(day.market, {name: portfolios[name]}), readings=False)
            path = folder / f"{name.split(',')[0].replace(' ', '_')}_{day.name}.png"
            draw(answer, str(path), name=f"{name}, {day.name} day")
    print(f"\nPictures in {folder}/")


def _write_examples(market: MarketSnapshot, folder: Path) -> None:
    from counterpoise.adapters.portfolio_file import write_portfolio

    folder.mkdir(parents=True, exist_ok=True)
    portfolios = model_portfolios(market)
    for name, members in EXAMPLES.items():
        chosen = {"example": [leg for m in members for leg in portfolios[m]]}
        (folder / f"{name}.json").write_bytes(write_portfolio(
            portfolio_of(market, chosen, balance=_EXAMPLE_BALANCE)))


if __name__ == "__main__":
    sys.exit(main())
