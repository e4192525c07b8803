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
from counterpoise.accounts.given import BY_POSITION
from counterpoise.adapters.portfolio.holdings import holdings_in
from counterpoise.adapters.portfolio.names import Names, instrument_named
from counterpoise.instruments.contracts import Instrument, Option, Payoff, Spot
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.assets import decimals_of
from counterpoise.values.decimals import parse_decimal, parse_float, to_lots, to_smallest_unit
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import INT64_MAX, LOTS_MAX, UNKNOWN
from counterpoise.values.time import format_instant

Tree = dict[str, Any]
Stated = dict[str, float]
_PRECISION: Final = 80
_ROUNDABLE: Final = 10**30
ID_MAX: Final = 200


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


def isolated_apart(accounts: list[tuple[str, Tree]], names: Names,
                   ) -> tuple[list[tuple[str, Tree]], dict[str, str]]:
    """Return the accounts with every isolated position as an account of its own, and whose it is.

    An isolated position is margined by itself against what it alone has: that is an account. Its
    id is the owner's, `isolated` and the instrument.
    """
    out, owners = [], {}
    for path, account in accounts:
        rows = account.get("positions", [])
        apart = [k for k, row in enumerate(rows) if row and row.get("isolated")]
        out.append((path, account | {"positions": _except(rows, apart)} if apart else account))
        for k in apart:
            instrument = names.found.get(rows[k].get("instrument", ""))
            if instrument is None:
                continue  # An unknown name has been reported.
            name = f"{account.get('id', '')} isolated {instrument.id}"
            margin = rows[k].get("isolated_margin")
            own = {} if margin is None else {"balances": {instrument.settlement: margin}}
            others = [j for j in range(len(rows)) if j != k]
            out.append((path, {"id": name, "positions": _except(rows, others), **own}))
            owners[name] = account.get("id", "")
    return out, owners


def _except(rows: list[Any], places: list[int]) -> list[Any]:
    # What is left out leaves a gap, so that a complaint names the place in the file.
    return [None if k in places else row for k, row in enumerate(rows)]


def book_in(accounts: list[tuple[str, Tree]], market: MarketSnapshot, names: Names) -> Book:
    """Return the book of all accounts; violations join `names.failures`."""
    positions: list[tuple[int, int, int, int, Stated]] = []
    orders: list[tuple[int, int, int, int, Stated]] = []
    for k, (path, account) in enumerate(accounts):
        _refuse_unsupported(account, path, names)
        positions.extend((k, *row) for row in _positions(account, path, market, names))
        orders.extend((k, column, lots, UNKNOWN, stated)
                      for column, lots, stated in _orders(account, path, market, names))
    _refuse_twice([a.get("id", "") for _, a in accounts], names)
    _refuse_endless_orders(positions, orders, market, [path for path, _ in accounts], names)
    assets, tables = holdings_in(accounts, names)
    book = book_of(catalogue=market.catalogue,
                   accounts=np.array([a.get("id", "") for _, a in accounts], np.str_),
                   positions=_entries(positions), orders=_entries(orders))
    return replaced(book, assets=assets, **tables)


def _refuse_twice(ids: list[str], names: Names) -> None:
    counts = Counter(ids)
    names.failures.extend(Failure(
        reason=Reason.DUPLICATE, subject=name[:80], sentence="is the id of an account and of an "
        "isolated position; call the account otherwise")
        for name, count in counts.items() if count > 1 and " isolated " in name)


def _refuse_endless_orders(positions: list[tuple[int, int, int, int, Stated]],
                           orders: list[tuple[int, int, int, int, Stated]], market: MarketSnapshot,
                           paths: list[str], names: Names) -> None:
    if not orders:
        return
    gross = {(k, column): abs(lots) for k, column, lots, *_ in positions}
    for k, column, lots, *_ in orders:
        gross[k, column] = gross.get((k, column), 0) + abs(lots)
    names.failures.extend(Failure(
        reason=Reason.ABSURD_QUANTITY, subject=f"{paths[k]}.orders",
        sentence=f"orders in {market.catalogue.instruments[column].id} add up, with what is held "
        f"of it, to more than this engine's limit of {LOTS_MAX} lots; check the unit")
        for (k, column), lots in gross.items() if lots > LOTS_MAX)


