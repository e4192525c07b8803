"""What bytes does a value have? One canonical form of every value that a log or a state holds.

A value is a tag and its content: integers as text of fixed width or, beyond 64 bits, as decimal
digits; floats as their 8 bytes, so that NaN and -0.0 survive; tuples and dictionaries (sorted by
the bytes of their keys) by count; arrays as type, shape and little-endian bytes; enums and frozen
values by the name of their class. Equal values have equal bytes and nothing else has them.

Reading is for bytes that anybody may have sent: only classes of the vocabulary are made, every
field is checked against its annotation, lengths are checked before anything is made of them, and
what would not be written in the same bytes again is refused.
"""

import struct
from collections.abc import Iterable
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin

import numpy as np

from counterpoise.values.failure import BadInput, Reason, bad_input
from counterpoise.values.frozen import replaced

DEEPEST: Final = 24
_LONG: Final = struct.Struct("<q")
_FLOAT: Final = struct.Struct("<d")
_COUNT: Final = struct.Struct("<I")
_DTYPES: Final = ("<f8", "<i8", "<i4", "|u1", "<u2", "|i1", "|b1")
Types = dict[str, type]


def written(value: Any) -> bytes:
    """Return the bytes of a value.

    Raises
    ------
    BadInput
        If it is, or holds, something that has no form.
    """
    return written_all((value,))


def written_all(values: Iterable[Any]) -> bytes:
    """Return the bytes of values one after the other; raises as `written`."""
    out = bytearray()
    for value in values:
        _write(value, out, 0)
    return bytes(out)


def _write(value: Any, out: bytearray, depth: int) -> None:
    if depth > DEEPEST:
        raise bad_input(Reason.TOO_LARGE, type(value).__name__, "is nested too deeply to be kept")
    write = _WRITERS.get(type(value))
    if write is not None:
        write(value, out, depth)
    elif isinstance(value, Enum):
        out += b"e"
        _put_text(word_of(type(value)), out)
        _put_text(value.name, out)
    elif hasattr(value, "__fields__"):
        out += b"v"
        _put_text(word_of(type(value)), out)
        for name in value.__fields__:
            _write(getattr(value, name), out, depth + 1)
    else:
        raise bad_input(Reason.BAD_VALUE, type(value).__name__, "has no form in a log")


def in_order(value: Any) -> Any:
    """Return an equal value whose tables are in the order of their bytes, as read ones are.

    What is computed may follow the order of a table, so that what was said and what is read from a
    log or a snapshot must not differ in it.
    """
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value, key=written)}
    if type(value) is tuple:
        return tuple([in_order(item) for item in value])
    if hasattr(value, "__fields__"):
        return replaced(value, **{n: in_order(getattr(value, n)) for n in value.__fields__})
    return value


def word_of(named: type) -> str:
    """Return the word by which a class stands in a log: `contracts.Option`."""
    return f"{named.__module__.rpartition('.')[2]}.{named.__name__}"


def _put_text(text: str, out: bytearray) -> None:
    try:
        content = text.encode()
    except UnicodeEncodeError:
        raise bad_input(Reason.BAD_VALUE, ascii(text)[:60], "is text that has no UTF-8") from None
    out += _COUNT.pack(len(content))
    out += content


def _write_int(value: int, out: bytearray, _: int) -> None:
    if -(2**63) <= value < 2**63:
        out += b"i"
        out += _LONG.pack(value)
    else:
        out += b"I"
        _put_text(str(value), out)


def _write_text(value: str, out: bytearray, _: int) -> None:
    out += b"s"
    _put_text(value, out)


def _write_bytes(value: bytes, out: bytearray, _: int) -> None:
    out += b"b"
    out += _COUNT.pack(len(value))
    out += value


def _write_tuple(value: tuple[Any, ...], out: bytearray, depth: int) -> None:
    out += b"t"
    out += _COUNT.pack(len(value))
    for item in value:
        _write(item, out, depth + 1)


def _write_dict(value: dict[Any, Any], out: bytearray, depth: int) -> None:
    keyed = sorted(((written(key), item) for key, item in value.items()),
                   key=lambda pair: pair[0])
    out += b"d"
    out += _COUNT.pack(len(keyed))
    for key, item in keyed:
        out += key
        _write(item, out, depth + 1)


