"""How much the risk of one commodity pays for another: SPAN's inter-commodity credits.

    price risk  = max(0, (worst loss + paired loss) / 2 - time risk)
    WPR         = price risk / |net delta|    NORMAL
                  price scan range            SCANRANGE
                  the smaller of the two      SCANRANGE_CAP
    credit      = spreads x delta ratio x WPR x credit rate, leg by leg

WPR is the weighted price risk per unit of delta. The paired loss is that of the same price move and
the other volatility move, time risk the mean loss of scenarios 1 and 2, in which the price stands
still. A leg's credits end at its scan risk. Source: CME Group public SPAN pages, HKEX PRiME.
"""

from typing import Any

import numpy as np

from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.span_parameters import InterCommoditySpread
from counterpoise.margin.terms.spreads import matched
from counterpoise.risk.aggregation import Rows
from counterpoise.scenarios.scanning import PAIRED
from counterpoise.values.frozen import frozen

Ints = np.ndarray[Any, np.dtype[np.int64]]


@frozen
class CreditRows:
    """Commodity rows that may offset, [unit row].

    key, at       unit, and requirement row whose units may offset
    net           net composite delta left by calendar spreads
    scan          scan risk, what a leg's credits may reach at most
    price_risk    WPR per unit of delta, pool currency
    """

    key: Indices
    at: Indices
    net: Floats
    scan: Floats
    price_risk: Floats


def price_risk(rows: Rows, gains: Floats, *, loss: Floats, scenario: Indices,
               time_risk: Floats) -> Floats:
    """Return the price risk of rows, [row], pool currency.

    `gains` [instrument, scenario] are per lot as they count, `loss` and `scenario` the worst of
    each row, `time_risk` its mean loss in scenarios 1 and 2.
    """
    row = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(rows.pointer))
    gain = rows.lots * gains[rows.instrument, PAIRED[scenario][row]]
    paired_loss = -np.bincount(row, weights=gain, minlength=len(rows))
    return np.where(scenario > 0, np.maximum((loss + paired_loss) / 2 - time_risk, 0), 0.0)


def weighted_price_risk(method: str, *, risk: Floats, delta: Floats, scan_range: Floats) -> Floats:
    """Return WPR by "normal", "scanrange" or "scanrange_cap", [row].

    `risk` is the price risk, `delta` the net composite delta before any spread, `scan_range` the
    price scan range per unit of delta. No delta, no price risk per delta: 0.
    """
    size = np.abs(delta)
    normal = np.divide(risk, size, out=np.zeros(len(risk)), where=size > 0)
    return {"normal": normal, "scanrange": scan_range,
            "scanrange_cap": np.minimum(normal, scan_range)}[method]


def credits_of(rows: CreditRows, names: tuple[str, ...],
               spreads: tuple[InterCommoditySpread, ...]) -> Floats:
    """Return the credit of every row, [unit row], positive = less to pay.

    `names` are the units' keys; `spreads` stand in order of priority.
    """
    credit, net = np.zeros(len(rows.key)), rows.net.copy()
    unit = {name: k for k, name in enumerate(names)}
    for spread in spreads:
        if not all(leg.commodity in unit for leg in spread.legs):
            continue
        legs = _complete(rows, [unit[leg.commodity] for leg in spread.legs])
        ratio = np.array([leg.ratio for leg in spread.legs])
        side = np.array([1.0 if leg.side == "a" else -1.0 for leg in spread.legs])
        found = matched(net[legs], ratio=ratio, side=side)
        gain = found.spreads * ratio[:, None] * rows.price_risk[legs] * spread.credit
        credit[legs] += np.minimum(gain, rows.scan[legs] - credit[legs])
        net[legs] = found.left
    return credit


def _complete(rows: CreditRows, units: list[int]) -> Ints:
    """Return the unit rows of all legs, [leg, pool that holds every leg]."""
    place = np.full((len(units), int(rows.at.max(initial=-1)) + 1), -1, np.int64)
    for leg, unit in enumerate(units):
        mine = np.flatnonzero(rows.key == unit)
        place[leg, rows.at[mine]] = mine
    return place[:, np.minimum.reduce(place, axis=0) >= 0]
