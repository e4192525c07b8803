"""What does the desk of a running engine do? Its verbs over the desk's log and the engine's.

The desk works at the engine's time: that of the last record of its log. An impact report is made of
the state that the log leads to, so that it can be asked for while the engine runs. What is enacted
is told to the engine by `counterpoise run`, at its next step; what it decided is read from its log
and filed.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from counterpoise.adapters.activations import activation_id
from counterpoise.adapters.desk import OPEN_ONE, Kept, desk_place, filed, kept_at, newest_record
from counterpoise.adapters.desk_documents import read_charter, read_filed
from counterpoise.adapters.store import places
from counterpoise.adapters.store.engine_log import Origin, market_of
from counterpoise.adapters.store.history import records
from counterpoise.adapters.store.records import Mark, RecordType, hash_of
from counterpoise.adapters.store.store import Store
from counterpoise.apps.engine_writer import equipment_of_all, recovered
from counterpoise.apps.impact_report import ImpactReport, impact_report
from counterpoise.apps.report.log_source import market_line
from counterpoise.collateral.borrowing import NO_BORROWING
from counterpoise.engine import codec
from counterpoise.engine.effects import ChangeDecided, EventRefused
from counterpoise.engine.exposure import limits_of
from counterpoise.engine.state import State
from counterpoise.governance import deeds
from counterpoise.governance.amendments import ids, unsatisfiable
from counterpoise.governance.charter import Amendment
from counterpoise.governance.deeds import Deed
from counterpoise.governance.proposals import Activation, Desk, Proposal, found
from counterpoise.governance.subjects import subject_of
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen, replaced


@frozen
class Office:
    """An engine's store and the desk beside it."""

    store: str
    desk: str


def office(store: str, desk: str | None) -> Office:
    """Return the desk and the engine that belong together."""
    return Office(store=store, desk=desk_place(store, desk))


def opened(where: Office, charter: str, *, by: str) -> Kept:
    """Open a desk with the charter in a file, over what is in force in the engine.

    Raises
    ------
    BadInput
        If it cannot be read, the engine has no parameters yet, or there is a desk.
    """
    rules = read_charter(charter)
    with closing(places.opened(where.store)) as store:
        state, _ = _state(store)
    terms = [(s.name, s.version) for s in state.segments if s.version is not None]
    deed = deeds.DeskOpened(at=state.time, by=by, charter=rules, terms=(
        *terms, *(one for k in range(len(state.segments)) for one in _beside(state, k))))
    desk, _ = deeds.done(None, deed)
    wrong = unsatisfiable(rules, desk.history, at=state.time)
    if wrong:
        raise BadInput(*(Failure(reason=Reason.NOT_APPLICABLE, subject="charter", sentence=sentence)
                         for sentence in wrong))
    return filed(where.desk, lambda kept: (deed,), new=True)


def _beside(state: State, k: int) -> Iterator[tuple[str, ParameterVersion]]:
    """Yield what stands beside the parameters of a segment, by subject, as versions 0."""
    held = state.segments[k]
    if held.version is None:
        return
    for terms in (held.schedule, held.borrowing, held.counting, limits_of(state, k)):
        if terms is not None and terms != NO_BORROWING and terms != {}:
            yield subject_of(held.name, terms), ParameterVersion(
                model=held.model, number=0, parameters=terms)


def proposed(where: Office, path: str, *, by: str) -> str:
    """File the proposal or amendment in a file and return its id.

    Raises
    ------
    BadInput
        With all that speaks against it.
    """
    read: list[Proposal | Amendment] = []

    def deed(desk: Desk, now: int, _: int) -> tuple[Deed, ...]:
        asked = read_filed(path, desk, by=by, at=now)
        read.append(asked)
        return (deeds.AmendmentProposed(at=now, amendment=asked) if isinstance(asked, Amendment)
                else deeds.Proposed(at=now, proposal=asked),)

    _filed(where, deed)
    return read[-1].id


def approved(where: Office, proposal: str, *, by: str) -> Kept:
    """File an approval; raises `BadInput` as `governance.proposals.approve`."""
    return _filed(where, lambda _, now, __: (deeds.Approved(at=now, proposal=proposal, by=by),))


def activated(where: Office, proposal: str, *, by: str) -> Kept:
    """Decide an approved proposal; the engine is told at its next step."""
    return _filed(where, lambda _, now, record: (deeds.ProposalEnacted(
        at=now, proposal=proposal, by=by, record=record),))


def withdrawn(where: Office, proposal: str, *, by: str, reason: str) -> Kept:
    """Take back a proposal, or what of it does not act yet."""
    return _filed(where, lambda _, now, __: (deeds.ProposalWithdrawn(
        at=now, proposal=proposal, by=by, reason=reason),))


def weighed(where: Office, proposal: str, *, threads: int = 1) -> ImpactReport:
    """Make the impact report of a proposal and, where it is open, file it."""
    report = impact(where, proposal, threads=threads)
    too_far = tuple(dict.fromkeys(s for step in report.steps for s in step.beyond))
    if found(held(kept_at(where.desk)), proposal).state == "open":
        _filed(where, lambda _, now, __: (deeds.Weighed(
            at=now, proposal=proposal, impact=report.digest, record=report.record,
            beyond=too_far),))
    return report


