"""Deribit standard margin (S:SM): every position by itself, no offsets between instruments.

    futures  IM = |q| (im0 + k |q|) x price      MM = |q| (mm0 + k |q|) x price
    options  short only: IM = max(max(0.15 - OTM/U, 0.10) + m, MM for puts), MM = 0.075 + m (calls)

q is in coins, `price` 1 for inverse contracts and the index in the settlement asset for linear
ones, m the premium and OTM/U the out-of-the-money amount as fractions of the forward U. Sources:
Deribit support "Linear Perpetual" and API reference for futures (published, exact); the option rule
is from secondary sources: docs/methodology/standard.md.
"""

from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION
from counterpoise.instruments.contracts import Instrument, Option, Payoff, Spot
from counterpoise.margin.contributions import Contributions
from counterpoise.margin.model import EquityRule
from counterpoise.margin.pools import (
    PoolRows,
    failing_rows,
    given_amount,
    pool_of_instrument,
    position_accounts,
    settlement_pools,
    summed,
)
from counterpoise.margin.requirement import Floats, Indices, Requirements, WorstScenarios
from counterpoise.margin.terms.by_position import open_orders
from counterpoise.margin.terms.ranges import require_ranges
from counterpoise.margin.terms.rounding import with_rounding
from counterpoise.margin.terms.short_options import out_of_the_money, short_margin
from counterpoise.margin.terms.verdicts import verdicts
from counterpoise.margin.vectors import RiskVectors
from counterpoise.market.snapshot import MarketSnapshot, Quality, usd_price
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
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


class Standard:
    """The model; it keeps `margin.model.MarginModel`."""

    name = "standard"
    title = "Deribit standard margin (S:SM)"
    parameters_type = StandardParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance",
                      "long_option_at_most_premium", "continuous"})

    def equity(self, parameters: StandardParameters) -> EquityRule:
        """Return premium-out equity: short margin contains the mark, so options count nowhere."""
        return EquityRule(option_value=False, haircuts={}, reading=(
            "equity leaves the market value of options out"))

    def scenarios(self, market: MarketSnapshot, parameters: StandardParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: StandardParameters, threads: int) -> Requirements:
        """Return one row per (account, settlement currency); amounts in that currency."""
        pools = settlement_pools(book)
        rates = _rates(market, parameters)
        parts = _parts(book, pools, rates)
        orders = open_orders(book, pools, market, lambda filled: _margins(filled, rates)[0])
        failure, failures = _failing(book, pools, market, parameters)
        good = failure < 0
        extra = {name: np.nan_to_num(given_amount(book, pools, name))
                 for name in ("mmp_margin", "spot_margin")}
        initial = np.where(good, parts["futures"] + parts["options"] + orders
                           + extra["mmp_margin"] + extra["spot_margin"], np.nan)
        mm = {"futures": parts["futures_mm"], "options": parts["options_mm"]}
        maintenance = np.where(good, mm["futures"] + mm["options"], np.nan)
        im = {"futures": parts["futures"], "options": parts["options"],
              "open_orders_margin": orders} | extra
        nothing = np.zeros(0, np.int32)
        return Requirements(
            pools=pools.pools, account=pools.account, pool=pools.pool, initial=initial,
            maintenance=maintenance, initial_components=with_rounding(im, initial),
            maintenance_components=with_rounding(mm, maintenance), candidates={},
            failure=failure, failures=failures, worst=WorstScenarios(
                units=(), row=nothing, unit=nothing, scenario=nothing, loss=np.zeros(0)))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: StandardParameters) -> Contributions:
        """Return each position's own margin."""
        initial, maintenance = _margins(book, _rates(market, parameters))
        option = market.catalogue.kind[book.instrument] == OPTION
        split = {"futures": ~option, "options": option}
        return Contributions(
            components=tuple(split),
            initial=np.stack([np.where(mine, initial, 0.0) for mine in split.values()], axis=1),
            maintenance=np.stack([np.where(mine, maintenance, 0.0) for mine in split.values()],
                                 axis=1))

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: StandardParameters) -> tuple[RiskVectors, ...]:
        """Return none: the rule looks at no scenario."""
        return ()

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: StandardParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that Deribit does not publish."""
        held = market.catalogue.kind[book.instrument] == OPTION
        linear = market.catalogue.payoff[book.instrument] == 0
        return tuple(sentence for applies, sentence in (
            (bool(np.any(held)), "option margin: from secondary sources, no published example"),
            (bool(np.any(held & linear)), "linear options take the coin-settled factors"),
            (len(book.order_instrument) > 0, "open orders: larger side per instrument, IM only"),
            (True, self.equity(parameters).reading)) if applies)

    def reading_variants(self, book: Book, parameters: StandardParameters,
                         ) -> tuple[tuple[tuple[str, StandardParameters], ...], ...]:
        """Return none: no reading of this rule can be switched."""
        return ()


MODEL: Final = Standard()


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


def _rates(market: MarketSnapshot, parameters: StandardParameters) -> Rates:
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


def _margins(book: Book, rates: Rates) -> tuple[Floats, Floats]:
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


def _parts(book: Book, pools: PoolRows, rates: Rates) -> dict[str, Floats]:
    account = position_accounts(book.row_pointer)
    row = pools.row_of[account, pool_of_instrument(book, pools.pools)[book.instrument]]
    option = rates.option[book.instrument]
    initial, maintenance = _margins(book, rates)
    return {name: summed(row, np.where(mine, column, 0.0), len(pools))
            for name, mine, column in (("futures", ~option, initial), ("options", option, initial),
                                       ("futures_mm", ~option, maintenance),
                                       ("options_mm", option, maintenance))}


def _failing(book: Book, pools: PoolRows, market: MarketSnapshot,
             parameters: StandardParameters) -> tuple[Indices, tuple[Failure, ...]]:
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
