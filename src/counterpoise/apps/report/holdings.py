"""What does an account of an engine hold? Balances, flows, positions and open orders, exactly."""

from decimal import Decimal
from typing import Any, Final

from counterpoise.apps.report.table import table
from counterpoise.engine.directory import number_of
from counterpoise.engine.money import average_entry, worth_of
from counterpoise.engine.shards import row_of
from counterpoise.engine.state import FLOWS, Row, State

_COLUMNS: Final = ("balance", "realised", "funding", "fees", "interest")


def holdings_document(state: State, account: str) -> dict[str, Any]:
    """Return what an account holds; empty tables where there is none of that name.

    Amounts are texts in units of each asset, quantities in contracts (spot: coins), `entry_price`
    the average of what is open, in the unit of the contract's quotes.
    """
    number = number_of(state.directory, account)
    if number < 0:
        return {"assets": {}, "positions": [], "orders": []}
    shard, row = state.directory.places[number]
    held = row_of(state.shards[shard], row)
    return {"assets": _assets(state, held), "positions": _positions(state, held),
            "orders": _orders(state, held)}


def _assets(state: State, held: Row) -> dict[str, dict[str, str]]:
    found = {}
    for k, a in enumerate(state.assets):
        amounts = (held.balances[k], *held.flows[k * len(FLOWS):(k + 1) * len(FLOWS)])
        if any(amounts):
            found[a.code] = {name: f"{Decimal(amount).scaleb(-a.decimals):f}"
                             for name, amount in zip(_COLUMNS, amounts, strict=True)}
    return found


def _positions(state: State, held: Row) -> list[dict[str, str]]:
    found = []
    for column, open_lots in sorted(held.positions.items()):
        contract = state.catalogue.instruments[column]
        entry = average_entry(worth_of(contract, column, state.assets), open_lots)
        found.append({"instrument": contract.id, "entry_price": f"{entry:.12g}",
                      "quantity": _quantity(state, column, open_lots[0])})
    return found


def _orders(state: State, held: Row) -> list[dict[str, str]]:
    return [{"order": name, "instrument": state.catalogue.instruments[column].id,
             "quantity": _quantity(state, column, lots),
             "price": f"{Decimal(price).scaleb(exponent):f}"}
            for name, (column, lots, price, exponent) in held.orders.items()]


def _quantity(state: State, column: int, lots: int) -> str:
    quantity = Decimal(lots).scaleb(state.catalogue.instruments[column].lot_exponent).normalize()
    return f"{quantity:f}"


def holdings_text(found: dict[str, Any], record: int) -> list[str]:
    """Return the same as tables."""
    lines = []
    if found["assets"]:
        lines += ["", f"after record {record}; flows since the account was opened, received > 0",
                  *table(("asset", *_COLUMNS), [(code, *(held[name] for name in _COLUMNS))
                                                for code, held in found["assets"].items()],
                         left=(0,))]
    for title, names in (("positions", ("instrument", "quantity", "entry_price")),
                         ("orders", ("order", "instrument", "quantity", "price"))):
        if found[title]:
            lines += ["", *table(tuple(name.replace("_", " ") for name in names),
                                 [tuple(one[name] for name in names) for one in found[title]],
                                 left=(0, 1) if title == "orders" else (0,))]
    return lines
