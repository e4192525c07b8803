"""What could happen: moves of prices and volatilities as data.

Scenario 0 is the unshocked world with weight 0. Every instrument follows one factor f: in scenario
s its price moves by `move[s, f]` times its base (index, mark or forward), the volatility of an
option by `vol_shift[s, f]` scaled by tenor under `vol_rules[f]`; `time_shift_days[s]` passes for
all. Factors are the underlyings, or what `factor_of` says: one per expiry, tier or instrument.
"""

from typing import Any, Literal

import numpy as np

from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Columns = np.ndarray[Any, np.dtype[np.int32]]
Base = Literal["index", "mark", "forward"]
Numeraire = Literal["settlement", "quote"]


@frozen
class VolRule:
    """How a volatility shift depends on tenor.

    With d days to expiry (at least `days_floor`, rounded up to whole days if `whole_days`) and
    p = power_short if d < switch_days else power_long, the shift x becomes x (30/d)^p and
    sigma' = sigma (1 + x) if `relative` else sigma + x; upward shifts end at least at `floor_up`,
    every shifted volatility at least at 0.
    """

    relative: bool
    power_short: float
    power_long: float
    switch_days: float
    days_floor: float
    whole_days: bool
    floor_up: float


@frozen
class ScenarioSet:
    """Scenarios over factors; `digest` is over all of it.

    labels            [scenario] for people
    factors           columns of the shift arrays: underlyings, or names whose first word is one
    move              [scenario, factor] fractional move of the base price; NaN in all but scenario
                      0: nobody says how it moves, and what follows it fails
    vol_shift         [scenario, factor] shift at 30 days: fraction (relative) or points
    vol_rules         [factor]
    time_shift_days   [scenario]
    weight            [scenario] weight in averages; 0 for scenario 0
    base_*            what the move is a fraction of
    numeraire         "settlement": P&L in each contract's settlement asset at the shocked price;
                      "quote": P&L in quote currency, inverse contracts included
    factor_of         [instrument] of one catalogue, index of its factor; None: its underlying
    smile             [instrument, 5] raw SVI of the contract's expiry, along which its volatility
                      slides as the forward moves (sticky moneyness); NaN, None: it does not
    method            how generated scenarios were made, with parameters and seed; "" otherwise
    """

    labels: tuple[str, ...]
    factors: tuple[str, ...]
    move: Floats
    vol_shift: Floats
    vol_rules: tuple[VolRule, ...]
    time_shift_days: Floats
    weight: Floats
    base_spot: Base
    base_delta_one: Base
    base_option: Base
    numeraire: Numeraire
    factor_of: Columns | None = None
    smile: Floats | None = None
    method: str = ""

    def __post_init__(self) -> None:
        """Check shapes and that scenario 0 is unshocked; a mistake here is the programmer's."""
        shape = (len(self.labels), len(self.factors))
        assert self.move.shape == self.vol_shift.shape == shape
        assert len(self.vol_rules) == len(self.factors)
        assert self.time_shift_days.shape == self.weight.shape == (len(self.labels),)
        assert not self.move[0].any() and not self.vol_shift[0].any()
        assert self.time_shift_days[0] == 0 and self.weight[0] == 0
        unknown = np.isnan(self.move[1:])
        assert bool(np.all(unknown == unknown[:1])), "a factor moves in all scenarios or in none"
        assert bool(np.all((self.move[1:] > -1) & (self.move[1:] < np.inf) | unknown))
        if self.factor_of is not None:
            assert self.factor_of.dtype == np.int32 and self.factor_of.ndim == 1
            assert bool(np.all((self.factor_of >= 0) & (self.factor_of < len(self.factors))))
        if self.smile is not None:
            assert self.smile.ndim == 2 and self.smile.shape[1] == 5
            finite = np.isfinite(self.smile)
            assert bool(np.all(finite == finite[:, :1])), "a smile is whole or absent"

    def __len__(self) -> int:
        """Return the number of scenarios, the unshocked one included."""
        return len(self.labels)


def scenario_digest(scenarios: ScenarioSet) -> str:
    """Return the SHA-256 of all fields of the set."""
    from counterpoise.values.digest import sha256_of  # no margin number needs it

    words = repr((scenarios.labels, scenarios.factors, scenarios.vol_rules,
                  scenarios.base_spot, scenarios.base_delta_one, scenarios.base_option,
                  scenarios.numeraire, *([scenarios.method] if scenarios.method else [])))
    own = {"factor_of": scenarios.factor_of, "smile": scenarios.smile}
    named = "".join(name for name, column in own.items() if column is not None)
    return sha256_of(words + named, scenarios.move, scenarios.vol_shift,
                     scenarios.time_shift_days, scenarios.weight,
                     *(column for column in own.values() if column is not None))


def factors_of(scenarios: ScenarioSet, underlying: str) -> Columns:
    """Return the factors of an underlying, those whose name is its name or begins with it."""
    return np.array([k for k, name in enumerate(scenarios.factors)
                     if name.split(" ")[0] == underlying], np.int32)
