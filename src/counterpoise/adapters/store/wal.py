"""Did a crash tear the last write of SQLite's WAL, or is something broken before that?

SQLite reads a WAL up to the first frame whose checksum is wrong and forgets the rest, whatever
comes after. That is right for a torn last transaction, which nobody acknowledged, and silently
wrong where a frame went bad *in the middle*: a later transaction was begun only after the one
before it was on the disk. So before SQLite sees the file: where frames of a later transaction
follow the bad one, the log is refused. (A last transaction that went bad after it was durable looks
like a torn one: against that stands the mark that its sender was given, `history.verified_chain`.)

Format: https://www.sqlite.org/fileformat2.html#walformat. The checksum s0 += x0 + s1, s1 += x1 + s0
over pairs of words is linear, s -> M s + (x0, x0 + x1) with M = [[1, 1], [1, 2]], so that all
frames are summed at once with the powers of M, modulo 2**32.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np

from counterpoise.values.failure import Reason, bad_input

_HEADER: Final = 32
_FRAME: Final = 24
_MAGIC: Final = {0x377F0682: "<u4", 0x377F0683: ">u4"}
_MASK: Final = 0xFFFFFFFF
Words = np.ndarray[Any, np.dtype[np.uint32]]


def refuse_broken_middle(path: Path) -> None:
    """Refuse a WAL in which a bad frame stands before a later transaction.

    Raises
    ------
    BadInput
        Saying that a backup is needed; the file is left as it is.
    """
    content = path.read_bytes() if path.is_file() else b""
    if len(content) <= _HEADER:
        return
    head = np.frombuffer(content, ">u4", 8).astype(np.int64).tolist()
    order, page = _MAGIC.get(head[0]), head[2]
    sound = order is not None and page >= 512 and _sum(content[:24], order) == (head[6], head[7])
    if not sound:
        if any(content):
            raise _broken(path, "its head is damaged")
        return
    frames = np.frombuffer(content, np.uint8)[_HEADER:]
    count = len(frames) // (_FRAME + page)
    frames = frames[:count * (_FRAME + page)].reshape(count, _FRAME + page)
    heads = np.ascontiguousarray(frames[:, :_FRAME]).view(">u4").astype(np.int64)
    ours = (heads[:, 2] == head[4]) & (heads[:, 3] == head[5])
    good = _good_frames(frames, heads, str(order), (head[6], head[7]))
    good = min(good, int(np.argmin(ours)) if not ours.all() else count)
    if _is_two_transactions(heads, ours, good):
        raise _broken(path, f"its frame {good + 1} is damaged, and later ones are there")


def _is_two_transactions(heads: Any, ours: Any, good: int) -> bool:
    commits = np.flatnonzero(heads[:good, 1])
    start = int(commits[-1]) + 1 if len(commits) else 0
    rest = np.flatnonzero(ours[good:]) + good
    later = rest[heads[rest, 1] != 0]
    if len(later) and rest[-1] > later[0]:
        return True
    # A transaction writes a page once, and every one of ours writes the page of the marks.
    pages = heads[[*range(start, good), *rest.tolist()], 0]
    return len(pages) != len(set(pages.tolist()))


def _good_frames(frames: Any, heads: Any, order: str, seed: tuple[int, int]) -> int:
    """Return how many frames from the first have the checksum they should."""
    count = len(frames)
    words = np.concatenate((frames[:, :8], frames[:, _FRAME:]), axis=1).view(order)
    first, second = words[:, 0::2].astype(np.uint32), words[:, 1::2].astype(np.uint32)
    added = first + second
    pairs = first.shape[1]
    powers = _powers(pairs)
    ours = np.stack([
        (first * powers[:, r, 0] + added * powers[:, r, 1]).sum(axis=1, dtype=np.uint32)
        for r in (0, 1)], axis=1).tolist() if count else []
    whole = _powers(pairs + 1)[0].tolist()
    s0, s1 = seed
    for k in range(count):
        s0, s1 = ((whole[0][0] * s0 + whole[0][1] * s1 + ours[k][0]) & _MASK,
                  (whole[1][0] * s0 + whole[1][1] * s1 + ours[k][1]) & _MASK)
        if (s0, s1) != (heads[k, 4], heads[k, 5]):
            return k
    return count


def _powers(count: int) -> Words:
    """Return M**(count - 1), ..., M, 1 as [k, row, column]."""
    power, found = [[1, 0], [0, 1]], []
    for _ in range(count):
        found.append(power)
        power = _times(power, [[1, 1], [1, 2]])
    return np.array(found[::-1], np.uint32)


def _times(a: list[list[int]], b: list[list[int]]) -> list[list[int]]:
    return [[(a[r][0] * b[0][c] + a[r][1] * b[1][c]) & _MASK for c in (0, 1)] for r in (0, 1)]


def _sum(content: bytes, order: str) -> tuple[int, int]:
    s0 = s1 = 0
    words = np.frombuffer(content, order).tolist()
    for x0, x1 in zip(words[0::2], words[1::2], strict=True):
        s0 = (s0 + x0 + s1) & _MASK
        s1 = (s1 + x1 + s0) & _MASK
    return s0, s1


def _broken(path: Path, why: str) -> Exception:
    return bad_input(Reason.UNREADABLE, str(path), f"is damaged in the middle: {why}; acknowledged "
                     "events would be lost silently. Restore a backup")
