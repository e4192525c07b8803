"""OKX's report: the answer of `account/position-builder` for the account as it stands.

Measures of units are added up, as an account has one row here. `eq` is the adjusted equity. The MR4
of spot in use stands apart here, so MR4 is laid beside ours only where no spot is in use.
"""

from typing import Any, Final

from counterpoise.adapters.venue_reports.report import Object, Report, number, table
from counterpoise.margin.reconciliation import Reported, Tolerance
from counterpoise.values.failure import BadInput, Failure

TOLERANCE: Final = Tolerance(absolute=1e-6, relative=1e-9)
_UNITS: Final = ("worst_case", "spot_in_use", "mr3_vega", "mr4_basis", "mr5_rates",
                 "mr9_stablecoins", "mr7_minimum")
_ACCOUNT: Final = {
    "eq": ("margin_balance",), "totalMmr": ("maintenance",), "totalImr": ("initial",),
    "borrowMmr": ("maintenance mr8_borrowing",),
    "derivMmr": tuple(f"maintenance {name}" for name in _UNITS)}
_MEASURES: Final = {
    "mr1": ("mr1",), "mr2": ("mr2",), "mr3": ("maintenance mr3_vega",),
    "mr4": ("maintenance mr4_basis",), "mr5": ("maintenance mr5_rates",), "mr6": ("mr6",),
    "mr7": ("mr7",), "mr9": ("maintenance mr9_stablecoins",)}
_POOL: Final = "USD"


def recognised(tree: Any) -> bool:
    """Return whether the document is a report of this venue."""
    return isinstance(_result(tree), dict) and "riskUnitData" in _result(tree)


def report_of(tree: Any) -> Report:
    """Return what the report says.

    Raises
    ------
    BadInput
        With every number that is none.
    """
    wrong: list[Failure] = []
    result = _result(tree)
    given = result["riskUnitData"]
    units = [table(unit, "riskUnitData", wrong) for unit in given] if isinstance(
        given, list) else [table(given, "riskUnitData", wrong)]
    held = [table(row, "portfolios", wrong) for unit in units for row in _rows(unit)]
    spot = any(row.get("instType") == "SPOT" for row in held)
    legs = [row for row in held if row.get("instType") != "SPOT"]
    figures = [_figure(name, parts, number(result[name], name, wrong))
               for name, parts in _ACCOUNT.items() if result.get(name) not in (None, "")]
    figures += [_figure(name, parts, _summed(units, name, wrong))
                for name, parts in _MEASURES.items() if not (spot and name == "mr4")
                and units and all(name in unit for unit in units)]
    report = Report(
        kind="account/position-builder", symbols="okx", model="okx_pm", figures=tuple(figures),
        tolerance=TOLERANCE, unit="contracts", parameters={},
        indices={str(unit.get("riskUnit", "")).split("-")[0]: number(
            unit["indexUsd"], "indexUsd", wrong) for unit in units if unit.get("indexUsd")},
        marks={str(row.get("instId", "")): number(row.get("markPx"), "markPx", wrong)
               for row in legs},
        sizes={str(row.get("instId", "")): str(row.get("amt", "")) for row in legs})
    for row in legs:
        number(row.get("amt"), f"{row.get('instId')}.amt", wrong)
    if wrong:
        raise BadInput(*wrong)
    return report


def _result(tree: Any) -> Any:
    answers = tree.get("data", tree) if isinstance(tree, dict) else tree
    return answers[0] if isinstance(answers, list) and answers else answers


def _rows(unit: Object) -> list[Any]:
    rows = unit.get("portfolios", [])
    return rows if isinstance(rows, list) else [rows]


def _figure(name: str, parts: tuple[str, ...], amount: float) -> Reported:
    return Reported(pool=_POOL, name=name, parts=parts, amount=amount)


def _summed(units: list[Object], name: str, wrong: list[Failure]) -> float:
    return sum(number(unit[name], f"{unit.get('riskUnit')}.{name}", wrong) for unit in units)
