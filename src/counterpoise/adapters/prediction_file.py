"""Which configuration of the forecasts was frozen, on which days, and is it still the same?

The file lies beside the code that it configures. It names the last day that had been seen when the
configuration was chosen, the digest of that data, and the digest of the configuration: a file that
was changed by hand is refused.
"""

import json
import os
from importlib import resources
from typing import Any, Final

from counterpoise.calibration.prediction.parameters import (
    BoostingParameters,
    PredictionParameters,
    digest_of,
)
from counterpoise.calibration.prediction.regime import RegimeParameters
from counterpoise.values.digest import sha256_of
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

_FILE: Final = "frozen.json"
_PLACE: Final = "counterpoise.calibration.prediction"


@frozen
class FrozenPrediction:
    """A configuration, what it was chosen on, and its digest.

    first_day, last_day   ISO dates of the data that had been seen when it was chosen
    panel_digest          of that data, `panel_digest` of the panel up to `last_day`
    """

    parameters: PredictionParameters
    regime: RegimeParameters
    coins: tuple[str, ...]
    first_day: str
    last_day: str
    panel_digest: str
    digest: str


def frozen_prediction(path: str | os.PathLike[str] | None = None) -> FrozenPrediction:
    """Return the committed configuration, or that of a file of the same form.

    Raises
    ------
    BadInput
        If the file cannot be read, has other keys, or its digest is not that of its contents.
    """
    name = os.fspath(path) if path is not None else _FILE
    document = _document(name, path)
    try:
        parameters = dict(document["parameters"])
        boosting = BoostingParameters(**parameters.pop("boosting"))
        found = FrozenPrediction(
            parameters=PredictionParameters(
                boosting=boosting, forecasts=tuple(parameters.pop("forecasts")), **parameters),
            regime=RegimeParameters(**document["regime"]), digest=document["digest"],
            coins=tuple(document["coins"]), **document["chosen_on"])
    except (KeyError, TypeError) as error:
        raise bad_input(Reason.UNREADABLE, name, "is no configuration of the forecasts: "
                        f"{str(error)[:120]}") from None
    if found.digest != configuration_digest(found):
        raise bad_input(Reason.BAD_VALUE, name, "was changed after it was frozen: its digest is "
                        "not that of its contents")
    return found


def configuration_digest(configuration: FrozenPrediction) -> str:
    """Return the SHA-256 of all that was frozen but the digest: choices, coins, days and data."""
    return sha256_of(digest_of(configuration.parameters) + repr((
        configuration.regime, configuration.coins, configuration.first_day,
        configuration.last_day, configuration.panel_digest)))


def _document(name: str, path: str | os.PathLike[str] | None) -> dict[str, Any]:
    try:
        if path is None:
            text = resources.files(_PLACE).joinpath(_FILE).read_text(encoding="utf-8")
        else:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        document = json.loads(text)
    except (OSError, ValueError) as error:
        raise bad_input(Reason.UNREADABLE, name, "cannot be read as JSON: "
                        + str(error)[:160]) from None
    if not isinstance(document, dict):
        raise bad_input(Reason.UNREADABLE, name, "is not a JSON object")
    return document
