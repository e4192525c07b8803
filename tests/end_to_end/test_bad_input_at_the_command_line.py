"""Whatever is wrong, the command line answers with a sentence and an exit code, no traceback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bad_input_table import TABLE, Bad, good
from counterpoise.apps.cli.main import answered

POSITIONS = "account,instrument,quantity\na,BTC-28JUN24-70000-C,-2\n"
CHAIN = ("snapshot_ts,instrument,mark_price,mark_iv,underlying_price,index_price\n"
         "2024-06-17T10:22:20Z,BTC-28JUN24-70000-C,0.021,0.55,67371.75,65666.19\n"
         "2024-06-17T10:22:20Z,BTC-28JUN24-60000-P,0.011,0.60,67371.75,65666.19\n")


def typed(bad: Bad, folder: Path) -> list[str]:
    """Write the bad file, and good ones beside it where it needs them; return the command."""
    wrong = folder / "input"
    bad.make(wrong)
    if bad.kind == "portfolio":
        return ["margin", str(wrong)]
    pytest.importorskip("duckdb")
    (folder / "positions.csv").write_text(POSITIONS)
    (folder / "chain.csv").write_text(CHAIN)
    names = {"positions": folder / "positions.csv", "market": folder / "chain.csv"} | {
        bad.kind: wrong}
    return ["margin", "--positions", str(names["positions"]), "--market", str(names["market"])]


@pytest.mark.parametrize("bad", TABLE, ids=lambda bad: bad.name)
def test_bad_input_is_answered_with_a_sentence(bad, tmp_path, capsys):
    code = answered(typed(bad, tmp_path))

    said = capsys.readouterr()
    assert code == (2 if bad.stage == "read" else 3)
    text = said.err if bad.stage == "read" else said.out
    assert bad.words in text
    assert "Traceback" not in said.out + said.err


@pytest.mark.parametrize("bad", TABLE[::4], ids=lambda bad: bad.name)
def test_bad_input_is_one_json_object_for_scripts(bad, tmp_path, capsys):
    answered([*typed(bad, tmp_path), "--json"])

    document = json.loads(capsys.readouterr().out)
    failures = document.get("failures") or [f for p in document["pools"] for f in p["failures"]]
    assert bad.reason in [f["reason"] for f in failures]


def test_violations_of_all_files_come_at_once_each_with_its_file(tmp_path, capsys):
    names = []
    for k, key in enumerate(("as_of", "market")):
        document = good()
        del document[key]
        names.append(tmp_path / f"{k}.json")
        names[-1].write_text(json.dumps(document))
    assert 2 == answered(["margin", *map(str, names)])

    said = capsys.readouterr().err
    assert all(f"{name}: " in said for name in names)


@pytest.mark.parametrize("name", ["1 GB of nested JSON", "truncated Parquet", "empty CSV"])
def test_process_says_it_without_a_traceback(name, tmp_path):
    bad = next(b for b in TABLE if b.name == name)
    done = subprocess.run([sys.executable, "-m", "counterpoise.apps.cli.main",
                           *typed(bad, tmp_path)], capture_output=True, text=True)

    assert 2 == done.returncode
    assert bad.words in done.stderr and "Traceback" not in done.stderr
    assert "" == done.stdout
