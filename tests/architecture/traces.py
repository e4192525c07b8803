"""Does the tree speak only of itself? No machine's paths and no addresses of a private index."""

import re
from typing import Final

_TRACES: Final = {
    "a path of one machine": re.compile(
        r"(?<![\w.~/-])/(?:work|root|home|opt|Users|mnt|media|private)/\w"),
    "a folder of one machine": re.compile(r"(?<![\w.~/-])/tmp/\w"),
    "a local index": re.compile(r"[f]ile://"),
    "a private index": re.compile(
        r"(?i)\b(?:[a]rtifactory|[j]frog|[d]evpi|[s]onatype)\b|\.(?:internal|intranet|corp)\b"),
    "an address of a package index": re.compile(
        r"(?i)--(?:extra-)?index-url[ =]|--find-links[ =]|files\.pythonhosted\.org"),
}
_LOCK_LINE: Final = re.compile(
    r"[a-z0-9][a-z0-9._-]*==[\w.]+( ; [^/@]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")


def traces(path: str, text: str) -> list[str]:
    """Complain about lines that only make sense where they were written."""
    return [f"{path} line {number}: {what}" for number, line in enumerate(text.splitlines(), 1)
            for what, pattern in _TRACES.items() if pattern.search(line)]


def more_than_a_lock(path: str, text: str) -> list[str]:
    """Complain about lines of a lock file that are not a name with its version, or a hash."""
    return [f"{path} line {number} is neither a pinned name nor a hash: {line}"
            for number, line in enumerate(text.splitlines(), 1) if not _LOCK_LINE.fullmatch(line)]
