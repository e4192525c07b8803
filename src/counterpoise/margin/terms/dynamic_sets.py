"""Which scenarios does `dynamic` price, and what are they worth in one currency?

A row of a dollar array is a position's gain per lot, in the asset it settles in, at the price that
asset has in the scenario; below the instruments stands one row per asset, the change in price of
its smallest unit. So a coin that is posted, the peg of what a profit is paid in and the positions
move together, and an account is one sum of whole lots.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from counterpoise import _core
from counterpoise.margin.terms.dynamic_parameters import (
    NUMERAIRE,
    DynamicParameters,
    alike,
    dynamics_in,
)
from counterpoise.market.snapshot import Floats, MarketSnapshot
from counterpoise.market.surfaces.raw import RawSurface
from counterpoise.market.surfaces.smiles import smiles_of
from counterpoise.market.surfaces.ssvi import fit_ssvi
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.factors import JointMoves
from counterpoise.scenarios.joint import joint_scenarios_with_gaps
from counterpoise.scenarios.moved_assets import asset_moves
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.quantity import power_of_ten

BREAKS: Final = "breaks."
SHOCKED: Final = "shocks of "
SAMPLE: Final = "sample"
_BLOCK: Final = 128


@frozen
class DollarSet:
    """One scenario set in USD.

    usd      [instrument + asset, scenario] per lot and per smallest unit, 0 in scenario 0
    weight   [scenario], 0 in scenario 0
    """

    name: str
    usd: Floats
    weight: Floats

    @property
    def equal(self) -> bool:
        """Whether all scenarios but scenario 0 weigh the same."""
        return alike(self.weight[1:])


@frozen
class Units:
    """The assets that accounts hold or settle in: codes, sorted, and units per whole asset."""

    assets: tuple[str, ...]
    per_asset: Floats


def used_moves(parameters: DynamicParameters) -> tuple[tuple[str, JointMoves], ...]:
    """Return (name, moves) of the sets that these parameters look at, the base first."""
    moves, broken = parameters.moves, parameters.correlation
    found: list[tuple[str, JointMoves | None]] = [("base", moves.base)]
    found += [("stress", moves.stress)] if parameters.stress is not None else []
    found += [("floor", moves.floor)] if parameters.floor is not None else []
    found += [(BREAKS + name, moves.breaks[name]) for name in (broken.sets if broken else ())]
    found += [(SHOCKED + issuer, shocked_moves(moves.base, parameters, issuer))
              for issuer in shocking(parameters)]
    return tuple((name, one) for name, one in found if one is not None)


def shocking(parameters: DynamicParameters) -> tuple[str, ...]:
    """Return the issuers whose default shocks other prices, sorted."""
    return tuple(sorted({one.issuer for one in (parameters.wrong_way or {}).values()
                         if one.shocks}))


def shocked_moves(base: JointMoves, parameters: DynamicParameters, issuer: str) -> JointMoves:
    """Return the one joint move beside a default: the prices it shocks, all else as it is."""
    size = {code: x for one in (parameters.wrong_way or {}).values() if one.issuer == issuer
            for code, x in one.shocks.items()}
    own = [size.get(f.subject.lower(), 0.0) if f.kind in ("price", "peg") else 0.0
           for f in base.factors]
    return replaced(base, labels=(f"default of {issuer}",), weight=np.ones(1),
                    move=_core.log1p(np.array(own))[None], method=f"shocks of {issuer}: {size}")


def dynamic_scenarios(market: MarketSnapshot,
                      parameters: DynamicParameters) -> tuple[ScenarioSet, ...]:
    """Return the sets of `used_moves`; gains arise in the asset that a contract settles in."""
    dynamics = dynamics_in(parameters.general)
    surfaces = surfaces_of(market)[0] if dynamics.smile == "sticky_moneyness" else None
    return tuple(replaced(joint_scenarios_with_gaps(moves, market, dynamics, surfaces=surfaces),
                          numeraire="settlement") for _, moves in used_moves(parameters))


def surfaces_of(market: MarketSnapshot) -> tuple[dict[tuple[str, str], RawSurface],
                                                 tuple[str, ...]]:
    """Return the SSVI surface of each (underlying, settlement), and the names of those without."""
    terms = market.catalogue
    pairs = np.unique(np.stack([terms.underlying, terms.settlement])[:, terms.strike > 0], axis=1)
    found: dict[tuple[str, str], RawSurface] = {}
    without = []
    for u, s in pairs.T.tolist():
        line = (terms.underlyings[u], terms.settlements[s])
        try:
            found[line] = fit_ssvi(smiles_of(market, *line))
        except BadInput:
            without.append(" settled in ".join(line))
    return found, tuple(without)


def dollar_sets(arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: DynamicParameters, units: Units) -> Iterator[DollarSet]:
    """Yield the priced sets in USD, one after the other: one lies in memory at a time."""
    used = used_moves(parameters)
    assert len(used) == len(arrays), "arrays of other parameters"
    sampled = parameters.stress is not None and parameters.stress.reading == SAMPLE
    for (name, moves), priced in zip(used, arrays, strict=True):
        one = DollarSet(name=name, usd=_dollars(priced, moves, market, units),
                        weight=priced.scenarios.weight)
        if name == "stress" and sampled:
            yield _sample(DollarSet(name="base", usd=_dollars(arrays[0], used[0][1], market, units),
                                    weight=arrays[0].scenarios.weight), one, parameters)
        else:
            yield one


def _dollars(arrays: RiskArrays, moves: JointMoves, market: MarketSnapshot,
             units: Units) -> Floats:
    terms, count = market.catalogue, len(market.catalogue)
    price = np.ascontiguousarray(asset_moves(moves, market, assets=units.assets).T)
    paid = np.array([units.assets.index(s) for s in terms.settlements], np.int64)[terms.settlement]
    out = np.empty((count + len(units.assets), price.shape[1]))
    for start in range(0, count, _BLOCK):
        block = slice(start, min(start + _BLOCK, count))
        np.take(price, paid[block], axis=0, out=out[block], mode="clip")  # unbuffered
        out[block] *= arrays.pnl[block]
    out[count:] = (price - price[:, :1]) / units.per_asset[:, None]
    out[count:, 0] = 0.0
    return out


def _sample(base: DollarSet, stress: DollarSet, parameters: DynamicParameters) -> DollarSet:
    """Return base and stress scenarios as one sample, stress with its share of the weight."""
    assert parameters.stress is not None
    share = parameters.stress.weight
    parts = [one.weight[1:] * (part / float(np.add.reduce(one.weight[1:])))
             for one, part in ((base, 1.0 - share), (stress, share))]
    return DollarSet(name=SAMPLE, usd=np.concatenate((base.usd, stress.usd[:, 1:]), axis=1),
                     weight=np.concatenate(([0.0], *parts)))


def units_of(assets: tuple[str, ...], decimals: dict[str, int]) -> Units:
    """Return the units of assets; `decimals` {code: of the ledger}."""
    return Units(assets=assets, per_asset=np.array([power_of_ten(decimals[a]) for a in assets]))


def unmoved(parameters: DynamicParameters, market: MarketSnapshot,
            assets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the assets that have a price and no factor that says how it moves."""
    base = parameters.moves.base
    first = replaced(base, labels=base.labels[:1], move=base.move[:1], weight=base.weight[:1])
    moved = asset_moves(first, market, assets=assets)
    return tuple(code for code, now, then in zip(assets, moved[0], moved[1], strict=True)
                 if code != NUMERAIRE and now == now and then != then)
