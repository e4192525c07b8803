"""Which margin models there are: ours and those that installed packages bring.

A package adds a model under the entry point group `counterpoise.margin_models`; the entry point
names an object that keeps `margin.model.MarginModel` (docs/extending.md).
"""

from importlib import import_module
from typing import Any, Final, cast

from counterpoise.margin.model import MarginModel
from counterpoise.values.failure import Reason, bad_input

ENTRY_POINTS: Final = "counterpoise.margin_models"
_OURS: Final = {
    "aevo": "counterpoise.margin.models.aevo",
    "binance_options": "counterpoise.margin.models.binance_options",
    "binance_pm": "counterpoise.margin.models.binance_pm",
    "bybit": "counterpoise.margin.models.bybit",
    "coinbase_intx": "counterpoise.margin.models.coinbase_intx",
    "dederi": "counterpoise.margin.models.bybit:DEDERI",
    "deribit_spm": "counterpoise.margin.models.deribit_spm",
    "deribit_xpm": "counterpoise.margin.models.deribit_xpm",
    "deribit_xsm": "counterpoise.margin.models.deribit_xsm",
    "derive_pmrm": "counterpoise.margin.models.derive_pmrm",
    "derive_srm": "counterpoise.margin.models.derive_srm",
    "dynamic": "counterpoise.margin.models.dynamic",
    "hyperliquid": "counterpoise.margin.models.hyperliquid",
    "okx_pm": "counterpoise.margin.models.okx_pm",
    "paradex": "counterpoise.margin.models.paradex",
    "powertrade": "counterpoise.margin.models.powertrade",
    "span": "counterpoise.margin.models.span",
    "span_nse": "counterpoise.margin.models.span:NSE",
    "standard": "counterpoise.margin.models.standard",
    "tims": "counterpoise.margin.models.tims",
}


def model_named(name: str) -> MarginModel:
    """Return the model of that name.

    Raises
    ------
    BadInput
        If there is no such model; the sentence lists those there are.
    """
    if name in _OURS:
        module, _, attribute = _OURS[name].partition(":")
        return cast(MarginModel, getattr(import_module(module), attribute or "MODEL"))
    theirs = _third_party()
    if name not in theirs:
        raise bad_input(Reason.UNKNOWN_MODEL, repr(name)[:60], "is not a margin model; use one of "
                        + ", ".join(sorted({*_OURS, *theirs})))
    return cast(MarginModel, theirs[name].load())


def model_names() -> tuple[str, ...]:
    """Return the names of all models that can be used, sorted."""
    return tuple(sorted({*_OURS, *_third_party()}))


def _third_party() -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {e.name: e for e in entry_points(group=ENTRY_POINTS) if e.name not in _OURS}
