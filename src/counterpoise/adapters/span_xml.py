"""How a SPAN file is read: one element after the other, in bounded memory, from a hostile world.

A parameter file may be a hundred megabytes of XML. What a reader wants comes as records, each with
its own texts and those of the elements around it; the rest is forgotten as it passes. Document
types and entities are refused (a billion laughs are a few lines), and so are deep nesting, long
texts, records without end, and what is no XML at all.
"""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from counterpoise.values.failure import BadInput, Reason, bad_input
from counterpoise.values.frozen import frozen

_CHUNK: Final = 1 << 16
_DEEPEST: Final = 32
_LONGEST: Final = 1_000
_MOST_PARTS: Final = 200_000
_MOST_NAMES: Final = 1_000
_LONGEST_TOKEN: Final = 1 << 20
_LARGEST: Final = 1e15
_NUMBER: Final = re.compile(r"[+-]?(\d{1,25}(\.\d{0,25})?|\.\d{1,25})([eE][+-]?\d{1,3})?", re.ASCII)


@frozen
class Record:
    """One element: its texts by name (lists in order), its inner elements, what stands around it.

    `around` are the texts of the enclosing elements that stand before this one, the nearer one
    winning; `path` names the element, such as `exchange/futPf/fut`.
    """

    name: str
    path: str
    texts: dict[str, list[str]]
    parts: tuple["Record", ...]
    around: dict[str, str]


def records(stream: BinaryIO, *, wanted: frozenset[str], open_: frozenset[str]) -> Iterator[Record]:
    """Yield every element named in `wanted`, in the order of the file.

    Elements named in `open_` keep only their texts: what they hold is yielded or forgotten.

    Raises
    ------
    BadInput
        If the stream is no XML, is cut short, or is made to hurt; the sentence says where.
    """
    from xml.parsers import expat  # no margin number needs it

    parser, fed = expat.ParserCreate(), 0
    reading = _Reading(parser, wanted, open_)
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.EntityDeclHandler = _refuse_document_type
    parser.buffer_text = True
    while True:
        chunk = stream.read(_CHUNK)
        try:
            parser.Parse(chunk, not chunk)
        except expat.ExpatError as wrong:
            raise bad_input(Reason.UNREADABLE, "SPAN file", f"is no whole XML at line "
                            f"{wrong.lineno}: {expat.ErrorString(wrong.code)}") from None
        except (UnicodeError, LookupError, ValueError) as wrong:
            if isinstance(wrong, BadInput):
                raise
            raise bad_input(Reason.UNREADABLE, "SPAN file", "is in an encoding that cannot be "
                            "read; use UTF-8") from None
        fed += len(chunk)
        if fed - reading.at > _LONGEST_TOKEN:
            raise bad_input(Reason.TOO_LARGE, "SPAN file", "holds a comment, attribute or gap of "
                            "more than a million characters")
        yield from reading.taken()
        if not chunk:
            return


def text_of(record: Record, name: str) -> str:
    """Return the text of that name in the record, or of the nearest element around it, or ""."""
    own = record.texts.get(name)
    return own[0] if own else record.around.get(name, "")


def number_of(record: Record, name: str, default: float | None = None) -> float:
    """Return the number of that name, `default` where there is none.

    Raises
    ------
    BadInput
        If it is no finite number below 1e15, or is missing and there is no default.
    """
    text = text_of(record, name)
    if text == "" and default is not None:
        return default
    return number(text, f"{record.path}/{name}")


def number(text: str, subject: str) -> float:
    """Return a text of the file as a number.

    Raises
    ------
    BadInput
        Naming the element, if the text is no finite number below 1e15.
    """
    if _NUMBER.fullmatch(text) and abs(float(text)) < _LARGEST:
        return float(text)
    shown = repr(text[:40]) if text else "nothing"
    raise bad_input(Reason.NOT_A_NUMBER, subject, f"{shown} is no number below 1e15")


def _refuse_document_type(*_: Any) -> None:
    raise bad_input(Reason.UNREADABLE, "SPAN file", "declares a document type or an entity; a "
                    "parameter file needs none, so it is refused")


class _Element:
    """An element that is open: what it holds so far."""

    __slots__ = ("name", "parts", "texts", "written")

    def __init__(self, name: str) -> None:
        self.name = name
        self.texts: dict[str, list[str]] = {}
        self.parts: list[Record] = []
        self.written: list[str] = []


class _Reading:
    """The elements that are open, innermost last, and the records that are ready."""

    def __init__(self, parser: Any, wanted: frozenset[str], open_: frozenset[str]) -> None:
        self.at = 0
        self._parser, self._wanted, self._open = parser, wanted, open_
        self._elements = [_Element("")]
        self._ready: list[Record] = []

    def taken(self) -> list[Record]:
        """Return the records that are ready and forget them."""
        ready, self._ready = self._ready, []
        return ready

    def start(self, name: str, _: Any) -> None:
        """Open an element."""
        if len(self._elements) > _DEEPEST:
            raise bad_input(Reason.TOO_LARGE, self._path(), f"is nested more than {_DEEPEST} deep")
        if len(name) > _LONGEST:
            raise bad_input(Reason.TOO_LARGE, name[:40], "is too long for a name")
        self._elements.append(_Element(name))

    def text(self, piece: str) -> None:
        """Take a piece of text into the innermost element."""
        if not piece.isspace():
            written = self._elements[-1].written
            written.append(piece)
            if len(piece) > _LONGEST or len(written) > _LONGEST:
                raise bad_input(Reason.TOO_LARGE, self._path(), f"holds more than {_LONGEST} "
                                "characters of text")

    def end(self, name: str) -> None:
        """Close the innermost element: a text of the one around it, or a record."""
        self.at = self._parser.CurrentByteIndex
        inner = self._elements.pop()
        outer = self._elements[-1]
        if name in self._wanted:
            self._ready.append(self._record(inner, self._around()))
        elif not (inner.texts or inner.parts):
            self._keep_text(outer, inner)
        elif name not in self._open and outer.name not in self._open:
            self._keep(outer.parts, self._record(inner, {}), name)

    def _record(self, inner: _Element, around: dict[str, str]) -> Record:
        path = "/".join(filter(None, (self._path(), inner.name)))
        return Record(name=inner.name, path="/".join(path.split("/")[-3:]), texts=inner.texts,
                      parts=tuple(inner.parts), around=around)

    def _keep_text(self, outer: _Element, inner: _Element) -> None:
        texts = outer.texts.get(inner.name)
        if texts is None:
            if len(outer.texts) >= _MOST_NAMES:
                raise bad_input(Reason.TOO_LARGE, inner.name, f"is one of more than {_MOST_NAMES} "
                                "names in one element")
            texts = outer.texts[inner.name] = []
        self._keep(texts, "".join(inner.written).strip(), inner.name)

    def _keep(self, into: list[Any], what: Any, name: str) -> None:
        if len(into) >= _MOST_PARTS:
            raise bad_input(Reason.TOO_LARGE, name, f"stands more than {_MOST_PARTS} times in one "
                            "element")
        into.append(what)

    def _around(self) -> dict[str, str]:
        return {name: found[0] for e in self._elements for name, found in e.texts.items()}

    def _path(self) -> str:
        return "/".join(e.name for e in self._elements[1:][-3:])
