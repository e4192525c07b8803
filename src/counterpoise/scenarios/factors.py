"""Which numbers move a market? Risk factors, their history, and joint moves of all of them.

    price    ln P                      P' = P exp(x)              of an underlying or asset, in USD
    peg      ln (P / P of `against`)   P' = P'(against) ratio exp(x)    of a stable or staking token
    basis    ln(F / index) / T         F' = index' (F / index) exp(x T), by tenor, linear between;
             tenor 0: ln(mark / index) of the perpetual, not per year
    vol      ln of the 30-day at-the-money volatility
    term     slope of ln(at-the-money volatility) over ln(T / 30 days), T within 1 to 365 days
    skew     slope of ln(volatility) over m = ln(K / F) / (volatility at the money x sqrt(T)),
             m within -3 to 3;  vol' = vol exp(x_vol + x_term ln(T / 30 days) + x_skew m)
    funding  rate of the perpetual per 8 hours, fraction of notional, > 0: longs pay

x is the move of a factor: the change of the number that its row names, over one day in a history,
over the horizon in `JointMoves`. The decomposition of the volatility is *our reading*: level, slope
in time and slope in strike, as in R. Cont and J. da Fonseca, "Dynamics of implied volatility
surfaces", Quantitative Finance 2, 2002.
"""

from typing import Any, Final

import numpy as np

from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
KINDS: Final = ("price", "peg", "basis", "vol", "term", "skew", "funding")
PRIORS: Final = "stated priors (our reading) for "
"""In the source of a history and the method of its moves: the factors that follow were not observed
on all of their days."""
MOVE_MAX: Final = 20.0
"""|x| above this is no move of a market: e^20 is 485 million."""


@frozen
class Factor:
    """One number that moves: `subject` is an underlying or asset code.

    `tenor_days` is that of a basis, 0 for the perpetual and for other kinds; `against` is what a
    price is measured in: USD, or the coin of a staking token.
    """

    subject: str
    kind: str
    tenor_days: int = 0
    against: str = "USD"

    def __post_init__(self) -> None:
        """Refuse an unknown kind and a tenor where there is none."""
        if self.kind not in KINDS:
            raise bad_input(Reason.BAD_VALUE, self.subject, f"{self.kind!r} is no kind of factor; "
                            "it is one of " + ", ".join(KINDS))
        if not self.subject or self.tenor_days < 0 or (self.tenor_days and self.kind != "basis"):
            raise bad_input(Reason.BAD_VALUE, self.subject or "factor", "needs a subject, and a "
                            "tenor of at least 0 days for a basis only")


def factor_name(factor: Factor) -> str:
    """Return the name of a factor for people and files: `BTC price`, `BTC basis 30`."""
    tenor = f" {factor.tenor_days}" if factor.kind == "basis" else ""
    against = f" in {factor.against}" if factor.against != "USD" else ""
    return f"{factor.subject} {factor.kind}{tenor}{against}"


def factor_named(name: str) -> Factor:
    """Return the factor of a name; the inverse of `factor_name`.

    Raises
    ------
    BadInput
        If the name is none.
    """
    words, _, against = name.partition(" in ")
    subject, kind, *tenor = words.split(" ") if " " in words else (name, "?")
    if len(tenor) > 1 or not all(t.isdecimal() and len(t) < 6 for t in tenor):
        raise bad_input(Reason.BAD_VALUE, name, "is no name of a factor; write `BTC price` or "
                        "`BTC basis 30`")
    return Factor(subject=subject, kind=kind, tenor_days=int(tenor[0]) if tenor else 0,
                  against=against or "USD")


@frozen
class FactorHistory:
    """What the factors did, day by day; NaN where a day is not known, never filled.

    factors   [factor] distinct
    day       [day] ns, increasing: the instant at which the move ends
    move      [day, factor] change over one day, in the units of the factor's kind
    source    one line that says where the numbers come from
    """

    factors: tuple[Factor, ...]
    day: Ints
    move: Floats
    source: str

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit, days out of order, repeated factors and absurd moves."""
        assert self.move.shape == (len(self.day), len(self.factors))
        _refuse_repeated(self.factors)
        if not bool(np.all(np.diff(self.day) > 0)):
            raise bad_input(Reason.BAD_TIME, "factor history", "days must increase, each once")
        _refuse_absurd(self.factors, np.where(np.isnan(self.move), 0.0, self.move))


@frozen
class JointMoves:
    """What all factors could do together over a horizon: one row per scenario, without a base row.

    factors        [factor] distinct
    labels         [scenario] for people: a date, an event, a number of a draw
    move           [scenario, factor] finite, in the units of the factor's kind
    weight         [scenario] in averages, >= 0
    horizon_days   what the moves span
    method         how they were made, with its parameters and its seed; part of every digest
    """

    factors: tuple[Factor, ...]
    labels: tuple[str, ...]
    move: Floats
    weight: Floats
    horizon_days: float
    method: str

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit, repeated factors, and moves that are not finite."""
        assert self.move.shape == (len(self.labels), len(self.factors))
        assert self.weight.shape == (len(self.labels),)
        _refuse_repeated(self.factors)
        if not 0 < self.horizon_days <= 365:
            raise bad_input(Reason.BAD_VALUE, "horizon", f"{self.horizon_days} days is none; give "
                            "a number above 0 and at most 365")
        if not (np.all(np.isfinite(self.weight)) and np.all(self.weight >= 0)):
            raise bad_input(Reason.BAD_VALUE, "weight", "scenarios weigh finite numbers of at "
                            "least 0")
        _refuse_absurd(self.factors, self.move)


def _refuse_repeated(factors: tuple[Factor, ...]) -> None:
    names = [factor_name(f) for f in factors]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise BadInput(*(Failure(reason=Reason.DUPLICATE, subject=n, sentence="stands twice among "
                                 "the factors; give each once") for n in twice))


def _refuse_absurd(factors: tuple[Factor, ...], move: Floats) -> None:
    good = np.logical_and.reduce(np.abs(move) <= MOVE_MAX, axis=0)
    if not good.all():
        raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=factor_name(f), sentence="has a "
                                 f"move that is not finite or beyond +-{MOVE_MAX:g}; give log "
                                 "returns and changes as fractions")
                         for f, fine in zip(factors, good, strict=True) if not fine))
