"""Counterpoise: portfolio margin for crypto derivatives.

Nine names are enough to margin a portfolio from Python; each is loaded when it is first used, so
that `import counterpoise` costs nothing (docs/decisions/0003-cold-start.md).
"""

__version__ = "0.1.0"
__all__ = ["BadInput", "explain", "greeks_of", "margin_of", "model_names", "read_chain",
           "read_portfolio", "simulated_market", "write_portfolio"]
_HOMES = {
    "BadInput": "counterpoise.values.failure",
    "explain": "counterpoise.apps.legs",
    "greeks_of": "counterpoise.apps.sensitivities",
    "margin_of": "counterpoise.apps.answer",
    "model_names": "counterpoise.adapters.models",
    "read_chain": "counterpoise.adapters.chain",
    "read_portfolio": "counterpoise.adapters.portfolio_file",
    "simulated_market": "counterpoise.market.simulated",
    "write_portfolio": "counterpoise.adapters.portfolio_file",
}


def __getattr__(name: str) -> object:
    """Load one of the names above when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'counterpoise' has no attribute {name!r}; it has "
                             + ", ".join(__all__))
    from importlib import import_module

    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the names that can be used."""
    return [*__all__, "__version__"]
