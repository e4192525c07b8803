"""Which law of profit and loss did a model state on a day, and how heavy was its tail?

A model whose first scenario set is drawn or made of past moves, all equally likely, states a law of
what an account may gain or lose until the end of the margin period. A grid of shocks states none: a
worst case among chosen prices has no probabilities, and none are guessed here.

Of the law a day keeps value at risk and expected shortfall, the place of what came true, and the
tail in 16 equally likely steps, each the mean of its part: enough to draw again the days on which
the value at risk is exceeded, which is all that Acerbi and Szekely's statistics look at.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.backtest.density import probability_transform
from counterpoise.backtest.shortfall_tests import Draw
from counterpoise.margin.compute import AccountMargin
from counterpoise.margin.model import CrossEquity, MarginModel, PricedMarket
from counterpoise.market.snapshot import usd_price
from counterpoise.risk.measures import expected_shortfall_of, value_at_risk_of
from counterpoise.values.time import DAY_NS

Floats = np.ndarray[Any, np.dtype[np.float64]]
STEPS: Final = 16
COLUMNS: Final = ("quantile", "tail_mean", "transform", "beyond")
"""Numbers by portfolio that a day keeps of a law; beside them stands the `tail`."""


def why_no_law(margins: AccountMargin, now: PricedMarket, horizon_ns: int) -> str:
    """Return why the model states no law of P&L over the horizon, "" where it does."""
    first = now.arrays[0].scenarios if now.arrays else None
    if first is None or not first.method:
        return "its scenarios are a grid, not a distribution"
    spans = getattr(getattr(now.parameters, "general", None), "horizon_days", None)
    if spans is not None and round(spans * DAY_NS) != horizon_ns:
        return f"its moves span {spans:g} day(s), the backtest {horizon_ns / DAY_NS:g}"
    if not isinstance(margins.equity_rule, CrossEquity):
        return "it measures each pool apart, so that an account has no single distribution"
    if np.unique(first.weight[1:]).size > 1:
        return "its scenarios are not equally likely"
    return ""


def law_of(book: Book, margins: AccountMargin, model: MarginModel, now: PricedMarket) -> Floats:
    """Return the equally likely P&L of the law, USD, [account, scenario]; NaN: account unknown."""
    assert isinstance(margins.equity_rule, CrossEquity)
    found = model.vectors(book, now.arrays, now.market, now.parameters)[0]
    out = np.full((len(book), found.summed.shape[1] - 1), np.nan)
    out[found.account] = found.summed[:, 1:]
    return out * usd_price(now.market, margins.equity_rule.numeraire)


def columns_of(law: Floats, loss: Floats, level: float) -> dict[str, Floats]:
    """Return `COLUMNS` and the tail of a law [account, scenario] on which `loss` came true."""
    known = np.isfinite(law).all(axis=1) & np.isfinite(loss)
    out = no_columns(len(loss))
    if known.any():
        scenarios = np.ascontiguousarray(law[known])
        quantile = value_at_risk_of(scenarios, level=level)
        out["quantile"][known] = quantile
        out["tail_mean"][known] = expected_shortfall_of(scenarios, level=level)
        out["transform"][known] = probability_transform(scenarios, -loss[known])
        out["beyond"][known], out["tail"][known] = tail_of(scenarios, quantile)
    return out


def no_columns(accounts: int) -> dict[str, Floats]:
    """Return the columns of a day without a law."""
    return {name: np.full(accounts, np.nan) for name in COLUMNS} | {
        "tail": np.full((accounts, STEPS), np.nan)}


def tail_of(scenarios: Floats, quantile: Floats) -> tuple[Floats, Floats]:
    """Return the share of equally likely P&L beyond a quantile, and what is lost there.

    `scenarios` is [row, scenario], `quantile` [row] a loss; the losses are [row, step], the largest
    first, NaN where no scenario is beyond. Their mean is that of the scenarios beyond.
    """
    count = (scenarios < -quantile[:, None]).sum(axis=1)
    most = int(count.max(initial=0))
    share = count / scenarios.shape[1]
    if most == 0:
        return share, np.full((len(scenarios), STEPS), np.nan)
    lowest = np.sort(np.partition(scenarios, most - 1, axis=1)[:, :most], axis=1)
    summed = np.concatenate([np.zeros((len(lowest), 1)), np.cumsum(lowest, axis=1)], axis=1)
    edge = count[:, None] * np.arange(STEPS + 1) / STEPS
    whole = np.minimum(edge.astype(np.int64), most - 1)
    until = (np.take_along_axis(summed, whole, axis=1)
             + (edge - whole) * np.take_along_axis(lowest, whole, axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return share, -np.diff(until, axis=1) / (count[:, None] / STEPS)


def draw_from_tail(beyond: Floats, tail: Floats) -> Draw:
    """Return draws of returns [path, day]: 0, or a step of the tail as often as it is reached.

    `beyond` [day] is the chance of a loss beyond the quantile, `tail` [day, step] what is lost.
    """
    days = np.arange(len(beyond))
    steps = tail.shape[1]

    def draw(generator: np.random.Generator, paths: int) -> Floats:
        chance = generator.random((paths, len(days)))
        path, day = np.nonzero(chance < beyond)
        step = np.minimum((chance[path, day] / beyond[day] * steps).astype(np.int64), steps - 1)
        returns = np.zeros(chance.shape)
        returns[path, day] = -tail[day, step]
        return returns

    return draw
