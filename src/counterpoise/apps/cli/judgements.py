"""`counterpoise check-model` and `parameters check`: is this fit to be used? If not, all of why.

`check-model` imports the module it is given, which runs its code, from the working directory too.
"""

import os
import sys
from importlib import import_module
from typing import Any, Final

from counterpoise.apps.cli.output import ANSWERED, JUDGED_AGAINST, show, show_json
from counterpoise.apps.cli.question import market_at
from counterpoise.apps.report.document import failure_document
from counterpoise.margin.model import MarginModel
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.time import parse_instant

SEEDS: Final = (1, 2, 3)


def check_model(place: str, *, market: str | None, as_json: bool) -> int:
    """Run the conformance battery on the model at `module:Class`; return the exit code.

    `market` is a snapshot that lists what the model covers, None for the simulated market.
    """
    from counterpoise.adapters.parameters import parameters_of
    from counterpoise.margin.conformance import check_margin_model, missing_members
    from counterpoise.market.simulated import simulated_market

    model = _model_at(place)
    prices = simulated_market() if market is None else market_at(market, at=None, perpetuals=None)
    broken = missing_members(model)
    if not broken:
        version = parameters_of(model, prices.as_of)
        broken = tuple(dict.fromkeys(sentence for seed in SEEDS for sentence in check_margin_model(
            model, version, prices, seed=seed)))
    if as_json:
        laws = sorted(getattr(model, "laws", ()))
        show_json({"model": place, "laws": laws, "broken": list(broken)})
    else:
        show(broken or (f"{place} keeps every promise of a margin model, and its laws: "
                        f"{_listed(model)}",))
    return JUDGED_AGAINST if broken else ANSWERED


def check_parameters(path: str, *, model: str | None, at: str | None, as_json: bool) -> int:
    """Say what speaks against the parameters proposed in a file; return the exit code."""
    from counterpoise.adapters.models import model_named
    from counterpoise.adapters.proposals import objections, proposed
    from counterpoise.market.simulated import AS_OF

    proposal = proposed(path)
    name = model or (proposal.get("model") if "sections" in proposal else None)
    if not isinstance(name, str):
        raise bad_input(Reason.UNKNOWN_MODEL, path, "does not say whose parameters these are; "
                        "name the model with --model")
    instant = AS_OF if at is None else parse_instant(at, subject="--at")
    found = objections(model_named(name), proposal, as_of=instant)
    if as_json:
        show_json({"model": name, "objections": [failure_document(f) for f in found]})
    else:
        show([f"{f.subject}: {f.sentence}" for f in found]
             or [f"{name}: nothing speaks against these parameters"])
    return JUDGED_AGAINST if found else ANSWERED


def _listed(model: MarginModel) -> str:
    return ", ".join(sorted(model.laws)).replace("_", " ") or "none declared"


def _model_at(place: str) -> MarginModel:
    module, _, name = place.partition(":")
    if not (module and name.isidentifier()):
        raise bad_input(Reason.UNKNOWN_MODEL, place[:60], "is not module:Class; write it like "
                        "my_package.my_venue:MyVenue")
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = getattr(import_module(module), name, None)
        model: MarginModel = found() if isinstance(found, type) else found
    except Exception as error:
        raise bad_input(Reason.UNKNOWN_MODEL, place[:60], "cannot be imported: "
                        f"{type(error).__name__}: {str(error)[:200]}") from None
    finally:
        sys.path.pop(0)
    if found is None:
        raise bad_input(Reason.UNKNOWN_MODEL, place[:60],
                        f"is not there: the module {module} has no {name}")
    return model
