"""What the validation says of simulated days, at the command line and in its parts."""

import json
from pathlib import Path

import numpy as np
import pytest

from counterpoise.adapters.prediction_file import frozen_prediction
from counterpoise.apps.cli.commands import run
from counterpoise.apps.report.validation import document, draw, lines
from counterpoise.apps.requirement_path import (
    BUFFER,
    SIGNAL_RISE,
    alarms_of,
    event_losses,
    figures_of,
)
from counterpoise.apps.requirement_path import (
    Path as RequirementPath,
)
from counterpoise.apps.validation import Counts, Series, counted
from counterpoise.apps.validation_run import Curve, Judgement, Period
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced

SERIES = Series(coin="BTC", side="long", days=1000, breaches=10, kupiec=0.9, independence=0.6,
                conditional=0.8, fz0=-2.0, fz0_to_history=-0.1, fz0_to_garch=-0.01,
                worse_than_history=0.9, worse_than_garch=0.8, mean_requirement=0.1,
                grid_breaches=5, scaled_to_grid=0.9)


def path(loss: float = 0.3, days: int = 500) -> RequirementPath:
    day = np.arange(18_333 - days // 2, 18_333 - days // 2 + days)  # 2020-03-12 is 18333
    raw = np.full(days, 0.1)
    losses = np.where(day == 18_333, loss, 0.01)
    return RequirementPath(coin="BTC", side="long", day=day, loss=losses, raw=raw,
                           calm=1.5 * raw, charged=2.0 * raw, signal=day >= 18_330)


def test_a_series_counts_only_where_every_test_passes() -> None:
    rejected = [replaced(SERIES, kupiec=0.01), replaced(SERIES, independence=0.04),
                replaced(SERIES, conditional=0.02), replaced(SERIES, fz0_to_garch=0.1),
                replaced(SERIES, worse_than_garch=0.01), replaced(SERIES, scaled_to_grid=1.1),
                replaced(SERIES, grid_breaches=2)]

    assert counted((SERIES, *rejected)) == Counts(
        series=8, covered=5, better_than_history=8, better_than_garch=7, significantly_worse=1,
        weighed=7, cheaper=6, cheaper_of_all=7)


def test_a_loss_of_a_named_day_is_listed_with_what_was_missing() -> None:
    (event,) = event_losses((path(),))

    assert (event.date, event.loss, event.charged) == ("2020-03-12", 0.3, 0.2)
    assert event.shortfall == pytest.approx(0.1)
    assert event_losses((path(loss=-0.1),)) == ()


def test_the_figures_of_a_path_are_its_own() -> None:
    figures = figures_of(path())

    assert (figures.breaches_raw, figures.breaches_charged) == (1, 1)
    assert figures.cost_charged == pytest.approx(2.0)
    assert figures.coverage_charged == pytest.approx(1 - 1 / 500)
    assert 0 < SIGNAL_RISE and 0 < BUFFER


def test_the_signal_that_was_on_foresaw_the_loss() -> None:
    found = alarms_of(replaced(path(), day=path().day + 200), first=0, last=10**6)

    assert (found.raised, found.idle, found.losses) == (1, 1, 0)  # the loss is in the first year


@pytest.mark.parametrize("name", ["curve.png", "curve.html"])
def test_the_trade_off_is_drawn_without_outside_assets(tmp_path: Path, name: str) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("plotly")
    factor = np.array([0.5, 1.0, 2.0])
    draw((Curve(name="forecast", factor=factor, requirement=0.1 * factor,
                breaches=np.array([9, 4, 1])),), str(tmp_path / name))

    assert (tmp_path / name).stat().st_size > 5000
    assert b"src=\"http" not in (tmp_path / name).read_bytes()


@pytest.mark.parametrize(("digest", "same", "words"), [
    ("", None, "read to 2023-12-31, before the freeze of 2023-12-31: not compared"),
    (frozen_prediction().panel_digest, True, "up to the freeze the very days it was chosen on"),
    ("0" * 64, False, "NOT the days it was chosen on: up to the freeze 0000000000000000")])
def test_it_says_whether_the_data_is_that_which_the_set_was_frozen_on(
        digest: str, same: bool | None, words: str) -> None:
    counts = counted((SERIES,))
    judged = Judgement(frozen=frozen_prediction(), data_digest=digest, scores=(), figures=(),
                       events=(), signal=(), curves=(), periods=(Period(
                           name="up to the freeze", first="2017-08-18", last="2023-12-31",
                           counts=counts, series=(SERIES,)),))

    assert words in lines(judged)[1]
    assert same is document(judged)["configuration"]["same_data"]


def test_a_folder_without_data_is_refused_in_a_sentence(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadInput, match="not a file"):
        run(["validate", "--data", str(tmp_path), "--json"])


def test_a_picture_of_another_kind_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=".png or .html"):
        run(["validate", "--data", str(tmp_path), "--plot", "curve.pdf"])


def test_the_frozen_configuration_is_shipped() -> None:
    from importlib import resources

    place = resources.files("counterpoise.calibration.prediction").joinpath("frozen.json")
    assert json.loads(place.read_text(encoding="utf-8"))["chosen_on"]["last_day"] == "2023-12-31"
