"""Deribit's `private/simulate_portfolio` and `private/pme/simulate`: request in, result out.

A request is the JSON-RPC object, or its `params` alone. Sizes are in coin, as Deribit takes them.
Fields of the result that nobody but the venue knows are absent, never zero: fees, reserves, session
profits. Sources: docs.deribit.com, private-simulate and private-simulate_portfolio.

Our reading: `projected_*` figures are those of the simulated portfolio too; the answer for `CROSS`
stands under `cross`. In cross margin the account is one pool in USD, and `simulate_portfolio`
repeats it in the currency asked for.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from counterpoise.accounts.book import Book, book_of, entries_of
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.symbols.names import symbol_of
from counterpoise.adapters.venue_requests.simulated import (
    Simulation,
    Wanted,
    simulated_book,
    simulation_of,
    sizes_in_coin,
)
from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.worst import worst_scenarios
from counterpoise.market.snapshot import Floats, MarketSnapshot, price_of
from counterpoise.risk.sensitivities import UNITS, greeks
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import power_of_ten

Object = dict[str, Any]
SIMULATE: Final = "private/pme/simulate"
PORTFOLIO: Final = "private/simulate_portfolio"
_GIVEN: Final = ("open_orders_margin", "mmp_margin", "spot_margin")
_MATRIX: Final = ("worst_case", "roll_shock", "delta_shock")
_MARGIN_MODELS: Final = {"deribit_spm": "segregated_pm", "standard": "segregated_sm",
                         "deribit_xpm": "cross_pm", "deribit_xsm": "cross_sm"}
_CROSS: Final = "CROSS"
_CROSS_POOL: Final = "USD"
_POSITION_DECIMALS: Final = 9
_TOLD: Final = ("initial_margin", "maintenance_margin", "equity", "margin_balance",
                "available_funds")
_TOTALS: Final = ("initial_margin", "maintenance_margin", "equity", "margin_balance")


def answered(request: Object, portfolio: Portfolio, method: str | None = None) -> Object:
    """Return the venue's answer to a request about the account of `portfolio` on its market.

    `method` is for a request that names none; `SIMULATE` by default.

    Raises
    ------
    BadInput
        If the request cannot be read, or the account cannot be margined: every reason.
    """
    envelope = "params" in request or "method" in request
    params = request.get("params", {}) if envelope else request
    method = str(request.get("method", method or SIMULATE))
    if method not in _RESULTS:
        raise bad_input(Reason.UNKNOWN_KEY, "method", f"{method[:60]!r} is not simulated here; use "
                        + " or ".join(_RESULTS))
    result = _RESULTS[method](params, portfolio)
    return {"jsonrpc": "2.0", "id": request.get("id"), "result": result} if envelope else result


def _of_engine(params: Object, portfolio: Portfolio) -> Object:
    currency, wanted, keep = _read(params)
    cross = currency == _CROSS
    found = _simulation(portfolio, wanted, keep=keep, currency=None if cross else currency,
                        model="deribit_xpm" if cross else "deribit_spm")
    market = portfolio.market
    vectors = found.model.vectors(found.book, found.arrays, market, found.version.parameters)[0]
    extended = np.array([label.startswith("extended") for label in vectors.scenarios.labels])
    extended[0] = True
    names = [symbol_of(market.catalogue.instruments[k], "deribit") for k in found.book.instrument]
    units = [vectors.units[u] for u in vectors.unit]

    def tables(rows: Floats, keys: list[str]) -> Object:
        return {key: {"standard": (row[~extended] + 0.0).tolist(),
                      "extended": (row[extended][1:] + 0.0).tolist()}
                for key, row in zip(keys, rows, strict=True)}

    return {
        "model_params": _model_params(found.version.parameters),
        "initial_risk_vectors": tables(vectors.by_position, names),
        "pre_aggregated_risk_vectors": tables(vectors.summed, units),
        "aggregated_risk_vectors": tables(vectors.counted, units),
        "margins": {currency.lower(): _margins(found, row)
                    for row in _rows(found, _CROSS_POOL if cross else currency)},
        "portfolio": {"position": _positions(found.book, market, names),
                      "currency": {}},
        **_prices(market, found.book, names),
    }


def _of_portfolio(params: Object, portfolio: Portfolio) -> Object:
    currency, wanted, keep = _read(params)
    if currency == _CROSS:
        raise bad_input(Reason.BAD_VALUE, "currency", "is CROSS; simulate_portfolio reports in one "
                        "currency, like BTC")
    model = str(portfolio.model if portfolio.model in _MARGIN_MODELS else "deribit_spm")
    cross = _MARGIN_MODELS[model].startswith("cross")
    found = _simulation(portfolio, wanted, keep=keep, model=model,
                        currency=None if cross else currency)
    # An account that holds nothing in this currency has no row: nothing is needed.
    row = next(iter(_rows(found, _CROSS_POOL if cross else currency)), None)
    told = dict.fromkeys(_TOLD, 0.0) if row is None else _told(found, row)
    if row is None or _owns_unknown(portfolio):
        told = {name: told[name] for name in ("initial_margin", "maintenance_margin")}
    totals: Object = {}
    if cross:
        totals = {f"total_{name}_usd": told[name] for name in _TOTALS if name in told}
        price = price_of(found.portfolio.market, currency)
        told = {name: amount / price for name, amount in told.items()}
    return {name: value for name, value in {
        "currency": currency, "margin_model": _MARGIN_MODELS[model],
        "portfolio_margining_enabled": model in ("deribit_spm", "deribit_xpm"),
        "cross_collateral_enabled": cross, **told, **totals,
        "projected_initial_margin": told["initial_margin"],
        "projected_maintenance_margin": told["maintenance_margin"],
        **_stated_balance(found, currency), **_sensitivities(found)}.items() if value == value}


def _told(found: Simulation, row: int) -> dict[str, float]:
    """Return the figures of a requirement row, pool currency, by the venue's names."""
    margins, needs = found.margins, found.margins.requirements
    return {name: float(column[row]) for name, column in zip(_TOLD, (
        needs.initial, needs.maintenance, margins.equity, margins.margin_balance,
        margins.initial_excess), strict=True)}


