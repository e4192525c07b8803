"""How far is each account from its limits? The smallest joint move that breaks it, level by level.

Distances are standard deviations of the joint moves of a parameter file of `dynamic`: the preset,
which is simulated, where nobody names one.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, cast

import numpy as np

from counterpoise.accounts.book import Book, accounts_of
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.reverse_stress import (
    Broken,
    Question,
    ReverseStress,
    reverse_stress,
    spread_of,
)
from counterpoise.margin.terms.dynamic_parameters import DynamicParameters
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.market.surfaces.ssvi import SsviSurface
from counterpoise.scenarios.joint import Dynamics, missing_factors
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import frozen

LEVELS: Final[tuple[Broken, ...]] = ("below_initial", "below_maintenance", "bankrupt")
DYNAMIC: Final = "dynamic"
WAYS_MAX: Final = 4
Tracked = Callable[[Sequence[Any], str], Iterable[Any]]


@frozen
class Limits:
    """What breaks one account at one level, and why that is not known where it is not."""

    account: str
    level: Broken
    found: ReverseStress | None
    refused: str


@frozen
class Reverse:
    """All accounts at all levels, and the joint moves that distances are measured in."""

    limits: tuple[Limits, ...]
    source: str
    simulated: bool
    horizon_days: float
    scenarios: int


@frozen
class Stressed:
    """The book, the market and the rules that are asked; `surfaces` as in a sliding smile."""

    book: Book
    market: MarketSnapshot
    model: MarginModel
    version: ParameterVersion
    smile: str
    surfaces: dict[tuple[str, str], SsviSurface] | None


def joint_version(market: MarketSnapshot, file: str | None) -> ParameterVersion:
    """Return the parameters of `dynamic` in a file, the simulated preset where none is named.

    Raises
    ------
    BadInput
        If the file holds none.
    """
    return parameters_of(model_named(DYNAMIC), market.as_of, None, file)


def reversed_stress(asked: Stressed, parameters: DynamicParameters, *,
                    tracked: Tracked) -> Reverse:
    """Return the smallest breaking moves of every account at every level.

    Raises
    ------
    BadInput
        If a contract that is held follows a factor that the joint moves do not have.
    """
    base = parameters.moves.base
    dynamics = Dynamics(smile=cast(Any, asked.smile), passing_days=0.0, funding="left_out",
                        still=parameters.general.still)
    gaps = missing_factors(base, asked.market, dynamics)
    unknown = [gaps[k] for k in sorted(set(asked.book.instrument.tolist()) & set(gaps))]
    if unknown:
        raise BadInput(*unknown)
    spread, limits = spread_of(base), []
    work = [(k, level) for k in range(len(asked.book)) for level in LEVELS]
    for k, level in tracked(work, "reverse stress"):
        question = Question(book=accounts_of(asked.book, np.array([k])), market=asked.market,
                            model=asked.model, version=asked.version, dynamics=dynamics,
                            broken=level, surfaces=asked.surfaces)
        name = str(asked.book.accounts[k])
        try:
            limits.append(Limits(account=name, level=level, refused="",
                                 found=reverse_stress(question, spread)))
        except BadInput as wrong:
            limits.append(Limits(account=name, level=level, found=None, refused=str(wrong)))
    return Reverse(limits=tuple(limits), source=base.method, horizon_days=base.horizon_days,
                   simulated=parameters.general.simulated, scenarios=len(base.labels))
