"""`make bench` runs, its candidates agree, and what it leaves behind is ratios only."""

import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from counterpoise.adapters.models import model_names
from reference import ROOT

BENCHMARKS = ROOT / "benchmarks"
RESULTS = BENCHMARKS / "results"


def printed(script: str, *arguments: str) -> str:
    return subprocess.run([sys.executable, str(BENCHMARKS / script), *arguments], check=True,
                          capture_output=True, text=True).stdout


@pytest.fixture
def benchmarks(monkeypatch):
    """Return an importer of the benchmark's modules."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def committed() -> dict[str, str]:
    return {path.name: path.read_text() for path in RESULTS.glob("*.json")}


def test_quick_benchmark_runs_and_commits_nothing():
    pytest.importorskip("pyarrow")
    before = committed()
    output = printed("run.py", "--quick", "--only", "foundation", "--only", "pricing", "--only",
                     "aggregation", "--only", "growth")

    assert "same bits" in output and "x import numpy" in output
    assert "numpy + scipy ndtr" in output and "scipy.sparse" in output
    assert "failed" not in output and before == committed()


def test_every_rule_book_is_measured_beside_the_kernel():
    found = json.loads(printed("models.py", "--quick"))

    left_out = {note.split()[0] for note in found["notes"]}
    assert set(model_names()) == set(found["models"]) | left_out
    assert len(left_out) < len(found["models"])
    assert all(one["rows_that_fail"] < 0.01 for one in found["models"].values())
    assert found["compared_models"] == len(model_names())
    assert found["compare_share_of_two_s"] > 0


def test_parts_of_the_memory_of_many_accounts_add_up():
    found = json.loads(printed("million_engine.py", "--quick"))

    parts = found["bytes_per_account"]
    assert found["same_bits"] and found["none_refused"] and found["accounts"] == 2_000
    assert parts.pop("in all") == pytest.approx(sum(parts.values()), abs=len(parts))
    assert all(parts[name] > 0 for name in ("book", "flows", "standing", "remembered ids"))


def test_committed_results_hold_ratios_and_equalities_only(benchmarks):
    for name, text in committed().items():
        leaves = dict(benchmarks("run").leaves(json.loads(text)))

        assert [] == [path for path in leaves if re.search("second|machine|_(ms|us|ns)$", path)]
        assert not any(value is False for value in leaves.values()), name


def test_seconds_never_reach_the_results(benchmarks, tmp_path):
    found = {"table": {"pricing": [{"name": "a", "seconds": 0.5, "times": 1.23456}]},
             "ratios": {"b": 2.0}, "one_ms": 3, "notes": ["c"], "same_bits": True}

    benchmarks("run").keep("made_up", found, tmp_path)

    kept = json.loads((tmp_path / "made_up.json").read_text())
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", kept.pop("day")) and "cores" in kept.pop("cpu")
    assert kept == {"goals": {}, "table": {"pricing": [{"name": "a", "times": 1.23}]},
                    "ratios": {"b": 2.0}, "same_bits": True}


def test_a_goal_says_what_was_found_beside_what_was_promised(benchmarks, tmp_path):
    run, goals = benchmarks("run"), benchmarks("goals")
    found = {"worst_over_empty_call": 2.5, "initial_over_empty_call": 3.25}

    run.keep("whatif", found, tmp_path)
    goals.draw(tmp_path)

    rows = json.loads((tmp_path / "whatif.json").read_text())["goals"].values()
    assert [(2.5, "at most 3", "kept"), (3.25, "at most 3", "missed"),
            (None, "at least 7", "not measured")] == [tuple(row.values()) for row in rows]
    assert "<svg" in (tmp_path / "goals.svg").read_text()


def test_every_goal_belongs_to_a_part(benchmarks):
    goals = benchmarks("goals").GOALS

    assert {goal.part for goal in goals} <= set(benchmarks("run").PARTS)
    assert len({goal.name for goal in goals}) == len(goals)


def test_a_part_that_finds_other_bits_breaks_the_run(benchmarks):
    run = benchmarks("run")

    assert run.broken({"same_bits": False}) and run.broken({"failed": "it ended with 1"})
    assert not run.broken({"same_bits": True, "ratios": {"a": 0.0}})


def test_median_of_runs_keeps_only_what_is_true_in_all(benchmarks):
    runs = [{"a": {"b": 3.0}, "same": True, "c": "x"}, {"a": {"b": 1.0}, "same": False, "c": "x"},
            {"a": {"b": 2.0}, "same": True, "c": "x"}]

    assert benchmarks("run").middle(runs) == {"a": {"b": 2.0}, "same": False, "c": "x"}
    assert benchmarks("run").middle([runs[0], {"failed": "y"}]) == {"failed": "y"}


def test_a_peer_that_is_not_there_is_a_line_of_the_table(benchmarks, tmp_path, monkeypatch):
    (tmp_path / "stranger_peers.py").write_text(
        "from candidate import Peer\nimport numpy as np\n"
        "def own(given):\n    return (lambda: given['x'] * 2), np.asarray\n"
        "def other(given):\n    import no_such_library\n"
        "def few(given):\n    return (lambda: given['x'][:1] * 2 + 1e-9), np.asarray\n"
        "PEERS = {'own': Peer('numpy', own), 'other': Peer('numpy', other),\n"
        "         'few': Peer('numpy', few)}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    turns, numpy = benchmarks("turns"), pytest.importorskip("numpy")
    work = turns.Work("stranger_peers", {"x": numpy.ones(4)}, 1, 2, 0.01)

    own, other, few = turns.compared(work, ["own", "other", "few"], unit=1.0)

    assert own["times"] == 1.0 and "no_such_library" in other["missing"]
    assert few["share_timed"] == 0.25 and few["difference"] == pytest.approx(1e-9)


def test_peers_are_told_when_they_cannot_be_installed(benchmarks, tmp_path, monkeypatch):
    peers = benchmarks("peers")
    lock = tmp_path / "peers.lock"
    lock.write_text("one==1.0 \\\n    --hash=sha256:00\ntwo==2.0 \\\n    --hash=sha256:11\n")
    monkeypatch.setattr(peers, "LOCK", lock)
    monkeypatch.setattr(peers, "FOLDER", tmp_path / "peers")
    monkeypatch.setattr(peers.subprocess, "run", lambda *_, **__: (tmp_path / "peers").mkdir())
    monkeypatch.setattr(peers, "pip", lambda *given: given == (peers.TORCH,) or (
        not any("peers.lock" in part for part in given)
        and "one" in (tmp_path / "peers" / "one.txt").read_text()))

    peers.install()

    assert peers.missing() == ["two==2.0"]


@pytest.mark.skipif(shutil.which("c++") is None, reason="no compiler named c++")
def test_limits_of_this_machine_fall_from_the_nearest_memory_to_the_farthest(benchmarks):
    limits = benchmarks("limits").measured(quick=True)

    assert limits["1"]["FMA"] > 0.5 and limits["width"] in (2, 4, 8)
    # Shared machines are noisy: only the ends of the ladder are sure.
    assert limits["1"]["L1"] > limits["1"]["DRAM"] > 0


def test_every_part_says_what_it_measures(benchmarks):
    parts = [name for name in benchmarks("run").PARTS if benchmarks("run").written(name)]

    assert {"foundation", "pricing", "aggregation", "growth"} <= set(parts)
    for name in parts:
        module = benchmarks(name)
        assert callable(module.measured) and Path(module.__file__).parent == BENCHMARKS


def test_a_machine_without_a_device_says_so_in_one_line(benchmarks, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)

    assert benchmarks("gpu").measured(quick=True) == {
        "absent": "no device: needs CuPy: pip install 'counterpoise[gpu]'"}


@pytest.mark.soak
def test_first_answers_stay_within_a_few_imports_of_numpy():
    seconds = json.loads(printed("cold_start.py", "--samples", "15"))
    unit = seconds["import numpy"]

    assert seconds["counterpoise margin, 200 options"] < 0.5
    assert seconds["counterpoise margin, 2 positions"] <= 1.5 * unit
    assert seconds["counterpoise margin, 200 options"] <= 1.5 * unit
