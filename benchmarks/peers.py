"""Which other libraries stand beside Counterpoise? An environment of their own, made once.

`requirements/peers.lock` pins names, versions and hashes. What cannot be installed here is named
in `.peers/missing.txt` and shown in the tables: it never stops the run. PyTorch is asked for by
version alone, since every platform has a build of its own.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE / ".peers"
LOCK = HERE.parent / "requirements" / "peers.lock"
TORCH = "torch==2.13.0"
READY = ".ready"


def install() -> None:
    """Make the environment, unless it stands and is newer than the lock."""
    ready = FOLDER / READY
    if ready.is_file() and ready.stat().st_mtime >= LOCK.stat().st_mtime:
        return
    print("installing the peers in benchmarks/.peers (once; some gigabytes)", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
    missing = [] if pip("--require-hashes", "-r", str(LOCK)) else one_by_one(blocks())
    torch = os.environ.get("PEERS_TORCH", TORCH)
    if not pip(torch):
        missing.append(torch)
    (FOLDER / "missing.txt").write_text("".join(f"{name}\n" for name in missing))
    ready.touch()


def missing() -> list[str]:
    """Return the names of what could not be installed."""
    told = FOLDER / "missing.txt"
    return told.read_text().splitlines() if told.is_file() else []


def blocks() -> list[str]:
    """Return the requirements of the lock, each with its hashes."""
    joined = LOCK.read_text(encoding="utf-8").replace("\\\n", " ")
    return [" ".join(line.split()) for line in joined.splitlines() if line.strip()]


def one_by_one(requirements: list[str]) -> list[str]:
    """Install each requirement alone; return the names of those that failed."""
    failed, one = [], FOLDER / "one.txt"
    for requirement in requirements:
        one.write_text(requirement + "\n")
        if not pip("--require-hashes", "-r", str(one)):
            failed.append(requirement.split()[0])
    return failed


def pip(*arguments: str) -> bool:
    """Return whether pip could install into the environment, without looking for more."""
    command = [str(FOLDER / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps",
               "--disable-pip-version-check", *arguments]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0
