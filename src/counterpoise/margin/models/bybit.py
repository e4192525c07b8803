"""Bybit's portfolio margin (unified trading account), and Dederi's: prices by volatility states.

    MM = sum over coins of (scan + contingencies) + margin of loans
    IM = im_factor x sum over coins of (scan + contingencies) + margin of loans + open orders

The scan is `margin.terms.state_grid`, the contingencies `margin.terms.unit_contingencies`. Sources:
github bybit-exchange/docs, v5/asset/portfolio-margin (2026-07-24); wiki.dederi.io, portfolio
margin; docs/methodology/bybit.md says what is *our reading*.
"""

import itertools
from typing import Final

import numpy as np

from counterpoise import _core
from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import prices_in
from counterpoise.instruments.catalogue import OPTION
from counterpoise.instruments.contracts import Instrument, Option, Payoff, Spot
from counterpoise.margin.compute import AccountMargin
from counterpoise.margin.contributions import Contributions, contributions_of
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.pools import PoolRows, cross_pools, failing_rows, summed
from counterpoise.margin.requirement import Floats, Indices, Requirements, WorstScenarios
from counterpoise.margin.terms.by_position import (
    held_or_ordered,
    requirements_of,
    stated_amount,
)
from counterpoise.margin.terms.loans import loans_of, tiered_margin, unpriced, with_failures
from counterpoise.margin.terms.orders import accounts_with_orders, order_excess
from counterpoise.margin.terms.rounding import added_up
from counterpoise.margin.terms.state_grid import (
    GridTerms,
    UnitScan,
    grid_of_states,
    grid_terms,
    position_losses,
    unit_scan,
)
from counterpoise.margin.terms.state_grid_parameters import (
    IV_CHOICES,
    NUMERAIRE,
    OTHER,
    TENORS,
    StateGridParameters,
    schedule_of,
)
from counterpoise.margin.terms.unit_contingencies import (
    ContingencyTerms,
    contingencies,
    contingency_shares,
    contingency_terms,
)
from counterpoise.margin.terms.verdicts import verdicts
from counterpoise.margin.vectors import RiskVectors
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.risk.arrays import RiskArrays
from counterpoise.risk.segments import vectors_of_segments
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen, replaced

_CHOICES: Final = {"iv_choice": IV_CHOICES, "vol_tenor": TENORS}
_BASIS: Final = "future_delta_contingency"
_RATE_STEPS: Final = 10_000.0
"""Rates of an account are shown with four decimals."""


