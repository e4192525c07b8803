"""How does a person read sensitivities? By account, underlying and expiry, in coin and dollars."""

from typing import Any

import numpy as np

from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.apps.report.document import failure_document, number
from counterpoise.apps.report.table import heading, significant, table
from counterpoise.apps.sensitivities import ExpiryGreeks
from counterpoise.instruments.catalogue import NO_EXPIRY
from counterpoise.market.quality import instrument_failure
from counterpoise.risk.sensitivities import UNITS
from counterpoise.values.failure import Failure
from counterpoise.values.time import format_instant

Rows = tuple[ExpiryGreeks, ...]
_SHOWN = ("delta", "premium_adjusted_delta", "delta_usd", "gamma_usd", "vega_usd", "theta_usd",
          "rho_usd", "value_usd", "mark_value_usd")
_IN_COIN = ("value_coin", "vega_coin", "theta_coin", "rho_coin", "gamma")
_TITLES = {"premium_adjusted_delta": "adj. delta", "mark_value_usd": "at mark usd"}
_WHAT = ("delta: coins (Black); adj. delta: less the premium of coin-settled options;",
         "delta usd: at the forward; gamma: coins per dollar; gamma usd: dollars per 1 %;",
         "vega: per vol point; theta: per day; rho: per 1 %; value: Black-76 at the mark "
         "volatility;", "at mark usd: at the quoted premium.")


def greeks_text(rows: Rows, *, bold: bool = False) -> list[str]:
    """Return two tables per account and underlying, a line per expiry and their sum."""
    lines: list[str] = []
    for account, underlying in dict.fromkeys((r.account, r.underlying) for r in rows):
        mine = [r for r in rows if (r.account, r.underlying) == (account, underlying)]
        lines += ["", heading(f"Account {account}, {underlying}", bold=bold)]
        for columns in (_SHOWN, _IN_COIN):
            lines += ["", *_by_expiry(mine, columns)]
    return [*lines, "", *_WHAT] if lines else ["", "Nothing is held."]


def greeks_document(portfolio: Portfolio, rows: Rows) -> dict[str, Any]:
    """Return the rows and the unit of each column; a row that cannot be valued has nulls."""
    market = portfolio.market
    return {"as_of": format_instant(portfolio.as_of), "units": dict(UNITS),
            "rows": [{"account": r.account, "underlying": r.underlying, "expiry": _expiry(r),
                      **{name: number(value) for name, value in r.amount.items()}} for r in rows],
            "failures": [failure_document(f) for f in unvalued(portfolio)],
            "source": market.source, "simulated": market.simulated}


def unvalued(portfolio: Portfolio) -> tuple[Failure, ...]:
    """Return what is wrong with the quotes of instruments that are held."""
    market = portfolio.market
    held = np.unique(portfolio.book.instrument)
    return tuple(instrument_failure(market, int(c)) for c in held if market.quality[c])


def _by_expiry(mine: list[ExpiryGreeks], columns: tuple[str, ...]) -> list[str]:
    rows = [(_expiry(r) or "perpetual, spot", *(significant(r.amount[c]) for c in columns))
            for r in mine]
    if len(mine) > 1:
        rows.append(("together", *(significant(sum(r.amount[c] for r in mine)) for c in columns)))
    return table(("expiry", *(_TITLES.get(c, c.replace("_", " ")) for c in columns)), rows)


def _expiry(row: ExpiryGreeks) -> str | None:
    return None if row.expiry == NO_EXPIRY else format_instant(row.expiry)
