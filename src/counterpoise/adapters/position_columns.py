"""Which column of a position file says what? Our names and those of Deribit, OKX and ccxt.

The neutral form is `venue, account, instrument, quantity, entry_price, mark_price, iv, currency,
ts`; only instrument and quantity are needed. `unit` says what quantity counts, as in a portfolio
file, where that needs no price. Nothing is guessed: a column that is not used is
reported, and two columns that mean the same are refused.
"""

from typing import Any, Final

from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen

_NAMES: Final = {
    "venue": ("venue", "exchange"),
    "account": ("account", "account_id", "subaccount"),
    "instrument": ("instrument", "instrument_name", "instid", "symbol"),
    "quantity": ("quantity", "size", "pos", "contracts"),
    "side": ("side", "direction", "posside"),
    "entry_price": ("entry_price", "average_price", "avgpx", "entryprice"),
    "contract_size": ("contract_size", "contractsize"),
    "currency": ("currency", "settlement_currency", "settlement"),
    "unit": ("unit",),
}
_ELSEWHERE: Final = {
    "entry_cost": "give entry_price instead",
    "isolated": "give isolated positions in a portfolio file",
    "isolated_margin": "give isolated positions in a portfolio file",
    "given": "give amounts that only the venue knows in a portfolio file",
    "reduce_only": "a position file holds positions; give orders in a portfolio file",
    "price": "write entry_price, or mark_price for a price that is not used",
    "multiplier": "write contract_size",
    "lot_exponent": "define the instrument in a portfolio file",
}
"""Words of the portfolio file that would change the number here, and what would be right."""
_PRICES: Final = ("mark_price", "markpx", "markprice", "iv", "mark_iv")
_WHEN: Final = ("ts", "timestamp", "datetime")


@frozen
class Columns:
    """The file's own column for each meaning, None where it has none."""

    instrument: str
    quantity: str
    venue: str | None
    account: str | None
    side: str | None
    entry_price: str | None
    contract_size: str | None
    currency: str | None
    unit: str | None


def columns_of(names: list[str], path: str) -> tuple[Columns, tuple[str, ...]]:
    """Return which column says what, and a note on each column that is not used.

    Raises
    ------
    BadInput
        If instrument or quantity is missing, two columns mean the same, or one would change the
        number and cannot be honoured.
    """
    meant = {meaning: [n for n in names if n.strip().lower() in known]
             for meaning, known in _NAMES.items()}
    failures = [Failure(reason=Reason.DUPLICATE, subject=path, sentence=(
        f"has {' and '.join(found)}, which both mean {meaning}; keep one"))
        for meaning, found in meant.items() if len(found) > 1]
    failures += [Failure(reason=Reason.MISSING_NUMBER, subject=path, sentence=(
        f"has no column {meaning} (or {', '.join(_NAMES[meaning][1:])}); its columns are "
        f"{', '.join(names)[:200]}")) for meaning in ("instrument", "quantity")
        if not meant[meaning]]
    failures += [Failure(reason=Reason.NOT_APPLICABLE, subject=path, sentence=(
        f"has a column {n}, which a position file cannot say: "
        f"{_ELSEWHERE[n.strip().lower()]}; change or take out the column"))
        for n in names if n.strip().lower() in _ELSEWHERE]
    if failures:
        raise BadInput(*failures)
    used = {n for found in meant.values() for n in found}
    first: dict[str, Any] = {m: found[0] if found else None for m, found in meant.items()}
    columns = Columns(**first)
    return columns, tuple(_note(n) for n in names if n not in used)


def _note(name: str) -> str:
    known = name.strip().lower()
    if known in _PRICES:
        return f"column {name} is not used: prices come from the market"
    if known in _WHEN:
        return f"column {name} is not used: rows of one account and instrument are netted"
    return f"column {name} is not known and not used"