def _stated_balance(found: Simulation, currency: str) -> dict[str, float]:
    return {} if _owns_unknown(found.portfolio) else {"balance": _balance(found.book, currency)}


_RESULTS: Final[dict[str, Callable[[Object, Portfolio], Object]]] = {
    SIMULATE: _of_engine, PORTFOLIO: _of_portfolio}


def _simulation(portfolio: Portfolio, wanted: list[Wanted], *, keep: bool, currency: str | None,
                model: str) -> Simulation:
    """Return the simulated account margined; what is settled in `currency` alone, all if None."""
    book = simulated_book(portfolio, wanted, symbols="deribit", keep=keep)
    return simulation_of(portfolio, book if currency is None else _settled_in(book, currency),
                         model=model)


def _rows(found: Simulation, pool: str) -> list[int]:
    needs = found.margins.requirements
    return [row for row in range(len(needs)) if needs.pools[needs.pool[row]] == pool]


def _read(params: Any) -> tuple[str, list[Wanted], bool]:
    """Return currency, simulated positions and whether they are added to those held."""
    if not isinstance(params, dict):
        raise bad_input(Reason.BAD_VALUE, "params", "is not a JSON object")
    failures = [Failure(reason=Reason.UNKNOWN_KEY, subject=str(key)[:60], sentence=(
        "is not a parameter; use currency, add_positions, simulated_positions"))
        for key in params if key not in ("currency", "add_positions", "simulated_positions")]
    currency, keep = params.get("currency"), params.get("add_positions", True)
    positions = params.get("simulated_positions", {})
    if not isinstance(currency, str) or not currency.isalnum():
        failures.append(_bad("currency", "is missing; name one, like BTC"))
    if not isinstance(keep, bool):
        failures.append(_bad("add_positions", "is neither true nor false"))
    if not isinstance(positions, dict):
        failures.append(_bad("simulated_positions", 'is not a table like {"BTC-PERPETUAL": 0.5}'))
        positions = {}
    failures += [_bad(f"simulated_positions.{str(name)[:60]}", "has no size in coin")
                 for name, size in positions.items()
                 if isinstance(size, bool) or not isinstance(size, int | float | str)]
    if failures:
        raise BadInput(*failures)
    wanted = [Wanted(name=name, size=str(size), unit="coin") for name, size in positions.items()]
    return str(currency).upper(), wanted, keep


