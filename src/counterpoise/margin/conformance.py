"""Does a margin model keep the promises that every caller relies on?

`check_margin_model` runs the battery and returns what is broken as sentences. It is part of the
package so that a model from elsewhere can run it too. Every check draws its books from a seeded
generator over the market it is given, so that a finding can be repeated.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import (
    Book,
    Entries,
    book_of,
    concatenated,
    entries_of,
    rows_of,
)
from counterpoise.collateral.cross import prices_in
from counterpoise.collateral.valuation import contract_values
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.model import LAWS, CrossEquity, MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.pools import pool_of_instrument
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.values.assets import asset
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.quantity import UNKNOWN, power_of_ten

TOLERANCE: Final = 1e-9
"""Relative slack of checks that compare sums of floats; bit equality has none."""
ROUNDING_MAX: Final = 1e-8
"""Largest share of a margin that may be called rounding; a component may not hide there."""

Bools = np.ndarray[Any, np.dtype[np.bool_]]
_MEMBERS: Final = (*MarginModel.__annotations__, *(
    name for name, member in vars(MarginModel).items()
    if callable(member) and not name.startswith("_")))


@frozen
class Trial:
    """What a check runs on: a model, its parameters, a market and a random book from it."""

    model: MarginModel
    version: ParameterVersion
    market: MarketSnapshot
    book: Book


def check_margin_model(model: MarginModel, version: ParameterVersion, market: MarketSnapshot, *,
                       seed: int = 1, accounts: int = 24) -> tuple[str, ...]:
    """Return a sentence for every promise that the model breaks; none is the good answer.

    `market` should hold several kinds of instruments that the model covers: books are drawn from
    those alone, and a market without any is named as what is wrong. A check in which the model
    raises is a promise broken.
    """
    if missing := missing_members(model):
        return missing
    known = covered(model, version, market)
    if not known.any():
        return (f"{model.name}: covers no instrument of this market, so nothing could be tried",)
    trial = Trial(model=model, version=version, market=market,
                  book=random_book(market, seed=seed, accounts=accounts, among=known))
    return tuple(f"{model.name}: {sentence}" for check in (*_CHECKS, *_law_checks(model))
                 for sentence in _found(check, trial))


def missing_members(model: Any) -> tuple[str, ...]:
    """Return a sentence for every member of the protocol that an object lacks."""
    called = getattr(model, "name", type(model).__name__)
    return tuple(f"{called}: has no `{name}`" for name in _MEMBERS if not hasattr(model, name))


def _found(check: Callable[[Trial], Iterator[str]], trial: Trial) -> tuple[str, ...]:
    try:
        return tuple(check(trial))
    except Exception as error:
        claim = check.__name__.strip("_").replace("_", " ")
        return (f"raises {type(error).__name__} ({str(error)[:200]}) where '{claim}' is tried",)


def covered(model: MarginModel, version: ParameterVersion, market: MarketSnapshot) -> Bools:
    """Return which instruments the model gives a number, one coin of each held alone."""
    good = np.flatnonzero(market.quality == Quality.GOOD).astype(np.int32)
    alone = Entries(account=np.arange(len(good)), instrument=good,
                    lots=np.rint(_lots_per_coin(market)[good]).astype(np.int64),
                    entry_cost=np.zeros(len(good), np.int64))
    needs = compute_margin(
        book_of(catalogue=market.catalogue, accounts=np.arange(len(good)), positions=alone),
        market, model=model, version=version).requirements
    known = np.zeros(len(market.catalogue), bool)
    known[good[needs.account]] = True
    known[good[needs.account[needs.failure >= 0]]] = False
    return known


def random_book(market: MarketSnapshot, *, seed: int, accounts: int, positions: int = 8,
                among: Bools | None = None) -> Book:
    """Return a book of random positions, orders and balances over the market's good quotes.

    `among` says from which instruments to draw, all where None. Sizes are fractions of a coin to a
    few coins; entry prices are the marks. Same seed, same book.
    """
    rng = np.random.default_rng(seed)
    terms = market.catalogue
    good = np.flatnonzero((market.quality == Quality.GOOD)
                          & (True if among is None else among)).astype(np.int32)
    count = positions * accounts
    instrument = rng.choice(good, count) if len(good) else np.zeros(0, np.int32)
    per_coin = _lots_per_coin(market)[instrument]
    coins = rng.uniform(0.01, 5.0, len(instrument)) * rng.choice([-1.0, 1.0], len(instrument))
    lots = np.rint(coins * per_coin).astype(np.int64)
    account = np.repeat(np.arange(accounts), positions)[:len(instrument)]
    rows = Entries(account=account, instrument=instrument, lots=lots,
                   entry_cost=np.full(len(lots), UNKNOWN, np.int64))
    ordered = rng.random(len(instrument)) < 0.1
    orders = Entries(account=account[ordered], instrument=instrument[ordered],
                     lots=rng.permutation(lots[ordered]), entry_cost=rows.entry_cost[ordered])
    assets = tuple(asset(code) for code in terms.settlements)
    units = np.array([power_of_ten(a.decimals) for a in assets])
    balances = np.rint(rng.uniform(0, 20, (accounts, len(assets))) * units).astype(np.int64)
    known = replaced(rows, entry_cost=_entry_at_mark(market, rows))
    return book_of(catalogue=terms, accounts=np.arange(accounts), positions=known, orders=orders,
                   balances=(assets, balances))


def _lots_per_coin(market: MarketSnapshot) -> Any:
    terms = market.catalogue
    inverse = (terms.payoff == 1) & (terms.kind != 3)
    return np.where(inverse, np.nan_to_num(market.mark, nan=1.0), 1.0) / terms.unit


def _entry_at_mark(market: MarketSnapshot, rows: Entries) -> Any:
    terms = market.catalogue
    unit = np.array([power_of_ten(asset(s).decimals) for s in terms.settlements])
    value = contract_values(market)[rows.instrument] * rows.lots
    return np.rint(value * unit[terms.settlement[rows.instrument]]).astype(np.int64)


def _margin(trial: Trial, book: Book, **changes: Any) -> AccountMargin:
    return compute_margin(book, changes.pop("market", trial.market), model=trial.model,
                          version=trial.version, **changes)


def _same_bits(a: AccountMargin, b: AccountMargin) -> bool:
    return all(x.tobytes() == y.tobytes() for x, y in (
        (a.requirements.initial, b.requirements.initial),
        (a.requirements.maintenance, b.requirements.maintenance),
        (a.requirements.account, b.requirements.account), (a.equity, b.equity)))


def _declares_itself(trial: Trial) -> Iterator[str]:
    model = trial.model
    if not isinstance(trial.version.parameters, model.parameters_type):
        yield f"parameters are not {model.parameters_type.__name__}"
    if not model.laws <= LAWS:
        yield f"declares unknown laws {sorted(model.laws - LAWS)}"
    if model.scenarios(trial.market, trial.version.parameters) != model.scenarios(
            trial.market, trial.version.parameters):
        yield "gives different scenarios for the same inputs"


def _empty_book_needs_nothing(trial: Trial) -> Iterator[str]:
    nobody = rows_of(trial.book, 0, 0)
    if len(_margin(trial, nobody).requirements):
        yield "requires something of a book without accounts"
    idle = book_of(catalogue=trial.book.catalogue, accounts=np.arange(1),
                   positions=entries_of(np.zeros(2, np.int64), np.zeros(0, np.int32),
                                        np.zeros(0, np.int64)))
    if np.any(_margin(trial, idle).requirements.initial != 0):
        yield "requires something of an account without positions"


def _components_sum(trial: Trial) -> Iterator[str]:
    needs = _margin(trial, trial.book).requirements
    for name, total, parts in (("initial", needs.initial, needs.initial_components),
                               ("maintenance", needs.maintenance, needs.maintenance_components)):
        gap = np.abs(np.add.reduce(list(parts.values())) - total)
        if np.any(gap > TOLERANCE * (1 + np.abs(total))):
            yield f"components of the {name} margin do not sum to it (off by {gap.max():.3g})"
        dust = np.abs(parts.get("rounding", np.zeros(1)))
        if np.any(dust > ROUNDING_MAX * (1 + np.nanmax(np.abs(total), initial=0.0))):
            yield f"calls {np.nanmax(dust):.3g} of the {name} margin rounding"


def _contributions_sum(trial: Trial) -> Iterator[str]:
    arrays = priced(trial.market, model=trial.model, version=trial.version)
    for k in range(min(len(trial.book), 6)):
        one = rows_of(trial.book, k, k + 1)
        needs = _margin(trial, one, arrays=arrays).requirements
        shares = trial.model.contributions(one, arrays, trial.market, trial.version.parameters)
        pool = pool_of_instrument(one, needs.pools)
        row_of = {p: row for row, p in enumerate(needs.pool)}
        row = np.array([row_of[p] for p in pool[one.instrument]], int)
        for c, name in enumerate(shares.components):
            told = np.bincount(row, weights=shares.initial[:, c], minlength=len(needs))
            gap = np.abs(told - needs.initial_components[name])
            if np.any(gap > TOLERANCE * (1 + np.abs(needs.initial))):
                yield f"contributions to {name} do not sum to it (off by {gap.max():.3g})"


def _order_changes_no_bit(trial: Trial) -> Iterator[str]:
    book = trial.book
    rows = entries_of(book.row_pointer, book.instrument, book.lots, book.entry_cost)
    mixed = np.random.default_rng(2).permutation(len(rows.lots))
    halves = Entries(account=np.concatenate((rows.account[mixed],) * 2),
                     instrument=np.concatenate((rows.instrument[mixed],) * 2),
                     lots=np.concatenate((rows.lots[mixed] // 2,
                                          rows.lots[mixed] - rows.lots[mixed] // 2)),
                     entry_cost=np.concatenate((rows.entry_cost[mixed] // 2,
                                                rows.entry_cost[mixed]
                                                - rows.entry_cost[mixed] // 2)))
    again = book_of(catalogue=book.catalogue, accounts=book.accounts, positions=halves,
                    orders=entries_of(book.order_pointer, book.order_instrument, book.order_lots),
                    balances=(book.assets, book.balances), given=book.given)
    if not _same_bits(_margin(trial, book), _margin(trial, again)):
        yield "gives other bits when positions are shuffled and split"


def _one_account_like_many(trial: Trial) -> Iterator[str]:
    together = _margin(trial, trial.book).requirements
    apart = [_margin(trial, rows_of(trial.book, k, k + 1)).requirements
             for k in range(len(trial.book))]
    if np.concatenate([a.initial for a in apart]).tobytes() != together.initial.tobytes():
        yield "margins an account differently alone than among others"
    halves = concatenated([rows_of(trial.book, 0, 5), rows_of(trial.book, 5, len(trial.book))])
    if _margin(trial, halves).requirements.initial.tobytes() != together.initial.tobytes():
        yield "margins a book put together from shards differently"


def _threads_change_no_bit(trial: Trial) -> Iterator[str]:
    if not _same_bits(_margin(trial, trial.book), _margin(trial, trial.book, threads=3)):
        yield "gives other bits with three threads"


def _collateral_never_hurts(trial: Trial) -> Iterator[str]:
    richer = replaced(trial.book, balances=trial.book.balances + 10**9)
    before, after = _margin(trial, trial.book), _margin(trial, richer)
    known = {(a, p): s for a, p, s in zip(before.requirements.account, before.requirements.pool,
                                          before.status, strict=True)}
    if any(s > known.get((a, p), s) for a, p, s in zip(
            after.requirements.account, after.requirements.pool, after.status, strict=True)):
        yield "gives a worse status to an account that added collateral"


def _unpriced_assets_are_unknown(trial: Trial) -> Iterator[str]:
    rule, book = trial.model.equity(trial.version.parameters), trial.book
    if not isinstance(rule, CrossEquity):
        return
    held = {a.code: k for k, a in enumerate(book.assets) if a.code != rule.numeraire}
    for code, k in held.items():
        blind = replaced(trial.market, price=np.where(
            np.array(trial.market.assets) == code, np.nan, trial.market.price))
        margins = _margin(trial, book, market=blind)
        owns = book.balances[margins.requirements.account, k] != 0
        if np.any(np.isfinite(margins.margin_balance[owns])):
            yield f"gives an account that holds {code} a balance without its price"


def _missing_numbers_fail(trial: Trial) -> Iterator[str]:
    held = int(trial.book.instrument[0])
    blind = replaced(trial.market, mark=_without(trial.market.mark, held),
                     volatility=_without(trial.market.volatility, held),
                     forward=_without(trial.market.forward, held),
                     quality=trial.market.quality | np.where(
                         np.arange(len(trial.market.catalogue)) == held,
                         Quality.MISSING_MARK | Quality.MISSING_FORWARD,
                         Quality.GOOD).astype(np.uint16))
    needs = _margin(trial, trial.book, market=blind).requirements
    first = needs.account == 0
    if not np.any(needs.failure[first] >= 0):
        yield "gives a number to an account whose instrument has no quote"
    if np.any(np.isnan(needs.initial) != (needs.failure >= 0)):
        yield "has rows with NaN and no failure, or a failure and a number"


def _without(column: Any, held: int) -> Any:
    return np.where(np.arange(len(column)) == held, np.nan, column)


_CHECKS: Final[tuple[Callable[[Trial], Iterator[str]], ...]] = (
    _declares_itself, _empty_book_needs_nothing, _components_sum, _contributions_sum,
    _order_changes_no_bit, _one_account_like_many, _threads_change_no_bit,
    _collateral_never_hurts, _unpriced_assets_are_unknown, _missing_numbers_fail)


# The laws that a model declares.


def _non_negative(trial: Trial) -> Iterator[str]:
    needs = _margin(trial, trial.book).requirements
    if np.nanmin(np.minimum(needs.initial, needs.maintenance), initial=0.0) < 0:
        yield "declares non_negative, but a requirement is negative"


def _initial_at_least_maintenance(trial: Trial) -> Iterator[str]:
    needs = _margin(trial, trial.book).requirements
    initial, maintenance = (total - parts.get("rounding", 0.0) for total, parts in (
        (needs.initial, needs.initial_components),
        (needs.maintenance, needs.maintenance_components)))
    if np.any(initial < maintenance):
        yield "declares initial_at_least_maintenance, but an initial margin is smaller"


def _scaled(book: Book, factor: int) -> Book:
    return replaced(book, lots=book.lots * factor, order_lots=book.order_lots * factor,
                    entry_cost=book.entry_cost * factor, balances=book.balances * factor)


def _long_option_at_most_premium(trial: Trial) -> Iterator[str]:
    options = trial.market.catalogue.kind[trial.book.instrument] == 3
    if not np.any(options):
        return
    column = np.unique(trial.book.instrument[options])
    lots = np.rint(1 / trial.market.catalogue.unit[column]).astype(np.int64)
    rows = Entries(account=np.arange(len(column)), instrument=column, lots=lots,
                   entry_cost=np.zeros(len(column), np.int64))
    terms, equity = trial.market.catalogue, trial.model.equity(trial.version.parameters)
    book = book_of(catalogue=trial.book.catalogue, accounts=np.arange(len(column)), positions=rows)
    needs = _margin(trial, book).requirements
    premium = lots * terms.unit[column] * trial.market.mark[column]
    if isinstance(equity, CrossEquity):
        prices = prices_in(trial.market, terms.settlements, equity.numeraire)
        premium = premium * prices[terms.settlement[column]]
    if np.any(needs.initial > premium * (1 + TOLERANCE) + 1e-12):
        yield "declares long_option_at_most_premium, but a long option needs more"


def _continuous(trial: Trial) -> Iterator[str]:
    needs = _margin(trial, trial.book).requirements.initial
    nudged = replaced(trial.market, index=trial.market.index * (1 + 1e-9),
                      mark=trial.market.mark * (1 + 1e-9),
                      forward=trial.market.forward * (1 + 1e-9))
    moved = _margin(trial, trial.book, market=nudged).requirements.initial
    if np.any(np.abs(moved - needs) > 1e-5 * (1 + np.abs(needs))):
        yield "declares continuous, but jumps under a move of one part in a billion"


def _homogeneous_scan(trial: Trial) -> Iterator[str]:
    unordered = replaced(trial.book, order_pointer=0 * trial.book.order_pointer,
                         order_instrument=trial.book.order_instrument[:0],
                         order_lots=trial.book.order_lots[:0])
    one = _margin(trial, unordered).requirements.maintenance
    three = _margin(trial, _scaled(unordered, 3)).requirements.maintenance
    if np.any(np.abs(three - 3 * one) > 1e-6 * (1 + np.abs(three))):
        yield "declares homogeneous_scan, but three times the book does not need three times"


def _subadditive(trial: Trial) -> Iterator[str]:
    book = trial.book
    pairs = entries_of(book.row_pointer, book.instrument, book.lots, book.entry_cost)
    merged = book_of(catalogue=book.catalogue, accounts=np.arange((len(book) + 1) // 2),
                     positions=replaced(pairs, account=pairs.account // 2))
    whole = _margin(trial, merged).requirements
    alone = _margin(trial, replaced(book, order_pointer=0 * book.order_pointer,
                                    order_instrument=book.order_instrument[:0],
                                    order_lots=book.order_lots[:0])).requirements
    apart = np.zeros((len(merged), len(whole.pools)))
    np.add.at(apart, (alone.account // 2, alone.pool), alone.initial)
    if np.any(whole.initial > apart[whole.account, whole.pool] * (1 + TOLERANCE) + 1e-9):
        yield "declares subadditive, but two accounts together need more than apart"


def _hedge_never_raises_scan(trial: Trial) -> Iterator[str]:
    """Put half a coin of another future of the same unit against one coin."""
    terms, coin = trial.market.catalogue, _lots_per_coin(trial.market)
    good = np.flatnonzero(trial.market.quality == Quality.GOOD)
    one = [k for k in good if terms.kind[k] in (1, 2)]
    pairs = [(a, b) for a, b in zip(one, one[1:], strict=False)
             if terms.underlying[a] == terms.underlying[b]
             and terms.settlement[a] == terms.settlement[b]]
    for a, b in pairs[:8]:
        lots = np.rint([coin[a], coin[a], -coin[b] / 2]).astype(np.int64)
        rows = Entries(account=np.array([0, 1, 1]), instrument=np.array([a, a, b], np.int32),
                       lots=lots, entry_cost=np.zeros(3, np.int64))
        needs = _margin(trial, book_of(catalogue=terms, accounts=np.arange(2),
                                       positions=rows)).requirements
        if needs.maintenance[1] > needs.maintenance[0] * (1 + TOLERANCE) + 2e-9:
            yield ("declares hedge_never_raises_scan, but "
                   f"{terms.instruments[b].id} against {terms.instruments[a].id} needs more")


_LAW_CHECKS: Final[dict[str, Callable[[Trial], Iterator[str]]]] = {
    "non_negative": _non_negative,
    "long_option_at_most_premium": _long_option_at_most_premium,
    "initial_at_least_maintenance": _initial_at_least_maintenance,
    "homogeneous_scan": _homogeneous_scan,
    "subadditive": _subadditive,
    "hedge_never_raises_scan": _hedge_never_raises_scan,
    "continuous": _continuous,
}


def _law_checks(model: MarginModel) -> tuple[Callable[[Trial], Iterator[str]], ...]:
    return tuple(_LAW_CHECKS[law] for law in sorted(model.laws & LAWS))
