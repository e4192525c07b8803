"""Which charters were there, and what would an amendment change? As text, and as JSON objects."""

from typing import Any

from counterpoise.adapters.desk import Kept
from counterpoise.apps.report.table import heading, indented, table
from counterpoise.governance.amendments import approvals_needed, found
from counterpoise.governance.charter import Charter
from counterpoise.governance.deeds import ProposalWithdrawn
from counterpoise.governance.leaves import Leaf, leaves_of
from counterpoise.governance.proposals import Chartered, Desk, FiledAmendment
from counterpoise.values.time import SECOND_NS, format_instant

Object = dict[str, Any]


def amendment_rows(desk: Desk) -> list[Object]:
    """Return every amendment that was filed."""
    return [_filed(desk, filed) for filed in desk.amendments]


def charter_rows(desk: Desk) -> list[Object]:
    """Return every charter that ever ruled, by time, and what each changed of the one before."""
    before = (None, *(c.charter for c in desk.charters))
    return [{"since": format_instant(c.at), "amendment": c.amendment,
             "proposed_by": c.proposed_by, "approved_by": list(c.approved_by),
             "changes": [] if old is None else charter_changes(old, c.charter)}
            for old, c in zip(before, desk.charters, strict=False)]


def charter_changes(old: Charter, new: Charter) -> list[Object]:
    """Return the parts of a charter that differ, durations in seconds."""
    sides = [_leaves(old), _leaves(new)]
    return [{"name": name, "from": sides[0].get(name), "to": sides[1].get(name)}
            for name in sorted({*sides[0], *sides[1]}) if sides[0].get(name) != sides[1].get(name)]


def _leaves(charter: Charter) -> dict[str, Leaf]:
    return {f"{name.removesuffix('_ns')}_seconds" if name.endswith("_ns") else name:
            leaf / SECOND_NS if name.endswith("_ns") and isinstance(leaf, int) else leaf
            for name, leaf in leaves_of(charter).items()}


def _filed(desk: Desk, filed: FiledAmendment) -> Object:
    asked = filed.amendment
    return {"id": asked.id, "kind": "amendment", "state": filed.state,
            "proposed_by": asked.proposed_by, "reason": asked.reason,
            "filed_at": format_instant(filed.filed_at),
            "effective_from": format_instant(asked.effective_from),
            "approved_by": list(filed.approved_by),
            "approvals_needed": approvals_needed(_ruling(desk, filed))}


def _before(desk: Desk, filed: FiledAmendment) -> Chartered:
    """Return the charter that an amendment changes, or changed."""
    names = [c.amendment for c in desk.charters]
    return desk.charters[names.index(filed.amendment.id) - 1 if filed.state == "enacted" else -1]


def _ruling(desk: Desk, filed: FiledAmendment) -> Charter:
    return _before(desk, filed).charter


def amendment_document(desk: Desk, kept: Kept, amendment: str) -> Object:
    """Return one amendment: what it changes of the charter, and what became of it."""
    filed = found(desk, amendment)
    return _filed(desk, filed) | {
        "changes": charter_changes(_ruling(desk, filed), filed.amendment.charter),
        "history": [
            *({"entry": "enacted", "at": format_instant(c.at), "approved_by": list(c.approved_by)}
              for c in desk.charters if c.amendment == amendment),
            *({"entry": "withdrawn", "at": format_instant(d.at), "by": d.by, "reason": d.reason}
              for d in kept.deeds if isinstance(d, ProposalWithdrawn)
              and d.proposal == amendment)]}


def amendment_text(desk: Desk, kept: Kept, amendment: str, *, bold: bool = False) -> list[str]:
    """Return one amendment as text."""
    told = amendment_document(desk, kept, amendment)
    names = ("kind", "state", "proposed_by", "reason", "filed_at", "effective_from")
    return [heading(amendment, bold=bold), *indented(table(("", ""), [
        (name.replace("_", " "), str(told[name])) for name in names], left=(0, 1))[1:]),
        f"  approved by {', '.join(told['approved_by']) or 'nobody'}; "
        f"{told['approvals_needed']} needed", "",
        heading("What it changes of the charter", bold=bold),
        *indented(table(("name", "from", "to"), [(c["name"], str(c["from"]), str(c["to"]))
                                                 for c in told["changes"]]))]


def amendments_text(desk: Desk, *, bold: bool = False) -> list[str]:
    """Return charters and amendments as text, none where the first charter is all there is."""
    if not desk.amendments:
        return []
    return ["", heading("Charters", bold=bold),
            *indented(table(("since", "amendment", "approved by"), [
                (c["since"][:19] + "Z", c["amendment"], ", ".join(c["approved_by"]))
                for c in charter_rows(desk)], left=(0, 1, 2))), "",
            heading("Amendments", bold=bold),
            *indented(table(("id", "state", "approvals", "from", "by"), [
                (a["id"], a["state"], f"{len(a['approved_by'])} of {a['approvals_needed']}",
                 a["effective_from"][:19] + "Z", a["proposed_by"])
                for a in amendment_rows(desk)], left=(0, 1, 2, 3, 4)))]
