"""With what does a log of your own begin? One JSON file: assets, instruments, rules, segments.

    {"time": "2026-01-14T08:00:00Z", "assets": {"BTC": 8, "USD": 6, "USDC": 6},
     "instruments": ["BTC-USDC:USDC-PERP"], "segments": {"retail": {"model": "standard"}}}

`assets` says the decimals of each asset's smallest unit; an instrument is a canonical id or, with
terms of its own, an object as `InstrumentsListed` has them; `rules` replace single rules of the
engine; `market` says whose prices will be fed, {"origin": "fed", "source": "in words"}. Of a
segment, `levels` replaces the default ladder and `parameters` single values of the model's dated
parameters at `time`.
"""

from typing import Any, Final, get_args

from counterpoise.adapters.event_document import fields_document, value_document, value_in
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.adapters.portfolio.document import plain, tree_of
from counterpoise.adapters.store.engine_log import Market, market_document
from counterpoise.adapters.symbols.names import instrument_of
from counterpoise.engine.codec import TEXT_BYTES_MAX, batch_of
from counterpoise.engine.effects import EventRefused
from counterpoise.engine.events import Event, ParametersActivated, SegmentDefined
from counterpoise.engine.forms import named_types
from counterpoise.engine.levels import DEFAULT_LEVELS, Level
from counterpoise.engine.state import Equipment, Rules, State, genesis
from counterpoise.engine.step import step
from counterpoise.instruments.catalogue import Catalogue, catalogue
from counterpoise.instruments.contracts import Instrument
from counterpoise.values.assets import Asset
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import INSTANT_MAX, parse_instant

Object = dict[str, Any]
_FED: Final = {"origin": "fed", "source": ""}
_KEYS: Final = ("time", "assets", "instruments", "rules", "segments", "market")
_NEEDED: Final = ("time", "assets", "instruments")
_SEGMENT: Final = ("model", "levels", "parameters")
_TYPES: Final = named_types(Rules, Level, Market, *get_args(Instrument))


@frozen
class Genesis:
    """With what a log begins: its first state, what is said first, whose prices it lives on."""

    first: State
    events: tuple[Event, ...]
    market: Market


def read_genesis(path: str, equipment: Equipment) -> Genesis:
    """Return what a genesis file says.

    Raises
    ------
    BadInput
        If it cannot be read, or with every violation of its parts.
    """
    tree = tree_of(path)
    _refuse_keys(tree)
    wrong: list[Failure] = []
    parts = {name: _tried(part, wrong) for name, part in (
        ("time", lambda: _time(tree["time"])),
        ("assets", lambda: tuple(Asset(code=code, decimals=value_in(
            int, digits, f"assets.{code}", {})) for code, digits in tree["assets"].items())),
        ("instruments", lambda: _instruments(tree["instruments"])),
        ("rules", lambda: value_in(Rules, tree.get("rules", {}), "rules", _TYPES)),
        ("market", lambda: value_in(Market, tree.get("market", _FED), "market", _TYPES)))}
    events = () if wrong else _tried(lambda: tuple(
        event for name, segment in tree.get("segments", {}).items()
        for event in _segment(name, segment, parts["time"])), wrong)
    if wrong:
        raise BadInput(*wrong)
    first = genesis(catalogue=parts["instruments"], assets=parts["assets"],
                    equipment=equipment, rules=parts["rules"], time=parts["time"])
    _refuse_refused(first, events)
    return Genesis(first=first, events=events, market=parts["market"])


def _refuse_refused(first: State, events: tuple[Event, ...]) -> None:
    wrong = [failure for effect in step(first, batch_of(events))[1]
             if isinstance(effect, EventRefused) for failure in effect.failures]
    if wrong:
        raise BadInput(*wrong)


def _tried(part: Any, wrong: list[Failure]) -> Any:
    try:
        return part()
    except BadInput as found:
        wrong.extend(found.failures)
        return None


def _refuse_keys(tree: Any) -> None:
    if not isinstance(tree, dict):
        raise bad_input(Reason.BAD_VALUE, "genesis", "is not an object in braces")
    kinds = {"assets": dict, "instruments": list, "rules": dict, "segments": dict}
    wrong = [Failure(reason=Reason.UNKNOWN_KEY, subject=key[:60], sentence="is no part of a "
                     "genesis file; it has " + ", ".join(_KEYS)) for key in tree
             if key not in _KEYS]
    wrong += [Failure(reason=Reason.BAD_VALUE, subject=key, sentence="is missing; a log cannot "
                      "begin without it") for key in _NEEDED if key not in tree]
    wrong += [Failure(reason=Reason.BAD_VALUE, subject=key, sentence="must be "
                      + ("an object in braces" if kind is dict else "a list in brackets"))
              for key, kind in kinds.items() if key in tree and type(tree[key]) is not kind]
    if wrong:
        raise BadInput(*wrong)


def _time(tree: Any) -> int:
    time: int = parse_instant(tree) if type(tree) is str else value_in(int, tree, "time", {})
    if not 0 <= time < INSTANT_MAX:
        raise bad_input(Reason.BAD_TIME, "time", f"is {time} ns since 1970; use 1970 to 2116")
    return time


def _instruments(tree: list[Any]) -> Catalogue:
    made: list[Instrument] = [
        instrument_of(item, "counterpoise") if type(item) is str else value_in(
            Instrument, item, f"instruments[{k}]", _TYPES) for k, item in enumerate(tree)]
    wrong = [Failure(reason=Reason.BAD_VALUE, subject=f"instruments[{k}]", sentence="has an id "
                     f"that no event could name: use 1 to {TEXT_BYTES_MAX} bytes")
             for k, one in enumerate(made) if not 0 < len(one.id.encode()) <= TEXT_BYTES_MAX]
    if wrong:
        raise BadInput(*wrong)
    return catalogue(made)


def _segment(name: str, tree: Any, time: int) -> tuple[Event, Event]:
    path = f"segments.{name}"
    if not isinstance(tree, dict) or type(tree.get("model")) is not str:
        raise bad_input(Reason.BAD_VALUE, path, 'needs a model, like {"model": "standard"}')
    unknown = [key for key in tree if key not in _SEGMENT]
    if unknown:
        raise BadInput(*(Failure(reason=Reason.UNKNOWN_KEY, subject=f"{path}.{key}"[:80],
                                 sentence="is no part of a segment; it has "
                                 + ", ".join(_SEGMENT)) for key in unknown))
    levels = DEFAULT_LEVELS if "levels" not in tree else value_in(
        tuple[Level, ...], tree["levels"], f"{path}.levels", _TYPES)
    model = model_named(tree["model"])
    version = parameters_of(model, time, plain(tree.get("parameters", {})))
    said: Object = {"time": time, "segment": name}
    return (SegmentDefined(client_id=f"genesis-{name}", **said, model=model.name, levels=levels),
            ParametersActivated(client_id=f"genesis-{name}-parameters", **said, version=version,
                                effective_from=0))


def genesis_document(first: State, market: Market | None) -> Object:
    """Return the genesis file that leads to a first state; segments come as events."""
    return {"time": first.time, "assets": {a.code: a.decimals for a in first.assets},
            "instruments": [value_document(c) for c in first.catalogue.instruments],
            "rules": fields_document(first.rules),
            "market": market_document(market) or _FED}
