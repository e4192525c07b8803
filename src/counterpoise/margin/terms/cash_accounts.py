"""What Derive's managers share: one cash asset, listed collateral, contracts paid in cash.

Cash may be owed, nothing else; every account needs the price of cash. What does not apply is a
Failure that says what would be right.
"""

from collections.abc import Collection
from typing import Final

import numpy as np

from counterpoise.collateral.cross import AssetAmounts
from counterpoise.instruments.contracts import Instrument, Option, Payoff, Perpetual
from counterpoise.margin.pools import Bools
from counterpoise.margin.terms.loans import unpriced
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.values.failure import Failure, Reason

CASH: Final = "USDC"


def account_failures(market: MarketSnapshot, owned: AssetAmounts,
                     listed: Collection[str]) -> dict[Failure, Bools]:
    """Return the rows that cannot be margined for what they own, [row], by Failure.

    `listed` are the assets that count as collateral, whose price is therefore needed.
    """
    found: dict[Failure, Bools] = {}
    if not price_of(market, CASH) > 0:
        found[Failure(reason=Reason.MISSING_PRICE, subject=CASH, sentence=(
            "is the cash of every account and has no price; add market.assets.USDC"))] = np.ones(
                len(owned.amount), bool)
    known = np.array([code in listed for code in owned.assets], bool)
    found |= unpriced(market, owned.assets, CASH, (owned.amount != 0) & known)
    for k, code in enumerate(owned.assets):
        owed = owned.amount[:, k] < 0
        if code != CASH and owed.any():
            found[Failure(reason=Reason.NOT_APPLICABLE, subject=code, sentence=(
                "is owed, and Derive lends cash alone; state the debt in USDC"))] = owed
    return found


def contract_failure(contract: Instrument, market: MarketSnapshot, model: str,
                     markets: Collection[str]) -> Failure | None:
    """Return why a contract is outside a model with parameters for `markets` (small letters)."""
    if not isinstance(contract, Perpetual | Option) or contract.payoff is not Payoff.LINEAR \
            or contract.settlement != CASH:
        return Failure(reason=Reason.NOT_APPLICABLE, subject=contract.id, sentence=(
            f"{model} covers perpetuals and options paid in USDC; hold other assets as balances"))
    if contract.underlying.lower() not in markets:
        return Failure(reason=Reason.NO_PARAMETERS, subject=contract.id, sentence=(
            f"{model} has no parameters for {contract.underlying}; it has them for "
            + ", ".join(sorted(markets)).upper()))
    if not market.index[market.catalogue.underlyings.index(contract.underlying)] > 0:
        return Failure(reason=Reason.MISSING_INDEX, subject=contract.id, sentence=(
            f"needs the index of {contract.underlying}; add market.indices"))
    return None