def _write_array(value: np.ndarray[Any, Any], out: bytearray, _: int) -> None:
    kind = value.dtype.newbyteorder("<").str
    if kind not in _DTYPES:
        raise bad_input(Reason.BAD_VALUE, kind, "is no type of array that a log keeps")
    out += b"a"
    out.append(_DTYPES.index(kind))
    out.append(value.ndim)
    for size in value.shape:
        out += _COUNT.pack(size)
    out += np.ascontiguousarray(value, dtype=kind).tobytes()


_WRITERS: Final[dict[type, Any]] = {
    NoneType: lambda value, out, depth: out.extend(b"n"),
    bool: lambda value, out, depth: out.extend(b"T" if value else b"F"),
    int: _write_int,
    float: lambda value, out, depth: out.extend(b"f" + _FLOAT.pack(value)),
    str: _write_text,
    bytes: _write_bytes,
    tuple: _write_tuple,
    dict: _write_dict,
    np.ndarray: _write_array,
}


class Reader:
    """Where one stands in some bytes; only `read` and its parts move it."""

    __slots__ = ("at", "content", "types")

    def __init__(self, content: bytes, types: Types) -> None:
        self.content, self.at, self.types = content, 0, types

    def take(self, count: int) -> bytes:
        """Return the next bytes, refused where there are fewer."""
        start = self.at
        if count > len(self.content) - start:
            raise unreadable(f"ends at byte {len(self.content)} where {count} more are needed")
        self.at = start + count
        return self.content[start:self.at]

    def count(self) -> int:
        """Return a count of 32 bits; of what follows each part takes a byte at least."""
        number = int(_COUNT.unpack(self.take(4))[0])
        if number > len(self.content) - self.at:
            raise unreadable(f"announces {number} parts, more than there are bytes")
        return number

    def text(self) -> str:
        """Return a counted text."""
        try:
            return self.take(self.count()).decode()
        except UnicodeDecodeError:
            raise unreadable("holds text that is not UTF-8") from None


def unreadable(sentence: str) -> BadInput:
    """Make the exception for bytes that cannot be read."""
    return bad_input(Reason.UNREADABLE, "bytes", sentence)


def read(content: bytes, types: Types) -> Any:
    """Return the value of bytes that `written` made.

    Raises
    ------
    BadInput
        If they are not the canonical bytes of a value made of the classes in `types`.
    """
    reader = Reader(content, types)
    value = read_value(reader, 0)
    if reader.at != len(content):
        raise unreadable(f"goes on after its end at byte {reader.at}")
    if written(value) != content:
        raise unreadable("is not written in the one canonical form")
    return value


def read_value(reader: Reader, depth: int) -> Any:
    """Return the next value and move on."""
    if depth > DEEPEST:
        raise unreadable("is nested too deeply")
    tag = reader.take(1)
    if tag not in _READERS:
        raise unreadable(f"has the unknown tag {tag!r}")
    return _READERS[tag](reader, depth)


def _read_long(reader: Reader, _: int) -> int:
    text = reader.text()
    if len(text) > 400 or not text.removeprefix("-").isdecimal():
        raise unreadable("holds a long number that is none")
    return int(text)


def _read_tuple(reader: Reader, depth: int) -> tuple[Any, ...]:
    return tuple([read_value(reader, depth + 1) for _ in range(reader.count())])


def _read_dict(reader: Reader, depth: int) -> dict[Any, Any]:
    pairs = [(read_value(reader, depth + 1), read_value(reader, depth + 1))
             for _ in range(reader.count())]
    try:
        return dict(pairs)
    except TypeError:
        raise unreadable("holds a key that cannot be one") from None


def _read_array(reader: Reader, _: int) -> np.ndarray[Any, Any]:
    code, axes = reader.take(2)
    if code >= len(_DTYPES) or axes > 4:
        raise unreadable("holds an array of unknown type")
    shape = [int(_COUNT.unpack(reader.take(4))[0]) for _ in range(axes)]
    dtype, count = np.dtype(_DTYPES[code]), 1
    for size in shape:
        count *= size
    content = reader.take(count * dtype.itemsize)
    if dtype.kind == "b" and content.strip(b"\x00\x01"):
        raise unreadable("holds truth values that are neither 0 nor 1")
    try:
        return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="))
    except ValueError:
        raise unreadable(f"holds an array of no shape: {shape}") from None


