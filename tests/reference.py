"""Where do the reference cases and the market data lie, and what if they are not there?

They are not part of this repository: `COUNTERPOISE_SHARED` names their folder, `../shared` beside
the clone by default. A test that needs them skips without them, but on a build server
(`CI=true`) it fails: nobody should take an unchecked number for a checked one.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent


def reference_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of cases, data, venues and reference, or skip (fail under CI)."""
    folder = Path(environment.get("COUNTERPOISE_SHARED") or ROOT.parent / "shared")
    if (folder / "cases").is_dir():
        return folder
    sentence = (f"no reference cases in {folder}: set COUNTERPOISE_SHARED to the folder that "
                "holds cases/ and data/")
    if environment.get("CI", "").lower() in ("true", "1"):
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def cases_in(folder: Path) -> Callable[[str], Any]:
    """Return a loader of reference cases: `cases("deribit/NAME.json")` is the parsed document."""
    return lambda name: json.loads((folder / "cases" / name).read_text(encoding="utf-8"))
