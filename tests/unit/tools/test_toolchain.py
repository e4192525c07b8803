"""Is the right compiler chosen, and does zig stand in where there is none?"""

import os
import shutil
import subprocess
import tomllib

import pytest

import build_backend
import toolchain
from reference import ROOT

WORKS = "#!/bin/sh\nexit 0\n"
FAILS = "#!/bin/sh\nexit 1\n"


def path_with(folder, **tools):
    """Return an environment whose PATH holds just these tools; `cxx` stands for c++."""
    for name, script in tools.items():
        file = folder / name.replace("xx", "++")
        file.write_text(script)
        file.chmod(0o755)
    return {"PATH": str(folder)}


def test_first_compiler_that_works_is_taken(tmp_path):
    environment = path_with(tmp_path, cxx=FAILS, gxx=WORKS, clangxx=WORKS)

    assert "g++" == toolchain.compiler(environment)


def test_wish_for_a_compiler_is_kept(tmp_path):
    environment = path_with(tmp_path, cxx=WORKS, clangxx=WORKS)

    assert "clang++ -m64" == toolchain.compiler(environment | {"CXX": "clang++ -m64"})


def test_wish_that_does_not_work_is_an_error(tmp_path):
    environment = path_with(tmp_path, cxx=WORKS, gxx=FAILS)

    with pytest.raises(SystemExit, match="CXX=g[+][+] does not build"):
        toolchain.compiler(environment | {"CXX": "g++"})


def test_zig_stands_in_where_there_is_no_compiler(tmp_path):
    assert toolchain.ZIG == toolchain.compiler(path_with(tmp_path))
    assert toolchain.ZIG == toolchain.compiler(path_with(tmp_path, cxx=FAILS))


def test_compiler_of_this_machine_builds_cpp17():
    if shutil.which("c++") is None:
        pytest.skip("no c++ on this machine")

    assert toolchain.builds_cpp17(["c++"], os.environ)
    assert not toolchain.builds_cpp17(["c++", "-std=c++98", "-include", "no.h"], os.environ)


def test_zig_tools_call_zig_for_any_processor(tmp_path, monkeypatch):
    zig = tmp_path / "zig"
    zig.write_text('#!/bin/sh\necho "$@"\n')
    zig.chmod(0o755)
    monkeypatch.setattr(toolchain, "zig_binary", lambda: zig)

    added = toolchain.build_environment({"PATH": ""}, scripts=tmp_path / "scripts")
    said = [subprocess.run([tmp_path / "scripts" / tool, "x y", "-march=x86-64", "-mfma"],
                           capture_output=True, text=True,
                           check=True).stdout for tool in ("c++", "cc", "ar", "ranlib")]

    assert ["c++ -mcpu=baseline x y -mfma\n", "cc -mcpu=baseline x y -mfma\n", "ar x y -mfma\n",
            "ranlib x y -mfma\n"] == said
    assert str(tmp_path / "scripts" / "c++") == added["CXX"]
    assert added["PATH"].startswith(str(tmp_path / "scripts"))


def test_neither_compiler_nor_zig_is_said_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(toolchain, "find_spec", lambda name: None)

    with pytest.raises(SystemExit, match="install g[+][+] or clang[+][+], or the Python package"):
        toolchain.build_environment({"PATH": ""}, scripts=tmp_path)


def test_missing_python_headers_are_said_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(toolchain.sysconfig, "get_path", lambda name: str(tmp_path))

    with pytest.raises(SystemExit, match="install the headers of this Python"):
        toolchain.build_environment({"PATH": ""}, scripts=tmp_path)


def test_build_asks_for_zig_only_where_there_is_no_compiler(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("CXX", raising=False)
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.mkdir()
    full.mkdir()

    monkeypatch.setenv("PATH", path_with(empty)["PATH"])
    assert toolchain.ZIG_REQUIREMENT in build_backend.get_requires_for_build_wheel()
    assert toolchain.ZIG_REQUIREMENT in build_backend.get_requires_for_build_editable()
    monkeypatch.setenv("PATH", path_with(full, cxx=WORKS)["PATH"])
    assert toolchain.ZIG_REQUIREMENT not in build_backend.get_requires_for_build_wheel()


def test_zig_has_one_version_everywhere():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    lock = (ROOT / "requirements" / "zig.lock").read_text()

    assert [toolchain.ZIG_REQUIREMENT] == groups["zig"]
    assert lock.startswith(toolchain.ZIG_REQUIREMENT.removesuffix("*"))