@frozen
class StateGridMargin:
    """The model; it keeps `margin.model.MarginModel` and has `figures`.

    One class, one instance per venue: `name` is that of its dated data, `unpublished` what the
    venue leaves open in sentences, `open_readings` which readings no number of it settles, `shown`
    the figures that it shows.
    """

    name: str
    title: str
    unpublished: tuple[str, ...]
    open_readings: tuple[str, ...]
    shown: tuple[str, ...]

    parameters_type = StateGridParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "homogeneous_scan",
                      "hedge_never_raises_scan", "continuous"})
    given_names = frozenset({"open_orders_margin", "spot_in_use", "basis_margin"})

    def equity(self, parameters: StateGridParameters) -> CrossEquity:
        """Return all assets in USD by collateral tiers; what is owed counts whole."""
        return CrossEquity(numeraire=NUMERAIRE, option_value=True,
                           schedule=schedule_of(parameters), reading=(
                               "equity counts the market value of options; an asset without "
                               "collateral tiers counts nothing"))

    def scenarios(self, market: MarketSnapshot, parameters: StateGridParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return the prices by volatility states of every underlying as one set."""
        return (grid_of_states(market, parameters),)

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: StateGridParameters, threads: int) -> Requirements:
        """Return one row per account, in USD."""
        rows = cross_pools(book, NUMERAIRE)
        terms = _terms(arrays[0], market, parameters)
        scan, parts = _units(book, rows, terms, threads)
        price = prices_in(market, tuple(a.code for a in book.assets), NUMERAIRE)
        stated = stated_amount(book, rows, market, "basis_margin")
        parts[_BASIS] = np.where(np.isnan(stated), parts[_BASIS], stated)
        initial = {name: terms.im_factor * part for name, part in parts.items()}
        initial["open_orders_margin"] = _open_orders(book, rows, arrays[0], market, terms)
        maintenance = dict(parts)
        initial["borrowing"], maintenance["borrowing"] = (
            _borrowing(book, rows, price, rates) for rates in (
                _rates(book, parameters, "im_rate"), _rates(book, parameters, "mm_rate")))
        initial["minimum"] = _minimum(book, rows, initial, parameters)
        needs = requirements_of(rows, initial=initial, maintenance=maintenance,
                                failed=_failing(book, rows, arrays[0], market, self, parameters))
        row = rows.row_of[scan.rows.account, 0]
        return replaced(needs, worst=WorstScenarios(
            units=book.catalogue.underlyings, row=row, unit=scan.rows.unit,
            scenario=scan.scenario, loss=scan.of_positions + scan.of_coins))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: StateGridParameters) -> Contributions:
        """Return losses at the worst price; contingencies in proportion to size.

        What hedging coins take off the loss is the account's, not a position's.
        """
        terms = _terms(arrays[0], market, parameters)
        found = contingencies(book, terms.beside)
        loss = position_losses(book, terms.grid, unit_scan(book, terms.grid))
        shares = contributions_of(
            {"scan": (loss, None)} | {name: (share, found.rows.order) for name, share in
                                      contingency_shares(found, terms.beside).items()},
            maintenance_factor=1.0)
        return Contributions(components=shares.components, maintenance=shares.maintenance,
                             initial=terms.im_factor * shares.initial)

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: StateGridParameters) -> tuple[RiskVectors, ...]:
        """Return gains and losses; `counted` is that of the price in all its volatility states."""
        terms = grid_terms(arrays[0], market, parameters)
        rows = unit_scan(book, terms).rows
        counted = vectors_of_segments(rows, terms.pnl, terms.transform)[1]
        return (RiskVectors(
            scenarios=arrays[0].scenarios, units=terms.coins, account=rows.account,
            unit=rows.unit, summed=vectors_of_segments(rows, terms.pnl)[0],
            counted=counted[:, terms.transform.state],
            by_position=book.lots[:, None] * terms.pnl[book.instrument]),)

    def figures(self, margins: AccountMargin, book: Book, arrays: tuple[RiskArrays, ...],
                market: MarketSnapshot, parameters: StateGridParameters) -> dict[str, Floats]:
        """Return what Bybit shows, by requirement row; rates are fractions, the rest USD."""
        needs, equity = margins.requirements, margins.equity
        haircut = equity - margins.margin_balance
        figures = {"account_im_rate": account_rate(needs.initial, equity),
                   "account_mm_rate": account_rate(needs.maintenance, equity), "haircut": haircut,
                   "available_balance": available_balance(equity, haircut, needs.initial)}
        return {name: figures[name] for name in self.shown}

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: StateGridParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these numbers that the venue does not publish."""
        options = bool(np.any(market.catalogue.kind[book.instrument] == OPTION))
        return tuple(sentence for applies, sentence in (
            (options, "the worst volatility state of a price is chosen by "
             f"{parameters.readings.iv_choice}"),
            *((bool(len(book.instrument)), sentence) for sentence in self.unpublished),
            (book.roles is not None or "spot_in_use" in book.given,
             "coins used as a hedge join the scan whole and count only where they gain"),
            (bool(np.any(loans_of(book) > 0)), "each part of a loan has the margin rate of its "
             "tier"),
            (len(book.order_instrument) > 0, "open orders: the worst of long-delta and "
             "short-delta orders filled, IM only"),
            (True, self.equity(parameters).reading)) if applies)

    def reading_variants(self, book: Book, parameters: StateGridParameters,
                         ) -> tuple[tuple[tuple[str, StateGridParameters], ...], ...]:
        """Return all combinations of the open readings: all move the scan."""
        chosen = (dict(zip(self.open_readings, values, strict=True)) for values in
                  itertools.product(*(_CHOICES[name] for name in self.open_readings)))
        return (tuple((", ".join(f"{name}={value}" for name, value in choice.items()), replaced(
            parameters, readings=replaced(parameters.readings, **choice))) for choice in chosen),)


MODEL: Final = StateGridMargin(
    name="bybit", title="Bybit portfolio margin (unified trading account)",
    open_readings=("iv_choice",),
    shown=("account_im_rate", "account_mm_rate", "haircut", "available_balance"),
    unpublished=(
        "volatility moves are confirmed at one tenor on BTC alone; the same moves and power are "
        "taken on ETH and below 30 days to expiry",
        "contingencies of short options, of basis, vega and stablecoin offsets: our shapes, "
        "rates of our example; only the rate on futures is Bybit's"))
DEDERI: Final = StateGridMargin(
    name="dederi", title="Dederi portfolio margin (one strategy)",
    open_readings=("iv_choice", "vol_tenor"), shown=(),
    unpublished=(
        "volatility moves, initial over maintenance margin and its minimum, and the contingency "
        "of options are our example; only prices, futures and their contingency are Dederi's",
        "an account is one strategy; the factors of inquirers and quoters are not applied"))


def basis_forward(index: Floats, *, basis_rate: float, days: float) -> Floats:
    """Return index x exp(basis_rate x days / 365), the forward that Dederi marks futures at."""
    return index * _core.exp(np.full(np.shape(index), basis_rate * days / 365.0))


def account_rate(amount: Floats, equity: Floats) -> Floats:
    """Return amount over equity truncated to four decimals; NaN where equity is not positive."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(equity > 0, amount / equity, np.nan)
    return np.trunc(rate * _RATE_STEPS) / _RATE_STEPS


def available_balance(equity: Floats, haircut: Floats, initial: Floats) -> Floats:
    """Return what may be put at risk or withdrawn, USD: below zero where more is needed."""
    return equity - haircut - initial


@frozen
class _Terms:
    """What units are measured by: their scan, what stands beside it, initial over maintenance."""

    grid: GridTerms
    beside: ContingencyTerms
    im_factor: float


def _terms(arrays: RiskArrays, market: MarketSnapshot, parameters: StateGridParameters) -> _Terms:
    grid = grid_terms(arrays, market, parameters)
    return _Terms(grid=grid, im_factor=parameters.general.im_factor, beside=contingency_terms(
        arrays, market, grid.usd, parameters.contingency))


def _units(book: Book, rows: PoolRows, terms: _Terms,
           threads: int) -> tuple[UnitScan, dict[str, Floats]]:
    """Return the scan of every unit, and the addends of every row's maintenance margin."""
    scan = unit_scan(book, terms.grid, threads=threads)
    found = contingencies(book, terms.beside, threads=threads)
    row = rows.row_of[scan.rows.account, 0]
    of_charges = rows.row_of[found.rows.account, 0]
    parts = {"scan": summed(row, scan.of_positions, len(rows)),
             "spot_hedge": summed(row, scan.of_coins, len(rows))}
    return scan, parts | {name: summed(of_charges, charge, len(rows))
                          for name, charge in found.charges.items()}


def _open_orders(book: Book, rows: PoolRows, arrays: RiskArrays, market: MarketSnapshot,
                 terms: _Terms) -> Floats:
    """Return what open orders add, as stated or the worse side of them filled, [row]."""
    accounts = accounts_with_orders(book)

    def needs(side: Book) -> Floats:
        whole = replaced(
            side, assets=book.assets, balances=book.balances[accounts],
            given={name: table[accounts] for name, table in book.given.items()},
            roles=None if book.roles is None else book.roles[accounts])
        pool = cross_pools(whole, NUMERAIRE)
        _, parts = _units(whole, pool, terms, 1)
        out = np.zeros((len(side), 1))
        out[pool.account, 0] = terms.im_factor * added_up(parts)
        return out

    ours = order_excess(book, rows, delta=arrays.black_delta, needs=needs)
    stated = stated_amount(book, rows, market, "open_orders_margin")
    return np.where(np.isnan(stated), ours, stated)


def _rates(book: Book, parameters: StateGridParameters,
           field: str) -> list[tuple[tuple[float, ...], Floats]]:
    tiers = [parameters.borrow.get(a.code.lower(), parameters.borrow[OTHER]) for a in book.assets]
    return [(t.up_to, np.array(getattr(t, field))) for t in tiers]


def _borrowing(book: Book, rows: PoolRows, price: Floats,
               rates: list[tuple[tuple[float, ...], Floats]]) -> Floats:
    return tiered_margin(loans_of(book)[rows.account], price, rates)


def _minimum(book: Book, rows: PoolRows, initial: dict[str, Floats],
             parameters: StateGridParameters) -> Floats:
    """Return what is left to the least initial margin of accounts with positions, [row]."""
    held = np.diff(book.row_pointer)[rows.account] > 0
    short = parameters.general.initial_minimum - added_up(initial)
    return np.where(held, np.maximum(short, 0.0), 0.0)


def _failing(book: Book, rows: PoolRows, arrays: RiskArrays, market: MarketSnapshot,
             model: StateGridMargin, parameters: StateGridParameters,
             ) -> tuple[Indices, tuple[Failure, ...]]:
    terms = market.catalogue
    barred, why = verdicts(terms, lambda c: _not_applicable(c, market, model, parameters),
                           held_or_ordered(book))
    unmarked = (terms.kind == OPTION) & np.isnan(market.mark) & ~arrays.failed & ~barred
    why |= {int(k): Failure(reason=Reason.MISSING_NUMBER, subject=terms.instruments[k].id,
                            sentence="needs its mark, from which option P&L is counted; add it to "
                            "market.instruments") for k in np.flatnonzero(unmarked)}
    failed = failing_rows(book, rows, arrays.failed | barred | unmarked, market, why)
    codes = tuple(a.code for a in book.assets)
    return with_failures(failed, unpriced(market, codes, NUMERAIRE,
                                          loans_of(book)[rows.account] > 0))


def _not_applicable(contract: Instrument, market: MarketSnapshot, model: StateGridMargin,
                    parameters: StateGridParameters) -> Failure | None:
    coin, name = contract.underlying, model.name
    inverse = contract.payoff is Payoff.INVERSE
    if isinstance(contract, Spot) or (inverse and isinstance(contract, Option)) or (
            contract.payoff is Payoff.QUANTO):
        reason, sentence = Reason.NOT_APPLICABLE, (
            f"{name} covers linear contracts and inverse futures; hold spot as a balance")
    elif coin.lower() not in parameters.asset:
        reason, sentence = Reason.NO_PARAMETERS, (
            f"{name} has no shocks for {coin}; it has them for "
            + ", ".join(sorted(parameters.asset)).upper())
    elif not market.index[market.catalogue.underlyings.index(coin)] > 0:
        reason, sentence = Reason.MISSING_INDEX, f"needs the index of {coin}; add market.indices"
    elif not inverse and not price_of(market, contract.settlement) > 0:
        reason, sentence = Reason.MISSING_PRICE, (
            f"needs the USD price of {contract.settlement}; add it to market.assets")
    else:
        return None
    return Failure(reason=reason, subject=contract.id, sentence=sentence)
