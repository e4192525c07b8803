"""What is on the desk, and what would a proposal do? As text, and as JSON objects."""

from typing import Any, Final

import numpy as np

from counterpoise.adapters.desk import Kept
from counterpoise.apps.exposure_report import PLATFORM, LimitUse, beyond
from counterpoise.apps.impact_report import ImpactReport
from counterpoise.apps.report.amendments import amendment_rows, amendments_text, charter_rows
from counterpoise.apps.report.document import number
from counterpoise.apps.report.source import source_line
from counterpoise.apps.report.table import heading, indented, table
from counterpoise.governance.charter import Charter
from counterpoise.governance.deeds import StepDecided
from counterpoise.governance.history import Enacted, Refused, Withdrawn, standing
from counterpoise.governance.impact import Group, Impact
from counterpoise.governance.leaves import leaves_of
from counterpoise.governance.proposals import Desk, Filed, Proposal, approvals_needed, found
from counterpoise.margin.compute import STATUS
from counterpoise.values.time import SECOND_NS, format_instant

Object = dict[str, Any]
SHOWN_MAX: Final = 20
_SIDES: Final = ("initial_before", "initial_after", "maintenance_before", "maintenance_after",
                 "balance_before", "balance_after")

GROUP_HEADER: Final = ("segment", "pool", "accounts", "initial now", "change", "more asked",
                       "of accounts", "balance", "below initial", "below maint.", "bankrupt",
                       "unknown")
LIMIT_HEADER: Final = ("segment", "limit", "in", "accounts", "beyond now", "then", "newly",
                       "by now", "then by", "unknown")
BEYOND_HEADER: Final = ("account", "limit", "in", "uses now", "limit now", "beyond now",
                        "would use", "new limit", "would be beyond")


def impact_document(report: ImpactReport) -> Object:
    """Return an impact report; amounts in the pool's currency, null where unknown."""
    whole = report.whole
    rows = [{"account": name, "pool": whole.pools[pool],
             **{side: number(float(getattr(whole, side)[k])) for side in _SIDES},
             "status_before": STATUS[whole.status_before[k]],
             "status_after": STATUS[whole.status_after[k]]}
            for k, (name, pool) in enumerate(zip(report.names, whole.pool.tolist(), strict=True))]
    return {
        "proposal": report.proposal.id, "segment": report.proposal.segment,
        "as_of": format_instant(report.market.as_of), "record": report.record,
        "digest": report.digest, "source": report.market.source,
        "simulated": report.market.simulated,
        "beyond_limits": [s for step in report.steps for s in step.beyond],
        "steps": [{"version": s.number, "effective_from": format_instant(s.effective_from),
                   "impact": s.impact.digest, "beyond_limits": list(s.beyond),
                   "groups": [_group(g) for g in s.impact.groups]} for s in report.steps],
        "groups": [_group(g) | {"balance_change": number(change)} for g, change in zip(
            whole.groups, balance_changes(whole), strict=True)], "accounts": rows,
        "exposure": [_limit(report, use) for use in report.exposure]}


def balance_changes(impact: Impact) -> list[float]:
    """Return by how much all balances change, pool currency, in the order of the groups.

    Only balances that are known before and after are in the sum.
    """
    change = np.nan_to_num(impact.balance_after - impact.balance_before)
    total = np.bincount(impact.pool, change, len(impact.pools)).tolist()
    return [total[impact.pools.index(group.pool)] for group in impact.groups]


def _limit(report: ImpactReport, use: LimitUse) -> Object:
    before, after = sides_beyond(use)
    columns = (use.used_before, use.most_before, before, use.used_after, use.most_after, after)
    names = ("used_before", "limit_before", "beyond_before", "used_after", "limit_after",
             "beyond_after")
    return {"segment": report.proposal.segment.removesuffix(" exposure"), "limit": use.limit,
            "unit": use.unit, **_beyond_counts(use), "accounts": [
                {"account": party_name(report, n), **{
                    name: number(value) for name, value in zip(names, values, strict=True)}}
                for n, *values in zip(use.account.tolist(), *(c.tolist() for c in columns),
                                      strict=True)]}


def _beyond_counts(use: LimitUse) -> Object:
    before, after = sides_beyond(use)
    return {"rows": len(before), "beyond_before": int((before > 0).sum()),
            "beyond_after": int((after > 0).sum()),
            "newly_beyond": int(((after > 0) & ~(before > 0)).sum()),
            "amount_before": number(float(np.nansum(before))),
            "amount_after": number(float(np.nansum(after))),
            "unknown": int(np.isnan(before + after).sum())}


