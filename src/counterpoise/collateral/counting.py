"""At which price does collateral count when the market's own is doubtful?

    market part = price x confidence, nothing below the least confidence
    price that counts = the market part, at least redemption value x (1 - delay haircut) and at
                        most the redemption value, where somebody redeems the asset

It is for positive amounts in the margin balance alone: equity stays at market prices, a debt counts
whole. The floor is Binance's after 10 October 2025 (redemption-based floor of USDe, BNSOL and
WBETH); its delay haircut, the cap at the redemption value and the order of the steps are *our
reading*. A floor ends with the issuer's default, which is stated. Unrealised gains in contracts on
a thin asset count in part: what nobody could sell at the mark is no collateral (Mango Markets,
11 October 2022).
"""

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.valuation import Indices, contract_values
from counterpoise.instruments.catalogue import OPTION
from counterpoise.market.conditions import confidence_in
from counterpoise.market.snapshot import Floats, MarketSnapshot
from counterpoise.values.assets import decimals_of
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen
from counterpoise.values.quantity import UNKNOWN, power_of_ten


@frozen
class CountingTerms:
    """How one asset counts where the market's price alone does not decide.

    confidence_min   below this confidence (0 to 1) in its price the market part counts nothing
    redeems          the asset that one unit is redeemed for, "" where nobody redeems it
    redemption       units of that for one unit
    delay_haircut    fraction that waiting for the redemption may cost
    defaulted        the issuer does not redeem any more: no floor, and nothing to cap at
    gains            fraction of unrealised gains in contracts on the asset that counts
    """

    confidence_min: float = 0.0
    redeems: str = ""
    redemption: float = 0.0
    delay_haircut: float = 0.0
    defaulted: bool = False
    gains: float = 1.0

    def __post_init__(self) -> None:
        """Refuse fractions outside 0 to 1 and a redemption for nothing."""
        wrong = [(name, f"{getattr(self, name)} must lie between 0 and 1")
                 for name in ("confidence_min", "delay_haircut", "gains")
                 if not 0 <= getattr(self, name) <= 1]
        if bool(self.redeems) != (0 < self.redemption <= 1e12):
            wrong.append(("redemption", f"{self.redemption} units of {self.redeems[:20]!r}: name "
                          "an asset and give more than 0 of it, or neither"))
        if wrong:
            raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=name, sentence=sentence)
                             for name, sentence in wrong))


@frozen
class Counted:
    """What terms make of collateral.

    price      [asset] at which positive amounts count, numeraire; NaN where there is none
    withheld   [account, asset] gains that do not count, asset's own units, >= 0
    """

    price: Floats
    withheld: Floats


def counted_price(terms: CountingTerms, price: float, *, redeemed: float,
                  confidence: float) -> float:
    """Return the price at which a positive amount counts.

    `redeemed` is the price of what it is redeemed for, in the same currency, NaN where unknown;
    `confidence` 0 to 1, NaN where nobody said: then the price counts whole.
    """
    part = price
    if confidence == confidence:
        part = price * confidence if confidence >= terms.confidence_min else price * 0.0
    if not terms.redeems or terms.defaulted or redeemed != redeemed or price != price:
        return part
    value = terms.redemption * redeemed
    return min(max(part, value * (1.0 - terms.delay_haircut)), value)


def counted_prices(terms: dict[str, CountingTerms], market: MarketSnapshot,
                   prices: dict[str, float]) -> dict[str, float]:
    """Return the price at which each asset counts; `prices` {asset: market price}."""
    return {code: counted_price(
        terms[code], price, redeemed=prices.get(terms[code].redeems, float("nan")),
        confidence=_confidence(market, code)) if code in terms else price
        for code, price in prices.items()}


def _confidence(market: MarketSnapshot, code: str) -> float:
    kind = "index" if code in market.catalogue.underlyings else "asset"
    return confidence_in(market.conditions, kind, code)


def withheld_gains(book: Book, market: MarketSnapshot, *, terms: dict[str, CountingTerms],
                   accounts: Indices, assets: tuple[str, ...], option_value: bool) -> Floats:
    """Return the unrealised gains that do not count, asset's own units, [account, asset], >= 0.

    Gains are counted by account, underlying and settlement asset: value at the mark less entry
    cost, options where their value counts at all. Losses count whole.
    """
    out = np.zeros((len(accounts), len(assets)))
    held, per_lot = market.catalogue, contract_values(market)
    decimals = {code: decimals_of(code) for code in held.settlements} | {
        a.code: a.decimals for a in book.assets}
    row = np.repeat(np.arange(len(book)), np.diff(book.row_pointer))
    for code in sorted(set(terms) & set(held.underlyings)):
        share = 1.0 - terms[code].gains
        mine = held.underlying[book.instrument] == held.underlyings.index(code)
        if not option_value:
            mine &= held.kind[book.instrument] != OPTION
        if not share or not mine.any():
            continue
        settled = np.take(held.settlement, book.instrument)
        for k in np.unique(settled[mine]).tolist():
            unit = power_of_ten(decimals[held.settlements[k]])
            at = np.flatnonzero(mine & (settled == k))
            gain = book.lots[at] * per_lot[book.instrument[at]] - np.where(
                book.entry_cost[at] == UNKNOWN, np.nan, book.entry_cost[at] / unit)
            total = np.bincount(row[at], weights=gain, minlength=len(book))[accounts]
            out[:, assets.index(held.settlements[k])] += share * np.maximum(
                np.nan_to_num(total), 0.0)
    return out

