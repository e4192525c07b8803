"""What a position needs by itself under standard margin, segregated or cross.

    futures  IM = |q| (im0 + k |q|) x price      MM = |q| (mm0 + k |q|) x price
    options  short only: IM = max(max(0.15 - OTM/U, 0.10) + m, MM for puts), MM = 0.075 + m (calls)

Symbols and sources: `margin.models.standard` and docs/methodology/standard.md.
"""

from typing import Any

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION
from counterpoise.instruments.contracts import Instrument, Option, Payoff, Spot
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.pools import PoolRows, failing_rows
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.ranges import require_ranges
from counterpoise.margin.terms.short_options import out_of_the_money, short_margin
from counterpoise.margin.terms.verdicts import verdicts
from counterpoise.market.snapshot import MarketSnapshot, Quality, usd_price
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen


@frozen
class FutureParameters:
    """Rates of futures and perpetuals: base rates as fractions, `slope_per_coin` added per coin."""

    im_base: float
    mm_base: float
    slope_per_coin: float

    def __post_init__(self) -> None:
        """Refuse rates that have no meaning."""
        require_ranges(self, {"im_base": (0, 1), "mm_base": (0, 1), "slope_per_coin": (0, 1)})


@frozen
class OptionParameters:
    """Factors of short options as fractions of the forward."""

    im_factor: float
    im_minimum: float
    mm_factor: float

    def __post_init__(self) -> None:
        """Refuse factors that have no meaning."""
        require_ranges(self, {"im_factor": (0, 1), "im_minimum": (0, 1), "mm_factor": (0, 1)})


@frozen
class StandardParameters:
    """Parameters keyed `underlying_settlement`, e.g. `btc_btc`, `btc_usdc`."""

    future: dict[str, FutureParameters]
    option: dict[str, OptionParameters]

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        futures = [(f"future.{key}", f"odd parameter: mm_base {rates.mm_base:g} of {key} is "
                    f"above im_base {rates.im_base:g}")
                   for key, rates in self.future.items() if rates.mm_base > rates.im_base]
        options = [(f"option.{key}", f"odd parameter: mm_factor {rates.mm_factor:g} of {key} is "
                    f"above im_minimum {rates.im_minimum:g}, so maintenance can exceed initial")
                   for key, rates in self.option.items() if rates.mm_factor > rates.im_minimum]
        return (*futures, *options)


@frozen
class Rates:
    """What one lot costs, [instrument].

    Futures: `coins` per lot, base rates, `slope` per coin, `price` pool currency per coin.
    Options: `short_im` and `short_mm` per lot sold, pool currency.
    """

    option: np.ndarray[Any, np.dtype[np.bool_]]
    coins: Floats
    im_base: Floats
    mm_base: Floats
    slope: Floats
    price: Floats
    short_im: Floats
    short_mm: Floats


def rates_of(market: MarketSnapshot, parameters: StandardParameters) -> Rates:
    """Return what one lot of every instrument costs, in its settlement asset."""
    terms = market.catalogue
    keys = [_key(c) for c in terms.instruments]
    inverse = terms.payoff == 1
    option = terms.kind == OPTION
    with np.errstate(divide="ignore", invalid="ignore"):
        coins = np.where(inverse & ~option, terms.unit / market.mark, terms.unit)
    short_im, short_mm = _short_option(market, keys, parameters)
    return Rates(
        option=option, coins=coins, im_base=_column(keys, parameters.future, "im_base"),
        mm_base=_column(keys, parameters.future, "mm_base"),
        slope=_column(keys, parameters.future, "slope_per_coin"),
        price=np.where(inverse, 1.0, market.index[terms.underlying] / _settlement_price(market)),
        short_im=short_im, short_mm=short_mm)


def _settlement_price(market: MarketSnapshot) -> Floats:
    """Return the USD price of every instrument's settlement asset, [instrument]."""
    terms = market.catalogue
    price = np.array([usd_price(market, s) for s in terms.settlements])
    return np.take(price, terms.settlement)


