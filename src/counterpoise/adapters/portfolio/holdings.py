"""What do accounts own, owe and state by asset? Balances, wallets, loans, roles, given amounts.

Money is exact: integers of the asset's smallest unit, what is owned rounded down and what is owed
rounded up. Balances over all wallets count together, less what is borrowed.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import ROLES
from counterpoise.accounts.given import BY_ASSET
from counterpoise.adapters.portfolio.names import Names, raise_all
from counterpoise.values.assets import Asset, asset, decimals_of, is_asset_code
from counterpoise.values.decimals import parse_decimal, parse_float, to_smallest_unit
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.quantity import INT64_MAX

Tree = dict[str, Any]
_CELLS_MAX: Final = 20_000_000
"""Balances are a table of accounts by assets: a hundred thousand accounts in two hundred assets."""
_KINDS: Final = ("balances", "wallets", "loans", "given", "collateral")


@frozen
class Cell:
    """One number or role that an account states: `kind` of `_KINDS`, `name` of wallet or amount."""

    account: int
    kind: str
    name: str
    code: str
    text: str
    where: str


def holdings_in(accounts: list[tuple[str, Tree]],
                names: Names) -> tuple[tuple[Asset, ...], dict[str, Any]]:
    """Return the assets and the tables [account, asset] of a Book; violations join the failures."""
    cells = [cell for k, (path, account) in enumerate(accounts)
             for cell in _cells(k, account, path, names)]
    codes = sorted({c.code for c in cells})
    shape = (len(accounts), len(codes))
    stated = {(c.kind, c.name) for c in cells}
    if shape[0] * shape[1] * max(1, len(stated | {("balances", "")})) > _CELLS_MAX:
        names.failures.append(Failure(
            reason=Reason.TOO_LARGE, subject="accounts", sentence=f"{shape[0]} accounts in "
            f"{shape[1]} assets are a table of more than {_CELLS_MAX} balances; split the file"))
        raise_all(names.failures)
    tables = {("balances", ""): np.zeros(shape, np.int64)} | {
        key: _table(key[0], shape) for key in sorted(stated)}
    place = {code: column for column, code in enumerate(codes)}
    for cell in cells:
        try:
            tables[cell.kind, cell.name][cell.account, place[cell.code]] = _parsed(cell)
        except BadInput as wrong:
            names.failures.extend(wrong.failures)
    return tuple(asset(code) for code in codes), _fields(tables, accounts, codes, names)


def _table(kind: str, shape: tuple[int, int]) -> Any:
    if kind == "given":
        return np.full(shape, np.nan)
    return np.zeros(shape, np.uint8 if kind == "collateral" else np.int64)


def _parsed(cell: Cell) -> float | int:
    if cell.kind == "collateral":
        return ROLES.index(cell.text)
    if cell.kind == "given":
        return _given(cell)
    owed = cell.kind == "loans"
    amount = parse_decimal(cell.text, subject=cell.where)
    if owed and not amount > 0:
        raise bad_input(Reason.BAD_VALUE, cell.where, "is not above zero; a loan is what is owed")
    return to_smallest_unit(amount, decimals=decimals_of(cell.code),
                            against="debit" if owed else "credit", subject=cell.where)


def _given(cell: Cell) -> float:
    amount = parse_float(cell.text, subject=cell.where)
    if amount < 0 and not BY_ASSET[cell.name].signed:
        raise bad_input(Reason.BAD_VALUE, cell.where, "is negative; a requirement is at least zero")
    return amount


def _fields(tables: dict[tuple[str, str], Any], accounts: list[tuple[str, Tree]],
            codes: list[str], names: Names) -> dict[str, Any]:
    """Return the tables as fields of a Book: balances are all wallets together less the loans."""
    wallets = {name: t for (kind, name), t in tables.items() if kind == "wallets"}
    loans = tables.get(("loans", ""))
    # Exact sums, because each part alone fits 64 bits and all together may not.
    parts = [tables["balances", ""], *wallets.values(), *([] if loans is None else [-loans])]
    total = np.add.reduce([part.astype(object) for part in parts]) if len(parts) > 1 else parts[0]
    for k, column in np.argwhere(np.abs(total) > INT64_MAX) if len(parts) > 1 else ():
        names.failures.append(Failure(
            reason=Reason.ABSURD_QUANTITY, subject=f"{accounts[k][0]}.balances.{codes[column]}",
            sentence="and the wallets add up to more than the ledger can count; check the unit"))
        total[k, column] = 0
    return {"balances": total.astype(np.int64), "wallets": wallets, "loans": loans,
            "roles": tables.get(("collateral", "")),
            "given": {name: t for (kind, name), t in tables.items() if kind == "given"}}


def _cells(k: int, account: Tree, path: str, names: Names) -> list[Cell]:
    found = []
    for kind, name, where, table in _asset_tables(account, path, names):
        for code, text in table.items():
            if is_asset_code(code):
                found.append(Cell(account=k, kind=kind, name=name, code=code, text=text,
                                  where=f"{where}.{code}"))
            else:
                names.failures.append(Failure(
                    reason=Reason.UNKNOWN_ASSET, subject=f"{where}.{code}"[:80],
                    sentence="is not an asset code; use capital letters and digits, like BTC"))
    return found


def _asset_tables(account: Tree, path: str,
                  names: Names) -> list[tuple[str, str, str, dict[str, str]]]:
    """Return (kind, name, where, {asset code: text}) of everything stated by asset."""
    loans = {code: loan for code, loan in account.get("loans", {}).items() if "amount" in loan}
    rates = {code: loan["rate"] for code, loan in loans.items() if "rate" in loan}
    roles = {code: role for code, role in account.get("collateral", {}).items()
             if role != ROLES[0]}
    tables = [
        ("balances", "", f"{path}.balances", account.get("balances", {})),
        ("loans", "", f"{path}.loans", {code: loan["amount"] for code, loan in loans.items()}),
        ("given", "borrow_rate", f"{path}.loans", rates),
        ("collateral", "", f"{path}.collateral", roles),
        ("given", "equity", f"{path}.equity", account.get("equity", {})),
        *(("wallets", name, f"{path}.wallets.{name}"[:80], table)
          for name, table in account.get("wallets", {}).items())]
    for name, amount in account.get("given", {}).items():
        table = _by_asset(name, amount, account, path, names)
        twice = sorted(rates.keys() & table.keys()) if name == "borrow_rate" else []
        names.failures.extend(Failure(
            reason=Reason.DUPLICATE, subject=f"{path}.given.borrow_rate.{code}",
            sentence="stands beside the rate of the loan; keep one") for code in twice)
        tables.append(("given", name, f"{path}.{name}", table))
    return tables


def _by_asset(name: str, amount: Any, account: Tree, path: str, names: Names) -> dict[str, str]:
    if isinstance(amount, dict):
        return amount
    pools = _pools(account, names)
    if len(pools) == 1:
        return {pools.pop(): amount}
    names.failures.append(Failure(
        reason=Reason.BAD_VALUE, subject=f"{path}.given.{name}",
        sentence=f"could belong to {' or '.join(sorted(pools)) or 'any asset'}; write it by "
        f'asset, like {{"{min(pools, default="BTC")}": "{str(amount)[:20]}"}}'))
    return {}


def _pools(account: Tree, names: Names) -> set[str]:
    rows = [r for r in (*account.get("positions", ()), *account.get("orders", ())) if r]
    held = [names.found.get(r.get("instrument", "")) for r in rows]
    return {c.settlement for c in held if c is not None} or set(account.get("balances", {}))
