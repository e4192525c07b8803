"""How does the value of a portfolio move? Its sensitivities as rows with names."""

from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.risk.sensitivities import UNITS, greeks
from counterpoise.values.frozen import frozen


@frozen
class ExpiryGreeks:
    """Sensitivities of one account in one underlying and expiry.

    `expiry` in ns, 0 for spot and perpetual; `amount` {column of `risk.sensitivities.UNITS`:
    value}, NaN where an instrument held cannot be valued.
    """

    account: str
    underlying: str
    expiry: int
    amount: dict[str, float]


def greeks_of(portfolio: Portfolio, *, threads: int = 1) -> tuple[ExpiryGreeks, ...]:
    """Return the sensitivities of every account of a portfolio by underlying and expiry."""
    found = greeks(portfolio.book, portfolio.market, threads=threads)
    names = [str(a) for a in portfolio.book.accounts.tolist()]
    underlyings = portfolio.book.catalogue.underlyings
    return tuple(
        ExpiryGreeks(account=names[account], underlying=underlyings[underlying], expiry=expiry,
                     amount=dict(zip(UNITS, amounts, strict=True)))
        for account, underlying, expiry, amounts in zip(
            found.account.tolist(), found.underlying.tolist(), found.expiry.tolist(),
            found.amount.tolist(), strict=True))
