"""What a margin model is: the protocol that every rule book, ours or not, keeps.

    scenarios -> one pricing pass -> requirement of the whole book at once, compared with equity
"""

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeGuard

from counterpoise.accounts.book import Book
from counterpoise.collateral.borrowing import BorrowTerms
from counterpoise.collateral.counting import CountingTerms
from counterpoise.collateral.limits import Counts
from counterpoise.collateral.schedule import CollateralSchedule
from counterpoise.margin.layout import Ints, Layout
from counterpoise.margin.requirement import Floats, Requirements
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

if TYPE_CHECKING:  # named here, needed by those who explain a number (decision 3)
    from counterpoise.margin.contributions import Contributions
    from counterpoise.margin.vectors import RiskVectors

LAWS: Final = frozenset({
    "non_negative",
    "long_option_at_most_premium",
    "initial_at_least_maintenance",
    "homogeneous_scan",
    "subadditive",
    "hedge_never_raises_scan",
    "continuous",
})
"""The laws of design section 8 that a model may declare; kept ones are tested."""


@frozen
class EquityRule:
    """What a requirement is compared with.

    `option_value`: option market value counts (portfolio margin) or not (premium-out, standard
    margin); unrealised P&L of futures always counts. `haircuts` {asset: fraction} apply to positive
    amounts only. `reading` names what the venue does not publish, empty if all is published.
    """

    option_value: bool
    haircuts: dict[str, float]
    reading: str


@frozen
class CrossEquity:
    """What the requirement of a whole account is compared with: all its assets, in one currency.

    Unrealised P&L of futures counts in the asset it is settled in, `option_value` says whether the
    market value of options does. Positive amounts of an asset count by `schedule`, negative ones
    whole. `numeraire` is the pool of the requirement rows (`margin.pools.cross_pools`); `reading`
    as in `EquityRule`. `borrowing` {asset: terms} adds margin for what is owed to the requirements;
    `counting` {asset: terms} says at which price positive amounts count; `counts` are limits of
    what counts beside the schedule, None without.
    """

    numeraire: str
    option_value: bool
    schedule: CollateralSchedule
    reading: str
    borrowing: dict[str, BorrowTerms] = {}
    counting: dict[str, CountingTerms] = {}
    counts: Counts | None = None

    def __post_init__(self) -> None:
        """Refuse a schedule in another currency: parameters of another rule book, or mistyped."""
        if self.schedule.numeraire != self.numeraire:
            raise bad_input(Reason.BAD_VALUE, "numeraire", f"of the collateral schedule is "
                            f"{self.schedule.numeraire[:20]!r}; the account is valued in "
                            f"{self.numeraire}")


@frozen
class PricedMarket:
    """One market, priced: the risk arrays of a model's scenario sets under its parameters.

    `terms` is what a `UnitModel` derives of these three alone, None where it was not asked to.
    """

    market: MarketSnapshot
    arrays: tuple[RiskArrays, ...]
    parameters: Any
    terms: Any = None


class MarginModel(Protocol):
    """A rule book over whole books: stateless, one formula for one account and for a million."""

    name: str
    title: str
    parameters_type: type
    laws: frozenset[str]

    def equity(self, parameters: Any) -> EquityRule | CrossEquity:
        """Return what the requirement is compared with, by pool or over the whole account."""

    def scenarios(self, market: MarketSnapshot, parameters: Any) -> tuple[ScenarioSet, ...]:
        """Return the scenario sets to price; the same set for the same inputs."""

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: Any, threads: int) -> Requirements:
        """Return one row per (account, pool) that holds anything there."""

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: Any) -> "Contributions":
        """Return what each position contributes; a row's positions add up to its components."""

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: Any) -> "tuple[RiskVectors, ...]":
        """Return gains and losses by scenario, one entry per scenario set."""

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: Any) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that the venue does not publish."""

    def reading_variants(self, book: Book, parameters: Any,
                         ) -> tuple[tuple[tuple[str, Any], ...], ...]:
        """Return groups of (label, parameters), the alternatives of the switchable readings.

        Groups move different addends of this book's requirement, so that the extremes over all
        combinations are the sums of the extremes of the groups; what does not add is one group.
        """


class UnitModel(MarginModel, Protocol):
    """A model whose requirement is a sum over risk units that do not cross underlyings.

    Its rows are laid out once per book; when one underlying moves, only its blocks are measured
    again (`margin.tick`).
    """

    def layout(self, book: Book, threads: int) -> Layout:
        """Return the rows of a book under the risk units of this model."""

    def with_terms(self, priced: PricedMarket) -> PricedMarket:
        """Return a priced market with its terms, so that they are derived once for all books."""

    def measured(self, layout: Layout, priced: PricedMarket, blocks: tuple[int, ...],
                 threads: int) -> tuple[Any, ...]:
        """Return the results of the unit rows of `blocks`, one entry each."""

    def required(self, layout: Layout, results: tuple[Any, ...], priced: PricedMarket,
                 rows: Ints | None, threads: int) -> tuple[Requirements, Floats]:
        """Return the requirement rows `rows`, all where None, from the results of all blocks.

        With them comes what the positions of each are worth as equity, [row], in the pool's
        currency: the sum over its units of the units' own sums.
        """


def is_unit_model(model: MarginModel) -> TypeGuard[UnitModel]:
    """Return whether a model is laid out in risk units; asked for every margin, so by name."""
    return all([hasattr(model, name) for name in _OF_UNITS])


_OF_UNITS: Final = ("layout", "with_terms", "measured", "required")
