"""Does the NEON flavour, compiled for ARM and run under emulation, compute the bits of this CPU?

Proved by this test: the instructions that a compiler makes of the NEON and of the plain flavour
give the same IEEE results as every x86 flavour. Not proved: speed, and silicon, which an emulator
only stands in for.
"""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from reference import ROOT
from toolchain import compiler, zig_binary

CORE = ROOT / "core"
STRICT = ["-std=c++17", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
          f"-I{CORE}"]
X86 = {"baseline": [], "avx2": ["-mavx2", "-mfma"],
       "avx512": ["-mavx2", "-mfma", "-mavx512f", "-mavx512dq", "-mavx512vl"]}
ARM = {"baseline": ["-DCOUNTERPOISE_PLAIN"], "neon": []}


def built(command: list[str], flavours: dict[str, list[str]], machine: str, folder: Path) -> Path:
    """Compile `digests*.cpp` with every flavour of one machine and return the program."""
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": str(ROOT / "build" / "zig-cache")}
    objects = []
    for name, flags in flavours.items():
        objects.append(str(folder / f"{name}.o"))
        subprocess.run([*command, *STRICT, *flags, f"-DCOUNTERPOISE_ISA={name}", "-c",
                        str(CORE / "flavour.cpp"), "-o", objects[-1]], check=True,
                       env=environment)
    program = folder / "digests"
    here = Path(__file__).parent
    sources = [str(CORE / "dispatch.cpp"), *map(str, sorted(here.glob("digests*.cpp")))]
    subprocess.run([*command, *STRICT, f"-D{machine}", *sources, *objects, "-o", str(program)],
                   check=True, env=environment)
    return program


def digests(command: list[str]) -> dict[str, list[str]]:
    """Return by flavour what the program prints, the flavour's name left out."""
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        flavour, rest = line.split(" ", 1)
        found.setdefault(flavour, []).append(rest)
    return found


@pytest.mark.soak
def test_neon_under_emulation_has_the_bits_of_this_cpu(tmp_path):
    emulator = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
    if emulator is None:
        pytest.skip("no qemu-aarch64: install qemu-user")
    if find_spec("ziglang") is None:
        pytest.skip("the ziglang package is not installed: `make soak` installs it")
    if os.uname().machine != "x86_64":
        pytest.skip("this machine is not an x86 to compare with")
    folders = [tmp_path / "x86", tmp_path / "arm"]
    for folder in folders:
        folder.mkdir()
    zig = [str(zig_binary()), "c++", "-target"]
    native = compiler(os.environ)
    here = [native] if native != "zig" else [*zig, "x86_64-linux-musl"]

    own = digests([str(built(here, X86, "COUNTERPOISE_X86", folders[0]))])
    program = built([*zig, "aarch64-linux-musl", "-static"], ARM, "COUNTERPOISE_ARM", folders[1])
    emulated = digests([emulator, str(program)])

    assert {"neon", "baseline"} == set(emulated) and "baseline" in own
    assert len(own["baseline"]) > 90
    for lines in (*own.values(), *emulated.values()):
        assert lines == own["baseline"]
