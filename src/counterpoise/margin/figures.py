"""Which ratios does the venue itself show beside the margin: uniMMR, margin ratio, usage?

A model may have one member more than the protocol asks: `figures`. They are for people, who compare
them with the venue's screen; status and excess do not depend on them.
"""

from typing import Any, Protocol, runtime_checkable

from counterpoise.accounts.book import Book
from counterpoise.margin.compute import AccountMargin
from counterpoise.margin.model import MarginModel
from counterpoise.margin.requirement import Floats
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.arrays import RiskArrays


@runtime_checkable
class ModelWithFigures(MarginModel, Protocol):
    """A model whose venue shows figures of its own."""

    def figures(self, margins: AccountMargin, book: Book, arrays: tuple[RiskArrays, ...],
                market: MarketSnapshot, parameters: Any) -> dict[str, Floats]:
        """Return {name: [row]}, aligned with the rows of `margins`; NaN where one has no value.

        Names are the venue's words in lower case with underscores; ratios are fractions.
        """


def figures_of(model: MarginModel, margins: AccountMargin, book: Book,
               arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
               parameters: Any) -> dict[str, Floats]:
    """Return the venue's own figures of every requirement row, none where the model has none."""
    if not isinstance(model, ModelWithFigures):
        return {}
    return model.figures(margins, book, arrays, market, parameters)