def _read_enum(reader: Reader, _: int) -> Any:
    made, name = reader.types.get(reader.text()), reader.text()
    if made is None or not issubclass(made, Enum) or name not in made.__members__:
        raise unreadable(f"names an unknown choice {name[:40]!r}")
    return made[name]


def _read_frozen(reader: Reader, depth: int) -> Any:
    name = reader.text()
    made = reader.types.get(name)
    if made is None or not hasattr(made, "__fields__"):
        raise unreadable(f"names an unknown class {name[:40]!r}")
    return built(made, [read_value(reader, depth + 1) for _ in made.__fields__])


_READERS: Final[dict[bytes, Any]] = {
    b"n": lambda reader, depth: None,
    b"T": lambda reader, depth: True,
    b"F": lambda reader, depth: False,
    b"i": lambda reader, depth: _LONG.unpack(reader.take(8))[0],
    b"I": _read_long,
    b"f": lambda reader, depth: _FLOAT.unpack(reader.take(8))[0],
    b"s": lambda reader, depth: reader.text(),
    b"b": lambda reader, depth: reader.take(reader.count()),
    b"t": _read_tuple,
    b"d": _read_dict,
    b"a": _read_array,
    b"e": _read_enum,
    b"v": _read_frozen,
}


def built(made: Any, fields: list[Any]) -> Any:
    """Return the frozen value of these fields, each checked against its annotation."""
    for name, field in zip(made.__fields__, fields, strict=True):
        if not fits(field, made.__types__[name]):
            raise unreadable(f"holds a {type(field).__name__} as {name} of {made.__name__}")
    try:
        return made(**dict(zip(made.__fields__, fields, strict=True)))
    except (AssertionError, TypeError, ValueError, OverflowError) as wrong:
        raise unreadable(f"holds a {made.__name__} that is none: {wrong}") from None


def fits(value: Any, hint: Any) -> bool:
    """Return whether a value is what an annotation says, all the way down."""
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any or isinstance(hint, str):
        return True
    if hint is None or hint is NoneType:
        return value is None
    if origin is UnionType or str(origin) == "typing.Union":
        return any(fits(value, part) for part in parts)
    if origin is tuple:
        return isinstance(value, tuple) and _items_fit(value, parts)
    if origin is dict:
        return isinstance(value, dict) and all(
            fits(k, parts[0]) and fits(v, parts[1]) for k, v in value.items())
    if origin is np.ndarray:
        return isinstance(value, np.ndarray) and _dtype_fits(value, parts[1])
    if hint is float:
        return type(value) is float or type(value) is int
    return type(value) is hint if hint in (int, bool, str, bytes) else isinstance(value, hint)


def _items_fit(value: tuple[Any, ...], parts: tuple[Any, ...]) -> bool:
    if parts in ((), ((),)):
        return not value
    if len(parts) == 2 and parts[1] is Ellipsis:
        return all(fits(item, parts[0]) for item in value)
    return len(value) == len(parts) and all(map(fits, value, parts))


def _dtype_fits(value: np.ndarray[Any, Any], hint: Any) -> bool:
    wanted = get_args(hint)
    return not wanted or wanted[0] is Any or value.dtype == np.dtype(wanted[0])


def named_types(*hints: Any) -> Types:
    """Return every frozen class and enum that some annotations lead to, by `word_of`.

    Two classes of one name are a programmer's mistake: a log could not tell them apart.
    """
    found: Types = {}
    waiting = list(hints)
    while waiting:
        hint = waiting.pop()
        waiting.extend(get_args(hint))
        if not isinstance(hint, type) or not (hasattr(hint, "__fields__")
                                              or issubclass(hint, Enum)):
            continue
        word = word_of(hint)
        if word not in found:
            found[word] = hint
            waiting.extend(getattr(hint, "__types__", {}).values())
        assert found[word] is hint, f"two classes are called {word}"
    return found
