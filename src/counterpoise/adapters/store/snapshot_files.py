"""How is a snapshot kept in a folder? A file each: a line of JSON, then the bytes of the state.

It is written beside its name, brought to the disk, and then given its name: there is no half one.
"""

import json
import os
from pathlib import Path
from typing import Final

from counterpoise.adapters.store.records import Mark
from counterpoise.adapters.store.store import Snapshot, SnapshotLost

FOLDER: Final = "snapshots"
_SUFFIX: Final = ".snapshot"
_DIGITS: Final = 20


def keep(folder: Path, snapshot: Snapshot, state: bytes) -> None:
    """Keep a snapshot, durably and whole or not at all.

    Raises
    ------
    SnapshotLost
        If the disk did not take it.
    """
    path = _path(folder, snapshot.mark.number)
    partial = path.with_suffix(".partial")
    line = json.dumps({"number": snapshot.mark.number, "hash": snapshot.mark.hash.hex(),
                       "root": snapshot.root.hex(), "length": snapshot.length,
                       "digest": snapshot.digest.hex()})
    try:
        with open(partial, "wb") as file:
            file.write(line.encode() + b"\n")
            file.write(state)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        sync_folder(path.parent)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise SnapshotLost(f"{path} could not be kept ({error.strerror})") from error


def listed(folder: Path) -> tuple[Snapshot, ...]:
    """Return the snapshots of a folder, oldest first; what is no snapshot file is left aside."""
    paths = sorted((folder / FOLDER).glob("*" + _SUFFIX))
    return tuple(found for path in paths if (found := _header(path)) is not None)


def state(folder: Path, snapshot: Snapshot) -> bytes:
    """Return the bytes of a state, none where the file went."""
    try:
        return _path(folder, snapshot.mark.number).read_bytes().partition(b"\n")[2]
    except OSError:
        return b""


def drop(folder: Path, snapshot: Snapshot) -> None:
    """Delete a snapshot's file."""
    _path(folder, snapshot.mark.number).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system has such a thing."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _header(path: Path) -> Snapshot | None:
    """Return what the first line says; a damaged one names an impossible snapshot, to be told."""
    number = path.stem
    if not number.isdigit():
        return None
    try:
        with open(path, "rb") as file:
            said = json.loads(file.readline(1024))
        return Snapshot(mark=Mark(number=said["number"], hash=bytes.fromhex(said["hash"])),
                        root=bytes.fromhex(said["root"]), length=said["length"],
                        digest=bytes.fromhex(said["digest"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Snapshot(mark=Mark(number=int(number), hash=bytes(32)), root=b"", length=-1,
                        digest=b"")


def _path(folder: Path, number: int) -> Path:
    return folder / FOLDER / f"{number:0{_DIGITS}d}{_SUFFIX}"
