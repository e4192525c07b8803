"""How does a trader read where the margin comes from? Legs by size, with the effect of closing."""

from typing import Any

from counterpoise.apps.answer import Answer
from counterpoise.apps.legs import Explanation, Leg
from counterpoise.apps.report.document import answer_document, number
from counterpoise.apps.report.table import amount, percent, significant, table


def contributors_text(answer: Answer, legs: tuple[Leg, ...], *, most: int) -> list[str]:
    """Return, pool by pool, the legs with the largest contributions to the initial margin."""
    lines: list[str] = []
    for pool in answer.pools:
        mine = _of_pool(legs, pool.account, pool.currency)
        if len(mine) < 2 or pool.initial != pool.initial:
            continue
        rows = [(leg.instrument, significant(leg.quantity), amount(leg.initial, leg.currency),
                 percent(leg.initial / pool.initial) if pool.initial > 0 else "?")
                for leg in mine[:most]]
        head = f"biggest contributors, {pool.account} {pool.currency}"
        lines += ["", *table((head, "contracts", "initial", "share"), rows)]
        if len(mine) > most:
            lines.append(f"and {len(mine) - most} more: counterpoise explain shows all")
    return lines


def legs_text(explanation: Explanation) -> list[str]:
    """Return every leg of every pool: its contribution and what closing it would change."""
    lines: list[str] = []
    for pool in explanation.answer.pools:
        mine = _of_pool(explanation.legs, pool.account, pool.currency)
        if not mine or pool.initial != pool.initial:
            continue
        parts = [name for name in mine[0].components
                 if any(abs(leg.components[name]) > 5e-7 for leg in mine)]
        rows = [(leg.instrument, significant(leg.quantity),
                 *(amount(leg.components[name], leg.currency) for name in parts),
                 amount(leg.initial, leg.currency), amount(leg.closing_initial, leg.currency),
                 amount(leg.closing_maintenance, leg.currency)) for leg in mine]
        rows.append(("positions together", "",
                     *(amount(sum(leg.components[name] for leg in mine), pool.currency)
                       for name in parts),
                     amount(sum(leg.initial for leg in mine), pool.currency), "", ""))
        rows += [(name.replace("_", " "), "", *[""] * len(parts), amount(value, pool.currency))
                 for name, value in pool.initial_components.items()
                 if name not in mine[0].components and abs(value) > 5e-7]
        rows.append(("initial margin", "", *[""] * len(parts),
                     amount(pool.initial, pool.currency)))
        head = (f"{pool.account} {pool.currency}: each leg", "contracts",
                *(name.replace("_", " ") for name in parts), "initial", "closing: initial",
                "closing: maint.")
        lines += ["", *table(head, rows)]
    return lines


def explanation_document(explanation: Explanation) -> dict[str, Any]:
    """Return the answer's object with `positions` and `standard_margin` added."""
    standard = explanation.standard
    return answer_document(explanation.answer) | {
        "positions": [_leg(leg) for leg in explanation.legs],
        "standard_margin": standard and [
            {"account": p.account, "currency": p.currency, "initial_margin": number(p.initial),
             "maintenance_margin": number(p.maintenance)} for p in standard.pools]}


def _leg(leg: Leg) -> dict[str, Any]:
    return {"account": leg.account, "currency": leg.currency, "instrument": leg.instrument,
            "quantity_contracts": leg.quantity,
            "initial_contribution": number(leg.initial),
            "maintenance_contribution": number(leg.maintenance),
            "components": {name: number(value) for name, value in leg.components.items()},
            "closing_changes_initial": number(leg.closing_initial),
            "closing_changes_maintenance": number(leg.closing_maintenance)}


def _of_pool(legs: tuple[Leg, ...], account: str, currency: str) -> list[Leg]:
    mine = [leg for leg in legs if leg.account == account and leg.currency == currency]
    return sorted(mine, key=lambda leg: -abs(leg.initial))
