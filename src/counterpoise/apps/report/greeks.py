"""How does a person read sensitivities? By account, underlying and expiry, in coin and dollars."""

from typing import Any

import numpy as np

from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.apps.report.document import failure_document, number
from counterpoise.apps.report.table import heading, significant, table
from counterpoise.instruments.catalogue import NO_EXPIRY
from counterpoise.market.quality import instrument_failure
from counterpoise.risk.sensitivities import UNITS, Greeks
from counterpoise.values.failure import Failure
from counterpoise.values.time import format_instant

_SHOWN = ("delta", "premium_adjusted_delta", "delta_usd", "gamma_usd", "vega_usd", "theta_usd",
          "rho_usd", "value_usd", "mark_value_usd")
_IN_COIN = ("value_coin", "vega_coin", "theta_coin", "rho_coin", "gamma")


def greeks_text(portfolio: Portfolio, greeks: Greeks, *, bold: bool = False) -> list[str]:
    """Return one table per account and underlying, a line per expiry and their sum."""
    lines: list[str] = []
    names = [str(a) for a in portfolio.book.accounts.tolist()]
    pairs = dict.fromkeys(zip(greeks.account.tolist(), greeks.underlying.tolist(), strict=True))
    for account, underlying in pairs:
        mine = np.flatnonzero((greeks.account == account) & (greeks.underlying == underlying))
        coin = portfolio.book.catalogue.underlyings[underlying]
        lines += ["", heading(f"Account {names[account]}, {coin}", bold=bold)]
        for columns in (_SHOWN, _IN_COIN):
            lines += ["", *_by_expiry(greeks, mine, columns)]
    return [*lines, "", *_units_text()] if lines else ["", "Nothing is held."]


def greeks_document(portfolio: Portfolio, greeks: Greeks) -> dict[str, Any]:
    """Return the rows and the unit of each column; a row that cannot be valued has nulls."""
    book, market = portfolio.book, portfolio.market
    names = [str(a) for a in book.accounts.tolist()]
    rows = [{"account": names[account], "underlying": book.catalogue.underlyings[underlying],
             "expiry": _expiry(expiry),
             **{name: number(value) for name, value in zip(UNITS, amounts, strict=True)}}
            for account, underlying, expiry, amounts in zip(
                greeks.account.tolist(), greeks.underlying.tolist(), greeks.expiry.tolist(),
                greeks.amount.tolist(), strict=True)]
    return {"as_of": format_instant(portfolio.as_of), "units": dict(UNITS), "rows": rows,
            "failures": [failure_document(f) for f in unvalued(portfolio)],
            "source": market.source, "simulated": market.simulated}


def unvalued(portfolio: Portfolio) -> tuple[Failure, ...]:
    """Return why held instruments with poor quotes have no value."""
    market = portfolio.market
    held = np.unique(portfolio.book.instrument)
    return tuple(instrument_failure(market, int(c)) for c in held if market.quality[c])


def _by_expiry(greeks: Greeks, mine: np.ndarray[Any, Any], columns: tuple[str, ...]) -> list[str]:
    place = [list(UNITS).index(name) for name in columns]
    rows = [(_expiry(int(greeks.expiry[k])) or "perpetual, spot",
             *(significant(v) for v in greeks.amount[k, place].tolist())) for k in mine]
    if len(mine) > 1:
        total = greeks.amount[mine][:, place].sum(axis=0).tolist()
        rows.append(("together", *(significant(v) for v in total)))
    return table(("expiry", *(_title(name) for name in columns)), rows)


def _title(name: str) -> str:
    short = {"premium_adjusted_delta": "adj. delta", "mark_value_usd": "at mark usd"}
    return short.get(name, name.replace("_", " "))


def _units_text() -> list[str]:
    return ["delta: coins (Black); adj. delta: less the premium of coin-settled options;",
            "delta usd: at the forward; gamma: coins per dollar; gamma usd: dollars of delta per "
            "1 %;", "vega: per vol point; theta: per day; rho: per 1 %; value: Black-76 at the mark "
            "volatility;", "at mark usd: at the quoted premium."]


def _expiry(expiry: int) -> str | None:
    return None if expiry == NO_EXPIRY else format_instant(expiry)
