"""What a stranger's file says cannot steer the terminal that shows it."""

import io
import json

import pytest

from bad_input_table import good
from counterpoise.apps.cli.dispatch import answered
from counterpoise.apps.cli.output import show
from counterpoise.apps.report.table import heading

ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eabc\r\n\x7f"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def hostile(tmp_path):
    document = good()
    document["note"] = f"note {ESCAPES}"
    document["market"]["source"] = f"source {ESCAPES}"
    document["account"]["id"] = f"me {ESCAPES}"
    path = tmp_path / "p.json"
    path.write_text(json.dumps(document))
    return str(path)


@pytest.mark.parametrize("command", ["margin", "explain", "greeks"])
def test_ids_notes_and_sources_are_printable_in_every_answer(command, hostile, capsys):
    assert 0 == answered([command, hostile])

    said = capsys.readouterr().out
    assert "owned" in said
    assert all(line.isprintable() for line in said.split("\n"))


@pytest.mark.parametrize("command", ["margin", "explain", "greeks"])
def test_json_escapes_what_would_steer_a_terminal(command, hostile, capsys):
    assert 0 == answered([command, hostile, "--json"])

    said = capsys.readouterr().out
    assert all(line.isprintable() for line in said.split("\n"))
    assert "owned" in json.dumps(json.loads(said))


def test_bold_is_ours_alone(monkeypatch):
    terminal = Terminal()
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout", terminal)
    show([heading("a\x1b[31mb", bold=True), "c\x1b[1md"])

    assert "\x1b[1ma [31mb\x1b[0m\nc [1md\n" == terminal.getvalue()


def test_bold_of_a_file_is_plain_where_output_is_piped(capsys):
    show(["\x1b[1mnot ours\x1b[0m"])

    assert " [1mnot ours [0m\n" == capsys.readouterr().out


def test_unknown_equity_is_an_answer_and_exits_zero(tmp_path, capsys):
    document = good()
    del document["account"]["balances"]
    path = tmp_path / "p.json"
    path.write_text(json.dumps(document))

    assert 0 == answered(["margin", str(path)])
    assert "unknown" in capsys.readouterr().out
