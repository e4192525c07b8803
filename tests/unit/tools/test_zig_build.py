"""Does the core that zig builds, on a machine without any compiler, compute the same bits?"""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec

import pytest

from architecture.sources import repository_files
from reference import ROOT

BUILD = ("import sys; sys.path.insert(0, 'tools'); import build_backend; "
         "build_backend.build_wheel(sys.argv[1])")
DIGEST = """
import hashlib
import numpy as np
from counterpoise import _core
x = np.random.Generator(np.random.PCG64(7)).random((6, 4096))
digest = hashlib.sha256()
for flavour in _core.isa()["available"]:
    _core.use_isa(flavour)
    digest.update(_core.exp(40 * x[0] - 20).tobytes() + _core.log(9 * x[0] + 1e-9).tobytes())
    for column in _core.black76(
            forward=1e5 * (0.5 + x[0]), strike=1e5 * (0.5 + x[1]), years=2 * x[2],
            volatility=3 * x[3], right=np.where(x[4] < 0.5, 1, -1).astype(np.int8),
            rate=0.1 * x[5]):
        digest.update(column.tobytes())
print(_core.isa()["available"], digest.hexdigest())
"""


def digest(folder):
    """Return what the core below `folder` computes, as a digest over all its flavours."""
    done = subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(folder)}, check=True)
    return done.stdout


@pytest.mark.soak
def test_core_built_by_zig_has_the_same_bits(tmp_path):
    if find_spec("ziglang") is None:
        pytest.skip("the ziglang package is not installed: `make soak` installs it")
    copy, site = tmp_path / "copy", tmp_path / "site"
    kept = ("core", "src", "tools", "CMakeLists.txt", "pyproject.toml", "README.md", "LICENSE")
    copy.mkdir()
    for name in kept:
        take = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        take(ROOT / name, copy / name)
    bare = {"PATH": str(tmp_path), "ZIG_GLOBAL_CACHE_DIR": str(ROOT / "build" / "zig-cache")}

    subprocess.run([sys.executable, "-c", BUILD, str(tmp_path)], cwd=copy, env=bare, check=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(site)
        packed = {f"src/{name}" for name in wheel.namelist()}

    assert "zig" in (copy / "build" / "zig" / "c++").read_text()
    assert [] == [p for p in repository_files() if p.startswith("src/") and p not in packed]
    assert digest(ROOT / "src") == digest(site)
