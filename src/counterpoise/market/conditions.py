"""What is known of a market beside its prices: funding, activity, confidence, borrow rates, smiles.

Everything here is optional and explicit: NaN or an absent key is "nobody said", never zero. A model
that needs one of these says so; no other number depends on them.
"""

from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.instruments.catalogue import OPTION, Catalogue
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS

Floats = np.ndarray[Any, np.dtype[np.float64]]
Feed = tuple[str, str, int]
"""(one of `FEEDS`, asset or underlying code, day of expiry or 0): what a confidence is about."""
FEEDS: Final = ("index", "asset", "forward", "volatility", "rate")
SMILE_PARAMETERS: Final = ("a", "b", "rho", "m", "sigma", "forward", "years", "width")
COLUMNS: Final = {
    "funding_rate": "of perpetuals, fraction of notional per 8 hours; > 0: longs pay",
    "confidence": "of the mark's feed, 0 to 1",
    "volume": "traded in the last 24 hours, USD",
    "open_interest": "open, USD",
    "depth": "what either side of the order book takes within 1 % of the mark, USD",
}
"""{column by instrument: what it means}."""


@frozen
class SviSmile:
    """A smile of one expiry: raw SVI of total variance over log-moneyness ln(K / forward).

        w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)),  volatility = sqrt(w / years)

    `forward` and `years` are those that the parameters were made for; None takes each option's own.
    With a `width` the smile ends at k = +- width sqrt(a + b sigma) and is flat beyond (Derive: 4).
    Gatheral (2004), see `market.surfaces.svi`.
    """

    a: float
    b: float
    rho: float
    m: float
    sigma: float
    forward: float | None = None
    years: float | None = None
    width: float | None = None

    def __post_init__(self) -> None:
        """Refuse parameters that are no smile."""
        least = self.a + self.b * self.sigma * np.sqrt(max(0.0, 1.0 - self.rho * self.rho))
        good = (self.b >= 0 and -1 <= self.rho <= 1 and self.sigma >= 0 and least >= 0
                and abs(self.m) < 100 and all(x is None or 0 < x < 1e12
                                              for x in (self.forward, self.years, self.width)))
        if not good:
            raise bad_input(Reason.BAD_VALUE, "smile", "is none: b and sigma are at least 0, rho "
                            "is from -1 to 1, and a + b sigma sqrt(1 - rho^2) is at least 0; "
                            "forward, years and width are above 0")


@frozen
class Conditions:
    """What is known beside prices; columns are [instrument], NaN where nobody said.

    columns        {one of `COLUMNS`: [instrument]}
    confidences    {feed: 0 to 1}
    borrow_rates   {asset: annualised fraction}
    smiles         {(underlying, day of expiry): smile}; options without a volatility of their own
                   have theirs from it already
    """

    columns: dict[str, Floats]
    confidences: dict[Feed, float]
    borrow_rates: dict[str, float]
    smiles: dict[tuple[str, int], SviSmile]


NOTHING_KNOWN: Final = Conditions(columns={}, confidences={}, borrow_rates={}, smiles={})


def column_of(conditions: Conditions, name: str, catalogue: Catalogue) -> Floats:
    """Return one column by instrument, NaN where nobody said."""
    assert name in COLUMNS
    return conditions.columns.get(name, np.full(len(catalogue), np.nan))


def confidence_in(conditions: Conditions, kind: str, code: str, expiry: int = 0) -> float:
    """Return the confidence in a feed of an expiry, else in that of all expiries, else NaN."""
    of_all = conditions.confidences.get((kind, code, 0), float("nan"))
    return conditions.confidences.get((kind, code, expiry // DAY_NS), of_all)


def smile_volatility(smile: SviSmile, *, strike: Floats, forward: Floats,
                     years: Floats) -> Floats:
    """Return the annualised volatility of options at their strikes, elementwise; NaN if unknown."""
    k = log_moneyness(smile, strike=strike, forward=forward)
    time = years if smile.years is None else np.full(len(strike), smile.years)
    out = np.full(len(strike), np.nan)
    known = np.isfinite(k) & (time > 0)
    if known.any():
        parameters = np.array([[smile.a, smile.b, smile.rho, smile.m, smile.sigma]])
        moneyness = np.ascontiguousarray(k[known])
        variance = _core.svi_curve(parameters=parameters, log_moneyness=moneyness,
                                   slice=np.zeros(len(moneyness), np.int32))[0]
        out[known] = np.sqrt(np.maximum(variance, 0.0) / time[known])
    return out


def log_moneyness(smile: SviSmile, *, strike: Floats, forward: Floats) -> Floats:
    """Return ln(K / forward) as the smile reads it, elementwise; NaN without a forward."""
    level = forward if smile.forward is None else np.full(len(strike), smile.forward)
    known = np.isfinite(level) & (level > 0)
    k = np.where(known, _core.log(strike / np.where(known, level, 1.0)), np.nan)
    if smile.width is None:
        return k
    end = smile.width * np.sqrt(max(0.0, smile.a + smile.b * smile.sigma))
    return np.asarray(np.minimum(np.maximum(k, -end), end))


def volatilities(smiles: dict[tuple[str, int], SviSmile], catalogue: Catalogue, *,
                 forward: Floats, years: Floats) -> Floats:
    """Return the volatility of every option that has a smile, NaN for the others, [instrument]."""
    out = np.full(len(catalogue), np.nan)
    day = catalogue.expiry // DAY_NS
    for (underlying, expiry_day), smile in smiles.items():
        if underlying not in catalogue.underlyings:
            continue
        at = np.flatnonzero((catalogue.kind == OPTION) & (day == expiry_day)
                            & (catalogue.underlying == catalogue.underlyings.index(underlying)))
        out[at] = smile_volatility(smile, strike=catalogue.strike[at], forward=forward[at],
                                   years=years[at])
    return out
