"""Paradex: minimum delta, order cancelling, the pre-trade check and the published scenarios.

Source: github tradeparadex/paradex-docs (2026-08-20), fern/pages/risk-system.
"""

from typing import Any

import numpy as np

from counterpoise.adapters.parameters import parameters_of
from counterpoise.liquidation.orders import cancelled
from counterpoise.margin.admission import admitted
from counterpoise.margin.models.paradex import MODEL
from counterpoise.margin.terms.minimum_delta import hedged_delta, minimum_delta_charge
from counterpoise.margin.terms.open_size import open_size
from counterpoise.risk.aggregation import exposures, grouped
from counterpoise.values.frozen import replaced
from counterpoise.values.time import parse_instant
from golden.compared import Cases, Compared, compared_fields
from markets import market

CANCELS = "paradex/deleveraging_order_cancel.json"
DELTA = "paradex/min_delta.json"
CHECK = "paradex/order_risk_check.json"
SCAN = "paradex/scan_parameters.json"
LONG_COUNTED_WHOLE = ("the printed example counts the sells of a long position whole; the formula "
                      "of the same page counts them less the position, which is our default")


def compared(cases: Cases) -> list[Compared]:
    """Return every published field of Paradex beside ours."""
    return [*_cancels(cases(CANCELS)), *_delta(cases(DELTA)), *_check(cases(CHECK)),
            *_scan(cases(SCAN))]


def _cancels(case: Any) -> list[Compared]:
    orders = case["inputs"]["orders"]
    size = np.array([(1 if side == "buy" else -1) * float(q) for side, q, _ in orders])
    gone = cancelled(case["inputs"]["position"], size, np.array([float(p) for *_, p in orders]))
    ours = {"cancelled": [o for o, g in zip(orders, gone, strict=True) if g],
            "kept": [o for o, g in zip(orders, gone, strict=True) if not g]}
    return compared_fields(model=MODEL.name, case=CANCELS, ours=ours, theirs=case["expected"])


def _delta(case: Any) -> list[Compared]:
    held, factors, spot = (case["inputs"]["positions"], case["parameters"],
                           case["inputs"]["spot"])
    rows = grouped(row_pointer=np.array([0, len(held)]),
                   instrument=np.arange(len(held), dtype=np.int32),
                   lots=np.array([p["qty"] for p in held]), key=np.zeros(len(held), np.int32))
    net, _, gross = exposures(rows, np.array([[float(p["delta"])] for p in held]))
    charge = minimum_delta_charge(net, gross, per_net=np.array(factors["unhedged"] * spot),
                                  per_hedged=np.array(factors["hedged"] * spot))
    ours = {"net_delta": net[0, 0], "gross_delta": gross[0, 0],
            "hedged_delta": hedged_delta(net, gross)[0, 0], "min_delta_risk": charge[0, 0]}
    return compared_fields(model=MODEL.name, case=DELTA, theirs=case["expected"],
                           ours={k: float(v) for k, v in ours.items()},
                           absolute=case["tolerance"]["absolute"])


def _check(case: Any) -> list[Compared]:
    """Walk the steps: (position, buys, sells, mark), filled buys being the position."""
    collateral, rate = case["inputs"]["collateral"], case["inputs"]["imf"]
    marks = [step["mark"] for step in case["inputs"]["steps"]]
    entry, bought = marks[0], 10.0
    profit = bought * (marks[1] - entry)
    value = np.array([collateral, collateral + profit, collateral + profit, collateral + profit])
    size = open_size(np.array([0.0, bought, bought, bought]), np.array([bought, 0.0, 0.0, 0.0]),
                     np.array([0.0, 0.0, 5.0, 13.0]), orders_net=False)
    initial = rate * size * np.array(marks, float)
    accepted = admitted(owned=value, initial_before=np.concatenate(([0.0], initial[:-1])),
                        initial_after=initial)
    ours = {"imr_1": float(initial[0]), "accept_1": bool(accepted[0]), "imr_2": float(initial[1]),
            "upnl_2": profit, "account_value_2": float(value[1]),
            "accept_sell5": bool(accepted[2]), "open_size_after_sell8": float(size[3]),
            "accept_sell8": bool(accepted[3])}
    rows = compared_fields(model=MODEL.name, case=CHECK, ours=ours, theirs=case["expected"],
                           absolute=case["tolerance"]["absolute"])
    return [replaced(row, reading=LONG_COUNTED_WHOLE) if "sell8" in row.field else row
            for row in rows]


def _scan(case: Any) -> list[Compared]:
    version = parameters_of(MODEL, parse_instant("2026-08-20T00:00:00Z"))
    count = len(MODEL.scenarios(market(), version.parameters)[0]) - 1
    return compared_fields(model=MODEL.name, case=SCAN, ours={"n_scenarios": count},
                           theirs=case["expected"])
