"""What do the accounts of the file hold? Exact integers: lots, entry costs, smallest units.

A size in coin or quote units becomes contracts at the mark: an inverse future of q coins is
q x mark quote units (venues count them so), rounded half-even to a lot. The entry cost is quantity
x contract value at entry in the settlement asset's smallest unit, rounded up, that is against the
account: linear units x price, inverse -units / price, option units x premium.
"""

from collections import Counter
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book, Entries, book_of
from counterpoise.adapters.portfolio.names import Names, instrument_named, raise_all
from counterpoise.instruments.contracts import Instrument, Option, Payoff, Spot
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.assets import asset, decimals_of, is_asset_code
from counterpoise.values.decimals import parse_decimal, parse_float, to_lots, to_smallest_unit
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.quantity import INT64_MAX, LOTS_MAX, UNKNOWN
from counterpoise.values.time import format_instant

Tree = dict[str, Any]
OrderPrices = dict[tuple[str, str, int], tuple[str, ...]]
_PRECISION: Final = 80
_ROUNDABLE: Final = 10**30
ID_MAX: Final = 200
_CELLS_MAX: Final = 20_000_000
"""Balances are a table of accounts by assets: a hundred thousand accounts in two hundred assets."""
_NOT_YET: Final = ("loans", "wallets", "collateral")


def account_trees(tree: Tree, failures: list[Failure]) -> list[tuple[str, Tree]]:
    """Return (path, account) of every account, each with an id."""
    if ("account" in tree) == ("accounts" in tree):
        if "account" in tree:
            failures.append(Failure(reason=Reason.BAD_VALUE, subject="accounts", sentence=(
                "stands beside account; use one of them")))
        elif not failures:
            failures.append(Failure(reason=Reason.BAD_VALUE, subject="account", sentence=(
                "is missing; say what is held under account or accounts")))
        return []
    if "account" in tree:
        rows = [("account", {"id": "account", **tree["account"]})]
    else:
        rows = [(f"accounts[{k}]", a) for k, a in enumerate(tree["accounts"]) if a is not None]
    failures.extend(Failure(reason=Reason.BAD_VALUE, subject=f"{path}.id", sentence=(
        "is missing; several accounts need an id each")) for path, a in rows if "id" not in a)
    counts = Counter(a["id"] for _, a in rows if "id" in a)
    failures.extend(Failure(reason=Reason.DUPLICATE, subject=name[:60] or "id", sentence=(
        "is the id of several accounts; each account stands once"))
        for name in sorted(name for name, count in counts.items() if count > 1))
    failures.extend(Failure(reason=Reason.TOO_LARGE, subject=f"{path}.id", sentence=(
        f"has {len(a['id'])} characters; an account id has at most {ID_MAX}"))
        for path, a in rows if len(a.get("id", "")) > ID_MAX)
    return rows


def instruments_held(accounts: list[tuple[str, Tree]], names: Names) -> dict[str, Instrument]:
    """Return the instruments of all positions and orders by id; unknown names join failures."""
    held = {}
    for _, account in accounts:
        for row in (*account.get("positions", ()), *account.get("orders", ())):
            name = None if row is None else row.get("instrument")
            instrument = None if name is None else instrument_named(names, name)
            if instrument is not None:
                held[instrument.id] = instrument
    return held


def book_in(accounts: list[tuple[str, Tree]], market: MarketSnapshot,
            names: Names) -> tuple[Book, OrderPrices]:
    """Return the book of all accounts and the order prices, which no model reads yet."""
    positions: list[tuple[int, int, int, int]] = []
    orders: list[tuple[int, int, int, int]] = []
    prices: dict[tuple[str, str, int], list[str]] = {}
    for k, (path, account) in enumerate(accounts):
        _refuse_unsupported(account, path, names)
        positions.extend((k, *row) for row in _positions(account, path, market, names))
        for column, lots, price in _orders(account, path, market, names):
            orders.append((k, column, lots, UNKNOWN))
            if price is not None:
                key = (account.get("id", ""), market.catalogue.instruments[column].id, lots)
                prices.setdefault(key, []).append(price)
    _refuse_endless_orders(positions, orders, market, [path for path, _ in accounts], names)
    assets, balances, given = _amounts(accounts, names)
    book = book_of(catalogue=market.catalogue,
                   accounts=np.array([a.get("id", "") for _, a in accounts], np.str_),
                   positions=_entries(positions), orders=_entries(orders),
                   balances=(assets, balances), given=given)
    return book, {key: tuple(texts) for key, texts in prices.items()}


