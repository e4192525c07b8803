"""Kraken and Bullish: what is printed describes a rule's shape and no account."""

from typing import Any

CONVERTERS: Any = {}
WITHOUT_ACCOUNT = {
    "kraken/formula.json": "names of parameters and the shape of a formula, no numbers",
    "bullish/margin_profile.json": "multiples of five margin levels, no account",
}
