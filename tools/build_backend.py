"""How is Counterpoise built? scikit-build-core, with two additions.

A machine without a C++ compiler gets the one in the `ziglang` wheel (see `toolchain`). An editable
install puts the compiled core beside the sources and adds one path line: no import hook, so that a
developer's start is as quick as a user's (docs/decisions/0002-build.md).
"""

import base64
import hashlib
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from scikit_build_core import build as skbuild

import toolchain

_ROOT: Final = Path(__file__).resolve().parent.parent
_SOURCES: Final = _ROOT / "src"
_BUILD: Final = _ROOT / "build"
Settings = dict[str, list[str] | str] | None


def get_requires_for_build_sdist(config_settings: Settings = None) -> list[str]:
    """Return what a source archive needs beyond `build-system.requires`."""
    return list(skbuild.get_requires_for_build_sdist(config_settings))


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Return CMake and Ninja where they are missing, and zig where there is no compiler."""
    return [*skbuild.get_requires_for_build_wheel(config_settings), *_compiler_requires()]


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    """Return the same as for a wheel."""
    return get_requires_for_build_wheel(config_settings)


def prepare_metadata_for_build_wheel(metadata_directory: str,
                                     config_settings: Settings = None) -> str:
    """Write the metadata; nothing is compiled."""
    return str(skbuild.prepare_metadata_for_build_wheel(metadata_directory, config_settings))


def prepare_metadata_for_build_editable(metadata_directory: str,
                                        config_settings: Settings = None) -> str:
    """Write the metadata; nothing is compiled."""
    return prepare_metadata_for_build_wheel(metadata_directory, config_settings)


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """Write the source archive and return its name."""
    return str(skbuild.build_sdist(sdist_directory, config_settings))


def build_wheel(wheel_directory: str, config_settings: Settings = None,
                metadata_directory: str | None = None) -> str:
    """Compile the core, write the wheel and return its name."""
    os.environ.update(toolchain.build_environment(os.environ, scripts=_BUILD / "zig"))
    return str(skbuild.build_wheel(wheel_directory, config_settings, metadata_directory))


def build_editable(wheel_directory: str, config_settings: Settings = None,
                   metadata_directory: str | None = None) -> str:
    """Compile the core beside the sources, write a wheel of one path line and return its name."""
    os.environ.update(toolchain.build_environment(os.environ, scripts=_BUILD / "zig"))
    kept: dict[str, list[str] | str] = {
        "build-dir": str(_BUILD / _editable_build_name(os.environ["CXX"]))}
    with tempfile.TemporaryDirectory() as scratch:
        name = str(skbuild.build_wheel(scratch, (config_settings or {}) | kept))
        _make_editable(Path(scratch, name), Path(wheel_directory, name))
    return name


def _compiler_requires() -> list[str]:
    return [toolchain.ZIG_REQUIREMENT] if toolchain.compiler(os.environ) == toolchain.ZIG else []


def _editable_build_name(cxx: str) -> str:
    # CMake keeps the compiler of its first run, hence one directory for each.
    return "editable-{wheel_tag}-" + hashlib.sha256(cxx.encode()).hexdigest()[:8]


def _make_editable(whole: Path, editable: Path) -> None:
    with zipfile.ZipFile(whole) as wheel, zipfile.ZipFile(editable, "w") as out:
        record = {"counterpoise.pth": f"{_SOURCES}\n".encode()}
        for name in wheel.namelist():
            if name.endswith((".so", ".pyd")):
                _replace(_SOURCES / name, wheel.read(name))
            elif ".dist-info/" in name:
                record[name] = wheel.read(name)
        listing = next(name for name in record if name.endswith(".dist-info/RECORD"))
        record[listing] = _record(record, listing).encode()
        for name, content in record.items():
            out.writestr(name, content)


def _replace(target: Path, content: bytes) -> None:
    # A running interpreter may have the old library mapped: a new file leaves it whole.
    fresh = target.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(target)


def _record(files: dict[str, bytes], listing: str) -> str:
    lines = [f"{name},sha256={_digest(content)},{len(content)}"
             for name, content in files.items() if name != listing]
    return "\n".join([*lines, f"{listing},,", ""])


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