def _refuse_endless_orders(positions: list[tuple[int, int, int, int]],
                           orders: list[tuple[int, int, int, int]], market: MarketSnapshot,
                           paths: list[str], names: Names) -> None:
    if not orders:
        return
    gross = {(k, column): abs(lots) for k, column, lots, _ in positions}
    for k, column, lots, _ in orders:
        gross[k, column] = gross.get((k, column), 0) + abs(lots)
    names.failures.extend(Failure(
        reason=Reason.ABSURD_QUANTITY, subject=f"{paths[k]}.orders",
        sentence=f"orders in {market.catalogue.instruments[column].id} add up, with what is held "
        f"of it, to more than this engine's limit of {LOTS_MAX} lots; check the unit")
        for (k, column), lots in gross.items() if lots > LOTS_MAX)


def _entries(rows: list[tuple[int, int, int, int]]) -> Entries:
    columns = np.array(rows, np.int64).reshape(len(rows), 4)
    return Entries(account=columns[:, 0].copy(), instrument=columns[:, 1].astype(np.int32),
                   lots=columns[:, 2].copy(), entry_cost=columns[:, 3].copy())


def _refuse_unsupported(account: Tree, path: str, names: Names) -> None:
    names.failures.extend(Failure(
        reason=Reason.NOT_APPLICABLE, subject=f"{path}.{key}",
        sentence="is not supported yet by any model here and would change the number; take it out")
        for key in _NOT_YET if account.get(key))
    names.failures.extend(Failure(
        reason=Reason.NOT_APPLICABLE, subject=f"{path}.{kind}[{k}].{key}",
        sentence="is not supported yet by any model here and would change the number; "
        "take the row out or set it to false")
        for kind, key in (("positions", "isolated"), ("orders", "reduce_only"))
        for k, row in enumerate(account.get(kind, ())) if row and row.get(key))


def _positions(account: Tree, path: str, market: MarketSnapshot,
               names: Names) -> list[tuple[int, int, int]]:
    rows, seen = [], set()
    for k, row in enumerate(account.get("positions", ())):
        instrument = _known(row, market, names)
        if instrument is None:
            continue
        where = f"{path}.positions[{k}] {row['instrument']}"
        try:
            _refuse_unholdable(instrument, market, where)
            if instrument.id in seen:
                raise bad_input(Reason.DUPLICATE, where, "stands twice in this account; write one "
                                "row with the net quantity")
            seen.add(instrument.id)
            lots = lots_of(row, instrument, market, where)
            rows.append((market.catalogue.column[instrument.id], lots,
                         _entry_cost(row, instrument, lots, where)))
        except BadInput as wrong:
            names.failures.extend(wrong.failures)
    return rows


def _orders(account: Tree, path: str, market: MarketSnapshot,
            names: Names) -> list[tuple[int, int, str | None]]:
    rows = []
    for k, row in enumerate(account.get("orders", ())):
        instrument = _known(row, market, names)
        if instrument is None:
            continue
        where = f"{path}.orders[{k}] {row['instrument']}"
        try:
            _refuse_expired(instrument, market, where)
            lots = lots_of(row, instrument, market, where)
            if "price" in row:
                _price(row, "price", instrument, where)
            rows.append((market.catalogue.column[instrument.id], _signed(row, lots, where),
                         row.get("price")))
        except BadInput as wrong:
            names.failures.extend(wrong.failures)
    return rows


def _known(row: Tree | None, market: MarketSnapshot, names: Names) -> Instrument | None:
    if row is None or "instrument" not in row or "quantity" not in row:
        return None  # The schema has said already what is missing.
    instrument = names.found.get(row["instrument"])
    place = None if instrument is None else market.catalogue.column.get(instrument.id)
    # Lots are those of the catalogue, whatever the name was understood to mean.
    return None if place is None else market.catalogue.instruments[place]


