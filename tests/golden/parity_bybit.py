"""Bybit: the 33 cells of the published portfolio margin answer, its maximum loss and its totals.

Source: github bybit-exchange/docs (2026-07-24), v5/asset/portfolio-margin. The contingency on basis
is taken as the venue states it: its formula is not known.
"""

import json
import math
from typing import Any

import numpy as np

from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.margin.compute import AccountMargin, compute_margin, priced
from counterpoise.margin.models.bybit import MODEL, account_rate, available_balance
from counterpoise.margin.terms.state_grid import grid_terms, unit_rows
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.segments import vectors_of_segments
from counterpoise.values.frozen import replaced
from golden.compared import Cases, Compared, compared_fields
from golden.convert.bybit import PORTFOLIO_MARGIN, perpetual_mark
from golden.convert.registry import to_files

STATED = "with futureDeltaContingency as stated; the venue's own sum is off by 8.8e-5 of itself"
INFERRED = "the index is not printed but inferred to the cent, as for futureContingency"


def compared(cases: Cases) -> list[Compared]:
    """Return every published field of Bybit beside ours."""
    case = cases(PORTFOLIO_MARGIN)
    return [*_vectors(case), *_margins(case), *_account(case)]


def _vectors(case: Any) -> list[Compared]:
    portfolio, market = _portfolio(case)
    version = parameters_of(MODEL, portfolio.as_of)
    arrays = priced(market, model=MODEL, version=version)
    terms = grid_terms(arrays[0], market, version.parameters)
    rows = unit_rows(portfolio.book, terms)
    legs = MODEL.vectors(portfolio.book, arrays, market, version.parameters)[0].by_position[:, 1:]
    perp, option = legs.reshape(2, 11, 3)
    everything = vectors_of_segments(rows, terms.pnl, terms.transform)[1][0, 1:]
    # What the spot hedge adds at each price: the unit with it less the unit without it.
    alone = unit_rows(replaced(portfolio.book, given={}), terms)
    hedge = everything - vectors_of_segments(alone, terms.pnl, terms.transform)[1][0, 1:]
    published, grid = case["expected"], list(case["expected"]["option_pnl_grid_usd"])
    floored = [math.floor(x * 1e4) / 1e4 for x in everything]
    near = case["tolerance"]
    return [
        *_lines(case, {"option_pnl_grid_usd": dict(zip(grid, option.tolist(), strict=True))},
                near["option_pnl_grid_usd"]["absolute"]),
        *_lines(case, {"perp_pnl_usd": dict(zip(grid, perp[:, 0].tolist(), strict=True))},
                near["perp_pnl_usd"]["absolute"]),
        *[replaced(row, reading=INFERRED) for row in _relative(case, {"spot_hedge_pnl_usd": dict(
            zip(grid, hedge.tolist(), strict=True))}, near["futureContingency"]["relative"])],
        *_lines(case, {"all_pnl_usd_worst_iv": dict(zip(
            published["all_pnl_usd_worst_iv"], floored, strict=True))},
            near["all_pnl_usd_worst_iv"]["absolute"])]


def _margins(case: Any) -> list[Compared]:
    found = _margin(case).requirements
    parts = {name: float(column[0]) for name, column in found.maintenance_components.items()}
    scenarios = MODEL.scenarios(_portfolio(case)[1], parameters_of(
        MODEL, _portfolio(case)[0].as_of).parameters)[0]
    worst, near = int(found.worst.scenario[0]), case["tolerance"]
    charges = {"optionContingency": parts["option_contingency"],
               "optionVegaContingency": parts["option_vega_contingency"],
               "usdtUsdcContingency": parts["usdt_usdc_contingency"]}
    relative = near["assetMM_vs_sum"]["relative"]
    contingency = sum(charges.values()) + parts["future_contingency"] + parts[
        "future_delta_contingency"]
    return [
        *_lines(case, {"max_loss_usd": parts["scan"] + parts["spot_hedge"]}, 1e-4),
        *_lines(case, {"max_loss_price_move": float(scenarios.move[worst, 0]),
                       "max_loss_iv_shock": float(scenarios.vol_shift[worst, 0])}, 1e-12),
        *_lines(case, {"contingency": charges}, 0.0),
        *_relative(case, {"contingency": {"futureContingency": parts["future_contingency"]}},
                   near["futureContingency"]["relative"]),
        *[replaced(row, reading=STATED) for row in _relative(case, {
            "contingency": {"contingencyComponents": contingency},
            "assetMM": float(found.maintenance[0])}, relative)],
        *_relative(case, {"assetIM": float(found.initial[0] / found.maintenance[0])
                          * case["expected"]["assetMM"]}, near["assetIM/assetMM"])]


def _account(case: Any) -> list[Compared]:
    """Compare what follows from the published totals: rates, and the balance that is available."""
    told, equity = case["expected"], np.array([case["inputs"]["wallet"]["equity"]])
    im, mm = np.array([told["accountIM"]]), np.array([told["accountMM"]])
    return [*_lines(case, {"accountMMRate": float(account_rate(mm, equity)[0]),
                           "accountIMRate": float(account_rate(im, equity)[0])}, 0.0),
            *_lines(case, {"availableBalance": float(
                available_balance(equity, np.zeros(1), im)[0])}, 1e-7)]


def _portfolio(case: Any) -> tuple[Any, MarketSnapshot]:
    """Return the account and its market, with the perpetual's mark of the test network."""
    portfolio = read_portfolio(json.dumps(to_files(PORTFOLIO_MARGIN, case)["account"]).encode())
    market = portfolio.market
    missing = np.isnan(market.mark)
    mark = np.where(missing, perpetual_mark(portfolio), market.mark)
    return portfolio, replaced(market, mark=mark, forward=np.where(missing, mark, market.forward),
                               quality=np.where(missing, 0, market.quality).astype(np.uint16))


def _margin(case: Any) -> AccountMargin:
    portfolio, market = _portfolio(case)
    book = portfolio.book
    basis = np.full(book.balances.shape, np.nan)
    basis[0, [a.code for a in book.assets].index("USD")] = (
        case["expected"]["contingency"]["futureDeltaContingency"])
    return compute_margin(replaced(book, given=book.given | {"basis_margin": basis}), market,
                          model=MODEL, version=parameters_of(MODEL, portfolio.as_of))


def _lines(case: Any, ours: Any, absolute: float) -> list[Compared]:
    return compared_fields(model=MODEL.name, case=PORTFOLIO_MARGIN, ours=ours,
                           theirs=case["expected"], absolute=absolute)


def _relative(case: Any, ours: Any, relative: float) -> list[Compared]:
    return compared_fields(model=MODEL.name, case=PORTFOLIO_MARGIN, ours=ours,
                           theirs=case["expected"], relative=relative)
