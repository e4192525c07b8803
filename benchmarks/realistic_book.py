"""Who trades? Seeded accounts of four habits with collateral a few times what they need.

    45 %  one to three perpetuals and futures, long or short
    25 %  one to four options and, half of them, a perpetual
    25 %  two to eight short options, hedged by a perpetual to about their Black delta
     5 %  market makers: thirty options of both signs, hedged likewise

An account trades one coin. Equity is lognormal in units of the initial requirement, median 3, sigma
0.6 (3.4 % of accounts below their initial, 1.4 % below their maintenance margin); sizes are
lognormal, median 1 coin, sigma 1.5. Options are near the money (|ln(K/F)| < 2 sigma sqrt(T)).
"""

from typing import Any

import numpy as np

from counterpoise.accounts.book import Book, Entries, book_of
from counterpoise.adapters.models import model_named
from counterpoise.instruments.catalogue import FUTURE, OPTION, PERPETUAL
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.pricing.black import black76
from counterpoise.values.assets import asset
from counterpoise.values.frozen import replaced
from counterpoise.values.time import YEAR_NS

SEED = 52
MEDIAN_EQUITY = 3.0
SIGMA_EQUITY = 0.6
SHARES = (0.45, 0.25, 0.25, 0.05)


def realistic_book(market: MarketSnapshot, version: ParameterVersion, accounts: int) -> Book:
    """Return a book of coin-settled contracts with balances, as the module says."""
    random = np.random.Generator(np.random.PCG64(SEED))
    terms = market.catalogue
    habit = random.choice(4, accounts, p=SHARES)
    coin = random.integers(0, len(terms.underlyings), accounts)
    size = np.exp(1.5 * random.standard_normal(accounts))
    delta = deltas(market)
    parts = [traded(market, random, habit, coin, size, delta)]
    bare = book_of(catalogue=terms, accounts=np.arange(accounts), positions=parts[0])
    assets = tuple(asset(c) for c in terms.settlements)
    decimals = np.array([10**a.decimals for a in assets], np.float64)
    bare = replaced(bare, assets=assets, balances=np.zeros((accounts, len(assets)), np.int64))
    margins = compute_margin(bare, market, model=model_named("deribit_spm"), version=version)
    ratio = MEDIAN_EQUITY * np.exp(SIGMA_EQUITY * random.standard_normal(accounts))
    required = margins.requirements
    wanted = ratio[required.account] * required.initial - margins.equity
    balances = np.zeros((accounts, len(assets)), np.int64)
    column = np.array([[a.code for a in assets].index(p) if p in terms.settlements else 0
                       for p in required.pools])[required.pool]
    balances[required.account, column] = np.rint(np.nan_to_num(wanted) * decimals[column])
    return replaced(bare, balances=balances)


def deltas(market: MarketSnapshot) -> Any:
    """Return Black deltas of options, 1 for the others, [instrument]."""
    terms, option = market.catalogue, market.catalogue.kind == OPTION
    years = np.where(option, np.maximum(terms.expiry - market.as_of, 0) / YEAR_NS, 0.0)
    found = black76(forward=market.forward, strike=np.where(option, terms.strike, 1.0),
                    years=years, volatility=np.where(option, market.volatility, 0.5),
                    right=np.where(option, terms.right, 1).astype(np.int8), rate=market.rate)
    return np.where(option, found.delta, 1.0)


def traded(market: MarketSnapshot, random: np.random.Generator, habit: Any, coin: Any, size: Any,
           delta: Any) -> Entries:
    """Return the positions of all accounts."""
    lists = [listed(market, u) for u in range(len(market.catalogue.underlyings))]
    low, high = np.array([1, 1, 2, 30]), np.array([3, 4, 8, 30])
    count = random.integers(low[habit], high[habit] + 1)
    account = np.repeat(np.arange(len(habit)), count)
    draw = random.random(len(account))
    instrument = np.zeros(len(account), np.int64)
    for u, (futures, options) in enumerate(lists):
        mine = coin[account] == u
        plain = habit[account] == 0
        for where, pick in ((mine & plain, futures), (mine & ~plain, options)):
            instrument[where] = pick[(draw[where] * len(pick)).astype(np.int64)]
    sign = np.where(random.random(len(account)) < 0.5, -1.0, 1.0)
    sign = np.where(habit[account] == 2, -1.0, sign)
    coins = sign * size[account] * np.exp(0.5 * random.standard_normal(len(account)))
    net = np.bincount(account, weights=coins * delta[instrument], minlength=len(habit))
    hedged = (habit >= 2) | ((habit == 1) & (random.random(len(habit)) < 0.5))
    perpetual = np.array([futures[0] for futures, _ in lists])[coin]
    at = np.flatnonzero(hedged)
    account = np.concatenate([account, at])
    instrument = np.concatenate([instrument, perpetual[at]])
    coins = np.concatenate([coins, -net[at] * np.where(habit[at] == 1, 1.0, 0.9)])
    return entries(market, account, instrument, coins)


def listed(market: MarketSnapshot, underlying: int) -> tuple[Any, Any]:
    """Return the perpetual and futures, and the options near the money, of one coin."""
    terms = market.catalogue
    mine = (terms.underlying == underlying) & (terms.payoff == 1) & (market.quality == 0)
    years = np.maximum(terms.expiry - market.as_of, 1) / YEAR_NS
    with np.errstate(invalid="ignore", divide="ignore"):
        near = (np.abs(np.log(terms.strike / market.forward))
                < 2 * market.volatility * np.sqrt(years))
    futures = np.flatnonzero(mine & ((terms.kind == PERPETUAL) | (terms.kind == FUTURE)))
    return futures, np.flatnonzero(mine & (terms.kind == OPTION) & near)


def entries(market: MarketSnapshot, account: Any, instrument: Any, coins: Any) -> Entries:
    """Return positions in lots, entered at today's mark."""
    terms = market.catalogue
    option = terms.kind[instrument] == OPTION
    per_lot = terms.unit[instrument] / np.where(option, 1.0, market.mark[instrument])
    lots = np.rint(coins / per_lot).astype(np.int64)
    decimals = np.array([10.0**asset(s).decimals for s in terms.settlements])
    value = -terms.unit[instrument] / market.mark[instrument]
    cost = np.where(option, 0.0, lots * value * decimals[terms.settlement[instrument]])
    return Entries(account=account, instrument=instrument.astype(np.int32), lots=lots,
                   entry_cost=np.rint(cost).astype(np.int64))
