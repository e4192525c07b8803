"""Does a forecast law fill all its tenths alike? Bars with what chance alone would make of them."""

from collections.abc import Sequence
from typing import Final

_WIDTH: Final = 160
_HEIGHT: Final = 70
_BASE: Final = 66
_TOP: Final = 4
_TWO_SIDED_95: Final = 1.959963984540054


def histogram(counts: Sequence[int]) -> str:
    """Return an SVG of counts in bins of equal probability, with the expected one and its band.

    The band holds 95 % of single bars of a right law: mean +- 1.96 deviations of the binomial.
    """
    total, bins = sum(counts), len(counts)
    mean = total / bins
    reach = _TWO_SIDED_95 * (mean * (1 - 1 / bins)) ** 0.5
    scale = (_BASE - _TOP) / max(*counts, mean + reach, 1.0)
    width = _WIDTH / bins
    low, high = _BASE - max(mean - reach, 0.0) * scale, _BASE - (mean + reach) * scale
    bars = "".join(
        f'<rect x="{k * width + 1:.1f}" y="{_BASE - n * scale:.1f}" width="{width - 2:.1f}" '
        f'height="{n * scale:.1f}" fill="#1f5fa8"><title>{n} of {total} days</title></rect>'
        for k, n in enumerate(counts))
    return (f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg">'
            f'{bars}<rect x="0" y="{high:.1f}" width="{_WIDTH}" height="{low - high:.1f}" '
            'fill="#c0392b" fill-opacity="0.15"/>'
            f'<line x1="0" x2="{_WIDTH}" y1="{_BASE - mean * scale:.1f}" '
            f'y2="{_BASE - mean * scale:.1f}" stroke="#c0392b"/></svg>')
