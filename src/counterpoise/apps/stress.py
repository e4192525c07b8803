"""What would today's book lose on a bad day, and which margin would have held? All parts at once.

Named events on today's book, a cube of price, volatility and time, hedges between coins that
break, closing the book in a thin market, and machinery that fails. Every number is a margin of
`margin.compute` in a moved market; here they are asked for, one part after the other.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Literal

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.apps.answer import DEFAULT_MODEL, Answer, margin_of
from counterpoise.apps.closing import Closing, closings
from counterpoise.apps.dependence import Dependences, dependences
from counterpoise.apps.reverse import (
    DYNAMIC,
    Reverse,
    Stressed,
    joint_version,
    reversed_stress,
)
from counterpoise.collateral.valuation import contract_values
from counterpoise.instruments.catalogue import OPTION
from counterpoise.instruments.contracts import Option
from counterpoise.margin.breakdowns import Late, hidden_loss, late_liquidation, unpaid_gains
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.margin.stress import StressedMargins, gathered, losses, margins_by_scenario
from counterpoise.margin.terms.dynamic_parameters import DynamicParameters, falls_of
from counterpoise.market.snapshot import MarketSnapshot, usd_price
from counterpoise.market.surfaces.smiles import smiles_of
from counterpoise.market.surfaces.ssvi import SsviSurface, fit_ssvi
from counterpoise.risk.arbitrage import ShockArbitrage, created_arbitrage
from counterpoise.risk.arrays import deltas
from counterpoise.risk.moved_market import MovedMarkets, moved_markets
from counterpoise.scenarios.factors import JointMoves
from counterpoise.scenarios.hypothetical import (
    along,
    cube_moves,
    default_moves,
    dependence_moves,
    peg_moves,
    without,
)
from counterpoise.scenarios.joint import Dynamics, joint_scenarios
from counterpoise.scenarios.moved_assets import STABLECOINS
from counterpoise.scenarios.stress_events import StressEvent, event_moves
from counterpoise.values.assets import asset
from counterpoise.values.failure import BadInput, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.quantity import UNKNOWN

Floats = np.ndarray[Any, np.dtype[np.float64]]
Tracked = Callable[[Sequence[Any], str], Iterable[Any]]
PRICES: Final = (-0.5, -0.4, -0.3, -0.2, -0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4,
                 0.5)
VOLS: Final = (-0.4, -0.2, 0.0, 0.2, 0.4, 0.7, 1.0)
DAYS: Final = (0.0, 1.0, 7.0)
DELAYS: Final = (0.0, 1.0, 5.0, 10.0, 15.0, 30.0)
FALL_MINUTES: Final = 30
PATH_MINUTES: Final = 90
PARTS: Final = ("events", "cube", "dependence", "liquidity", "failures")


@frozen
class StressQuestion:
    """What is asked: a portfolio, a model, events, and the sizes of the questions.

    `size`, `vol` fractions of price and volatility by which coins part in the dependence stress;
    `path` is (minute, share of the event's move reached) by step, None for a straight line.
    `parameters` is a file of the model `dynamic`; `reverse` asks for the smallest breaking moves.
    """

    portfolio: Portfolio
    model: str | None
    events: tuple[StressEvent, ...]
    smile: Literal["sticky_strike", "sticky_moneyness"]
    size: float
    vol: float
    delays: tuple[float, ...]
    path: tuple[tuple[float, float], ...] | None
    parameters: str | None = None
    reverse: bool = False


@frozen
class StaleFeed:
    """What a feed that stands still hides in the event that it hides most of, [row]."""

    underlying: str
    event: str
    hidden: Floats


@frozen
class VenueDown:
    """Gains that do not arrive in the event in which most is missing, USD [account]."""

    settlement: str
    event: str
    unpaid: Floats


@frozen
class StressReport:
    """All parts for one portfolio; rows are those of `answer.pools`.

    cube [day] tables over `VOLS` x `PRICES`; `pegs` is None where the market has no stablecoin;
    `arbitrage` is what the events create between quotes; `joint` the shortfalls under broken
    dependences where a parameter file is given, `reverse` the breaking moves where asked for,
    `defaults` failing issuers and venues by the wrong-way map of that file.
    """

    question: StressQuestion
    answer: Answer
    events: StressedMargins
    cube: tuple[StressedMargins, ...]
    dependence: StressedMargins
    pegs: StressedMargins | None
    closing: tuple[Closing, ...]
    stale: tuple[StaleFeed, ...]
    down: tuple[VenueDown, ...]
    path_event: str
    path_minutes: Floats
    path: StressedMargins
    late: tuple[Late, ...]
    arbitrage: tuple[ShockArbitrage, ...]
    notes: tuple[str, ...]
    reverse: Reverse | None = None
    joint: Dependences | None = None
    defaults: StressedMargins | None = None


def _untracked(work: Sequence[Any], label: str) -> Iterable[Any]:
    return work


def stress(question: StressQuestion, *, tracked: Tracked = _untracked) -> StressReport:
    """Return all parts of the stress of a portfolio.

    Raises
    ------
    BadInput
        If there is no such model, no event has a move, or an event says nothing about a factor of
        this market.
    """
    if not any(event.moves for event in question.events):
        raise bad_input(Reason.BAD_VALUE, "events", "have no moves: there is nothing to replay")
    answer = margin_of(question.portfolio, model=question.model, readings=False,
                       parameters_file=_own_file(question))
    asked = _Asked(question=question, book=_entered(question.portfolio),
                   market=question.portfolio.market, surfaces=_surfaces(question),
                   joint=joint_version(question.portfolio.market, question.parameters).parameters)
    moves = event_moves(question.events, asked.market, horizon_days=1.0)
    moved = _moved(asked, moves, 0.0)
    events = _margins(asked, moved, tracked, "events")
    worst = _worst(events)
    minutes, shares = _path(question)
    path = _margins(asked, _moved(asked, along(moves, worst, shares.tolist(), [
        f"minute {m:g}" for m in minutes[1:]]), 0.0), tracked, "late liquidation")
    return StressReport(
        question=question, answer=answer, events=events, path=path, path_minutes=minutes,
        cube=tuple(_margins(asked, _moved(asked, cube_moves(
            asked.market, price=PRICES, vol=VOLS), day), tracked, "cube") for day in DAYS),
        dependence=_margins(asked, _moved(asked, dependence_moves(
            asked.market, _coins(asked), size=question.size, vol=question.vol), 0.0), tracked,
            "dependence"),
        pegs=_pegs(asked, tracked),
        closing=tuple(_closing(asked)), stale=tuple(_stale(asked, moves, events, tracked)),
        down=tuple(_down(asked, moved)), path_event=events.labels[1 + worst],
        late=tuple(late_liquidation(path, minutes, delay_minutes=d) for d in question.delays),
        arbitrage=created_arbitrage(asked.market, moved.scenarios),
        notes=_notes(asked), reverse=_reverse(asked, tracked),
        joint=None if question.parameters is None else dependences(
            asked.book, asked.market, question.parameters), defaults=_defaults(asked, tracked))


@frozen
class _Asked:
    question: StressQuestion
    book: Book
    market: MarketSnapshot
    surfaces: dict[tuple[str, str], SsviSurface] | None
    joint: DynamicParameters


def _entered(portfolio: Portfolio) -> Book:
    """Return the book with entries at today's mark where nobody stated them, and no stated equity.

    A loss is a difference: what was won or lost before today is in neither.
    """
    book, terms = portfolio.book, portfolio.market.catalogue
    value = contract_values(portfolio.market)[book.instrument] * book.lots
    smallest = np.array([10.0 ** asset(code).decimals for code in terms.settlements])
    cost = np.rint(value * smallest[terms.settlement[book.instrument]])
    missing = (book.entry_cost == UNKNOWN) & (terms.kind[book.instrument] != OPTION)
    usable = missing & np.isfinite(cost) & (np.abs(cost) < 2**62)
    entry = np.where(usable, np.where(usable, cost, 0.0).astype(np.int64), book.entry_cost)
    return replaced(book, entry_cost=entry,
                    given={k: v for k, v in book.given.items() if k != "equity"})


def _surfaces(question: StressQuestion) -> dict[tuple[str, str], SsviSurface] | None:
    if question.smile == "sticky_strike":
        return None
    market, found = question.portfolio.market, {}
    pairs = {(c.underlying, c.settlement) for c in market.catalogue.instruments}
    for pair in sorted(pairs):
        try:
            found[pair] = fit_ssvi(smiles_of(market, *pair))
        except BadInput:
            continue  # too few quotes: those options stay at their strike, and a note says so
    return found


def _moved(asked: _Asked, moves: JointMoves, days: float) -> MovedMarkets:
    dynamics = Dynamics(smile=asked.question.smile, passing_days=days, funding="left_out",
                        still=())
    made = joint_scenarios(moves, asked.market, dynamics, surfaces=asked.surfaces)
    return moved_markets(asked.market, moves, made)


def _own_file(question: StressQuestion) -> str | None:
    """Return the file of parameters where the model that is asked is `dynamic`, else None."""
    name = question.model or question.portfolio.model or DEFAULT_MODEL
    return question.parameters if name == DYNAMIC else None


def _rules(asked: _Asked) -> tuple[MarginModel, ParameterVersion]:
    """Return the model that is asked and its parameters."""
    portfolio = asked.question.portfolio
    model = model_named(asked.question.model or portfolio.model or DEFAULT_MODEL)
    own = portfolio.model in (None, model.name)
    return model, parameters_of(model, asked.market.as_of, portfolio.overrides if own else None,
                                _own_file(asked.question))


def _reverse(asked: _Asked, tracked: Tracked) -> Reverse | None:
    if not asked.question.reverse:
        return None
    model, version = _rules(asked)
    return reversed_stress(
        Stressed(book=asked.book, market=asked.market, model=model, version=version,
                 smile=asked.question.smile, surfaces=asked.surfaces),
        asked.joint, tracked=tracked)


def _margins(asked: _Asked, moved: MovedMarkets, tracked: Tracked, label: str) -> StressedMargins:
    model, version = _rules(asked)
    work: Iterator[Any] = margins_by_scenario(asked.book, moved, model=model, version=version)
    return gathered(tuple(next(work) for _ in tracked(range(len(moved.scenarios)), label)),
                    moved.scenarios.labels)


def _pegs(asked: _Asked, tracked: Tracked) -> StressedMargins | None:
    if not STABLECOINS & {*asked.market.assets, *asked.market.catalogue.underlyings}:
        return None
    return _margins(asked, _moved(asked, peg_moves(asked.market), 0.0), tracked, "pegs")


def _defaults(asked: _Asked, tracked: Tracked) -> StressedMargins | None:
    """Return each issuer or venue failing, by the wrong-way map of a parameter file."""
    if asked.question.parameters is None or not asked.joint.wrong_way:
        return None
    falls = falls_of(asked.joint.wrong_way)
    return _margins(asked, _moved(asked, default_moves(asked.market, {
        f"default of {issuer}": own for issuer, own in falls.items()}), 0.0), tracked, "defaults")


def _worst(events: StressedMargins) -> int:
    """Return the event with the largest loss relative to the requirement of any row."""
    lost = np.nan_to_num(losses(events)[1:] / np.maximum(events.initial[:1], 1e-12), nan=-np.inf)
    return int(np.argmax(lost.max(axis=1))) if lost.size else 0


def _path(question: StressQuestion) -> tuple[Floats, Floats]:
    """Return minutes [step + 1] from 0, and the share of the move reached [step]."""
    if question.path is not None:
        minutes = np.array([0.0, *(m for m, _ in question.path)])
        return minutes, np.array([share for _, share in question.path])
    minutes = np.arange(PATH_MINUTES + 1, dtype=np.float64)
    return minutes, np.minimum(minutes[1:] / FALL_MINUTES, 1.0)


def _coins(asked: _Asked) -> tuple[str, ...]:
    """Return the underlyings that are held; the first of the market where none is."""
    terms = asked.market.catalogue
    held = sorted({terms.underlyings[terms.underlying[k]] for k in asked.book.instrument.tolist()})
    return tuple(held) or terms.underlyings[:1]


def _closing(asked: _Asked) -> Iterator[Closing]:
    still = cube_moves(asked.market, price=(0.0,), vol=(0.0,))
    delta = deltas(asked.market, _moved(asked, still, 0.0).scenarios)[0]
    return closings(asked.book, asked.market, delta, asked.joint)


def _stale(asked: _Asked, moves: JointMoves, real: StressedMargins,
           tracked: Tracked) -> Iterator[StaleFeed]:
    for code in _coins(asked):
        seen = _margins(asked, _moved(asked, without(moves, code), 0.0), tracked, f"stale {code}")
        hidden = np.nan_to_num(hidden_loss(seen, real))
        at = int(np.argmax(hidden.max(axis=1))) if hidden.size else 0
        yield StaleFeed(underlying=code, event=real.labels[at], hidden=hidden[at])


def _down(asked: _Asked, moved: MovedMarkets) -> Iterator[VenueDown]:
    terms = asked.market.catalogue
    held = sorted({terms.settlements[terms.settlement[k]] for k in asked.book.instrument.tolist()})
    for settlement in held:
        unpaid = np.nan_to_num(unpaid_gains(asked.book, moved, settlement))
        at = int(np.argmax(unpaid.max(axis=1)))
        yield VenueDown(settlement=settlement, event=moved.scenarios.labels[at],
                        unpaid=unpaid[at])


def in_usd(report: StressReport, row: int) -> float:
    """Return the USD price of the currency of a row today."""
    required = report.events.today.requirements
    return usd_price(report.question.portfolio.market, required.pools[required.pool[row]])


def _notes(asked: _Asked) -> tuple[str, ...]:
    question, surfaces = asked.question, asked.surfaces
    silent = [e.name for e in question.events if not e.moves]
    book = question.portfolio.book
    entries = (book.entry_cost == UNKNOWN).any()
    return (*(["our reading: an event's sizes that no source gives; counterpoise stress --json "
               "says which"] if any(m.origin == "our reading" for e in question.events
                                    for m in e.moves) else []),
            *([f"no source gives a move for {', '.join(silent)}: not replayed"] if silent else []),
            *([f"no smile fits the few options of {u} settled in {s}: they keep their volatility "
               "at their strike" for u, s in sorted({
                   (c.underlying, c.settlement) for c in book.catalogue.instruments
                   if isinstance(c, Option)} - set(surfaces))] if surfaces is not None else []),
            *(["positions without an entry price are taken as entered at today's mark"]
              if entries else []),
            "our reading: a settlement asset stands for a venue that is down; gains not paid, "
            "losses charged",
            *(["our reading: the price path is a straight line of log prices over "
               f"{FALL_MINUTES} minutes; give a measured one with --path"]
              if question.path is None else []),
            *(["closing costs take volume, spread and volatility from the simulated preset of "
               "dynamic; give calibrated ones with --parameters"]
              if asked.joint.general.simulated else []),
            "perpetuals pay no funding in these scenarios")
