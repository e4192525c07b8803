"""Run a backtest: every model over every day of a world, in several processes, resumable.

Days are independent of one another: blocks of them are the unit of work, of progress and of what a
resumed run keeps. The same question gives the same numbers for any number of processes.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from counterpoise.adapters.dated_document import acts_from
from counterpoise.adapters.models import model_named
from counterpoise.adapters.observation_file import Seen, append, begin, question_digest
from counterpoise.adapters.parameters import document_in, parameters_of, version_in
from counterpoise.adapters.worlds import Place, world_at
from counterpoise.backtest.hypothetical import hypothetical_portfolios
from counterpoise.backtest.replay import Observation, Recipe, Rule, observe, windows
from counterpoise.backtest.shelf import Legs
from counterpoise.backtest.world import World
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import ParameterVersion, version_digest
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, format_instant

BLOCK_DAYS: Final = 10
_TOLERANCE: Final = 0.25
_FORM: Final = 2
"""Of what is kept of a day: a file of another form is not resumed."""
Tracked = Callable[[Sequence[Any]], Iterator[Any]]


@frozen
class Trial:
    """What is asked of a backtest.

    place         the world
    models        names of margin models, or LABEL=NAME where one stands with several parameters
    parameters    {model as named in `models`: a file of its dated parameters, or a folder of such
                  files, of which each day takes the last that acts by then}; else those of the
                  model
    portfolios    words that a portfolio's name begins with or is; () all of the set
    begin, end    instants (ns) of the first and last margin; 0 for all
    horizon_days  the margin period, at least 1
    level         of the shortfall that a model's forecast distribution is asked for
    """

    place: Place
    models: tuple[str, ...]
    parameters: dict[str, str]
    portfolios: tuple[str, ...]
    begin: int
    end: int
    horizon_days: int
    level: float = 0.975


@frozen
class Run:
    """What was seen, by model, with where it comes from and the digest of the question."""

    trial: Trial
    seen: Seen
    source: str
    simulated: bool
    digest: str
    versions: dict[str, str]


def run(trial: Trial, *, processes: int = 1, kept: str | None = None,
        tracked: Tracked = iter) -> Run:
    """Return what every model required and every portfolio lost.

    Parameters
    ----------
    processes
        How many work at the same time; the numbers are the same.
    kept
        A file of what is done: made if absent, resumed from if it answers the same question.
    tracked
        Wraps the blocks of days, for a progress bar.

    Raises
    ------
    BadInput
        If the world cannot be read, a model is unknown, no day lies in the period, or no portfolio
        of any of its days is named as asked.
    """
    for remembered in (_world, _dated, _document):
        remembered.cache_clear()  # the files may be others than they were for the last run
    world = _world(trial.place)
    periods = _periods(world, trial)
    versions = {name: _version_words(trial, name, [b for b, _ in periods])
                for name in trial.models}
    asked = _asked(trial, versions)
    seen = begin(kept, asked) if kept is not None else {}
    jobs = _jobs(trial, periods, seen)
    found: dict[str, list[Observation]] = {m: list(seen.get(m, ())) for m in trial.models}
    for model, block in tracked(_Answers(jobs, processes)):
        found[model] += block
        if kept is not None:
            append(kept, model, block)
    _refuse_unseen(world, trial, periods[0][0], found)
    return Run(trial=trial, source=world.source, simulated=world.simulated,
               digest=question_digest(asked), versions=versions,
               seen={m: tuple(sorted(o, key=lambda o: o.at)) for m, o in found.items()})


Job = tuple[Trial, str, tuple[tuple[int, int], ...]]


class _Answers(Sequence[Any]):
    """The answers to jobs in order, worked out while they are read."""

    def __init__(self, jobs: list[Job], processes: int) -> None:
        self.jobs, self.processes = jobs, processes

    def __len__(self) -> int:
        return len(self.jobs)

    def __getitem__(self, place: Any) -> Any:
        return _answer(self.jobs[place])

    def __iter__(self) -> Iterator[Any]:
        if self.processes <= 1 or len(self.jobs) < 2:
            yield from map(_answer, self.jobs)
            return
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        with ProcessPoolExecutor(self.processes, mp_context=get_context("spawn")) as pool:
            yield from pool.map(_answer, self.jobs)


def _answer(job: Job) -> tuple[str, tuple[Observation, ...]]:
    trial, name, periods = job
    world, model = _world(trial.place), _model(name)
    rule = Rule(model=model, version_at=lambda at: _version(trial, name, at),
                portfolios=_chosen(trial.portfolios), horizon_ns=trial.horizon_days * DAY_NS,
                level=trial.level)
    return name, tuple(observe(world, rule, b, e) for b, e in periods)


@lru_cache(maxsize=2)
def _world(place: Place) -> World:
    return world_at(place)


def _chosen(names: tuple[str, ...]) -> Recipe:
    def recipe(market: MarketSnapshot) -> dict[str, Legs]:
        built = hypothetical_portfolios(market)
        return {n: legs for n, legs in built.items()
                if not names or any(n.startswith(word) for word in names)}

    return recipe


def _refuse_unseen(world: World, trial: Trial, at: int,
                   found: Mapping[str, Sequence[Observation]]) -> None:
    """Refuse words that no portfolio of any day begins with: of them nothing was judged."""
    names = {name for seen in found.values() for day in seen for name in day.portfolios}
    absent = [word for word in trial.portfolios if not any(n.startswith(word) for n in names)]
    if not absent:
        return
    built = ", ".join(hypothetical_portfolios(world.market(at))) or "none"
    raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=f"--portfolio {word}",
                             sentence="begins the name of no portfolio on any day of the period; "
                             f"its first day has {built}") for word in absent))


def _jobs(trial: Trial, periods: list[tuple[int, int]], seen: Seen) -> list[Job]:
    jobs: list[Job] = []
    for name in trial.models:
        done = {o.at for o in seen.get(name, ())}
        left = [p for p in periods if p[0] not in done]
        jobs += [(trial, name, tuple(left[k:k + BLOCK_DAYS]))
                 for k in range(0, len(left), BLOCK_DAYS)]
    return jobs


def _periods(world: World, trial: Trial) -> list[tuple[int, int]]:
    horizon = trial.horizon_days * DAY_NS
    found = [(b, e) for b, e in windows(world.days(), horizon, int(_TOLERANCE * DAY_NS))
             if trial.begin <= b and (not trial.end or b <= trial.end)]
    if not found:
        raise bad_input(Reason.BAD_TIME, "--from and --to", "hold no margin period of "
                        f"{trial.horizon_days} days; give another period or another market")
    return found


def _model(name: str) -> MarginModel:
    """Return the model of a name, or of LABEL=NAME."""
    return model_named(name.rpartition("=")[2])


def _version(trial: Trial, name: str, at: int) -> ParameterVersion:
    model = _model(name)
    if name not in trial.parameters:
        return parameters_of(model, at)
    file = _in_force(trial.parameters[name], at)
    return version_in(_document(file, model.name), model=model, as_of=at)


@lru_cache(maxsize=2)
def _document(file: str, name: str) -> dict[str, Any]:
    """Return a dated document, read once for the days that it serves."""
    return document_in(file, model_named(name))


def _in_force(path: str, at: int) -> str:
    """Return the file that acts at an instant: of a folder, the last one that had begun."""
    begun = [file for start, file in _dated(path) if start <= at]
    if not begun:
        raise bad_input(Reason.NO_PARAMETERS, path, f"has no parameters that act on "
                        f"{format_instant(at)[:10]}; later ones are never used for it: give "
                        "earlier ones, or begin later with --from")
    return begun[-1]


@lru_cache(maxsize=2)
def _dated(path: str) -> tuple[tuple[int, str], ...]:
    """Return (instant from which every section of it acts, file), in order."""
    files = [path] if not os.path.isdir(path) else [
        os.path.join(path, name) for name in sorted(os.listdir(path)) if name.endswith(".json")]
    found = tuple(sorted((acts_from(file), file) for file in files))
    for (start, file), (other, next_file) in pairwise(found):
        if start == other:
            raise bad_input(Reason.DUPLICATE, path, f"has two files that act from "
                            f"{format_instant(start)[:10]}, {os.path.basename(file)} and "
                            f"{os.path.basename(next_file)}; keep one of them")
    return found


def _version_words(trial: Trial, name: str, days: list[int]) -> str:
    """Return one word for the parameters over the period: the digests of first and last day."""
    first, last = (version_digest(_version(trial, name, at))[:16] for at in (days[0], days[-1]))
    return first if first == last else f"{first}..{last}"


def _asked(trial: Trial, versions: dict[str, str]) -> dict[str, Any]:
    place = trial.place
    files = [f for f in (place.market, place.perpetuals, place.surfaces, place.funding,
                         *place.volatilities, *trial.parameters.values()) if f is not None]
    return {"observations": _FORM, "models": list(trial.models), "versions": versions,
            "parameters": sorted(trial.parameters), "begin": trial.begin, "end": trial.end,
            "portfolios": list(trial.portfolios), "coins": list(place.coins),
            "horizon_days": trial.horizon_days, "level": trial.level, "seed": place.seed,
            "days": place.days, "files": [[os.path.basename(f), _digest(f)] for f in files]}


def _digest(path: str) -> str:
    """Return the SHA-256 of a file, or of the names and digests of the files of a folder."""
    if os.path.isdir(path):
        inside = [(name, os.path.join(path, name)) for name in sorted(os.listdir(path))]
        text = repr([(name, _digest(file)) for name, file in inside if os.path.isfile(file)])
        return hashlib.sha256(text.encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
