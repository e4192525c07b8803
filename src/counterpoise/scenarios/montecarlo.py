"""What could happen that did not? Draws from a t copula with semi-parametric margins.

    e ~ N(0, 1) independent, z = L e with L L' = R, t = z sqrt(n / chi2_n), u = T_n(t)
    shock = F^-1(u) of each factor, then compounded over the horizon (`scenarios.paths`)

One chi2 for all factors of a day makes them extreme together. R is the correlation of now (from
DCC), held over the horizon (*our reading*). Two runs with one seed and two correlations begin with
the same e and chi2, so that their difference is dependence, not chance. Chance is PCG64; its
normals and chi2 are NumPy's. Sources: S. Demarta and A. McNeil, "The t copula and related copulas",
International Statistical Review 73, 2005; R. Engle, "Dynamic conditional correlation", Journal of
Business and Economic Statistics 20, 2002.
"""

from typing import Final, Literal

import numpy as np

from counterpoise.scenarios.bootstrap import Draws, volatility_words
from counterpoise.scenarios.correlation import root_of, through_root
from counterpoise.scenarios.distributions import DEGREES_MAX, t_probability
from counterpoise.scenarios.factors import Factor, Floats, JointMoves
from counterpoise.scenarios.historical import refuse_horizon
from counterpoise.scenarios.margins import Margin, quantile
from counterpoise.scenarios.paths import VolatilityNow, compounded
from counterpoise.values.digest import sha256_of
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

Pairing = Literal["independent", "antithetic"]
_EDGE: Final = 1e-15


@frozen
class TCopula:
    """How factors hang together: correlation [factor, factor] and whole degrees of freedom."""

    correlation: Floats
    degrees: int

    def __post_init__(self) -> None:
        """Refuse degrees that are none; the correlation is checked where its root is taken."""
        if not (3 <= self.degrees <= DEGREES_MAX and self.degrees == int(self.degrees)):
            raise bad_input(Reason.BAD_VALUE, "degrees", f"{self.degrees} must be a whole number "
                            f"of degrees of freedom, 3 to {DEGREES_MAX}")


@frozen
class FactorModel:
    """The joint distribution of a day's shocks and the volatility that scales them, [factor].

    `shock_limit` bounds a shock, in standard deviations: a fitted tail has no end, a market that
    stops has.
    """

    factors: tuple[Factor, ...]
    margins: tuple[Margin, ...]
    copula: TCopula
    volatility: VolatilityNow
    shock_limit: float

    def __post_init__(self) -> None:
        """Check that all parts are about the same factors; refuse a limit that is none."""
        count = len(self.factors)
        assert len(self.margins) == count and self.volatility.variance.shape[1] == count
        assert self.copula.correlation.shape == (count, count)
        if not 5 <= self.shock_limit <= 1000:
            raise bad_input(Reason.BAD_VALUE, "shock limit", f"{self.shock_limit} must be 5 to "
                            "1000 standard deviations")


def monte_carlo(model: FactorModel, draws: Draws, *, horizon_days: int,
                pairing: Pairing = "independent") -> JointMoves:
    """Return drawn moves over `horizon_days`.

    `antithetic` draws come in pairs, the second with all signs of e turned: an even number.

    Raises
    ------
    BadInput
        If the horizon is none, the count of antithetic draws odd, the correlation none, or a drawn
        move absurd.
    """
    refuse_horizon(horizon_days)
    if pairing == "antithetic" and draws.count % 2:
        raise bad_input(Reason.BAD_VALUE, "draws", "antithetic ones come in pairs; give an even "
                        "number")
    root = root_of(model.copula.correlation)
    chance = np.random.Generator(np.random.PCG64(draws.seed))
    shocks = np.stack([_shocks(model, root, _normal(chance, len(root), draws.count, pairing),
                               _mixing(chance, model.copula.degrees, draws.count, pairing))
                       for _ in range(horizon_days)])
    return JointMoves(
        factors=model.factors, labels=tuple(f"draw {k + 1}" for k in range(draws.count)),
        move=compounded(shocks, None, model.volatility), weight=np.ones(draws.count),
        horizon_days=float(horizon_days),
        method=f"Monte Carlo, {horizon_days} days, {draws.count} {pairing} draws, seed "
        f"{draws.seed}, t copula of {model.copula.degrees} degrees, shocks within "
        f"{model.shock_limit:g}, {volatility_words(model.volatility)}, {_words(model)}")


def _normal(chance: "np.random.Generator", factors: int, count: int, pairing: Pairing) -> Floats:
    if pairing == "independent":
        return np.ascontiguousarray(chance.standard_normal((count, factors)).T)
    half = chance.standard_normal((count // 2, factors)).T
    return np.ascontiguousarray(np.stack((half, -half), axis=2).reshape(factors, count))


def _mixing(chance: "np.random.Generator", degrees: int, count: int, pairing: Pairing) -> Floats:
    share = 1 if pairing == "independent" else 2
    square = chance.chisquare(degrees, count // share)
    return np.repeat(np.sqrt(degrees / square), share)


def _shocks(model: FactorModel, root: Floats, normal: Floats, mixing: Floats) -> Floats:
    """Return the shocks of one day, [factor, draw]."""
    t = through_root(root, normal) * mixing
    out = np.empty_like(t)
    for k, margin in enumerate(model.margins):
        u = t_probability(t[k], model.copula.degrees)
        out[k] = quantile(margin, np.minimum(np.maximum(u, _EDGE), 1.0 - _EDGE))
    return np.minimum(np.maximum(out, -model.shock_limit), model.shock_limit)


def _words(model: FactorModel) -> str:
    """Return the digest of correlation and margins."""
    tails = repr([(m.lower, m.upper) for m in model.margins])
    columns = [m.centre for m in model.margins]
    return f"distribution {sha256_of(tails, model.copula.correlation, *columns)[:16]}"
