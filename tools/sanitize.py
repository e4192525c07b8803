"""Does the core touch memory or integers that it must not? Its tests under two sanitizers.

Builds the core with address and undefined-behaviour checks into `build/sanitize/site`, beside a
copy of the package, and runs the tests that call it, then the fuzz of its arguments with the
`soak` profile of Hypothesis. The first error ends the run with the sanitizer's report.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from toolchain import ZIG, compiler

ROOT: Final = Path(__file__).resolve().parent.parent
BUILD: Final = ROOT / "build" / "sanitize"
SITE: Final = BUILD / "site"
FLAGS: Final = ("-fsanitize=address,undefined,float-cast-overflow -fno-sanitize=vptr "
                "-fno-sanitize-recover=all -fno-omit-frame-pointer -g1 -DCOUNTERPOISE_SANITIZED")
TESTED: Final = ("tests/unit/core", "tests/unit/pricing", "tests/unit/risk", "tests/unit/margin",
                 "tests/properties/test_pricing.py")
FUZZ: Final = "tests/unit/core/test_fuzz.py"


def main() -> int:
    """Build and test; 0 if no sanitizer and no test complains, 2 if none can be had here."""
    chosen = compiler(os.environ)
    runtimes = [] if chosen == ZIG else runtime_libraries(chosen)
    if not runtimes:
        sys.stderr.write(f"no sanitizer runtime for {chosen}: install gcc's libasan\n")
        return 2
    build(chosen)
    environment = os.environ | {
        # Python is not built with the sanitizer, and its own memory is not ours to check.
        "LD_PRELOAD": " ".join(runtimes), "PYTHONMALLOC": "malloc", "COUNTERPOISE_SANITIZED": "1",
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1", "PYTHONPATH": str(SITE)}
    outcome = tested(environment, *TESTED)
    return outcome or tested(environment | {"HYPOTHESIS_PROFILE": "soak"}, FUZZ)


def runtime_libraries(compiler_command: str) -> list[str]:
    """Return the libraries to load before Python: the checks, and the C++ runtime they watch."""
    found = []
    for name in ("libasan.so", "libstdc++.so"):
        told = subprocess.run([*shlex.split(compiler_command), f"-print-file-name={name}"],
                              capture_output=True, text=True, check=True).stdout.strip()
        if not Path(told).is_absolute():
            return []
        found.append(str(Path(told).resolve()))
    return found


def build(compiler_command: str) -> None:
    """Build the checked core beside a copy of the package."""
    shutil.copytree(ROOT / "src", SITE, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    scripts = Path(sys.executable).parent
    cmake, ninja = (str(scripts / name) if (scripts / name).is_file() else name
                    for name in ("cmake", "ninja"))
    subprocess.run(
        [cmake, "-S", str(ROOT), "-B", str(BUILD), "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}",
         f"-DCMAKE_CXX_COMPILER={shlex.split(compiler_command)[0]}",
         f"-DPython_EXECUTABLE={sys.executable}", f"-DCMAKE_CXX_FLAGS={FLAGS}",
         "-DCMAKE_BUILD_TYPE=None", f"-DCOUNTERPOISE_OUTPUT={SITE / 'counterpoise'}"],
        check=True, stdout=subprocess.DEVNULL)
    subprocess.run([cmake, "--build", str(BUILD)], check=True, stdout=subprocess.DEVNULL)


def tested(environment: dict[str, str], *paths: str) -> int:
    """Return what pytest says of these tests with the checked core, which it must have loaded."""
    proof = "from counterpoise import _core; print(_core.__file__)"
    loaded = subprocess.run([sys.executable, "-c", proof], env=environment, check=True,
                            capture_output=True, text=True, cwd=BUILD).stdout
    if not loaded.startswith(str(SITE)):
        raise SystemExit(f"the core of {loaded.strip()} was loaded instead of the checked one")
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths],
                          env=environment, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
