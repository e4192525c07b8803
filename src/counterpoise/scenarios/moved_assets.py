"""What is each asset worth in each scenario? Prices compose through what they are measured in.

    ln P'/P = x of its own factor (price or peg) + ln P'/P of `against`,   0 for USD

so a staking token falls with its coin and, beside it, against its coin. An asset without a price
factor has no moved price: NaN, never the price of today.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from counterpoise import _core
from counterpoise.market.snapshot import MarketSnapshot, usd_price
from counterpoise.scenarios.factors import Factor, Floats, JointMoves, factor_name
from counterpoise.values.failure import Reason, bad_input

_PRICES: Final = ("price", "peg")
STABLECOINS: Final = frozenset({
    "BUSD", "DAI", "FDUSD", "FRAX", "GHO", "PYUSD", "RLUSD", "SUSD", "TUSD", "USD1", "USDC",
    "USDD", "USDE", "USDG", "USDP", "USDS", "USDT", "USTC", "UST", "SUSDE"})
"""Assets that are meant to be worth a dollar: their factor is a peg, that of others a price."""


def asset_moves(moves: JointMoves, market: MarketSnapshot, *, assets: Sequence[str] | None = None,
                still: Sequence[str] = ()) -> Floats:
    """Return the USD price of each asset in each scenario, [scenario, asset].

    Scenario 0 is the unshocked world, as in `joint_scenarios`. `assets` are those of the market
    where None. NaN where the market has no price or the moves have no factor for the asset, or for
    what it is measured in; but a stablecoin without a factor keeps its price where the caller says
    that `peg` is `still`.

    Raises
    ------
    BadInput
        If an asset has two price factors, or is measured in itself through others.
    """
    codes = market.assets if assets is None else tuple(assets)
    now = np.array([usd_price(market, code) for code in codes])
    out = np.empty((1 + len(moves.labels), len(codes)))
    out[0] = now
    for k, code in enumerate(codes):
        kept = "peg" in still and code in STABLECOINS and _price_factor(moves.factors, code) < 0
        out[1:, k] = now[k] if kept else now[k] * _core.exp(log_price_move(moves, code))
    return out


def log_price_move(moves: JointMoves, code: str) -> Floats:
    """Return ln(P'/P) in USD of an underlying or asset, [scenario]; NaN without a factor for it.

    Raises as `asset_moves`.
    """
    total = np.zeros(len(moves.labels))
    seen: list[str] = []
    while code != "USD":
        if code in seen:
            raise bad_input(Reason.BAD_VALUE, code, "is measured in itself: "
                            + " in ".join((*seen, code)) + "; one of them must be in USD")
        seen.append(code)
        column = _price_factor(moves.factors, code)
        if column < 0:
            return np.full(len(moves.labels), np.nan)
        total = total + moves.move[:, column]
        code = moves.factors[column].against
    return total


def _price_factor(factors: tuple[Factor, ...], code: str) -> int:
    found = [k for k, f in enumerate(factors) if f.subject == code and f.kind in _PRICES]
    if len(found) > 1:
        raise bad_input(Reason.DUPLICATE, code, "has several prices among the factors, "
                        + " and ".join(factor_name(factors[k]) for k in found) + "; give one")
    return found[0] if found else -1