def sides_beyond(use: LimitUse) -> tuple[Any, Any]:
    """Return by how much each row is beyond a limit before and after, in its unit, [row]."""
    return beyond(use.used_before, use.most_before), beyond(use.used_after, use.most_after)


def party_name(report: ImpactReport, number_of: int) -> str:
    """Return the name of an account, or of all of them."""
    return "all accounts" if number_of == PLATFORM else report.accounts[number_of]


def _group(group: Group) -> Object:
    return {name: getattr(group, name) for name in (
        "segment", "pool", "rows", "before", "extra", "extra_of_losers", "losers", "breaches",
        "unknown", "lost", "eased")}


def impact_text(report: ImpactReport, *, bold: bool = False) -> list[str]:
    """Return an impact report as text: by segment and pool, step by step, the worst accounts."""
    lines = [heading(f"What {report.proposal.id} would do to {report.proposal.segment}",
                     bold=bold),
             f"{format_instant(report.market.as_of)[:19]}Z, record {report.record}, "
             f"{source_line(report.market)}", ""]
    lines += _groups(report.whole, bold=bold)
    if len(report.steps) > 1:
        for step in report.steps:
            lines += ["", f"step to version {step.number}, from "
                      f"{format_instant(step.effective_from)[:19]}Z", *_groups(step.impact)]
    lines += _exposure_lines(report, bold=bold)
    worst = worst_rows(report.whole)
    if len(worst):
        lines += ["", heading("Accounts that would stand worse, or need more", bold=bold),
                  *indented(table(("account", "pool", "initial now", "then", "has", "stands",
                                   "would stand"), account_rows(report, worst[:SHOWN_MAX]),
                                  left=(0, 1, 5, 6)))]
        if len(worst) > SHOWN_MAX:
            lines += [f"and {len(worst) - SHOWN_MAX} more; --json has every account"]
    sentences = [s for step in report.steps for s in step.beyond]
    return [*lines, "", *(f"beyond the limits of impact: {s}" for s in sentences),
            *([] if sentences else ["nothing of it is beyond the limits of impact"]),
            f"impact {report.digest}"]


def _exposure_lines(report: ImpactReport, *, bold: bool) -> list[str]:
    """Return who is beyond which limit of exposure, where the limits are what changes."""
    if not report.exposure:
        return []
    rows = beyond_rows(report)
    return ["", heading("Limits of exposure", bold=bold),
            *indented(table(LIMIT_HEADER, limit_rows(report), left=(0, 1, 2))), "",
            *(indented(table(BEYOND_HEADER, rows[:SHOWN_MAX], left=(0, 1, 2))) if rows
              else ["  nobody is beyond them, before or after"]),
            *([f"and {len(rows) - SHOWN_MAX} more; --json has every account"]
              if len(rows) > SHOWN_MAX else [])]


def limit_rows(report: ImpactReport) -> list[tuple[str, ...]]:
    """Return cells by limit, as `LIMIT_HEADER`."""
    out = []
    for use in report.exposure:
        count = _beyond_counts(use)
        out.append((report.proposal.segment.removesuffix(" exposure"), use.limit, use.unit,
                    *(str(count[name]) for name in ("rows", "beyond_before", "beyond_after",
                                                    "newly_beyond")),
                    *(f"{count[name]:,.2f}" for name in ("amount_before", "amount_after")),
                    str(count["unknown"])))
    return out


def beyond_rows(report: ImpactReport) -> list[tuple[str, ...]]:
    """Return cells of who is beyond a limit before or after, as `BEYOND_HEADER`.

    By limit, the furthest beyond after the change first.
    """
    out = []
    for use in report.exposure:
        before, after = sides_beyond(use)
        rows = np.flatnonzero((before > 0) | (after > 0))
        for k in rows[np.lexsort((rows, -after[rows]))].tolist():
            out.append((party_name(report, int(use.account[k])), use.limit, use.unit,
                        *(_amount(float(c[k])) for c in (
                            use.used_before, use.most_before, before, use.used_after,
                            use.most_after, after))))
    return out


def _amount(figure: float) -> str:
    return "none" if figure == float("inf") else f"{figure:,.2f}"


