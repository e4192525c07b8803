"""How is a market snapshot kept? One Parquet file, exact to the bit, readable by any table tool.

Rows are of four kinds: `snapshot` (one: when, which, from where), `instrument` (definition and
quotes), `index` (by underlying) and `asset` (price in USD). Absent numbers are null. What is known
beside prices stands in the definition of the `snapshot` row.
"""

import json
from typing import Any, Final

import numpy as np

from counterpoise.adapters.tables import (
    FilePath,
    Table,
    opened,
    query,
    require_columns,
    write_parquet,
)
from counterpoise.instruments.catalogue import catalogue
from counterpoise.instruments.contracts import (
    Future,
    Instrument,
    Option,
    Payoff,
    Perpetual,
    Right,
    Spot,
)
from counterpoise.market.conditions import (
    NOTHING_KNOWN,
    SMILE_PARAMETERS,
    Conditions,
    SviSmile,
)
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import Reason, bad_input

_FLOATS: Final = ("mark", "forward", "forward_fixed", "volatility", "rate")
_INTEGERS: Final = ("quality", "quote_age_ns")
_COLUMNS: Final = ("row", "name", "definition", *_FLOATS, "value", *_INTEGERS)
_KINDS: Final[dict[str, Any]] = {"spot": Spot, "perpetual": Perpetual, "future": Future,
                                  "option": Option}


def is_snapshot(table: Table) -> bool:
    """Say whether a table is one of our snapshot files."""
    return {"row", "definition", "forward_fixed", "quality"} <= table.columns.keys()


def read_snapshot(path: FilePath) -> MarketSnapshot:
    """Return the snapshot that `write_snapshot` kept, the same to the bit.

    Raises
    ------
    BadInput
        If the file is none.
    """
    return snapshot_in(opened(path))


def snapshot_in(table: Table) -> MarketSnapshot:
    """Return the snapshot of an opened file; see `read_snapshot`."""
    require_columns(table, _COLUMNS, "a snapshot file")
    rows = query(table, "SELECT * FROM {table}")
    kind = rows["row"].tolist()
    place = {k: np.array([i for i, row in enumerate(kind) if row == k], np.int64)
             for k in ("snapshot", "instrument", "index", "asset")}
    try:
        terms = json.loads(rows["definition"][place["snapshot"][0]])
        instruments = catalogue([_instrument(json.loads(text))
                                 for text in rows["definition"][place["instrument"]]])
        at = place["instrument"][np.argsort([
            instruments.column[name] for name in rows["name"][place["instrument"]]])]
        index = dict(zip(rows["name"][place["index"]], rows["value"][place["index"]], strict=True))
        quotes: dict[str, Any] = {name: rows[name][at] for name in _FLOATS}
        return MarketSnapshot(
            catalogue=instruments, as_of=terms["as_of"], sequence=terms["sequence"],
            **quotes, conditions=_conditions(terms.get("conditions")),
            quality=rows["quality"][at].astype(np.uint16),
            quote_age_ns=rows["quote_age_ns"][at].astype(np.int64),
            index=np.array([index[u] for u in instruments.underlyings], np.float64),
            assets=tuple(rows["name"][place["asset"]].tolist()),
            price=rows["value"][place["asset"]], source=terms["source"],
            simulated=terms["simulated"])
    except (KeyError, IndexError, TypeError, ValueError, AssertionError) as error:
        raise bad_input(Reason.UNREADABLE, table.path, "is a snapshot file that lacks a part "
                        f"({error}); write it again") from None


def _conditions(tree: dict[str, Any] | None) -> Conditions:
    if tree is None:
        return NOTHING_KNOWN
    return Conditions(
        columns={name: np.array(column, np.float64) for name, column in tree["columns"].items()},
        confidences={(kind, code, day): share for kind, code, day, share in tree["confidences"]},
        borrow_rates=tree["borrow_rates"],
        smiles={(code, day): SviSmile(**smile) for code, day, smile in tree["smiles"]})


def _conditions_tree(known: Conditions) -> dict[str, Any]:
    return {"columns": {name: [None if x != x else x for x in column.tolist()]
                        for name, column in known.columns.items()},
            "confidences": [[*feed, share] for feed, share in known.confidences.items()],
            "borrow_rates": known.borrow_rates,
            "smiles": [[*key, {name: getattr(smile, name) for name in SMILE_PARAMETERS}]
                       for key, smile in known.smiles.items()]}


def _instrument(terms: dict[str, Any]) -> Instrument:
    made = _KINDS[terms.pop("kind")]
    if "payoff" in terms:
        terms["payoff"] = Payoff(terms["payoff"])
    if "right" in terms:
        terms["right"] = Right(terms["right"])
    instrument: Instrument = made(**terms)
    return instrument


def write_snapshot(path: FilePath, snapshot: MarketSnapshot) -> None:
    """Keep a snapshot at `path` (Parquet).

    Raises
    ------
    BadInput
        If the path cannot be written, or the extra `data` is not installed.
    """
    n, u, a = len(snapshot.catalogue), len(snapshot.index), len(snapshot.assets)
    known = snapshot.conditions
    terms = json.dumps({"as_of": snapshot.as_of, "sequence": snapshot.sequence,
                        "source": snapshot.source, "simulated": snapshot.simulated} | (
        {} if known == NOTHING_KNOWN else {"conditions": _conditions_tree(known)}))
    blank = np.full(1 + u + a, np.nan)
    columns: dict[str, Any] = {
        "row": ["snapshot"] + ["instrument"] * n + ["index"] * u + ["asset"] * a,
        "name": ["snapshot", *(c.id for c in snapshot.catalogue.instruments),
                 *snapshot.catalogue.underlyings, *snapshot.assets],
        "definition": [terms, *(_terms(c) for c in snapshot.catalogue.instruments)]
        + [""] * (u + a),
        **{name: np.concatenate([blank[:1], getattr(snapshot, name), blank[1:]])
           for name in _FLOATS},
        "value": np.concatenate([np.full(1 + n, np.nan), snapshot.index, snapshot.price]),
        **{name: np.concatenate([[0], getattr(snapshot, name).astype(np.int64),
                                 np.zeros(u + a, np.int64)]) for name in _INTEGERS},
    }
    write_parquet(path, columns)


def _terms(c: Instrument) -> str:
    value: Any = c
    fields = {name: getattr(c, name) for name in value.__fields__}
    return json.dumps({"kind": type(c).__name__.lower(), **fields})
