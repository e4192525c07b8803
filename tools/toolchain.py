"""Which compiler builds the core, and what when there is none?

The first of `$CXX`, c++, g++, clang++ that really builds a small C++17 library wins. Where none
does, the compiler inside the `ziglang` wheel takes its place: it is reached through small scripts
named c++, cc, ar and ranlib, because CMake wants one file per tool.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ZIG_REQUIREMENT: Final = "ziglang==0.17.*"
ZIG: Final = "zig"
_CANDIDATES: Final = ("c++", "g++", "clang++")
_SCRIPTS: Final = {"c++": "c++ -mcpu=baseline", "cc": "cc -mcpu=baseline", "ar": "ar",
                   "ranlib": "ranlib"}
# Zig builds for the machine it stands on unless told, and does not know -march=x86-64, which is
# what -mcpu=baseline says: the scripts say the one and drop the other.
_SCRIPT: Final = """#!/bin/sh
for argument do
    shift
    [ "$argument" = -march=x86-64 ] || set -- "$@" "$argument"
done
exec {zig} {arguments} "$@"
"""
_PROGRAM: Final = """
#include <optional>
#include <thread>
std::optional<int> threads() { return static_cast<int>(std::thread::hardware_concurrency()); }
"""


def compiler(environment: Mapping[str, str]) -> str:
    """Return the C++17 compiler command that this environment offers, or `ZIG` if it has none.

    Raises
    ------
    SystemExit
        If `CXX` is set but does not build C++17: a wish is not silently replaced.
    """
    wish = environment.get("CXX", "")
    if wish and not builds_cpp17(shlex.split(wish), environment):
        raise SystemExit(f"CXX={wish} does not build a C++17 library; correct it or unset CXX")
    if wish:
        return wish
    works = (name for name in _CANDIDATES if builds_cpp17([name], environment))
    return next(works, ZIG)


def builds_cpp17(command: list[str], environment: Mapping[str, str]) -> bool:
    """Say whether `command` turns a small C++17 source into a shared library."""
    path = shutil.which(command[0], path=environment.get("PATH", ""))
    if path is None:
        return False
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "probe.cpp")
        source.write_text(_PROGRAM)
        build = [path, *command[1:], "-std=c++17", "-shared", "-fPIC", "-o",
                 str(source.with_suffix(".so")), str(source)]
        done = subprocess.run(build, env=dict(environment), capture_output=True, check=False)
    return done.returncode == 0


def build_environment(environment: Mapping[str, str], *, scripts: Path) -> dict[str, str]:
    """Return the variables to set for CMake; writes the zig scripts into `scripts` if needed.

    Raises
    ------
    SystemExit
        If there is neither a compiler nor the `ziglang` package, or no Python.h.
    """
    require_python_headers()
    chosen = compiler(environment)
    if chosen != ZIG:
        return {"CXX": chosen}
    write_zig_scripts(scripts, zig_binary())
    # The scripts come first on PATH: CMake looks for ar and ranlib there and beside the compiler.
    path = os.pathsep.join([str(scripts), environment.get("PATH", "")])
    caches = {name: environment.get(name, str(scripts / "cache"))
              for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
    return {"CC": str(scripts / "cc"), "CXX": str(scripts / "c++"), "PATH": path, **caches}


def require_python_headers() -> None:
    """Refuse to build, in a sentence, where this Python came without its C headers."""
    folder = sysconfig.get_path("include")
    if not Path(folder, "Python.h").is_file():
        raise SystemExit(f"no Python.h in {folder}: install the headers of this Python "
                         "(the package is called python3-dev or python3-devel)")


def zig_binary() -> Path:
    """Return the compiler inside the installed `ziglang` package."""
    spec = find_spec("ziglang")
    if spec is None or spec.origin is None:
        raise SystemExit("no C++17 compiler found: install g++ or clang++, or the Python package "
                         f"{ZIG_REQUIREMENT}")
    return Path(spec.origin).with_name("zig")


def write_zig_scripts(scripts: Path, zig: Path) -> None:
    """Write c++, cc, ar and ranlib that call `zig`, for any processor of this architecture."""
    scripts.mkdir(parents=True, exist_ok=True)
    for name, arguments in _SCRIPTS.items():
        script = scripts / name
        script.write_text(_SCRIPT.format(zig=shlex.quote(str(zig)), arguments=arguments))
        script.chmod(0o755)


if __name__ == "__main__":
    sys.stdout.write(compiler(os.environ) + "\n")
