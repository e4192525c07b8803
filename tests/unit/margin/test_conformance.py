"""The conformance battery: our models pass, broken models are found out."""

from typing import Any

import numpy as np
import pytest

from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.conformance import check_margin_model
from counterpoise.margin.models.deribit_spm import MODEL
from counterpoise.values.frozen import replaced
from markets import AS_OF, market

MARKET = market()


@pytest.mark.parametrize("name", ["deribit_spm", "deribit_xpm", "deribit_xsm", "span", "standard",
                                  "tims"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_our_models_pass_the_battery(name: str, seed: int) -> None:
    """No promise is broken on random books."""
    model = model_named(name)

    assert check_margin_model(model, parameters_of(model, AS_OF), MARKET, seed=seed) == ()


class Wrong:
    """A model that spoils one column of another; attributes come from the good one."""

    def __init__(self, **spoil: Any) -> None:
        self.spoil = spoil

    def __getattr__(self, name: str) -> Any:
        return getattr(MODEL, name)

    def requirement(self, *arguments: Any) -> Any:
        """Return good requirements with the spoiled columns put in."""
        good = MODEL.requirement(*arguments)
        return replaced(good, **{k: f(good) for k, f in self.spoil.items()})


@pytest.mark.parametrize(("spoil", "complaint"), [
    ({"initial": lambda r: r.initial * 1.01}, "components of the initial margin"),
    ({"initial": lambda r: r.initial + np.arange(len(r))}, "alone than among others"),
    ({"initial": lambda r: -r.initial}, "non_negative"),
    ({"maintenance": lambda r: r.initial * 2}, "initial_at_least_maintenance"),
    ({"initial": lambda r: np.nan_to_num(r.initial)}, "NaN and no failure"),
])
def test_a_broken_model_is_found_out(spoil: dict[str, Any], complaint: str) -> None:
    """Each spoiled promise is named."""
    found = check_margin_model(Wrong(**spoil), parameters_of(MODEL, AS_OF), MARKET)

    assert any(complaint in sentence for sentence in found), found
