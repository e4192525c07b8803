"""Which JSON object says the answer? What `--json` prints, and what a script may rely on.

Amounts are JSON numbers with every digit, in the currency beside them; a number that could not be
given is null and a failure says why. `components` add up to the initial margin and
`maintenance_components` to the maintenance margin, roundings among them. Where a portfolio has one
account with one pool, the top level carries it too; with several, the top-level amounts are null
and `pools` has them all.
"""

import json
from typing import Any, Final

import counterpoise
from counterpoise.apps.answer import Answer, PoolMargin, equity_unknown, no_balances
from counterpoise.margin.parameter_version import version_digest
from counterpoise.margin.worst import WorstScenario
from counterpoise.market.snapshot import snapshot_digest
from counterpoise.scenarios.scenario_set import scenario_digest
from counterpoise.values.failure import Failure
from counterpoise.values.time import format_instant

Object = dict[str, Any]
_TOP: Final = ("currency", "initial_margin", "maintenance_margin", "components",
               "maintenance_components", "candidates", "worst_scenario", "equity",
               "margin_balance", "initial_excess", "maintenance_excess", "leverage", "figures",
               "status", "failures", "readings_range")
_STEERING: Final = {code: f"\\u{code:04x}" for code in (
    *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))}


def json_text(document: Any) -> str:
    """Return JSON text: numbers with every digit, NaN refused, characters as they are.

    Only those that would steer a terminal or turn the direction of the text are escaped.
    """
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    return text.translate(_STEERING)


def json_line(document: Any) -> str:
    """Return JSON text as `json_text` does, on one line."""
    text = json.dumps(document, allow_nan=False, ensure_ascii=False)
    return text.translate(_STEERING)


def answer_document(answer: Answer) -> Object:
    """Return the object of one portfolio's margin."""
    pools = [_pool(p) for p in answer.pools]
    only = (_nothing_held(answer) if not pools else pools[0] if len(pools) == 1
            else dict.fromkeys(_TOP))
    return {
        "model": answer.model.name,
        "as_of": format_instant(answer.portfolio.as_of),
        **{key: only[key] for key in _TOP},
        "pools": pools,
        "our_readings": list(answer.our_readings),
        "notes": [*answer.portfolio.notes, *answer.notes],
        "provenance": provenance(answer),
    }


def _nothing_held(answer: Answer) -> Object:
    """Return the top level where no account holds anything: 0 needed, of what is stated."""
    names = answer.portfolio.book.accounts[equity_unknown(answer.portfolio)].tolist()
    owned = ("equity", "margin_balance", "initial_excess", "maintenance_excess")
    return dict.fromkeys(_TOP) | dict.fromkeys(owned, None if names else 0.0) | {
        "initial_margin": 0.0, "maintenance_margin": 0.0, "components": {},
        "maintenance_components": {}, "candidates": {}, "figures": {},
        "status": "unknown" if names else "healthy",
        "failures": [failure_document(no_balances(str(name))) for name in names]}


def provenance(answer: Answer) -> Object:
    """Return what the numbers were made of: digests, dates and versions."""
    version, market = answer.version, answer.portfolio.market
    return {
        "engine": f"counterpoise {counterpoise.__version__}",
        "snapshot_digest": snapshot_digest(market),
        "scenario_digest": [scenario_digest(a.scenarios) for a in answer.arrays],
        "parameter_number": version.number,
        "parameter_digest": version_digest(version),
        "parameter_sections": [{"section": s, "observed_on": o, "effective_from": e}
                               for s, o, e in version.sections],
        "overridden": list(version.overridden),
        "source": market.source,
        "simulated": market.simulated,
    }


def failure_document(failure: Failure, **where: str) -> Object:
    """Return one failure as an object; `where` says more about its place, like the file."""
    return {**where, "reason": failure.reason.value, "subject": failure.subject,
            "sentence": failure.sentence}


def number(value: float) -> float | None:
    """Return a number as JSON can say it: null where it is not known."""
    return value if value - value == 0 else None


def _pool(pool: PoolMargin) -> Object:
    return {
        "account": pool.account,
        "currency": pool.currency,
        "initial_margin": number(pool.initial),
        "maintenance_margin": number(pool.maintenance),
        "components": _numbers(pool.initial_components),
        "maintenance_components": _numbers(pool.maintenance_components),
        "candidates": _numbers(pool.candidates),
        "worst_scenario": _cell(pool.worst[0]) if pool.worst else None,
        "worst_scenarios": [_cell(cell) for cell in pool.worst],
        "equity": number(pool.equity),
        "margin_balance": number(pool.margin_balance),
        "initial_excess": number(pool.initial_excess),
        "maintenance_excess": number(pool.maintenance_excess),
        "leverage": number(pool.leverage),
        "figures": _numbers(pool.figures),
        "status": pool.status,
        "failures": [failure_document(f) for f in pool.failures],
        "readings_range": pool.range and {
            "initial": [number(x) for x in pool.range.initial],
            "maintenance": [number(x) for x in pool.range.maintenance],
            "readings": pool.range.readings},
    }


def _numbers(parts: dict[str, float]) -> dict[str, float | None]:
    return {name: number(value) for name, value in parts.items()}


def _cell(cell: WorstScenario) -> Object:
    return {"unit": cell.unit, "label": cell.label, "price_move": number(cell.price_move),
            "vol_state": cell.vol_state, "table": cell.table, "index": cell.index,
            "bucket": cell.bucket, "side": cell.side, "loss": number(cell.loss)}
