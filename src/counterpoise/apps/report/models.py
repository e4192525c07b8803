"""Which margin models are there, with parameters of which dates, and which of our readings?"""

from typing import Any

import numpy as np

from counterpoise.accounts.book import Book, Entries, book_of
from counterpoise.adapters.models import model_named, model_names
from counterpoise.adapters.parameters import parameters_of
from counterpoise.apps.report.table import indented
from counterpoise.margin.model import MarginModel
from counterpoise.margin.parameter_version import version_digest
from counterpoise.market.simulated import simulated_market
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.frozen import replaced
from counterpoise.values.time import format_instant

Object = dict[str, Any]


def models_document(instant: int | None) -> Object:
    """Return every model with its parameters in force at `instant` (ns), the latest without one."""
    market = simulated_market()
    if instant is not None:
        market = replaced(market, as_of=instant)
    return {"at": format_instant(market.as_of),
            "models": [_model(model_named(name), market) for name in model_names()]}


def models_text(document: Object) -> list[str]:
    """Return the models one after another."""
    lines = [f"Parameters in force at {document['at']}; --at chooses another time"]
    for model in document["models"]:
        sections = [f"{s['section']}: observed {s['observed_on']}, acts from {s['effective_from']}"
                    for s in model["sections"]]
        laws = ", ".join(model["laws"]).replace("_", " ")
        lines += ["", f"{model['name']}: {model['title']}",
                  *indented([f"keeps the laws: {laws}",
                             f"combinations of readings that can be switched: "
                             f"{len(model['readings'])}",
                             *(f"our reading: {r}" for r in model["our_readings"]), *sections])]
    return lines


def _model(model: MarginModel, market: MarketSnapshot) -> Object:
    version, book = parameters_of(model, market.as_of), _one_of_each(market)
    return {
        "name": model.name, "title": model.title, "laws": sorted(model.laws),
        "parameter_number": version.number, "parameter_digest": version_digest(version),
        "sections": [{"section": s, "observed_on": o, "effective_from": e}
                     for s, o, e in version.sections],
        "notes": [sentence for _, sentence in version.notes],
        "our_readings": list(model.our_readings(book, market, version.parameters)),
        "readings": [label for group in model.reading_variants(book, version.parameters)
                     for label, _ in group]}


def _one_of_each(market: MarketSnapshot) -> Book:
    """Return an account that holds and orders one lot of everything, so that all readings show."""
    n = len(market.catalogue)
    rows = Entries(account=np.zeros(n, np.int64), instrument=np.arange(n, dtype=np.int32),
                   lots=np.ones(n, np.int64), entry_cost=np.zeros(n, np.int64))
    return book_of(catalogue=market.catalogue, accounts=np.array(["one of each"]), positions=rows,
                   orders=rows)
