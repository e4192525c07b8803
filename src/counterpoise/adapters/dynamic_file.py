"""Where do the joint moves of `dynamic` lie? A dated JSON head and arrays beside it (.npz).

The section `moves` of the head names the array file, its SHA-256, and of every set (base, stress,
floor, breaks.NAME) its factors, its horizon and its method; the file holds NAME.move, NAME.weight
and NAME.labels. Nothing in it is executed: pickles are refused, and so is what is larger than its
head says, what has another digest, and what lies in another folder.
"""

import io
import json
import os
import zipfile
from typing import Any, Final

import numpy as np

from counterpoise.margin.terms.dynamic_parameters import DynamicParameters, sets_of
from counterpoise.scenarios.factors import JointMoves, factor_name, factor_named
from counterpoise.values.digest import sha256_of
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

BYTES_MAX: Final = 2**30
"""Of a file of arrays, packed and unpacked: 10,000 scenarios of 100 factors take 8 MB a set."""
SETS_MAX: Final = 16
LABEL_MAX: Final = 120
METHOD_MAX: Final = 20_000
_ARRAYS: Final = ("move", "weight", "labels")
_HEAD: Final[dict[str, Any]] = {"factors": list, "horizon_days": (int, float), "method": str}
_KEYS: Final = ("file", "sha256", "sets")
_BROKEN: Final = "breaks."
_BROKEN_FILE: Final = (ValueError, KeyError, OSError, EOFError, MemoryError, SyntaxError,
                       zipfile.BadZipFile, NotImplementedError, RuntimeError)


@frozen
class Stated:
    """What a file of parameters says about itself: days like 2026-02-05, and where it is from."""

    number: int
    observed_on: str
    effective_from: str
    source: str


def write_dynamic(path: str, parameters: DynamicParameters, stated: Stated) -> str:
    """Write parameters to `path` (.json) and the arrays beside it; return the arrays' SHA-256.

    What is written is read back by `adapters.parameters`, equal in every bit.
    """
    sets = sets_of(parameters.moves)
    packed = _packed(dict(sets))
    digest = sha256_of("", np.frombuffer(packed, np.uint8))
    arrays = os.path.splitext(path)[0] + ".npz"
    with open(arrays, "wb") as file:
        file.write(packed)
    about = {"observed_on": stated.observed_on, "effective_from": stated.effective_from,
             "source": stated.source}
    heads = {name: {"factors": [factor_name(f) for f in one.factors],
                    "horizon_days": one.horizon_days, "method": one.method} for name, one in sets}
    tree = {name: part for name, part in _tree(parameters, leave_out="moves").items() if part}
    tree["moves"] = {"file": os.path.basename(arrays), "sha256": digest, "sets": heads}
    document = {"model": "dynamic", "number": stated.number, "sections": [
        {"section": name, **about, "values": values} for name, values in tree.items()]}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
    return digest


def with_moves(document: dict[str, Any], folder: str) -> dict[str, Any]:
    """Return a dated document with the joint moves in the files that it names, of `folder`.

    Raises
    ------
    BadInput
        As `moves_in`.
    """
    return document | {"sections": [
        s | {"values": moves_in(s["values"], folder)} if s["section"] == "moves" else s
        for s in document["sections"]]}


def moves_in(values: dict[str, Any], folder: str) -> dict[str, Any]:
    """Return the fields of `DynamicMoves` that a section `moves` names, read from `folder`.

    Raises
    ------
    BadInput
        If the head is incomplete, the file is missing, has another digest, is no plain file of
        arrays, or holds other arrays than the head says: every set is named.
    """
    _refuse_bad_head(values)
    path = os.path.join(folder, values["file"])
    packed = _bytes(path)
    digest = sha256_of("", np.frombuffer(packed, np.uint8))
    if digest != values["sha256"]:
        raise bad_input(Reason.UNREADABLE, values["file"], f"has the digest {digest[:12]}..., the "
                        f"parameters were made with {values['sha256'][:12]}...; take the file that "
                        "was written with them")
    arrays = _arrays(packed, values)
    sets = {name: _moves(head, arrays, name) for name, head in values["sets"].items()}
    own = {name: one for name, one in sets.items() if not name.startswith(_BROKEN)}
    broken = {name[len(_BROKEN):]: one for name, one in sets.items() if name.startswith(_BROKEN)}
    return own | {"breaks": broken}


def _packed(sets: dict[str, JointMoves]) -> bytes:
    columns: dict[str, Any] = {}
    for name, one in sets.items():
        columns |= {f"{name}.move": one.move, f"{name}.weight": one.weight,
                    f"{name}.labels": np.array([text[:LABEL_MAX] for text in one.labels], np.str_)}
    out = io.BytesIO()
    np.savez_compressed(out, **columns)
    return out.getvalue()


