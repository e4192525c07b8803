"""Our Black-76 against the exchange's own marks on seven real chains (2026-01 to 2026-05).

Each row is valued at its own mark IV and its own forward; rows of one stamp were collected over
some seconds, so the forward of a row may be newer than its mark: in the fast markets of 31 January
and 5 February that lag is the worst difference.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from counterpoise.pricing.black import black76

duckdb = pytest.importorskip("duckdb", reason="real chains are read with the extra `data`")


@pytest.fixture(scope="module")
def chain(shared: Path) -> dict[str, Any]:
    """Return the option rows of the selected snapshots as columns."""
    path = shared / "data" / "options" / "deribit_chain_selected.parquet"
    return duckdb.sql(f"""
        SELECT strftime(snapshot_ts::TIMESTAMP, '%Y-%m-%d') AS day, currency, instrument, strike,
               mark_price, mark_iv, underlying_price AS forward, delta, vega, index_price,
               option_type, epoch(expiry) - epoch(snapshot_ts) AS seconds
        FROM '{path}'""").fetchnumpy()


def values(chain: dict[str, Any]) -> Any:
    """Return Black-76 of every row on its own forward and mark IV."""
    right = np.where(chain["option_type"] == "C", 1, -1).astype(np.int8)
    column = {k: np.ascontiguousarray(chain[k], np.float64)
              for k in ("forward", "strike", "mark_iv", "seconds")}
    return black76(forward=column["forward"], strike=column["strike"],
                   years=column["seconds"] / 31_536_000, volatility=column["mark_iv"],
                   right=right, rate=np.zeros(len(right)))


def test_model_value_at_mark_iv_agrees_with_the_mark(chain: dict[str, Any]) -> None:
    """Median at most 3e-5 coin and 95th percentile at most 6e-4 on every day and coin."""
    gap = np.abs(values(chain).value / chain["forward"] - chain["mark_price"])

    assert len(set(chain["day"])) == 7
    for day in sorted(set(chain["day"])):
        for coin in ("BTC", "ETH"):
            mine = (chain["day"] == day) & (chain["currency"] == coin)
            assert np.median(gap[mine]) <= 3e-5, (day, coin)
            assert np.quantile(gap[mine], 0.95) <= 6e-4, (day, coin)


def test_the_worst_difference_is_the_lag_of_the_forward(chain: dict[str, Any]) -> None:
    """A forward older or newer by no more than the chain's own spread explains the worst rows."""
    model = values(chain)
    gap = np.abs(model.value / chain["forward"] - chain["mark_price"])
    worst = np.argsort(gap)[-20:]

    per_dollar = np.abs(model.delta - model.value / chain["forward"])[worst] / chain["forward"][
        worst]
    needed = gap[worst] / per_dollar / chain["forward"][worst]
    assert set(chain["day"][worst]) <= {"2026-01-31", "2026-02-05", "2026-01-06"}
    assert np.all(needed < 1e-3)  # forwards of one stamp differ by up to 10 bp
