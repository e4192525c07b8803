"""How are many texts kept? As one run of bytes and the length of each.

A state has names of accounts, of orders and of a million events; one by one they would take most of
the time of a restart.
"""

from collections.abc import Collection
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

Lengths = np.ndarray[Any, np.dtype[np.int32]]
Texts = tuple[bytes, Lengths]
"""(UTF-8 of all texts one after the other, [text] the length of each in characters)."""


def packed_texts(texts: Collection[str]) -> Texts:
    """Return texts as one run of bytes and their lengths."""
    return "".join(texts).encode(), np.fromiter(map(len, texts), np.int32, len(texts))


def unpacked_texts(packed: Texts) -> list[str]:
    """Return the texts again; inverse of `packed_texts`.

    Raises
    ------
    ValueError
        If the bytes are no UTF-8, or the lengths are not theirs.
    """
    content, lengths = packed[0].decode(), packed[1].tolist()
    ends = list(accumulate(lengths, initial=0))
    if min(lengths, default=0) < 0 or ends[-1] != len(content):
        raise ValueError(f"{len(lengths)} texts of {ends[-1]} characters in {len(content)}")
    return [content[start:stop] for start, stop in pairwise(ends)]