def _filed(where: Office, wanted: Callable[[Desk, int, int], tuple[Deed, ...]]) -> Kept:
    """File what is wanted, after what the engine decided in the meantime."""
    with closing(places.opened(where.store)) as store:
        last = newest_record(store)
        if last is None:
            raise bad_input(Reason.NOT_APPLICABLE, where.store.split("@")[-1], "has no time yet; "
                            "let the engine run first")
        now, head = last.time, store.head().number

        def all_of(kept: Kept) -> tuple[Deed, ...]:
            known = answers(store, kept, now)
            # Time never goes back at a desk, whatever the last record was.
            latest = max([now, *(d.at for d in kept.deeds)])
            return (*known, *wanted(held(_after(kept, known)), latest, head))

        return filed(where.desk, all_of)


def held(kept: Kept) -> Desk:
    """Return the desk.

    Raises
    ------
    BadInput
        If it was never opened.
    """
    if kept.desk is None:
        raise bad_input(Reason.NOT_APPLICABLE, "desk", f"was never opened; {OPEN_ONE}")
    return kept.desk


def looked_at(where: Office) -> tuple[Kept, int]:
    """Return the desk, what the engine decided in the meantime included, and the time (ns)."""
    with closing(places.opened(where.store)) as store:
        kept, last = kept_at(where.desk), newest_record(store)
        now = 0 if last is None else last.time
        return _after(kept, answers(store, kept, now)), now


def _after(kept: Kept, more: tuple[Deed, ...]) -> Kept:
    desk, told = kept.desk, kept.told
    for deed in more:
        desk, said = deeds.done(desk, deed)
        told = (*told, said)
    return Kept(desk=desk, deeds=(*kept.deeds, *more), told=told)


def answers(store: Store, kept: Kept, now: int) -> tuple[deeds.StepDecided, ...]:
    """Return what the engine decided on steps of proposals, and no deed says yet."""
    known = {(d.proposal, d.number) for d in kept.deeds if isinstance(d, deeds.StepDecided)}
    asked: dict[str, tuple[str, int]] = {}
    first = store.head().number
    for deed, told in zip(kept.deeds, kept.told, strict=True):
        if isinstance(deed, deeds.ProposalEnacted):
            mine = {activation_id(one): (deed.proposal, one.version.number) for one in told
                    if isinstance(one, Activation)}
            waiting = {name: what for name, what in mine.items() if what not in known}
            first = min(first, deed.record) if waiting else first
            asked |= waiting
    return tuple(_answer(effect, number, asked[name], now)
                 for name, effect, number in _decided(store, first, asked) if asked)


def _decided(store: Store, after: int, asked: dict[str, tuple[str, int]]) -> Any:
    """Yield (client id, effect, its record) of the events that were asked about.

    Limits of exposure are not weighed by the engine: taken without a word they have no effect yet,
    None, and the record is their own.
    """
    after = max(after, store.foot().number)
    before = store.frames(after - 1, 1) if after > store.foot().number else []
    mark = Mark(number=after, hash=hash_of(before[0])) if before else store.foot()
    told: dict[int, str] = {}
    silent: dict[int, str] = {}
    types = codec.vocabulary(equipment_of_all(1).models.values())
    for record, _ in records(store, after=mark) if asked else ():
        if record.type == RecordType.EVENT and record.client_id in asked:
            told[record.number] = record.client_id
            if record.kind == "ExposureLimited":
                silent[record.number] = record.client_id
        elif record.type == RecordType.EFFECT and record.cause in told and record.kind in (
                "ChangeDecided", "EventRefused"):
            silent.pop(record.cause, None)
            yield told[record.cause], codec.decoded_effect(record.payload, types), record.number
    yield from ((name, None, number) for number, name in silent.items())


def _answer(effect: ChangeDecided | EventRefused | None, record: int, what: tuple[str, int],
            now: int) -> deeds.StepDecided:
    if effect is None:
        return deeds.StepDecided(at=now, proposal=what[0], number=what[1], record=record,
                                 admitted=True, impact="", reason="")
    admitted, weighed_as = (effect.admitted, effect.impact) if isinstance(
        effect, ChangeDecided) else (False, "")
    return deeds.StepDecided(
        at=max(now, effect.time), proposal=what[0], number=what[1], record=record,
        admitted=admitted, impact=weighed_as,
        reason="; ".join(f"{f.subject}: {f.sentence}" for f in effect.failures)[:1000])


def impact(where: Office, proposal: str, *, threads: int = 1) -> ImpactReport:
    """Return what a proposal would do, at the state that the engine's log leads to.

    Raises
    ------
    BadInput
        If it was never filed, or the engine has no snapshot or no accounts to weigh it on.
    """
    desk = held(looked_at(where)[0])
    if proposal in ids(desk):
        raise bad_input(Reason.NOT_APPLICABLE, proposal, "amends the charter and has no impact on "
                        "margins; show says what it changes, and it is approved without a report")
    with closing(places.opened(where.store)) as store:
        state, record = _state(store, threads)
        prices = market_of(store)
    report = impact_report(desk, proposal, state, record)
    return report if prices is None else replaced(report, market=replaced(
        report.market, source=market_line(prices), simulated=prices.origin == Origin.SIMULATED))


def _state(store: Store, threads: int = 1) -> tuple[State, int]:
    again = recovered(store, equipment_of_all(threads))
    return again.state, again.mark.number
