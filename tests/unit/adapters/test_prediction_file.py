"""The frozen configuration is the one that was chosen on data up to the end of 2023."""

import json
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from counterpoise.adapters.daily_history import read_daily_panel
from counterpoise.adapters.prediction_file import configuration_digest, frozen_prediction
from counterpoise.calibration.prediction.daily_panel import panel_digest
from counterpoise.calibration.prediction.parameters import digest_of
from counterpoise.values.digest import sha256_of
from counterpoise.values.failure import BadInput

DIGEST = "d86cbf0ff9b7b31c146f7402f0785b1d1ce2eb86260e8b79f0d2ec3009928310"
CHOICES = "47982d59631a89b724a89e018cb84215a16583d3f314713be46d2a72a12e0eff"
"""Of the choices and the signal alone, as the digest was before it covered coins, days and data."""


def document() -> dict[str, Any]:
    place = resources.files("counterpoise.calibration.prediction").joinpath("frozen.json")
    loaded: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return loaded


def test_the_committed_configuration_has_the_digest_of_the_day_it_was_frozen() -> None:
    frozen = frozen_prediction()

    assert frozen.digest == DIGEST == configuration_digest(frozen)
    assert frozen.last_day == "2023-12-31"


def test_what_was_chosen_is_what_was_chosen_when_the_digest_covered_nothing_else() -> None:
    frozen = frozen_prediction()

    assert CHOICES == sha256_of(digest_of(frozen.parameters) + repr(frozen.regime))


@pytest.mark.parametrize(("part", "change"), [
    ("regime", {"on": 1.4}), ("parameters", {"pull": 0.01}),
    ("chosen_on", {"last_day": "2024-12-31"}), ("chosen_on", {"first_day": "2017-08-17"}),
    ("chosen_on", {"panel_digest": "0" * 64}), ("coins", ["BTC", "ETH"])])
def test_a_configuration_that_was_touched_is_refused(tmp_path: Path, part: str,
                                                     change: Any) -> None:
    touched = document()
    touched[part] = {**touched[part], **change} if isinstance(change, dict) else change
    file = tmp_path / "touched.json"
    file.write_text(json.dumps(touched))

    with pytest.raises(BadInput, match="changed after it was frozen"):
        frozen_prediction(file)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"parameters": {"boosting": 3}}', "{nonsense"])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)

    with pytest.raises(BadInput):
        frozen_prediction(file)


def test_the_data_it_was_chosen_on_is_the_data_up_to_the_freeze(shared: Path) -> None:
    frozen = frozen_prediction()
    panel = read_daily_panel(shared / "data", coins=frozen.coins, until=frozen.last_day)

    assert panel_digest(panel) == frozen.panel_digest
    assert panel.day[-1] == 19722  # 2023-12-31


def test_a_cut_off_reads_the_same_days_and_no_later_one(shared: Path) -> None:
    long, short = (read_daily_panel(shared / "data", coins=("BTC", "DOGE"), until=day)
                   for day in ("2022-06-30", "2021-12-31"))

    assert len(long.day) - len(short.day) == 181
    assert short.log_return.tobytes() == long.log_return[:len(short.day)].tobytes()
    assert short.realised_variance.tobytes() == long.realised_variance[:len(short.day)].tobytes()


def test_an_unknown_coin_and_a_date_that_is_none_are_refused(shared: Path) -> None:
    with pytest.raises(BadInput, match="NOCOIN"):
        read_daily_panel(shared / "data", coins=("BTC", "NOCOIN"), until="2023-12-31")
    with pytest.raises(BadInput, match="no date"):
        read_daily_panel(shared / "data", coins=("BTC",), until="yesterday")


def test_a_day_that_stands_twice_is_refused_not_the_last_taken(tmp_path: Path) -> None:
    table = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "prices").mkdir()
    rows = table.table({"symbol": ["BTC"] * 3, "market": ["spot"] * 3,
                        "date": [date(2023, 1, d) for d in (1, 2, 2)],
                        "log_return": [0.01, 0.02, -0.02]})
    parquet.write_table(rows, tmp_path / "prices" / "daily_returns_stitched.parquet")

    with pytest.raises(BadInput, match="BTC 2023-01-02.*stands twice"):
        read_daily_panel(tmp_path, coins=("BTC",), until="2023-12-31")
