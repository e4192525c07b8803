"""Pictures without a library: lines, steps and dots over days as one SVG, text scaled to read."""

from collections.abc import Sequence
from html import escape
from typing import Any, Final

import numpy as np

from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, format_instant

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
_WIDTH: Final = 860
_HEIGHT: Final = 220
_LEFT: Final = 62
_BOTTOM: Final = 24
_TOP: Final = 12
_RIGHT: Final = 10
_DATES: Final = 7
_POINTS_MAX: Final = 1200


@frozen
class Line:
    """One series of a picture: `kind` is line or dots, `colour` as in CSS, y finite or NaN."""

    name: str
    at: Ints
    y: Floats
    colour: str
    kind: str = "line"


def picture(lines: Sequence[Line], *, unit: str) -> str:
    """Return an SVG of series over time, with axes and a legend; "" where nothing is known."""
    known = [line for line in lines if np.isfinite(line.y).any()]
    if not known:
        return ""
    times = np.concatenate([line.at for line in known])
    levels = np.concatenate([line.y[np.isfinite(line.y)] for line in known])
    span = (int(times.min()), max(int(times.max()), int(times.min()) + DAY_NS))
    low, high = min(0.0, float(levels.min())), float(levels.max())
    frame = _Frame(span=span, low=low, high=high if high > low else low + 1.0)
    body = [*_axes(frame, unit), *(_drawn(frame, line) for line in known), *_legend(known)]
    return (f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg">'
            + "".join(body) + "</svg>")


@frozen
class _Frame:
    """The rectangle of values that a picture shows."""

    span: tuple[int, int]
    low: float
    high: float

    def x(self, at: Any) -> Any:
        """Return the horizontal place of instants."""
        share = (np.asarray(at, np.float64) - self.span[0]) / (self.span[1] - self.span[0])
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, level: Any) -> Any:
        """Return the vertical place of levels."""
        share = (np.asarray(level) - self.low) / (self.high - self.low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)


def _axes(frame: _Frame, unit: str) -> list[str]:
    out = []
    for level in np.linspace(frame.low, frame.high, 5):
        y = float(frame.y(level))
        out.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
                   'class="grid"/>'
                   f'<text x="{_LEFT - 6}" y="{y + 3:.1f}" class="end">{_short(level)}</text>')
    for k, at in enumerate(np.linspace(*frame.span, _DATES)):
        side = "end" if k == _DATES - 1 else "mid"
        out.append(f'<text x="{float(frame.x(at)):.1f}" y="{_HEIGHT - 7}" class="{side}">'
                   f'{format_instant(int(at))[:10]}</text>')
    return [*out, f'<text x="4" y="10">{escape(unit)}</text>']


def _drawn(frame: _Frame, line: Line) -> str:
    at, y = _thinned(line)
    places = np.stack([frame.x(at), frame.y(y)], axis=1)
    if line.kind == "dots":
        return "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.4" fill="{line.colour}"/>'
                       for a, b in places[np.isfinite(y)].tolist())
    path, pen = [], "M"
    for (a, b), told in zip(places.tolist(), np.isfinite(y).tolist(), strict=True):
        if told:
            path.append(f"{pen}{a:.1f} {b:.1f}")
        pen = "L" if told else "M"
    return f'<path d="{"".join(path)}" fill="none" stroke="{line.colour}" stroke-width="1.4"/>'


def _thinned(line: Line) -> tuple[Ints, Floats]:
    """Return at most so many points, of each stretch the one farthest from zero."""
    n = len(line.y)
    if n <= _POINTS_MAX or line.kind == "dots":
        return line.at, line.y
    edges = np.linspace(0, n, _POINTS_MAX // 2 + 1).astype(int)
    pick = sorted({int(k) for a, b in zip(edges[:-1], edges[1:], strict=True)
                   for k in (a + np.argmax(np.nan_to_num(line.y[a:b], nan=-np.inf)),
                             a + np.argmin(np.nan_to_num(line.y[a:b], nan=np.inf)))})
    return line.at[pick], line.y[pick]


def _legend(lines: Sequence[Line]) -> list[str]:
    out, x = [], _LEFT + 150
    for line in lines:
        out.append(f'<rect x="{x}" y="2" width="10" height="8" fill="{line.colour}"/>'
                   f'<text x="{x + 14}" y="10">{escape(line.name)}</text>')
        x += 26 + 6 * len(line.name)
    return out


def _short(level: float) -> str:
    for size, letter in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(level) >= size:
            return f"{level / size:.3g}{letter}"
    return f"{level:.3g}"
