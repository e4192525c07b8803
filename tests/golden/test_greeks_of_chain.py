"""Our delta and vega against the exchange's own columns on seven real chains (2026-01 to 2026-05).

The exchange's greeks are older than the forward in the same row: on each day and coin the gap in
delta has the size of a forward move of some basis points, and one common move removes nearly half
of it. Where delta moves fastest, hours before expiry near the money, the gap is up to 0.05.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from counterpoise.adapters.chain import read_chain, snapshots
from counterpoise.adapters.symbols.names import instrument_of
from counterpoise.risk.sensitivities import UNITS, per_lot

duckdb = pytest.importorskip("duckdb", reason="real chains are read with the extra `data`")


@pytest.fixture(scope="module")
def rows(shared: Path) -> dict[str, Any]:
    """Return our greeks of one coin per option of all seven chains beside the exchange's."""
    path = shared / "data" / "options" / "deribit_chain_selected.parquet"
    theirs = duckdb.sql(f"""
        SELECT (epoch_us(snapshot_ts) * 1000)::BIGINT AS at, currency, instrument, delta, vega
        FROM '{path}'""").fetchnumpy()
    ours = [of_stamp(path, at, theirs) for at in snapshots(path)]
    return {name: np.concatenate([o[name] for o in ours]) for name in ours[0]}


def of_stamp(path: Path, at: int, theirs: dict[str, Any]) -> dict[str, Any]:
    market = read_chain(path, at=at)
    terms, mine = market.catalogue, np.abs(theirs["at"] - at) < 10**6
    names = theirs["instrument"][mine]
    column = np.array([terms.column[instrument_of(str(n), "deribit").id] for n in names])
    per_coin = per_lot(market)[column] / terms.unit[column, None]
    found = {name: per_coin[:, list(UNITS).index(name)] for name in ("delta", "vega_usd", "gamma")}
    return found | {
        "forward": market.forward[column], "their_delta": theirs["delta"][mine],
        "their_vega": theirs["vega"][mine], "days": (terms.expiry[column] - at) / 86_400e9,
        "group": np.char.add(theirs["currency"][mine].astype(str), str(at))}


def test_delta_is_the_exchanges_black_delta(rows: dict[str, Any]) -> None:
    gap = np.abs(rows["delta"] - rows["their_delta"])

    assert len(gap) > 11_000
    assert np.median(gap) <= 5e-4
    assert np.quantile(gap, 0.95) <= 1e-2
    assert gap.max() <= 0.05
    assert gap[rows["days"] > 1].max() <= 0.035


def test_gap_in_delta_is_the_age_of_the_forward_behind_it(rows: dict[str, Any]) -> None:
    per_move = rows["gamma"] * rows["forward"]
    quick = per_move > 0.3
    move = np.where(quick, (rows["their_delta"] - rows["delta"]) / np.where(quick, per_move, 1), 0)
    rest = np.empty(len(move))
    for group in set(rows["group"]):
        mine = rows["group"] == group
        common = np.median(move[mine & quick])
        rest[mine] = (rows["delta"] + per_move * common - rows["their_delta"])[mine]

    assert np.quantile(np.abs(move[quick]), 0.95) <= 0.0080
    gap = np.abs(rows["delta"] - rows["their_delta"])
    assert np.median(np.abs(rest)) <= 0.6 * np.median(gap)
    assert np.quantile(np.abs(rest), 0.95) <= 0.7 * np.quantile(gap, 0.95)


def test_vega_is_the_exchanges_in_dollars_per_point(rows: dict[str, Any]) -> None:
    gap = np.abs(rows["vega_usd"] - rows["their_vega"])
    relative = gap / np.maximum(rows["their_vega"], 1.0)

    assert np.median(relative) <= 2e-3
    assert np.quantile(relative, 0.95) <= 0.03
    assert relative.max() <= 0.15
    assert gap.max() <= 3.0