def _short_option(market: MarketSnapshot, keys: list[str],
                  parameters: StandardParameters) -> tuple[Floats, Floats]:
    terms = market.catalogue
    im, least, mm = (_column(keys, parameters.option, f)
                     for f in ("im_factor", "im_minimum", "mm_factor"))
    forward = market.forward + market.forward_fixed
    inverse = terms.payoff == 1
    with np.errstate(divide="ignore", invalid="ignore"):
        premium = np.where(inverse, market.mark, market.mark / forward)
        out = out_of_the_money(terms, forward) / forward
    call = terms.right > 0
    maintenance = np.where(call, mm, np.maximum(mm, mm * premium)) + premium
    initial = short_margin(price=1.0, out=out, mark=premium, rate=im, least=least)
    initial = np.where(call, initial, np.maximum(initial, maintenance))
    scale = terms.unit * np.where(inverse, 1.0, forward)
    return initial * scale, maintenance * scale


def _column(keys: list[str], table: dict[str, Any], field: str) -> Floats:
    return np.array([getattr(table[k], field) if k in table else np.nan for k in keys])


def _key(contract: Instrument) -> str:
    return f"{contract.underlying}_{contract.settlement}".lower()


def position_margins(book: Book, rates: Rates) -> tuple[Floats, Floats]:
    """Return (initial, maintenance) of every position by itself."""
    at = book.instrument
    size = np.abs(book.lots) * rates.coins[at]
    short = np.maximum(-book.lots, 0)
    slope = rates.slope[at] * size
    initial = np.where(rates.option[at], short * rates.short_im[at],
                       size * (rates.im_base[at] + slope) * rates.price[at])
    maintenance = np.where(rates.option[at], short * rates.short_mm[at],
                           size * (rates.mm_base[at] + slope) * rates.price[at])
    return initial, maintenance


def shares(book: Book, initial: Floats, maintenance: Floats) -> Contributions:
    """Return each position's own margins, [position], as contributions to futures or options."""
    option = book.catalogue.kind[book.instrument] == OPTION
    split = {"futures": ~option, "options": option}
    return Contributions(
        components=tuple(split),
        initial=np.stack([np.where(mine, initial, 0.0) for mine in split.values()], axis=1),
        maintenance=np.stack([np.where(mine, maintenance, 0.0) for mine in split.values()],
                             axis=1))


def standard_failures(book: Book, pools: PoolRows, market: MarketSnapshot,
                      parameters: StandardParameters) -> tuple[Indices, tuple[Failure, ...]]:
    """Return the failing rows as `margin.pools.failing_rows` does."""
    terms = market.catalogue
    barred, why = verdicts(terms, lambda c: _not_applicable(c, market, parameters))
    needed = np.where(terms.kind == OPTION, int(~Quality.MISSING_VOLATILITY
                                                & ~Quality.ABSURD_VOLATILITY & 0xFFFF), 0xFFFF)
    needed = np.where(terms.payoff == 1, needed & ~int(Quality.MISSING_INDEX), needed)
    return failing_rows(book, pools, barred | ((market.quality & needed) != 0), market, why)


def _not_applicable(contract: Instrument, market: MarketSnapshot,
                    parameters: StandardParameters) -> Failure | None:
    if isinstance(contract, Spot) or contract.payoff is Payoff.QUANTO:
        return Failure(reason=Reason.NOT_APPLICABLE, subject=contract.id, sentence=(
            "standard margin covers inverse and linear perpetuals, futures and options; hold spot "
            "as a balance"))
    table: dict[str, Any] = parameters.option if isinstance(contract, Option) else parameters.future
    if _key(contract) in table:
        if contract.payoff is Payoff.INVERSE or usd_price(market, contract.settlement) > 0:
            return None
        return Failure(reason=Reason.MISSING_PRICE, subject=contract.id, sentence=(
            f"needs the USD price of {contract.settlement}; add it to market.assets"))
    return Failure(reason=Reason.NO_PARAMETERS, subject=contract.id, sentence=(
        f"standard has no parameters for {_key(contract)}; it has "
        + ", ".join(sorted(table))))
