"""The parameters of `dynamic` that come with the package: simulated, seeded, labelled so.

`python -m counterpoise.adapters.simulated_parameters` writes them again, bit for bit. They make the
model work on the simulated market; a margin that somebody depends on needs calibrated ones.
"""

from pathlib import Path
from typing import Final

import counterpoise.margin.models
from counterpoise.adapters.dynamic_file import Stated, write_dynamic
from counterpoise.collateral.schedule import WHOLE, AssetTerms, CollateralSchedule
from counterpoise.margin.terms.dynamic_parameters import (
    CorrelationTerms,
    DynamicMoves,
    DynamicParameters,
    FloorTerms,
    GeneralTerms,
    ImpactTerms,
    IssuerTerms,
    LiquidityTerms,
    MaintenanceTerms,
    StressTerms,
)
from counterpoise.scenarios.simulated_moves import simulated_moves

SEED: Final = 15
COUNT: Final = 320
STRESSED: Final = 80
STATED: Final = Stated(number=1, observed_on="example", effective_from="2018-01-01", source=(
    "ours: simulated and seeded, documented preset of 97.5 % expected shortfall over 2 days; "
    "adapters/simulated_parameters.py writes it"))


def simulated_parameters(*, seed: int = SEED, count: int = COUNT) -> DynamicParameters:
    """Return the documented preset on simulated moves: 97.5 % expected shortfall over two days."""
    broken = {name: simulated_moves(seed=seed, count=count, dependence=name)
              for name in ("all_up", "hedge_broken")}
    return DynamicParameters(
        moves=DynamicMoves(
            base=simulated_moves(seed=seed, count=count), breaks=broken,
            floor=simulated_moves(seed=seed, count=count, scale=1.2),
            stress=simulated_moves(seed=seed + 1, count=STRESSED, scale=2.5, breaks=40)),
        general=GeneralTerms(level=0.975, horizon_days=2.0, smile="sticky_strike",
                             funding="left_out", passing_days=0.0, still=(), simulated=True),
        maintenance=MaintenanceTerms(fraction=0.8), collateral=_collateral(),
        floor=FloorTerms(share=1.0, years=10.0, history="simulated at 1.2 times the present "
                         "volatility, as if over ten years"),
        stress=StressTerms(weight=0.25, level=0.975, reading="blend"),
        correlation=CorrelationTerms(sets=("all_up", "hedge_broken")),
        impact=ImpactTerms(coefficient=1.0, participation=0.1, threshold=0.1, multiple=2.338,
                           follow_market=True),
        liquidity={"btc": _depth(2e9, 2e7, 0.030, 2e6), "eth": _depth(1e9, 1e7, 0.040, 8e5)},
        wrong_way={"bnb": IssuerTerms(issuer="exchange", recovery=0.0),
                   "usde": IssuerTerms(issuer="ethena", recovery=0.6)})


def _collateral() -> CollateralSchedule:
    coin, token = AssetTerms(up_to=(), weight=(0.98,)), AssetTerms(up_to=(), weight=(0.95,))
    return CollateralSchedule(numeraire="USD", other=None, assets={
        "USDC": WHOLE, "USDT": WHOLE, "USDE": token, "BTC": coin, "ETH": coin, "BNB": token})


def _depth(volume: float, depth: float, daily: float, vega: float) -> LiquidityTerms:
    return LiquidityTerms(volume_usd=volume, depth_usd=depth, half_spread=0.0002,
                          daily_volatility=daily, vega_volume_usd=vega, daily_vol_move=4.0,
                          vol_spread=0.5)


def main() -> None:
    """Write the preset beside the models."""
    folder = Path(counterpoise.margin.models.__file__).parent / "parameters"
    write_dynamic(str(folder / "dynamic.json"), simulated_parameters(), STATED)


if __name__ == "__main__":
    main()
