"""OKX's `account/position-builder`: request in, answer out, in portfolio margin.

Numbers are texts, as OKX writes them; amounts in USD. `inclRealPosAndEq` (true by default) puts the
simulated positions on top of the account of the portfolio and its assets; false takes the simulated
positions and assets alone. `idxVol` moves every index, marks with it. Source: www.okx.com/docs-v5,
"Position builder (new)".

Our reading: greeks are in coins and USD with `BS`, in coins with `PA`, in USD with `CASH`; of MR1's
two volatility shocks each scenario shows the worse.
"""

from decimal import Decimal
from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.symbols.names import symbol_of
from counterpoise.adapters.venue_requests.moved_index import with_moved_indices
from counterpoise.adapters.venue_requests.okx_request import Asked, read_request
from counterpoise.adapters.venue_requests.simulated import (
    Simulation,
    simulated_book,
    simulation_of,
    sizes_in_coin,
)
from counterpoise.collateral.cross import asset_amounts, prices_in
from counterpoise.collateral.valuation import contract_values
from counterpoise.instruments.contracts import Future, Instrument, Option, Payoff, Perpetual
from counterpoise.margin.figures import figures_of
from counterpoise.margin.terms.merged_unit_parameters import borrow_margins
from counterpoise.margin.terms.merged_unit_scenarios import EXTREME, PERCENT, POINTS
from counterpoise.margin.terms.merged_units import UnitCharges, UnitTerms, unit_charges, unit_terms
from counterpoise.market.snapshot import Floats
from counterpoise.risk.sensitivities import UNITS, per_lot
from counterpoise.values.assets import decimals_of
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.quantity import UNKNOWN, power_of_ten

Object = dict[str, Any]
METHOD: Final = "account/position-builder"
_MS: Final = 1_000_000
_GREEKS: Final = {"BS": ("delta", "gamma", "theta_usd", "vega_usd"),
                  "PA": ("premium_adjusted_delta", "gamma", "theta_coin", "vega_coin"),
                  "CASH": ("delta_usd", "gamma_usd", "theta_usd", "vega_usd")}
_SENSITIVITIES: Final = ("delta", "gamma", "theta", "vega")
_STATE_KEYS: Final = {"up": "volShockUp", "same": "volSame", "down": "volShockDown"}
_STATE_WORDS: Final = {"up": "up", "same": "unchange", "down": "down"}
_MEASURES: Final = ("mr1", "mr2", "mr3", "mr4", "mr5", "mr6", "mr7", "mr9")


def answered(request: Object, portfolio: Portfolio, method: str | None = None) -> Object:
    """Return the venue's answer to a request about the account of `portfolio` on its market.

    Raises
    ------
    BadInput
        If the request cannot be read, or the account cannot be margined: every reason.
    """
    if method not in (None, METHOD):
        raise bad_input(Reason.UNKNOWN_KEY, "method", f"{str(method)[:60]!r} is not simulated "
                        f"here; use {METHOD}")
    asked = read_request(request)
    if len(portfolio.book) != 1:
        raise bad_input(Reason.NOT_APPLICABLE, "portfolio", "has several accounts; a simulation is "
                        "of one")
    book = simulated_book(portfolio, list(asked.positions), symbols="okx", keep=asked.real)
    if not asked.real:
        book = replaced(book, assets=asked.assets, balances=asked.balances, given={}, wallets={},
                        loans=None, roles=None)
    moved = portfolio if asked.move is None else replaced(
        portfolio, market=with_moved_indices(portfolio.market, asked.move))
    shown = _shown(simulation_of(moved, book, model="okx_pm"), asked, portfolio)
    before = None if asked.move is None else _shown(
        simulation_of(portfolio, book, model="okx_pm"), asked, portfolio)
    return {"code": "0", "msg": "", "data": [_account(shown, before)]}


@frozen
class Shown:
    """One simulation with its units and what every position is, [position].

    sensitivities   [position, delta, gamma, theta, vega] in the units asked for
    gain            unrealised P&L, settlement asset; `gain_usd` the same in USD; NaN where unknown
    notional        size in coin x index, USD, >= 0
    real            whether the account held the instrument before
    """

    found: Simulation
    terms: UnitTerms
    charges: UnitCharges
    names: tuple[str, ...]
    sensitivities: Floats
    gain: Floats
    gain_usd: Floats
    notional: Floats
    real: frozenset[int]
    figures: dict[str, Floats]


