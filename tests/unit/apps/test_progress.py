"""A bar shows only where work is long and somebody watches."""

import io

import pytest

from counterpoise.apps.cli import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bar_shows_how_far_the_work_is():
    assert "margin  ###############...............  1 of 2" == progress.bar("margin", 1, 2)


@pytest.mark.parametrize(("patience", "stream", "shown"), [
    (-1.0, Terminal(), True), (60.0, Terminal(), False), (-1.0, io.StringIO(), False)])
def test_bar_is_only_for_long_work_on_a_terminal(patience, stream, shown, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", patience)
    monkeypatch.setattr("sys.stderr", stream)

    assert ["a", "b"] == list(progress.tracked(["a", "b"], "margin"))
    assert shown is ("of 2" in stream.getvalue())