def _signed(row: Tree, lots: int, where: str) -> int:
    if lots == 0:
        raise bad_input(Reason.BAD_VALUE, where, "has quantity 0; an open order wants something")
    if "side" not in row:
        return lots
    if lots < 0:
        raise bad_input(Reason.BAD_VALUE, where, "has a side and a negative quantity; with a side "
                        "the quantity is positive")
    return lots if row["side"] == "buy" else -lots


def _refuse_unholdable(instrument: Instrument, market: MarketSnapshot, where: str) -> None:
    _refuse_expired(instrument, market, where)
    if isinstance(instrument, Spot):
        raise bad_input(Reason.NOT_APPLICABLE, where, "is a spot pair; what you own of it belongs "
                        f"under balances as {instrument.underlying}")


def _refuse_expired(instrument: Instrument, market: MarketSnapshot, where: str) -> None:
    expiry = getattr(instrument, "expiry", None)
    if expiry is not None and expiry <= market.as_of:
        raise bad_input(Reason.EXPIRED, where, f"expired at {format_instant(expiry)}, at or "
                        f"before the market's {format_instant(market.as_of)}; settle it and take "
                        "it out")


def lots_of(row: Tree, instrument: Instrument, market: MarketSnapshot, where: str) -> int:
    """Return the lots that `quantity` in `unit` (contracts, coin or quote) of a row means.

    Raises
    ------
    BadInput
        If it is no number of lots, or the unit needs a mark that is missing; `where` names the row.
    """
    quantity = parse_decimal(row["quantity"], subject=f"{where}: quantity")
    unit = row.get("unit", "contracts")
    if unit == "contracts":
        return to_lots(quantity, lot_exponent=instrument.lot_exponent, subject=where)
    counted_in_quote = instrument.payoff is Payoff.INVERSE and not isinstance(instrument, Option)
    if isinstance(instrument, Option) and unit == "quote":
        raise bad_input(Reason.BAD_VALUE, where, 'has unit "quote"; options are counted in '
                        "contracts or coin")
    with localcontext() as context:
        context.prec = _PRECISION
        contracts = quantity / Decimal(repr(instrument.multiplier))
        if (unit == "quote") is counted_in_quote:
            return to_lots(contracts, lot_exponent=instrument.lot_exponent, subject=where)
        mark = _mark(instrument, market, where)
        contracts = contracts * mark if counted_in_quote else contracts / mark
        lot = Decimal(1).scaleb(instrument.lot_exponent)
        if abs(contracts) < _ROUNDABLE:
            contracts = contracts.quantize(lot, ROUND_HALF_EVEN)
    return to_lots(contracts, lot_exponent=instrument.lot_exponent, subject=where)


def _mark(instrument: Instrument, market: MarketSnapshot, where: str) -> Decimal:
    mark = float(market.mark[market.catalogue.column[instrument.id]])
    if not mark > 0:
        raise bad_input(Reason.MISSING_MARK, where, "is counted in another unit than its "
                        "contracts; that needs its mark in the market")
    return Decimal(repr(mark))


def _entry_cost(row: Tree, instrument: Instrument, lots: int, where: str) -> int:
    if "entry_price" in row and "entry_cost" in row:
        raise bad_input(Reason.BAD_VALUE, where, "has entry_price and entry_cost; keep one")
    if "entry_cost" in row:
        cost = parse_decimal(row["entry_cost"], subject=f"{where}: entry_cost")
        return to_smallest_unit(cost, decimals=decimals_of(instrument.settlement), against="debit",
                                subject=where)
    if "entry_price" not in row:
        return UNKNOWN
    return entry_cost(instrument, lots, _price(row, "entry_price", instrument, where), where)


def _price(row: Tree, key: str, instrument: Instrument, where: str) -> Decimal:
    price = parse_decimal(row[key], subject=f"{where}: {key}")
    if price < 0 or (price == 0 and not isinstance(instrument, Option)):
        raise bad_input(Reason.ABSURD_PRICE, where, f"{key} {price} is not a price; it is "
                        "above zero (an option's premium at least zero)")
    return price


