"""Binance: unrealised P&L, margin equity and loan margin of the uniMMR example; haircut tiers.

Sources: Binance FAQ, "Portfolio Margin Pro maintenance margin ratio calculation" (2022) and "cross
margin collateral haircuts".
"""

import json
from typing import Any

import numpy as np

from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.collateral.cross import asset_amounts
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.models.binance_pm import MODEL, NUMERAIRE
from counterpoise.margin.terms.loans import loans_of
from golden.compared import Cases, Compared, compared_fields
from golden.convert.registry import to_files

UNI_MMR = "binance/pm_pro_unimmr_2022.json"
TIERS = "binance/tiered_collateral_value.json"


def compared(cases: Cases) -> list[Compared]:
    """Return every published field of Binance beside ours."""
    return [*_uni_mmr(cases(UNI_MMR)), *_tiers(cases(TIERS))]


def _portfolio(name: str, case: Any) -> Portfolio:
    return read_portfolio(json.dumps(to_files(name, case)["account"]).encode())


def _uni_mmr(case: Any) -> list[Compared]:
    portfolio = _portfolio(UNI_MMR, case)
    book = portfolio.book
    owned = asset_amounts(book, portfolio.market, accounts=np.arange(len(book), dtype=np.int32),
                          numeraire=NUMERAIRE, option_value=False)
    amount = dict(zip(book.accounts.tolist(), owned.amount, strict=True))
    usdt = owned.assets.index("USDT")
    rate = parameters_of(MODEL, portfolio.as_of, portfolio.overrides).parameters.general.loan_rate
    loans = dict(zip((a.code for a in book.assets), loans_of(book)[0] * rate, strict=True))
    told = case["expected"]
    ours = {"upnl_BTCUSDT_PERP": float(amount["BTCUSDT_PERP"][usdt]),
            "upnl_BTCUSDT_20220624": float(amount["BTCUSDT_20220624"][usdt]),
            "margin_equity": {c: float(amount["margin"][owned.assets.index(c)])
                              for c in told["margin_equity"]},
            "margin_mm": {c: float(loans[c]) for c in told["margin_mm"]}}
    return compared_fields(model=MODEL.name, case=UNI_MMR, ours=ours, theirs=told,
                           absolute=case["tolerance"]["absolute"])


def _tiers(case: Any) -> list[Compared]:
    portfolio = _portfolio(TIERS, case)
    margins = compute_margin(portfolio.book, portfolio.market, model=MODEL, version=parameters_of(
        MODEL, portfolio.as_of, portfolio.overrides))
    ours = {"notional": float(margins.equity[0]),
            "collateral_value": float(margins.margin_balance[0])}
    return compared_fields(model=MODEL.name, case=TIERS, ours=ours, theirs=case["expected"])
