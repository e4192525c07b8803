"""What an account owns over all its assets, in one numeraire.

    equity  = sum over assets of (balance + unrealised P&L + option value) x price
    balance = the same, positive amounts by the tiers and caps of a schedule, negative ones whole

An asset that is held and has no price makes both unknown: nobody can say what it is worth.
"""

import numpy as np

from counterpoise.accounts.book import ROLES, Book
from counterpoise.collateral.counting import Counted
from counterpoise.collateral.limits import Counts
from counterpoise.collateral.schedule import CollateralSchedule, collateral_value, terms_of
from counterpoise.collateral.valuation import Bools, Indices, Owners, equity_of
from counterpoise.market.snapshot import Floats, MarketSnapshot, price_of
from counterpoise.values.frozen import frozen


@frozen
class AssetAmounts:
    """What accounts own of each asset, before anything is weighed.

    assets     codes, sorted
    amount     [account, asset] in the asset's own units, positive = owned; NaN where unknown
    price      [asset] in the numeraire; NaN where the market has none
    no_entry   [account] where an entry price is missing
    unused     [account, asset] where the account does not use the asset as collateral
    """

    assets: tuple[str, ...]
    amount: Floats
    price: Floats
    no_entry: Bools
    unused: Bools


@frozen
class CrossOwned:
    """Equity and weighed balance in the numeraire, [account]; NaN where a number is missing.

    `no_price` {asset: [account]} marks who holds an asset that has no price. `leaning`
    {counterparty: (what its assets count before its limit, the limit)} is in the numeraire too.
    """

    equity: Floats
    balance: Floats
    no_entry: Bools
    no_price: dict[str, Bools]
    leaning: dict[str, tuple[Floats, Floats]] = {}


def asset_amounts(book: Book, market: MarketSnapshot, *, accounts: Indices, numeraire: str,
                  option_value: bool, threads: int = 1) -> AssetAmounts:
    """Return what each of `accounts`, increasing indices, owns of each asset.

    `option_value` says whether the market value of options counts. An amount of an asset that the
    account states (`given["equity"]`) stands for ours.
    """
    assets = tuple(sorted({a.code for a in book.assets} | set(book.catalogue.settlements)))
    width = len(assets)
    owned = equity_of(book, market, Owners(
        assets=assets, account=np.repeat(accounts, width),
        asset=np.tile(np.arange(width, dtype=np.int32), len(accounts))),
        option_value=option_value, threads=threads)
    return AssetAmounts(assets=assets, amount=owned.amount.reshape(-1, width),
                        price=prices_in(market, assets, numeraire),
                        no_entry=np.logical_or.reduce(owned.no_entry.reshape(-1, width), axis=1),
                        unused=_unused(book, accounts, assets))


def _unused(book: Book, accounts: Indices, assets: tuple[str, ...]) -> Bools:
    unused = np.zeros((len(accounts), len(assets)), bool)
    if book.roles is not None:
        place = [assets.index(a.code) for a in book.assets]
        unused[:, place] = book.roles[accounts] == ROLES.index("none")
    return unused


def prices_in(market: MarketSnapshot, assets: tuple[str, ...], numeraire: str) -> Floats:
    """Return the price of each asset in the numeraire, [asset]; NaN where the market has none."""
    unit = _dollars(market, numeraire)
    return np.array([1.0 if code == numeraire else _dollars(market, code) / unit
                     for code in assets], np.float64)


def _dollars(market: MarketSnapshot, code: str) -> float:
    # Prices of a snapshot are in USD, whether it lists USD itself or not.
    return 1.0 if code == "USD" else price_of(market, code)


def cross_owned(owned: AssetAmounts, schedule: CollateralSchedule,
                priced: Counted | None = None, counts: Counts | None = None) -> CrossOwned:
    """Return equity and weighed balance of every account, assets added up in the order of codes.

    What an account does not use as collateral counts in its equity and not in its balance, nor does
    what lies beyond the limits `counts`. Where `priced` says at which price positive amounts count,
    and which gains do not, they do so.
    """
    equity, balance = np.zeros(len(owned.amount)), np.zeros(len(owned.amount))
    counted = dict[str, Floats]()
    no_price = {}
    for k, code in enumerate(owned.assets):
        amount, price = owned.amount[:, k], float(owned.price[k])
        net = amount if priced is None else amount - priced.withheld[:, k]
        held = (amount != 0) | (net != 0)
        if held.any():
            equity = equity + np.where(held, amount * price, 0.0)
            used = np.where(owned.unused[:, k], np.minimum(amount, 0.0), net)
            if counts is not None and code in counts.share:
                used = np.where(used > 0, used * counts.share[code], used)
            weighed = collateral_value(terms_of(schedule, code), np.maximum(used, 0.0),
                                       price if priced is None else float(priced.price[k]))
            weighed = np.where(held, weighed + np.minimum(used, 0.0) * price, 0.0)
            balance = balance + weighed
            if counts is not None and counts.counterparties:
                counted[code] = np.where(used < 0, 0.0, weighed)
        if price != price and held.any():
            no_price[code] = held
    leaning = {} if counts is None else _leaning(counts, counted, len(balance))
    if counts is not None:
        over = [np.maximum(part - most, 0.0) for part, most in leaning.values()]
        balance = balance - added(tuple(over), len(balance))
    return CrossOwned(equity=equity, balance=balance, no_entry=owned.no_entry, no_price=no_price,
                      leaning=leaning)


def _leaning(counts: Counts, counted: dict[str, Floats],
             accounts: int) -> dict[str, tuple[Floats, Floats]]:
    """Return what counterparties' assets count and may count, numeraire, [account]."""
    whole = added(tuple(counted.values()), accounts)
    return {name: (added(tuple(c for code, c in counted.items() if code in one.assets), accounts),
                   np.minimum(one.share_max * whole, one.value_max))
            for name, one in counts.counterparties.items()}


def added(columns: tuple[Floats, ...], rows: int) -> Floats:
    """Return the sum of some columns, in order, zero where there are none, [row]."""
    out = np.zeros(rows)
    for column in columns:
        out = out + column
    return out