def _groups(impact: Impact, *, bold: bool = False) -> list[str]:
    return indented(table(GROUP_HEADER, group_rows(impact), bold=bold, left=(0, 1)))


def group_rows(impact: Impact) -> list[tuple[str, ...]]:
    """Return cells by segment and pool, as `GROUP_HEADER`."""
    return [(g.segment, g.pool, str(g.rows), f"{g.before:,.2f}", f"{g.extra:+,.2f}",
             f"{g.extra_of_losers:,.2f}", str(g.losers), f"{change:+,.2f}",
             *(str(g.breaches[name]) for name in STATUS[1:4]), str(g.unknown))
            for g, change in zip(impact.groups, balance_changes(impact), strict=True)]


def worst_rows(impact: Impact) -> Any:
    """Return rows that stand worse, then those that need more, the largest increase first."""
    extra = np.nan_to_num(impact.initial_after - impact.initial_before)
    known = (impact.status_before < len(STATUS) - 1) & (impact.status_after < len(STATUS) - 1)
    worse = known & (impact.status_after > impact.status_before)
    chosen = np.flatnonzero(worse | (extra > 0))
    return chosen[np.lexsort((chosen, -extra[chosen], -impact.status_after[chosen] * 1.0,
                              ~worse[chosen]))]


def account_rows(report: ImpactReport, rows: Any) -> list[tuple[str, ...]]:
    """Return cells of some rows: account, pool, initial before and after, balance, standing."""
    w = report.whole
    return [(report.names[k], w.pools[w.pool[k]], f"{w.initial_before[k]:,.2f}",
             f"{w.initial_after[k]:,.2f}", f"{w.balance_after[k]:,.2f}",
             STATUS[w.status_before[k]].replace("_", " "),
             STATUS[w.status_after[k]].replace("_", " ")) for k in rows.tolist()]


def desk_document(desk: Desk, at: int) -> Object:
    """Return what is filed and in force; `at` is the engine's time, ns."""
    return {"time": format_instant(at), "charter": _charter(desk.charter),
            "in_force": [_enacted(e) for e in _in_force(desk, at)],
            "ahead": [_enacted(e) for e in _ahead(desk, at)],
            "proposals": [_filed(desk, f) for f in desk.filed],
            "amendments": amendment_rows(desk), "charters": charter_rows(desk)}


def _charter(charter: Charter) -> Object:
    return {"approvals": charter.approvals, "notice_seconds": charter.notice_ns / SECOND_NS,
            "bounds": len(charter.bounds), "exceeding_approvals": charter.exceeding_approvals,
            "limits": None if charter.limits is None else leaves_of(charter.limits),
            "emergency": None if charter.emergency is None else {
                "approvals": charter.emergency.approvals,
                "lasts_max_seconds": charter.emergency.lasts_max_ns / SECOND_NS,
                "bounds": len(charter.emergency.bounds),
                "limits": leaves_of(charter.emergency.limits)}}


def _subjects(desk: Desk) -> list[str]:
    return list(dict.fromkeys(e.segment for e in desk.history.entries if isinstance(e, Enacted)))


def _in_force(desk: Desk, at: int) -> list[Enacted]:
    acting = [[e for e in standing(desk.history, s) if e.effective_from <= at]
              for s in _subjects(desk)]
    return [found_ones[-1] for found_ones in acting if found_ones]


def _ahead(desk: Desk, at: int) -> list[Enacted]:
    return [e for s in _subjects(desk) for e in standing(desk.history, s) if e.effective_from > at]


def _enacted(entry: Enacted) -> Object:
    return {"segment": entry.segment, "model": entry.version.model,
            "version": entry.version.number, "digest": entry.digest,
            "effective_from": format_instant(entry.effective_from), "proposal": entry.proposal,
            "proposed_by": entry.proposed_by, "approved_by": list(entry.approved_by)}


def _filed(desk: Desk, filed: Filed) -> Object:
    asked = filed.proposal
    return {"id": asked.id, "segment": asked.segment, "version": asked.version.number,
            "state": filed.state, "kind": kind_of(asked), "proposed_by": asked.proposed_by,
            "reason": asked.reason, "filed_at": format_instant(filed.filed_at),
            "effective_from": format_instant(asked.effective_from), "steps": asked.steps,
            "step_seconds": asked.step_ns / SECOND_NS, "lasts_seconds": asked.lasts_ns / SECOND_NS,
            "impact": filed.impact or None, "beyond_limits": list(filed.beyond),
            "approved_by": list(filed.approved_by),
            "approvals_needed": approvals_needed(desk.charter, asked)}