def _tree(value: Any, leave_out: str = "") -> Any:
    """Return a value as JSON: fields by name, an open end of a tier left out."""
    if hasattr(value, "__fields__"):
        return {n: _tree(getattr(value, n)) for n in value.__fields__
                if n != leave_out and getattr(value, n) != float("inf")}
    if isinstance(value, dict):
        return {key: _tree(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_tree(one) for one in value if one != float("inf")]
    return value


def _refuse_bad_head(values: dict[str, Any]) -> None:
    wrong = []
    name, sets = values.get("file"), values.get("sets")
    wrong += [(f"moves.{key[:40]}", "is unknown; known here: " + ", ".join(_KEYS))
              for key in values if key not in _KEYS]
    if not isinstance(name, str) or not name or os.path.basename(name) != name or "\\" in name:
        wrong.append(("moves.file", "is the name of a file beside this one, without a folder"))
    if not isinstance(values.get("sha256"), str):
        wrong.append(("moves.sha256", "is missing; write the parameters anew"))
    if not isinstance(sets, dict) or "base" not in sets or len(sets) > SETS_MAX:
        wrong.append(("moves.sets", f"is a table of at most {SETS_MAX} sets, base among them"))
        sets = {}
    known = {"base", "stress", "floor"}
    for key, head in sets.items():
        if not (key in known or key.startswith(_BROKEN) and len(key) > len(_BROKEN)):
            wrong.append((f"moves.sets.{key[:40]}", "is no set; use base, stress, floor, "
                          "breaks.NAME"))
        wrong += _bad_set(f"moves.sets.{key[:40]}", head)
    if wrong:
        raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=s, sentence=t)
                         for s, t in wrong[:100]))


def _bad_set(path: str, head: Any) -> list[tuple[str, str]]:
    """Return (subject, sentence) for what is wrong in the head of one set."""
    own = head if isinstance(head, dict) else {}
    wrong = [(f"{path}.{field}", "is missing or of the wrong kind")
             for field, kind in _HEAD.items()
             if not isinstance(own.get(field), kind) or isinstance(own.get(field), bool)]
    wrong += [(f"{path}.{field[:40]}", "is unknown; known here: " + ", ".join(_HEAD))
              for field in own if field not in _HEAD]
    if not wrong and not all(isinstance(f, str) for f in own["factors"]):
        wrong.append((f"{path}.factors", "are texts like BTC price"))
    if not wrong and not 0 < own["horizon_days"] <= 365:
        wrong.append((f"{path}.horizon_days", "is a number above 0 and at most 365"))
    if not wrong and len(own["method"]) > METHOD_MAX:
        wrong.append((f"{path}.method", f"is longer than {METHOD_MAX:,} characters"))
    return wrong


def _bytes(path: str) -> bytes:
    try:
        size = os.path.getsize(path)
        if size > BYTES_MAX:
            raise bad_input(Reason.TOO_LARGE, path, f"is larger than {BYTES_MAX >> 20} MB")
        with open(path, "rb") as file:
            return file.read(size + 1)  # a larger number would be set aside whole
    except OSError as error:
        raise bad_input(Reason.UNREADABLE, path, f"cannot be read ({error.strerror}); it belongs "
                        "beside the parameters that name it") from None


def _arrays(packed: bytes, values: dict[str, Any]) -> dict[str, Any]:
    """Return the arrays that the head announces; the file must hold these and no others."""
    name = values["file"]
    wanted = {f"{one}.{part}" for one in values["sets"] for part in _ARRAYS}
    size = _listed(packed, name)
    if size.keys() != {f"{one}.npy" for one in wanted}:
        raise bad_input(Reason.UNREADABLE, name, "holds other arrays than the parameters say")
    if sum(size.values()) > BYTES_MAX:
        raise bad_input(Reason.TOO_LARGE, name, f"unpacks to more than {BYTES_MAX >> 20} MB")
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as found:
            arrays = {one: found[one] for one in wanted}
    except _BROKEN_FILE as error:
        raise _no_arrays(name, error) from None
    if not all(isinstance(one, np.ndarray) for one in arrays.values()):
        raise _no_arrays(name, TypeError())
    return arrays


def _listed(packed: bytes, name: str) -> dict[str, int]:
    """Return {entry of an archive: its size unpacked}."""
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            return {entry.filename: entry.file_size for entry in archive.infolist()}
    except _BROKEN_FILE as error:
        raise _no_arrays(name, error) from None


def _no_arrays(name: str, error: Exception) -> BadInput:
    return bad_input(Reason.UNREADABLE, name, f"is no file of arrays ({type(error).__name__}); "
                     "write the parameters anew")


def _moves(head: dict[str, Any], arrays: dict[str, Any], name: str) -> JointMoves:
    move, weight, labels = (arrays[f"{name}.{part}"] for part in _ARRAYS)
    count, width = len(labels) if labels.ndim == 1 else -1, len(head["factors"])
    good = (move.dtype == weight.dtype == np.float64 and labels.dtype.kind == "U"
            and move.shape == (count, width) and weight.shape == (count,) and count > 0)
    if not good:
        raise bad_input(Reason.BAD_VALUE, f"moves.sets.{name}", f"move is [scenario, {width}] and "
                        "weight [scenario] of 64-bit floats, labels [scenario] of texts; the file "
                        "has others")
    factors = tuple(factor_named(text) for text in head["factors"])
    return JointMoves(factors=factors, labels=tuple(labels.tolist()),
                      move=np.ascontiguousarray(move), weight=weight,
                      horizon_days=float(head["horizon_days"]), method=head["method"])