def _shown(found: Simulation, asked: Asked, portfolio: Portfolio) -> Shown:
    book, market, parameters = found.book, found.portfolio.market, found.version.parameters
    terms = unit_terms(found.arrays, market, parameters)
    contract, place = market.catalogue, book.instrument
    columns = [tuple(UNITS).index(name) for name in _GREEKS[asked.greeks]]
    settled = contract.settlement[place]
    unit = np.array([power_of_ten(decimals_of(code)) for code in contract.settlements])[settled]
    cost = np.where(book.entry_cost == UNKNOWN, np.nan, book.entry_cost / unit)
    gain = book.lots * contract_values(market)[place] - cost
    usd = prices_in(market, contract.settlements, "USD")[settled]
    held = portfolio.book.instrument if asked.real else portfolio.book.instrument[:0]
    return Shown(
        found=found, terms=terms, charges=unit_charges(book, terms),
        names=tuple(symbol_of(contract.instruments[k], "okx") for k in place),
        sensitivities=book.lots[:, None] * per_lot(market)[place][:, columns], gain=gain,
        gain_usd=gain * usd, real=frozenset(held.tolist()),
        notional=np.abs(sizes_in_coin(book, market)) * market.index[contract.underlying[place]],
        figures=figures_of(found.model, found.margins, book, found.arrays, market, parameters))


