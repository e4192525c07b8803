"""The README is true: its outputs are what its commands print."""

import re
import shlex
from pathlib import Path

import pytest

from counterpoise.apps.cli.dispatch import answered
from counterpoise.apps.cli.output import EXIT_CODES
from readme import README, ROOT, refreshed


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_outputs_are_what_the_commands_print(tmp_path):
    text = README.read_text(encoding="utf-8")

    assert text == refreshed(text, tmp_path), "run `python tools/readme.py`"


def test_examples_are_what_the_simulated_market_gives(tmp_path):
    refreshed(README.read_text(encoding="utf-8"), tmp_path)

    for example in (tmp_path / "examples").iterdir():
        assert example.read_bytes() == (ROOT / "examples" / example.name).read_bytes()


def test_shell_commands_are_answered(tmp_path, capsys):
    block = re.search(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    commands = [part.strip() for line in block.group(1).splitlines()
                for part in line.partition("#")[0].split(";")]
    here = [c for c in commands if "positions.csv" not in c]

    assert len(here) >= 7
    for command in here:
        typed = [str(tmp_path / w) if w.endswith(".png") else w for w in shlex.split(command)]
        assert ("counterpoise", 0) == (typed[0], answered(typed[1:])), command
    capsys.readouterr()


def test_install_stands_before_the_first_thing_to_type():
    titles = re.findall(r"^## (.*)", README.read_text(encoding="utf-8"), re.MULTILINE)

    assert titles.index("Install") < min(titles.index("Ten lines of Python"),
                                         titles.index("At the shell"))


def test_exit_codes_are_said_as_help_says_them(capsys):
    with pytest.raises(SystemExit):
        answered(["margin", "--help"])
    said = " ".join(capsys.readouterr().out.split())

    assert EXIT_CODES in " ".join(README.read_text(encoding="utf-8").split())
    assert EXIT_CODES in said


def test_links_lead_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text(encoding="utf-8"))

    assert links and all(Path(ROOT / link).exists() for link in links)


def test_first_words_are_three_sentences():
    first = README.read_text(encoding="utf-8").split("\n\n")[1]

    assert 3 == len(re.findall(r"\.(?=\s|$)", first))