def _settled_in(book: Book, currency: str) -> Book:
    """Return the book with the positions and orders that are settled in a currency alone."""
    terms = book.catalogue
    mine = np.array([s == currency for s in terms.settlements], bool)[terms.settlement]
    held = entries_of(book.row_pointer, book.instrument, book.lots, book.entry_cost)
    ordered = entries_of(book.order_pointer, book.order_instrument, book.order_lots)
    return book_of(catalogue=terms, accounts=book.accounts,
                   positions=_chosen(held, mine), orders=_chosen(ordered, mine),
                   balances=(book.assets, book.balances), given=book.given)


def _chosen(rows: Any, mine: Any) -> Any:
    keep = mine[rows.instrument]
    return replaced(rows, **{name: getattr(rows, name)[keep]
                             for name in ("account", "instrument", "lots", "entry_cost")})


def _margins(found: Simulation, row: int) -> Object:
    needs = found.margins.requirements
    parts = {name: float(column[row]) for name, column in needs.initial_components.items()}
    cells = worst_scenarios(needs, found.arrays).get(row, ())
    matrix: Object = {name: parts[name] for name in _MATRIX} | {"correlation_contingency": 0.0}
    # In cross margin the equity is a position: its part of the worst case stands by itself here.
    matrix["worst_case"] += parts.get("equity", 0.0)
    if cells:
        matrix["worst_case_bucket"] = {"bucket": cells[0].bucket, "side": cells[0].side,
                                       "source": cells[0].table, "index": cells[0].index}
    maintenance = float(needs.maintenance[row])
    return {
        "initial_margin": float(needs.initial[row]), "maintenance_margin": maintenance,
        "initial_margin_details": {
            "risk_matrix_margin": maintenance / found.version.parameters.general.mm_factor,
            "risk_matrix_margin_details": matrix, **{name: parts[name] for name in _GIVEN}}}


def _positions(book: Book, market: MarketSnapshot, names: list[str]) -> Object:
    return {name: round(size, _POSITION_DECIMALS)
            for name, size in zip(names, sizes_in_coin(book, market).tolist(), strict=True)}


def _prices(market: MarketSnapshot, book: Book, names: list[str]) -> Object:
    terms = market.catalogue
    index = market.index.tolist()
    held = sorted({int(terms.underlying[k]) for k in book.instrument})
    return {"ticker": {name: {"mark_price": float(market.mark[k]),
                              "index_price": index[terms.underlying[k]]}
                       for name, k in zip(names, book.instrument.tolist(), strict=True)},
            "index_price": {f"{terms.underlyings[u].lower()}_usd": index[u] for u in held}}


def _sensitivities(found: Simulation) -> Object:
    """Return what the account carries: transaction deltas in coin, the options' greeks in USD."""
    terms = found.portfolio.market.catalogue
    option = terms.kind == OPTION
    held = entries_of(found.book.row_pointer, found.book.instrument, found.book.lots,
                      found.book.entry_cost)
    alone = book_of(catalogue=terms, accounts=found.book.accounts, positions=_chosen(held, option))
    whole, options = (_sums(book, found.portfolio.market) for book in (found.book, alone))
    return {"delta_total": whole["premium_adjusted_delta"], "options_delta": options["delta"],
            "options_gamma": options["gamma"], "options_theta": options["theta_usd"],
            "options_vega": options["vega_usd"], "options_value": options["value_coin"]}


def _sums(book: Book, market: MarketSnapshot) -> dict[str, float]:
    amounts = np.add.reduce(greeks(book, market).amount, axis=0)
    return dict(zip(UNITS, amounts.tolist(), strict=True))


def _balance(book: Book, currency: str) -> float:
    return sum(float(book.balances[0, k]) * power_of_ten(-a.decimals)
               for k, a in enumerate(book.assets) if a.code == currency)


def _owns_unknown(portfolio: Portfolio) -> bool:
    return bool(portfolio.without_balances) and "equity" not in portfolio.book.given


def _model_params(parameters: Any) -> Object:
    """Return the parameters that the venue has too; which readings were taken is ours."""
    tree = {name: _tree(getattr(parameters, name))
            for name in ("general", "currency", "currency_pair")}
    del tree["general"]["extended_moves"]
    return tree


def _tree(value: Any) -> Any:
    """Return a frozen value as the tree of names and numbers that JSON says."""
    if hasattr(value, "__fields__"):
        return {name: _tree(getattr(value, name)) for name in value.__fields__}
    if isinstance(value, dict):
        return {key: _tree(child) for key, child in value.items()}
    return value


def _bad(subject: str, sentence: str) -> Failure:
    return Failure(reason=Reason.BAD_VALUE, subject=subject, sentence=sentence)
