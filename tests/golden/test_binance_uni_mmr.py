"""The whole uniMMR chain on the published wallets and positions, in one account.

Source: Binance FAQ, "Portfolio Margin Pro maintenance margin ratio calculation" (2022). The text
available prints no index prices and no collateral rates, so those are ours, and what is expected is
the published formula done by hand on the published inputs.
"""

import json
from typing import Any

import numpy as np
import pytest

from counterpoise.accounts.book import Book, book_of, entries_of
from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.figures import figures_of
from counterpoise.margin.models.binance_pm import MODEL
from counterpoise.values.frozen import replaced
from golden.convert.registry import to_files

CASE = "binance/pm_pro_unimmr_2022.json"
PRICES = {"USDT": 1.0, "BTC": 40_000.0, "ETH": 2_500.0}
ETHER_WEIGHT = 0.9


def in_one_account(book: Book) -> Book:
    """Return all wallets and positions of a book as one account."""
    rows = entries_of(book.row_pointer, book.instrument, book.lots, book.entry_cost)
    whole = book_of(catalogue=book.catalogue, accounts=np.array(["account"]),
                    positions=replaced(rows, account=0 * rows.account),
                    balances=(book.assets, book.balances.sum(axis=0)[None, :]))
    assert book.loans is not None
    return replaced(whole, loans=book.loans.sum(axis=0)[None, :])


def by_hand(inputs: dict[str, Any], loan_rate: float) -> tuple[float, float]:
    """Return account equity and maintenance margin in USD by the published formulas."""
    equity = {c: w["asset"] - w["loan"] for c, w in inputs["margin"].items()}
    equity["USDT"] += inputs["um_wallet_USDT"]
    equity["BTC"] += inputs["cm_wallet_BTC"]
    margin = sum(w["loan"] * loan_rate * PRICES[c] for c, w in inputs["margin"].items())
    for p in inputs["positions"]:
        sign = -1 if p["side"] == "short" else 1
        if "qty" in p:
            equity["USDT"] += sign * p["qty"] * (p["mark"] - p["entry"])
            margin += p["mmr"] * p["qty"] * p["mark"]
        else:
            equity["BTC"] += sign * p["qty_usd"] * (1 / p["entry"] - 1 / p["mark"])
            margin += p["mmr"] * p["qty_usd"] / p["mark"] * PRICES["BTC"]
    weight = {"USDT": 1.0, "BTC": 1.0, "ETH": ETHER_WEIGHT}
    return sum(n * PRICES[c] * weight[c] for c, n in equity.items()), margin


def test_uni_mmr_of_the_published_account(cases: Any) -> None:
    case = cases(CASE)
    portfolio = read_portfolio(json.dumps(to_files(CASE, case)["account"]).encode())
    market = replaced(portfolio.market, assets=tuple(PRICES),
                      price=np.array(list(PRICES.values())))
    book = in_one_account(portfolio.book)
    version = parameters_of(MODEL, portfolio.as_of, portfolio.overrides | {
        "collateral": {"eth": {"up_to": [], "weight": [ETHER_WEIGHT]}}})
    margins = compute_margin(book, market, model=MODEL, version=version)
    shown = figures_of(MODEL, margins, book, (), market, version.parameters)

    equity, margin = by_hand(case["inputs"], case["parameters"]["margin_mmr_inferred"])
    assert shown["account_equity"][0] == pytest.approx(equity, rel=1e-12)
    assert shown["account_maint_margin"][0] == pytest.approx(margin, rel=1e-12)
    assert shown["uni_mmr"][0] == pytest.approx(equity / margin, rel=1e-12)
