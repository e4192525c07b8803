"""Pictures show the P&L that the kernel computes, with the worst cell where it is."""

import sys

import numpy as np
import pytest

from counterpoise.apps.answer import margin_of
from counterpoise.apps.report.pictures import draw
from counterpoise.apps.surface import surfaces
from counterpoise.values.failure import BadInput
from unit.apps.asked import portfolio


def test_surface_meets_the_worst_loss_where_the_cell_is():
    answer = margin_of(portfolio(orders=[]))
    surface = surfaces(answer)[0]
    worst = surface.worst

    at = surface.pnl[np.argmin(abs(surface.shift - 0.5)), np.argmin(abs(surface.move - 0.16))]
    assert at == pytest.approx(-worst.loss, rel=0.05)


def test_surface_is_zero_where_nothing_moves():
    surface = surfaces(margin_of(portfolio(orders=[])))[0]

    assert 0.0 == surface.pnl[np.flatnonzero(surface.shift == 0), np.flatnonzero(
        abs(surface.move) < 1e-15)][0]


def test_curves_add_up_to_the_surface_at_unchanged_volatility():
    surface = surfaces(margin_of(portfolio(orders=[])))[0]
    together = np.sum(list(surface.curves.values()), axis=0)

    assert np.allclose(together, surface.pnl[np.flatnonzero(surface.shift == 0)[0]])


@pytest.mark.parametrize(("name", "magic"), [("a.png", b"\x89PNG"), ("a.html", b"<html>")])
def test_picture_is_written(name, magic, tmp_path):
    draw(margin_of(portfolio()), str(tmp_path / name))

    assert magic in (tmp_path / name).read_bytes()[:200]


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(BadInput, match="use .png or .html"):
        draw(margin_of(portfolio()), str(tmp_path / "a.pdf"))


def test_missing_folder_is_said(tmp_path):
    with pytest.raises(BadInput, match="cannot be written"):
        draw(margin_of(portfolio()), str(tmp_path / "no" / "a.png"))


def test_missing_extra_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(BadInput, match=r"pip install counterpoise\[plot\]"):
        draw(margin_of(portfolio()), str(tmp_path / "a.png"))


def test_model_without_scenarios_cannot_be_drawn(tmp_path):
    with pytest.raises(BadInput, match="no scenarios"):
        draw(margin_of(portfolio(), model="standard"), str(tmp_path / "a.png"))