def _entries(rows: list[tuple[int, int, int, int, Stated]]) -> Entries:
    columns = np.array([row[:4] for row in rows], np.int64).reshape(len(rows), 4)
    names = sorted({name for row in rows for name in row[4]})
    given = {name: np.array([row[4].get(name, np.nan) for row in rows]) for name in names}
    return Entries(account=columns[:, 0].copy(), instrument=columns[:, 1].astype(np.int32),
                   lots=columns[:, 2].copy(), entry_cost=columns[:, 3].copy(), given=given)


def _refuse_unsupported(account: Tree, path: str, names: Names) -> None:
    names.failures.extend(Failure(
        reason=Reason.NOT_APPLICABLE, subject=f"{path}.orders[{k}].reduce_only",
        sentence="is not supported yet by any model here and would change the number; take the row "
        "out or set it to false")
        for k, row in enumerate(account.get("orders", ())) if row and row.get("reduce_only"))
    names.failures.extend(Failure(
        reason=Reason.BAD_VALUE, subject=f"{path}.positions[{k}].isolated_margin",
        sentence="belongs to an isolated position; set isolated to true or put it under balances")
        for k, row in enumerate(account.get("positions", ()))
        if row and "isolated_margin" in row and not row.get("isolated"))


def _positions(account: Tree, path: str, market: MarketSnapshot,
               names: Names) -> list[tuple[int, int, int, Stated]]:
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
            if row.get("isolated") and lots == 0:
                raise bad_input(Reason.BAD_VALUE, where, "has quantity 0; an isolated position "
                                "holds something")
            cost = _entry_cost(row, instrument, lots, where)
            if cost == UNKNOWN:
                cost = _cost_at_mark(row, instrument, lots, market, where)
            rows.append((market.catalogue.column[instrument.id], lots, cost,
                         _stated(row, where) if lots else {}))
        except BadInput as wrong:
            names.failures.extend(wrong.failures)
    return rows


def _orders(account: Tree, path: str, market: MarketSnapshot,
            names: Names) -> list[tuple[int, int, Stated]]:
    rows = []
    for k, row in enumerate(account.get("orders", ())):
        instrument = _known(row, market, names)
        if instrument is None:
            continue
        where = f"{path}.orders[{k}] {row['instrument']}"
        try:
            _refuse_expired(instrument, market, where)
            lots = lots_of(row, instrument, market, where)
            price = {"price": float(_price(row, "price", instrument, where))} if (
                "price" in row) else {}
            rows.append((market.catalogue.column[instrument.id], _signed(row, lots, where), price))
        except BadInput as wrong:
            names.failures.extend(wrong.failures)
    return rows


def _stated(row: Tree, where: str) -> Stated:
    stated = {name: parse_float(text, subject=f"{where}: {name}")
              for name, text in row.get("given", {}).items()}
    for name, amount in stated.items():
        if amount < 0 and not BY_POSITION[name].signed:
            raise bad_input(Reason.BAD_VALUE, f"{where}: {name}", "is negative; it is at least "
                            "zero")
    return stated


def _cost_at_mark(row: Tree, instrument: Instrument, lots: int, market: MarketSnapshot,
                  where: str) -> int:
    """Return the entry cost that a stated unrealised P&L means at the mark, else UNKNOWN."""
    stated = row.get("given", {}).get("unrealised_pnl")
    mark = float(market.mark[market.catalogue.column[instrument.id]])
    if stated is None or isinstance(instrument, Option) or not mark > 0:
        return UNKNOWN
    gained = to_smallest_unit(parse_decimal(stated, subject=f"{where}: unrealised_pnl"),
                              decimals=decimals_of(instrument.settlement), against="credit",
                              subject=where)
    cost = entry_cost(instrument, lots, Decimal(repr(mark)), where) - gained
    if abs(cost) > INT64_MAX:
        raise bad_input(Reason.ABSURD_QUANTITY, where, "has an unrealised P&L that leaves an entry "
                        "cost larger than the ledger can count")
    return cost


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
