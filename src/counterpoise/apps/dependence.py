"""What if the coins hung together otherwise, by the statistics of calibrated joint moves?

The expected shortfall of each account, positions and collateral moved together, under the estimated
dependence and under every broken one that a parameter file of `dynamic` holds: the same draws with
other ranks (`scenarios.dependence.redependenced`). The model computes them; nothing is measured
here a second time.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.adapters.models import model_named
from counterpoise.apps.reverse import DYNAMIC, joint_version
from counterpoise.calibration.broken_dependence import BREAKS
from counterpoise.margin.compute import compute_margin, priced
from counterpoise.margin.figures import figures_of
from counterpoise.margin.requirement import Requirements
from counterpoise.margin.terms.dynamic_parameters import CorrelationTerms, DynamicParameters
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen, replaced

ESTIMATED: Final = "estimated"


@frozen
class Tails:
    """Shortfalls of one account, USD, loss > 0: {dependence: ES}; why not, where it has none."""

    account: str
    shortfall: dict[str, float]
    refused: str


@frozen
class Dependences:
    """The shortfalls of all accounts at one level and horizon, and whose joint moves they are."""

    level: float
    horizon_days: float
    simulated: bool
    source: str
    accounts: tuple[Tails, ...]


def dependences(book: Book, market: MarketSnapshot, file: str | None) -> Dependences:
    """Return the shortfall of each account under the dependences that a parameter file holds.

    Raises
    ------
    BadInput
        If the file holds no parameters of `dynamic`, or lacks the moves of a broken dependence.
    """
    model, stated = model_named(DYNAMIC), joint_version(market, file)
    told: DynamicParameters = stated.parameters
    _refuse_lacking(told, file)
    own = replaced(told, impact=None, floor=None, stress=None, wrong_way=None, buffer=None,
                   correlation=CorrelationTerms(sets=tuple(sorted(told.moves.breaks))))
    version = replaced(stated, parameters=own)
    arrays = priced(market, model=model, version=version)
    margins = compute_margin(book, market, model=model, version=version, arrays=arrays)
    seen = margins.requirements.candidates
    figures = figures_of(model, margins, book, arrays, market, own)
    columns = {ESTIMATED: np.maximum(figures["expected_shortfall"], 0.0)} | {
        name: seen[f"{name}_shortfall"] for name in sorted(told.moves.breaks)}
    required = margins.requirements
    return Dependences(
        level=told.general.level, horizon_days=told.general.horizon_days,
        simulated=told.general.simulated, source=told.moves.base.method,
        accounts=tuple(Tails(
            account=str(book.accounts[a]),
            shortfall={n: float(c[row]) for n, c in columns.items()},
            refused=_why(required, row))
            for row, a in enumerate(required.account.tolist())))


def _refuse_lacking(told: DynamicParameters, file: str | None) -> None:
    """Refuse parameters without a dependence that calibration makes: nobody would miss it."""
    lacking = [name for name in BREAKS if name not in told.moves.breaks]
    if lacking:
        raise BadInput(*(Failure(
            reason=Reason.MISSING_NUMBER, subject=f"{file or DYNAMIC} {name}", sentence="is a "
            "dependence of which the parameters hold no joint moves, so that its shortfall is not "
            "known; counterpoise calibrate writes them, or leave --parameters out")
            for name in lacking))


def _why(required: Requirements, row: int) -> str:
    failure = int(required.failure[row])
    if failure < 0:
        return ""
    return f"{required.failures[failure].subject}: {required.failures[failure].sentence}"
