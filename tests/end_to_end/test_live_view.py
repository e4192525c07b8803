"""`counterpoise run` on a real terminal: drawn, resized, ended by Ctrl-C, gone on with."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

import pytest

from counterpoise.adapters.store import places
from counterpoise.apps.cli.dispatch import answered
from counterpoise.apps.cli.output import ANSWERED
from price_table import write_prices

CTRL_C = b"\x03"
PATIENCE_SECONDS = 60.0


class Terminal:
    """A program on a terminal of its own, and what it wrote there."""

    def __init__(self, *words):
        self.child, self.line = pty.fork()
        if not self.child:
            # Not what a library set behind Python's back: COLUMNS would stand for the window.
            own = {n: v for n, v in os.environ.items() if n not in ("COLUMNS", "LINES", "NO_COLOR")}
            os.execve(sys.executable, [sys.executable, "-m", "counterpoise.apps.cli.main", *words],
                      own | {"TERM": "xterm"})
        self.seen = ""
        self.resize(100)

    def resize(self, columns):
        fcntl.ioctl(self.line, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        os.kill(self.child, signal.SIGWINCH)

    def read(self, until):
        """Read until `until` says of the text since now that it is enough; return that text."""
        begin, start = time.monotonic(), len(self.seen)
        while not until(self.seen[start:]):
            assert time.monotonic() - begin < PATIENCE_SECONDS, self.seen[-2000:]
            if not select.select([self.line], [], [], 1.0)[0]:
                continue
            try:
                self.seen += os.read(self.line, 65536).decode(errors="replace")
            except OSError:  # the other side of the terminal is closed
                break
        return self.seen[start:]

    def ended(self):
        """Return the last text and the exit code."""
        text = self.read(lambda _: False)
        os.close(self.line)
        return text, os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])


def widths(text):
    """Return how wide the upper edges of the pages in a text are."""
    return [len(edge) for edge in re.findall("╭[^╮\r\n]*╮", text)]


@pytest.fixture
def words(tmp_path):
    """Return a run that takes longer than anybody waits."""
    prices = write_prices(tmp_path / "prices.csv", minutes=700)
    return ("run", str(tmp_path / "store"), "--market", prices, "--accounts", "20")


def test_page_is_drawn_follows_the_window_and_ctrl_c_ends_the_run_cleanly(words, capsys):
    shown = Terminal(*words, "--speed", "600")
    shown.read(lambda text: len(widths(text)) > 1 and "at risk" in text)
    shown.resize(30)
    shown.read(lambda text: any(width <= 30 for width in widths(text)))
    os.write(shown.line, CTRL_C)
    text, code = shown.ended()

    assert ANSWERED == code
    assert "all of it is durable" in text and "\x1b[?25h" in text, "the cursor is shown again"
    places.owned(words[1]).close()
    stopped = int(re.findall(r"step (\d+)  record", text)[-1])
    assert ANSWERED == answered([*words, "--steps", "1", "--json"])
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (True, stopped + 1) == (last["resumed"], last["step"])
