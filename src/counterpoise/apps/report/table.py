"""How does a table look in a terminal: aligned columns, numbers to the right, no decoration?

Plain text, so that it can be mailed, compared and searched. Bold on a terminal only, never where
the output is piped or `NO_COLOR` is set. Written here because the usual library costs more time
to import than a margin number takes.
"""

from collections.abc import Iterable, Sequence
from typing import Final

BOLD: Final = "\x1b[1m"
PLAIN: Final = "\x1b[0m"
_CENTS: Final = {"USD": 2, "USDC": 2, "USDT": 2, "DAI": 2}
_COINS_SHOWN: Final = 6
_DECIMALS_MAX: Final = 12


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, bold: bool = False,
          left: tuple[int, ...] = (0,)) -> list[str]:
    """Return the lines of a table.

    The columns in `left` are text and set to the left, the others are numbers, to the right. A row
    shorter than the header ends early. `bold` marks the header for a terminal.
    """
    body = [list(r) for r in rows]
    widths = [max(len(r[k]) for r in [header, *body] if k < len(r)) for k in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        set_cells = [c.ljust(w) if k in left else c.rjust(w)
                     for k, (c, w) in enumerate(zip(cells, widths, strict=False))]
        return "  ".join(set_cells).rstrip()

    head = line(header)
    return [heading(head, bold=bold), *(line(r) for r in body)]


def heading(text: str, *, bold: bool = False) -> str:
    """Return a heading, bold on a terminal."""
    return f"{BOLD}{text}{PLAIN}" if bold else text


def indented(lines: Iterable[str], spaces: int = 2) -> list[str]:
    """Return the lines shifted to the right."""
    return [f"{' ' * spaces}{line}" if line else line for line in lines]


def amount(value: float, currency: str) -> str:
    """Return money as text: cents for dollars, six decimals for coins, `?` where it is unknown."""
    if value != value:
        return "?"
    return _unsigned_zero(f"{value:,.{_CENTS.get(currency, _COINS_SHOWN)}f}")


def percent(fraction: float, decimals: int = 1) -> str:
    """Return a fraction as percent, `?` where it is unknown."""
    return "?" if fraction != fraction else f"{_unsigned_zero(f'{100 * fraction:.{decimals}f}')} %"


def significant(value: float, digits: int = 6) -> str:
    """Return a number to so many significant digits with thousands separators, never as 1e+05."""
    if value != value:
        return "?"
    if value == 0:
        return "0"
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    decimals = min(max(digits - 1 - exponent, 0), _DECIMALS_MAX)
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _unsigned_zero(text: str) -> str:
    return text if text.strip("-0.,") else text.lstrip("-")
