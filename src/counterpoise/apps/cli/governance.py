"""`counterpoise governance`: parameters proposed, weighed, approved, activated and withdrawn."""

import sys
from argparse import Namespace
from typing import Final

from counterpoise.adapters.store.store import StoreStopped
from counterpoise.apps import governance as desk
from counterpoise.apps.cli.live import threads_of
from counterpoise.apps.cli.output import ANSWERED, JUDGED_AGAINST, show, show_json, wants_bold
from counterpoise.apps.governance import Office, office
from counterpoise.apps.report.amendments import amendment_document, amendment_text
from counterpoise.apps.report.governance import (
    desk_document,
    desk_text,
    impact_document,
    impact_text,
    proposal_document,
    proposal_text,
)
from counterpoise.apps.report.impact_page import refuse_unwritable, write_page
from counterpoise.governance.amendments import ids
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input

_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "open": ("what", "by"), "propose": ("what", "by"), "impact": ("what",),
    "approve": ("what", "by"), "activate": ("what", "by"), "withdraw": ("what", "by", "reason"),
    "list": (), "show": ("what",)}
_WORDS: Final = {"what": "ID|FILE", "by": "--by", "reason": "--reason"}


def governance(given: Namespace) -> int:
    """Do what is asked at the desk and show what came of it; return the exit code."""
    missing = [name for name in _NEEDS[given.action] if not getattr(given, name)]
    if missing:
        raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=_WORDS[name], sentence=(
            f"is missing; governance {given.action} needs it")) for name in missing))
    where = office(given.store, given.desk)
    try:
        return _answered(where, given)
    except StoreStopped as stopped:
        raise bad_input(Reason.UNREADABLE, where.desk.split("@")[-1], str(stopped)) from None


def _answered(where: Office, given: Namespace) -> int:
    match given.action:
        case "open":
            desk.opened(where, given.what, by=given.by)
        case "propose":
            return _look(where, desk.proposed(where, given.what, by=given.by), given)
        case "approve":
            desk.approved(where, given.what, by=given.by)
        case "activate":
            desk.activated(where, given.what, by=given.by)
        case "withdraw":
            desk.withdrawn(where, given.what, by=given.by, reason=given.reason)
        case "impact":
            return _impact(where, given)
    return _look(where, "" if given.action in ("open", "list") else given.what, given)


def _impact(where: Office, given: Namespace) -> int:
    if given.plot is not None:
        refuse_unwritable(given.plot)
    report = desk.weighed(where, given.what, threads=threads_of(given))
    if given.plot is not None:
        write_page(report, given.plot)
    if given.json:
        show_json(impact_document(report))
    else:
        show(impact_text(report, bold=wants_bold(sys.stdout)))
    return JUDGED_AGAINST if any(step.beyond for step in report.steps) else ANSWERED


def _look(where: Office, proposal: str, given: Namespace) -> int:
    """Show one proposal, or all where none is named."""
    kept, now = desk.looked_at(where)
    held, bold = desk.held(kept), wants_bold(sys.stdout)
    document, text = (amendment_document, amendment_text) if proposal in ids(held) else (
        proposal_document, proposal_text)
    if given.json:
        show_json(document(held, kept, proposal) if proposal else desk_document(held, now))
    else:
        show(text(held, kept, proposal, bold=bold) if proposal
             else desk_text(held, now, bold=bold))
    return ANSWERED
