"""Which files does the house consist of, and what is in them?

A `Source` is one file of the repository with its parsed tree. Files that git does not know (build
outputs, environments) are not part of the house.
"""

import ast
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from reference import ROOT

CODE_FOLDERS: Final = ("src", "tools", "benchmarks")
_UNSEEN: Final = frozenset({"build", "dist", "out", "__pycache__"})


class Source(NamedTuple):
    """One Python file: `path` relative to the repository, posix style."""

    path: str
    text: str
    tree: ast.Module


def source(path: str, text: str) -> Source:
    """Return the file parsed; also used to feed a check with a made-up file."""
    return Source(path, text, ast.parse(text, filename=path))


def repository_files() -> list[str]:
    """Return the paths of all files of the house: tracked by git, or new and not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        paths = listed.stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        paths = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*")
                 if not any(map(_unseen, path.relative_to(ROOT).parts))]
    return sorted(p for p in paths if (ROOT / p).is_file())


def _unseen(part: str) -> bool:
    return part in _UNSEEN or (part.startswith(".") and part not in (".ci", ".gitignore"))


def python_sources(*folders: str) -> list[Source]:
    """Return the Python files below these folders of the repository."""
    return [source(path, (ROOT / path).read_text(encoding="utf-8"))
            for path in repository_files()
            if path.endswith(".py") and Path(path).parts[0] in folders]


def package_of(path: str) -> str:
    """Return the word of the design sentence that the file belongs to, "" outside the package."""
    parts = Path(path).parts
    inside = parts[:2] == ("src", "counterpoise") and len(parts) > 3
    return parts[2] if inside else ""
