"""Which quotes is a surface fitted to? Volatilities by strike, expiry after expiry, with weights.

A weight is what a squared error of volatility counts: by default the option's vega relative to the
one at the money, phi(d1), at least one in a million, since a far quote says little about the price.
"""

from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.instruments.catalogue import OPTION
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.market.surface import Counts, FitDiagnostics, Floats
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen, replaced
from counterpoise.values.time import YEAR_NS, format_instant

QUOTES_MIN: Final = 5
"""SVI has five parameters; fewer quotes leave some of them to chance."""
WEIGHT_MIN: Final = 1e-6


@frozen
class Smiles:
    """Quotes by expiry and strike.

    years          [slice] to expiry, ACT/365, rising
    pointer        [slice + 1] where each slice begins among the quotes
    log_moneyness  [quote] k = ln(K/F), rising within a slice
    volatility     [quote] annualised, fraction
    weight         [quote] > 0, of a squared volatility error
    failures       expiries left out, and why
    """

    years: Floats
    pointer: Counts
    log_moneyness: Floats
    volatility: Floats
    weight: Floats
    failures: tuple[Failure, ...] = ()


def smiles(*, years: Floats, log_moneyness: Floats, volatility: Floats,
           weight: Floats | None = None) -> Smiles:
    """Group quotes, in any order, into smiles; quotes of equal `years` are one smile.

    Raises BadInput for a number that is not finite or not positive where it must be, and where no
    expiry has `QUOTES_MIN` quotes at different strikes; an expiry with fewer is left out and said
    so in `failures`.
    """
    given = {"years": years, "log_moneyness": log_moneyness, "volatility": volatility}
    given |= {} if weight is None else {"weight": weight}
    _check(given)
    order = np.lexsort((log_moneyness, years))
    column = {name: np.ascontiguousarray(values[order]) for name, values in given.items()}
    if weight is None:
        column["weight"] = vega_weight(column["log_moneyness"],
                                       column["volatility"], column["years"])
    starts = np.flatnonzero(np.diff(column["years"], prepend=-1.0))
    pointer = np.append(starts, len(order))
    strikes = np.add.reduceat(_new_strike(column), starts) if len(starts) else np.zeros(0)
    enough = strikes >= QUOTES_MIN
    failures = tuple(_too_few(float(column["years"][at]), int(count))
                     for at, count in zip(starts[~enough], strikes[~enough], strict=True))
    if not enough.any():
        raise BadInput(*failures or [Failure(reason=Reason.MISSING_VOLATILITY, subject="smiles",
                                             sentence="no quotes; give some")])
    kept = np.repeat(enough, np.diff(pointer))
    sizes = np.diff(pointer)[enough]
    return Smiles(years=column["years"][starts][enough],
                  pointer=np.append(0, np.cumsum(sizes)).astype(np.int64),
                  log_moneyness=column["log_moneyness"][kept],
                  volatility=column["volatility"][kept], weight=column["weight"][kept],
                  failures=failures)


def _check(given: dict[str, Floats]) -> None:
    lengths = {len(values) for values in given.values()}
    assert len(lengths) == 1, "one entry per quote in every column"
    failures = []
    for name, values in given.items():
        bad = ~np.isfinite(values) if name == "log_moneyness" else ~((values > 0) & (
            values < np.inf))
        failures += [Failure(reason=Reason.BAD_VALUE, subject=f"quote {row}",
                             sentence=f"{name} is {values[row]!r}; it must be a finite number"
                             + ("" if name == "log_moneyness" else " above zero"))
                     for row in np.flatnonzero(bad)]
    if failures:
        raise BadInput(*failures)


def _new_strike(column: dict[str, Floats]) -> Counts:
    same = (np.diff(column["years"], prepend=-1.0) == 0) & (
        np.diff(column["log_moneyness"], prepend=np.inf) == 0)
    new: Counts = (~same).astype(np.int64)
    return new


def _too_few(years: float, count: int) -> Failure:
    return Failure(reason=Reason.MISSING_VOLATILITY, subject=f"expiry in {years:.4f} years",
                   sentence=f"has {count} strikes with a usable volatility; a smile needs at least "
                            f"{QUOTES_MIN}")


def vega_weight(log_moneyness: Floats, volatility: Floats, years: Floats) -> Floats:
    """Return phi(d1) / phi(0), at least `WEIGHT_MIN`: what one unit of volatility is worth."""
    deviation = volatility * np.sqrt(years)
    d1 = 0.5 * deviation - log_moneyness / deviation
    return np.maximum(_core.exp(np.maximum(-0.5 * d1 * d1, -700.0)), WEIGHT_MIN)


def smiles_of(market: MarketSnapshot, underlying: str, settlement: str) -> Smiles:
    """Return the smiles of a snapshot's options that settle in one asset, out of the money.

    Quotes that the snapshot marks as bad are left out. Raises as `smiles`.
    """
    terms = market.catalogue
    forward = market.forward + market.forward_fixed
    wanted = [i.underlying == underlying and i.settlement == settlement for i in terms.instruments]
    outside = (terms.right > 0) == (terms.strike >= forward)
    used = np.flatnonzero((terms.kind == OPTION) & np.array(wanted, bool) & outside
                          & (market.quality == Quality.GOOD) & (market.volatility > 0)
                          & (terms.expiry > market.as_of))
    if not len(used):
        raise BadInput(Failure(
            reason=Reason.MISSING_VOLATILITY, subject=f"{underlying} settled in {settlement}",
            sentence="has no option out of the money with a volatility at "
                     f"{format_instant(market.as_of)}"))
    years = (terms.expiry[used] - market.as_of) / YEAR_NS
    return smiles(years=years, log_moneyness=_core.log(terms.strike[used] / forward[used]),
                  volatility=market.volatility[used])


def without_weights(given: Smiles) -> Smiles:
    """Return the same quotes, every one of them counting alike."""
    return replaced(given, weight=np.ones(len(given.weight)))


def variances(given: Smiles) -> tuple[Floats, Floats]:
    """Return total variance and the weight of its squared error that equals that of volatility."""
    years = years_by_quote(given)
    slope = 2.0 * given.volatility * years
    return given.volatility * given.volatility * years, given.weight / (slope * slope)


def years_by_quote(given: Smiles) -> Floats:
    """Return the years to expiry of every quote."""
    return np.repeat(given.years, np.diff(given.pointer))


def diagnostics(given: Smiles, volatility: Floats,
                evaluations: np.ndarray[Any, np.dtype[Any]]) -> FitDiagnostics:
    """Return how well the fitted volatilities [quote] meet the quotes."""
    error, starts = volatility - given.volatility, given.pointer[:-1]
    squares = np.add.reduceat(given.weight * error * error, starts)
    return FitDiagnostics(
        quotes=np.diff(given.pointer),
        rmse=np.sqrt(squares / np.add.reduceat(given.weight, starts)),
        worst=np.maximum.reduceat(np.abs(error), starts),
        evaluations=evaluations.astype(np.int64))