def entry_cost(instrument: Instrument, lots: int, price: Decimal, where: str) -> int:
    """Return the cost of entering `lots` at `price`, in smallest units of the settlement asset.

    Rounded up: what was paid counts a little more, what was received a little less.

    Raises
    ------
    BadInput
        If it does not fit 64 bits.
    """
    size = Decimal(repr(instrument.multiplier)).as_integer_ratio()
    value = price.as_integer_ratio()
    if instrument.payoff is Payoff.INVERSE and not isinstance(instrument, Option):
        value = (-value[1], value[0])
    exponent = instrument.lot_exponent + decimals_of(instrument.settlement)
    top = lots * size[0] * value[0] * 10**max(exponent, 0)
    bottom = size[1] * value[1] * 10**max(-exponent, 0)
    cost: int = -(-top // bottom)
    if abs(cost) > INT64_MAX:
        raise bad_input(Reason.ABSURD_QUANTITY, where, "costs more at entry than the ledger of "
                        f"{instrument.settlement} can count; check quantity and entry price")
    return cost


def _amounts(accounts: list[tuple[str, Tree]], names: Names) -> Any:
    tables = [_tables(account, path, names) for path, account in accounts]
    codes = sorted({code for by_name in tables for table in by_name.values() for code in table})
    place = {code: column for column, code in enumerate(codes)}
    cells = [(k, name, code, text) for k, by_name in enumerate(tables)
             for name, table in by_name.items() for code, text in table.items()]
    stated = dict.fromkeys(name for _, name, _, _ in cells if name != "balances")
    if len(accounts) * len(codes) * (1 + len(stated)) > _CELLS_MAX:
        names.failures.append(Failure(
            reason=Reason.TOO_LARGE, subject="accounts", sentence=f"{len(accounts)} accounts in "
            f"{len(codes)} assets are a table of more than {_CELLS_MAX} balances; split the file"))
        raise_all(names.failures)
    balances = np.zeros((len(accounts), len(codes)), np.int64)
    given: dict[str, Any] = {name: np.full(balances.shape, np.nan) for name in stated}
    for k, name, code, text in cells:
        where, column = f"{accounts[k][0]}.{name}.{code}", place[code]
        try:
            if name == "balances":
                balances[k, column] = _balance(text, code, where)
            else:
                amount = _given(text, name, where)
                given[name][k, column] = amount
        except BadInput as wrong:
            names.failures.extend(wrong.failures)
    return tuple(asset(code) for code in codes), balances, given


def _balance(text: str, code: str, where: str) -> int:
    return to_smallest_unit(parse_decimal(text, subject=where), decimals=decimals_of(code),
                            against="credit", subject=where)


def _given(text: str, name: str, where: str) -> float:
    amount = parse_float(text, subject=where)
    if amount < 0 and name != "equity":
        raise bad_input(Reason.BAD_VALUE, where, "is negative; a requirement is at least zero")
    return amount


def _tables(account: Tree, path: str, names: Names) -> dict[str, dict[str, str]]:
    """Return balances, equity and given amounts by name and asset code."""
    tables = {name: dict(account.get(name, {})) for name in ("balances", "equity")}
    for name, amount in account.get("given", {}).items():
        if isinstance(amount, dict):
            tables[name] = amount
            continue
        pools = _pools(account, names)
        if len(pools) == 1:
            tables[name] = {pools.pop(): amount}
            continue
        names.failures.append(Failure(
            reason=Reason.BAD_VALUE, subject=f"{path}.given.{name}",
            sentence=f"could belong to {' or '.join(sorted(pools)) or 'any asset'}; write it by "
            f'asset, like {{"{min(pools, default="BTC")}": "{str(amount)[:20]}"}}'))
    for name, table in tables.items():
        for code in [code for code in table if not is_asset_code(code)]:
            names.failures.append(Failure(
                reason=Reason.UNKNOWN_ASSET, subject=f"{path}.{name}.{code}"[:80],
                sentence="is not an asset code; use capital letters and digits, like BTC"))
            table.pop(code)
    return tables


def _pools(account: Tree, names: Names) -> set[str]:
    rows = [r for r in (*account.get("positions", ()), *account.get("orders", ())) if r]
    held = [names.found.get(r.get("instrument", "")) for r in rows]
    return {c.settlement for c in held if c is not None} or set(account.get("balances", {}))
