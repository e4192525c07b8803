"""Would the margin have held? One day: what was required at t, and what was lost until t + h.

    loss = -(value at t + h, funding and settlements inside - value at t)         clean: no trades
    shortfall = sum over pools of max(loss - margin, 0)

The margin knows nothing after t. Where a rule book does not count option value as equity (premium
out), the loss does not count it either at t: whoever owns exactly the requirement owes the whole
value of short options at t + h. A segregated pool is short alone, another's surplus does not help.
Amounts are in USD at the prices of t.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.backtest.law import columns_of, law_of, no_columns, why_no_law
from counterpoise.backtest.shelf import Legs, book_of_portfolios
from counterpoise.backtest.world import World
from counterpoise.collateral.valuation import contract_values
from counterpoise.instruments.catalogue import OPTION, PERPETUAL
from counterpoise.instruments.payoff import settlement_value
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.model import CrossEquity, MarginModel, PricedMarket
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.requirement import Requirements
from counterpoise.margin.worst import in_words, worst_scenarios
from counterpoise.market.snapshot import MarketSnapshot, usd_price
from counterpoise.risk.arrays import RiskArrays
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.quantity import power_of_ten

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Recipe = Callable[[MarketSnapshot], dict[str, Legs]]
RAW_COMPONENTS: Final = frozenset({
    "core", "worst_case", "scan", "scan_risk", "scanning_risk", "market_risk", "worst_loss",
    "scenario", "scenarios", "price_risk"})
"""Names of the addend that is the raw model: the tail or the worst scenario before all else."""
BUFFER_COMPONENTS: Final = frozenset({"floor", "stress", "buffer"})


@frozen
class Rule:
    """What a backtest asks: a model with its parameters in force at an instant, and portfolios.

    `level` is that of the quantile and the shortfall asked of models that forecast a distribution.
    """

    model: MarginModel
    version_at: Callable[[int], ParameterVersion]
    portfolios: Recipe
    horizon_ns: int
    level: float = 0.975


@frozen
class Observation:
    """One day: what every portfolio needed and lost, USD at the prices of `at`, [portfolio].

    at, until        the instant of the margin, and the end of the margin period
    initial          initial margin; NaN where `failure` says why
    maintenance      maintenance margin
    raw              the raw model, before floors, buffers and add-ons; NaN where the model does not
                     state it as an addend
    buffered         raw with floors and buffers
    loss             what was lost until the end, > 0; gains are negative
    shortfall        loss beyond initial margin over pools, 0 where it held; and beyond maintenance
    quantile         value at risk of the scenarios of a model that forecasts a distribution, > 0;
                     NaN where it has none, as a fixed grid
    tail_mean        their expected shortfall, > 0
    transform        share of the scenarios below what came true (`density.probability_transform`)
    beyond           share of the scenarios that lose more than the quantile
    tail             what those lose, [portfolio, step] (`law.tail_of`)
    no_law           why the model states no distribution, "" where it does
    worst            the scenario that the margin is made of, in words; only where it was exceeded
    failure          why there is no number, "" where there is one
    """

    at: int
    until: int
    portfolios: tuple[str, ...]
    initial: Floats
    maintenance: Floats
    raw: Floats
    buffered: Floats
    loss: Floats
    shortfall: Floats
    shortfall_maintenance: Floats
    quantile: Floats
    tail_mean: Floats
    transform: Floats
    beyond: Floats
    tail: Floats
    no_law: str
    worst: tuple[str, ...]
    failure: tuple[str, ...]


@frozen
class _Rows:
    """Requirement rows in USD at the prices of t with what each lost, [row]."""

    account: Ints
    price: Floats
    loss: Floats


def observe(world: World, rule: Rule, at: int, until: int) -> Observation:
    """Return the observation of one day: margin from what was known at `at`, then the loss."""
    market = world.market(at)
    portfolios = rule.portfolios(market)
    if not portfolios:
        return _nothing(at, until)
    book = book_of_portfolios(market, portfolios)
    version = rule.version_at(at)
    arrays = priced(market, model=rule.model, version=version)
    margins = compute_margin(book, market, model=rule.model, version=version, arrays=arrays)
    # Nothing above this line has seen anything after `at`.
    rows = _rows(book, market, margins, gains_until(world, market, until, margins))
    seen = _observation(book, margins, arrays, rows, (at, until))
    now = PricedMarket(market=market, arrays=arrays, parameters=version.parameters)
    why = why_no_law(margins, now, rule.horizon_ns)
    if why:
        return replaced(seen, no_law=why)
    law = law_of(book, margins, rule.model, now)
    return replaced(seen, **columns_of(law, seen.loss, rule.level))


def windows(days: Ints, horizon_ns: int, tolerance_ns: int) -> list[tuple[int, int]]:
    """Return (begin, end) of the margin periods: the day nearest to t + h, if near enough.

    Days without one, as the last ones, have no window: nothing is filled.
    """
    wanted = days + horizon_ns
    place = np.clip(np.searchsorted(days, wanted), 1, len(days) - 1) if len(days) > 1 else None
    if place is None:
        return []
    nearer = np.where(wanted - days[place - 1] <= days[place] - wanted, place - 1, place)
    end = days[nearer]
    fits = (np.abs(end - wanted) <= tolerance_ns) & (end > days)
    return [(int(b), int(e)) for b, e in zip(days[fits], end[fits], strict=True)]


@frozen
class Gains:
    """What one lot of each instrument gained, [instrument]; NaN where a price is missing.

    In the settlement asset, `price_now` and `price_then` its USD prices; `value` is what a lot of
    an option was worth at t (0 for others), `then` what it is worth at the end.
    """

    futures: Floats
    value: Floats
    then: Floats
    price_now: Floats
    price_then: Floats


def gains_until(world: World, market: MarketSnapshot, until: int,
                margins: AccountMargin) -> Gains:
    """Return what one lot of each instrument gained until `until`, funding and expiries inside."""
    terms = market.catalogue
    later = world.again(market, until)
    now, then = contract_values(market), _values_then(world, market, later)
    settlements = [c.settlement for c in terms.instruments]
    prices = {s: (usd_price(market, s), usd_price(later, s)) for s in set(settlements)}
    option = terms.kind == OPTION
    funding = np.where(terms.kind == PERPETUAL, _funding(world, market, until, now), 0.0)
    counted = option & margins.equity_rule.option_value
    return Gains(
        futures=np.where(option, 0.0, then - now - funding),
        value=np.where(counted, now, 0.0), then=np.where(option, then, 0.0),
        price_now=np.array([prices[s][0] for s in settlements]),
        price_then=np.array([prices[s][1] for s in settlements]))


def _values_then(world: World, market: MarketSnapshot, later: MarketSnapshot) -> Floats:
    """Return the value per lot at the end, of expired contracts what they settled at."""
    terms = market.catalogue
    known = later.catalogue.column
    values = contract_values(later)
    out = np.full(len(terms), np.nan)
    for k, contract in enumerate(terms.instruments):
        expiry = int(terms.expiry[k])
        if 0 < expiry <= later.as_of:
            paid = world.delivery_price(contract.underlying, expiry)
            if paid == paid:
                out[k] = (settlement_value(contract, paid)  # type: ignore[arg-type]
                          * power_of_ten(contract.lot_exponent))
        elif contract.id in known:
            out[k] = values[known[contract.id]]
    return out


def _funding(world: World, market: MarketSnapshot, until: int, value: Floats) -> Floats:
    """Return what one lot of a perpetual pays, in its settlement asset: rate x |value|."""
    rates = np.array([world.funding(u, market.as_of, until)
                      for u in market.catalogue.underlyings])
    return np.asarray(np.nan_to_num(rates)[market.catalogue.underlying] * np.abs(value))


def _rows(book: Book, market: MarketSnapshot, margins: AccountMargin, gains: Gains) -> _Rows:
    required = margins.requirements
    cross = isinstance(margins.equity_rule, CrossEquity)
    account = np.repeat(np.arange(len(book)), np.diff(book.row_pointer))
    column, lots = book.instrument, book.lots
    if cross:
        own = usd_price(market, required.pools[0])
        per_lot = (gains.futures * gains.price_then + gains.then * gains.price_then
                   - gains.value * gains.price_now) / own
        pool = np.zeros(len(column), np.int64)
    else:
        per_lot = gains.futures + gains.then - gains.value
        place = [required.pools.index(s) if s in required.pools else -1
                 for s in market.catalogue.settlements]
        pool = np.array(place)[market.catalogue.settlement[column]]
    width = len(required.pools)
    total = np.bincount(account * width + pool, weights=lots * per_lot[column],
                        minlength=len(book) * width)
    price = np.array([usd_price(market, p) for p in required.pools])[required.pool]
    loss = -total[required.account.astype(np.int64) * width + required.pool]
    return _Rows(account=required.account.astype(np.int64), price=price, loss=loss * price)


def _observation(book: Book, margins: AccountMargin, arrays: tuple[RiskArrays, ...], rows: _Rows,
                 period: tuple[int, int]) -> Observation:
    required, n = margins.requirements, len(book)
    initial, maintenance = required.initial * rows.price, required.maintenance * rows.price
    raw = _part(required, RAW_COMPONENTS)
    buffers = _part(required, BUFFER_COMPONENTS)
    short = np.maximum(rows.loss - initial, 0.0)
    per = {"initial": initial, "maintenance": maintenance, "loss": rows.loss, "shortfall": short,
           "shortfall_maintenance": np.maximum(rows.loss - maintenance, 0.0),
           "raw": raw * rows.price,
           "buffered": (raw + np.where(np.isnan(buffers), 0.0, buffers)) * rows.price}
    summed = {name: np.asarray(np.bincount(rows.account, weights=column, minlength=n), np.float64)
              for name, column in per.items()}
    failures = _failures(required, rows, n)
    exceeded = set(rows.account[short > 0].tolist())
    return Observation(at=period[0], until=period[1],
                       portfolios=tuple(book.accounts.tolist()), failure=failures,
                       no_law="", **no_columns(n),
                       worst=_worst(required, arrays, n, exceeded), **summed)


def _part(required: Requirements, names: frozenset[str]) -> Floats:
    """Return the sum of the addends of these names, [row]; NaN where the model has none."""
    found = [required.initial_components[name] for name in sorted(names)
             if name in required.initial_components]
    return np.sum(found, axis=0) if found else np.full(len(required), np.nan)


def _failures(required: Requirements, rows: _Rows, accounts: int) -> tuple[str, ...]:
    said = [""] * accounts
    for row in range(len(required)):
        account, index = int(rows.account[row]), int(required.failure[row])
        if index >= 0:
            failure = required.failures[index]
            said[account] = f"{failure.subject} {failure.sentence}"
        elif np.isnan(rows.loss[row]) and not said[account]:
            said[account] = "a position has no price at the end of the margin period"
    with_row = set(rows.account.tolist())
    return tuple(said[a] if a in with_row else "the model has no requirement for it"
                 for a in range(accounts))


def _worst(required: Requirements, arrays: tuple[RiskArrays, ...], accounts: int,
           exceeded: set[int]) -> tuple[str, ...]:
    words = [""] * accounts
    if exceeded:
        for row, cells in worst_scenarios(required, arrays).items():
            account = int(required.account[row])
            if account in exceeded and not words[account]:
                words[account] = in_words(cells[0])
    return tuple(words)


def _nothing(at: int, until: int) -> Observation:
    none = np.zeros(0)
    return Observation(at=at, until=until, portfolios=(), initial=none, maintenance=none, raw=none,
                       buffered=none, loss=none, shortfall=none, shortfall_maintenance=none,
                       worst=(), failure=(), no_law="", **no_columns(0))