def _account(shown: Shown, before: Shown | None) -> Object:
    whole = {name: float(column[0]) if len(column) else 0.0
             for name, column in shown.figures.items()}
    equity = whole["adj_eq"]
    carried = float(np.add.reduce(shown.notional))
    rows = range(len(shown.charges.rows))
    return {
        "eq": _text(equity), "totalMmr": _text(whole["total_mmr"]),
        "totalImr": _text(whole["total_imr"]), "borrowMmr": _text(whole["borrow_mmr"]),
        "derivMmr": _text(whole["deriv_mmr"]), "marginRatio": _text(whole["margin_ratio"]),
        "upl": _text(float(np.add.reduce(shown.gain_usd))),
        "acctLever": _text(carried / equity if equity else 0.0),
        "ts": str(shown.found.portfolio.market.as_of // _MS), "assets": _assets(shown),
        "riskUnitData": [_unit(shown, row, before) for row in rows], "positions": []}


def _assets(shown: Shown) -> list[Object]:
    book, market = shown.found.book, shown.found.portfolio.market
    parameters = shown.found.version.parameters
    owned = asset_amounts(book, market, accounts=np.zeros(1, np.int32), numeraire="USD",
                          option_value=True)
    use = {shown.terms.coins[shown.terms.coin[unit]]: float(coins) for unit, coins in zip(
        shown.charges.rows.unit, shown.charges.spot, strict=True) if coins}
    amounts = dict(zip(owned.assets, owned.amount[0].tolist(), strict=True))
    prices = dict(zip(owned.assets, owned.price.tolist(), strict=True))
    owed = {code: np.array([max(-amount, 0.0)]) for code, amount in amounts.items()}
    needed = {code: float(borrow_margins(parameters, code, amount)[1][0] * prices[code])
              for code, amount in owed.items() if amount > 0}
    return [{"ccy": code, "availEq": _text(amounts.get(code, 0.0)),
             "spotInUse": _text(use.get(code, 0.0)), "borrowMmr": "",
             "borrowImr": _text(needed.get(code, 0.0))}
            for code in sorted({*amounts, *shown.terms.coins})]


def _unit(shown: Shown, row: int, before: Shown | None) -> Object:
    charges, market = shown.charges, shown.found.portfolio.market
    unit = int(charges.rows.unit[row])
    mine = np.flatnonzero(shown.terms.of[shown.found.book.instrument] == unit)
    factor = shown.found.version.parameters.general.imr_factor
    was = None if before is None else float(before.charges.mmr[row])
    sums = np.add.reduce(shown.sensitivities[mine], axis=0)
    borrowed = shown.figures["borrow_mmr"]
    return {
        "riskUnit": shown.terms.names[unit].replace("_", "-"),
        "indexUsd": _text(float(market.index[shown.terms.coin[unit]])),
        "mmr": _text(charges.mmr[row]), "imr": _text(factor * charges.mmr[row]),
        "mmrBf": "" if was is None else _text(was),
        "imrBf": "" if was is None else _text(factor * was),
        "upl": _text(float(np.add.reduce(shown.gain_usd[mine]))),
        **{name: _text(getattr(charges, name)[row]) for name in _MEASURES},
        "mr8": _text(float(borrowed[0])), **_scenarios(shown, row),
        **{name: _text(x) for name, x in zip(_SENSITIVITIES, sums, strict=True)},
        "portfolios": [*(_position(shown, int(k), before) for k in mine), *_spot(shown, row)]}


def _scenarios(shown: Shown, row: int) -> Object:
    """Return the grid of MR1, its worst cell and that of MR6."""
    found, terms, charges = shown.found, shown.terms, shown.charges
    vectors = found.model.vectors(found.book, found.arrays, found.portfolio.market,
                                  found.version.parameters)
    worse = np.minimum(vectors[POINTS].summed[row], vectors[PERCENT].summed[row])
    moves = [v.scenarios.move[:, v.scenarios.factors.index(
        terms.coins[terms.coin[charges.rows.unit[row]]])] for v in vectors]
    states = [label.rsplit(" ", 1)[-1] for label in vectors[POINTS].scenarios.labels]
    grid = {key: {_text(moves[POINTS][s]): _text(worse[s]) for s, own in enumerate(states)
                  if own == state} for state, key in _STATE_KEYS.items()}
    worst = int(charges.scenario[row]) % len(worse)
    far = int(charges.extreme[row])
    return {
        "mr1Scenarios": grid,
        "mr1FinalResult": {"pnl": _text(-charges.mr1[row]), "spotShock": _text(
            moves[POINTS][worst]), "volShock": _STATE_WORDS.get(states[worst], "unchange")},
        "mr6FinalResult": {"pnl": _text(vectors[EXTREME].summed[row][far]),
                           "spotShock": _text(moves[EXTREME][far])}}


def _position(shown: Shown, k: int, before: Shown | None) -> Object:
    book, market = shown.found.book, shown.found.portfolio.market
    column = int(book.instrument[k])
    contract = market.catalogue.instruments[column]
    was = "" if before is None else _text(float(before.found.portfolio.market.mark[column]))
    size = Decimal(int(book.lots[k])).scaleb(contract.lot_exponent)
    return {
        "instId": shown.names[k], "instType": _kind(contract), "amt": f"{size.normalize():f}",
        "posSide": "net", "avgPx": _average(book, contract, k), "markPxBf": was,
        "markPx": _text(float(market.mark[column])), "floatPnl": _text(float(shown.gain[k])),
        "notionalUsd": _text(float(shown.notional[k])), "isRealPos": column in shown.real,
        **{name: _text(x) for name, x in zip(_SENSITIVITIES, shown.sensitivities[k],
                                             strict=True)}}


def _spot(shown: Shown, row: int) -> list[Object]:
    """Return the entry of spot in use, where there is any."""
    coins = float(shown.charges.spot[row])
    if not coins:
        return []
    code = shown.terms.coins[shown.terms.coin[shown.charges.rows.unit[row]]]
    return [{"instId": code, "instType": "SPOT", "amt": _text(coins), "delta": _text(coins),
             "gamma": "", "theta": "", "vega": "", "isRealPos": False}]


def _average(book: Book, contract: Instrument, k: int) -> str:
    """Return the entry price of a position, empty where nobody stated it."""
    if book.entry_cost[k] == UNKNOWN:
        return ""
    size = Decimal(int(book.lots[k])).scaleb(contract.lot_exponent) * Decimal(
        repr(contract.multiplier))
    value = Decimal(int(book.entry_cost[k])).scaleb(-decimals_of(contract.settlement)) / size
    inverse = contract.payoff is Payoff.INVERSE and not isinstance(contract, Option)
    return _text(float(-1 / value if inverse and value else value))


def _kind(contract: Instrument) -> str:
    match contract:
        case Perpetual():
            return "SWAP"
        case Future():
            return "FUTURES"
        case _:
            return "OPTION"


def _text(number: float) -> str:
    """Return a number as OKX writes it: the shortest digits that say it, empty if unknown."""
    if number != number:
        return ""
    whole = int(number)
    return str(whole) if number == whole and abs(whole) < 10**15 else repr(float(number))