def kind_of(proposal: Proposal) -> str:
    """Return what kind of change a proposal is."""
    return "emergency" if proposal.lasts_ns else "ramp" if proposal.steps > 1 else "change"


def desk_text(desk: Desk, at: int, *, bold: bool = False) -> list[str]:
    """Return what is in force, what is ahead, and every proposal."""
    acts = [(e.segment, str(e.version.number), format_instant(e.effective_from)[:19] + "Z",
             e.proposal, ", ".join(e.approved_by)) for e in (*_in_force(desk, at),
                                                            *_ahead(desk, at))]
    asked = [(f.proposal.id, f.proposal.segment, str(f.proposal.version.number),
              kind_of(f.proposal), f.state, f"{len(f.approved_by)} of "
              f"{approvals_needed(desk.charter, f.proposal)}", "yes" if f.impact else "no",
              f.proposal.proposed_by) for f in desk.filed]
    return [heading(f"In force, and decided, at {format_instant(at)[:19]}Z", bold=bold),
            *indented(table(("segment", "version", "from", "proposal", "approved by"), acts,
                            left=(0, 2, 3, 4))), "",
            heading("Proposals", bold=bold),
            *(indented(table(("id", "segment", "version", "kind", "state", "approvals", "weighed",
                              "by"), asked, left=(0, 1, 3, 4, 5, 6, 7))) if asked
              else ["  none"]), *amendments_text(desk, bold=bold)]


def proposal_document(desk: Desk, kept: Kept, proposal: str) -> Object:
    """Return one proposal: what it changes, what became of it, what the engine decided."""
    filed = found(desk, proposal)
    return _filed(desk, filed) | {
        "changes": changes_of(desk, filed.proposal),
        "decided": [{"version": d.number, "record": d.record, "admitted": d.admitted,
                     "impact": d.impact or None, "reason": d.reason or None}
                    for d in kept.deeds if isinstance(d, StepDecided) and d.proposal == proposal],
        "history": [_entry(e) for e in desk.history.entries if e.proposal == proposal]}


def _entry(entry: Enacted | Withdrawn | Refused) -> Object:
    if isinstance(entry, Enacted):
        return {"entry": "enacted", **_enacted(entry)}
    if isinstance(entry, Withdrawn):
        return {"entry": "withdrawn", "at": format_instant(entry.at), "by": entry.by,
                "reason": entry.reason}
    return {"entry": "refused by the engine", "version": entry.number,
            "at": format_instant(entry.at), "reason": entry.reason}


def changes_of(desk: Desk, proposal: Proposal) -> list[Object]:
    """Return the numbers that a proposal changes, against the version before its own steps."""
    others = [e for e in desk.history.entries if isinstance(e, Enacted)
              and e.segment == proposal.segment and e.proposal != proposal.id
              and e.version.number < proposal.version.number]
    old = leaves_of(others[-1].version.parameters) if others else {}
    new = leaves_of(proposal.version.parameters)
    return [{"name": name, "from": _plain(old.get(name)), "to": _plain(new.get(name))}
            for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


def _plain(leaf: Any) -> Any:
    return str(leaf) if isinstance(leaf, float) and leaf - leaf != 0 else leaf


def proposal_text(desk: Desk, kept: Kept, proposal: str, *, bold: bool = False) -> list[str]:
    """Return one proposal as text."""
    told = proposal_document(desk, kept, proposal)
    names = ("segment", "version", "kind", "state", "proposed_by", "reason", "filed_at",
             "effective_from", "steps", "lasts_seconds", "impact")
    lines = [heading(proposal, bold=bold), *indented(table(("", ""), [
        (name.replace("_", " "), str(told[name])) for name in names], left=(0, 1))[1:]),
        f"  approved by {', '.join(told['approved_by']) or 'nobody'}; "
        f"{told['approvals_needed']} needed", "", heading("What it changes", bold=bold),
        *indented(table(("name", "from", "to"), [(c["name"], str(c["from"]), str(c["to"]))
                                                 for c in told["changes"]]))]
    lines += [f"beyond the limits of impact: {s}" for s in told["beyond_limits"]]
    lines += [f"record {d['record']}: version {d['version']} "
              + ("admitted" if d["admitted"] else f"refused by the engine: {d['reason']}")
              for d in told["decided"]]
    return lines
