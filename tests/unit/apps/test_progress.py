"""A bar shows only where work is long and somebody watches."""

import io
import json

import pytest

from counterpoise.apps.cli import progress
from counterpoise.apps.cli.dispatch import answered
from unit.apps.asked import two_pools


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_explain_of_one_file_with_many_accounts_shows_how_far_it_is(tmp_path, monkeypatch):
    watched = Terminal()
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", -1.0)
    monkeypatch.setattr("sys.stderr", watched)
    path = tmp_path / "p.json"
    path.write_text(json.dumps(two_pools()))

    assert 0 == answered(["explain", str(path), "--json"])
    assert "1 of 2" in watched.getvalue()


def test_bar_shows_how_far_the_work_is():
    assert "margin  ###############...............  1 of 2" == progress.bar("margin", 1, 2)


@pytest.mark.parametrize(("patience", "stream", "shown"), [
    (-1.0, Terminal(), True), (60.0, Terminal(), False), (-1.0, io.StringIO(), False)])
def test_bar_is_only_for_long_work_on_a_terminal(patience, stream, shown, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", patience)
    monkeypatch.setattr("sys.stderr", stream)

    assert ["a", "b"] == list(progress.tracked(["a", "b"], "margin"))
    assert shown is ("of 2" in stream.getvalue())
