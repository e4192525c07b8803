"""Paradex portfolio margin against its rule, worked out here from the page."""

from typing import Any

import numpy as np
import pytest

from counterpoise.accounts.book import Book
from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.requirement import Requirements
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.pricing.black import black76
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from markets import book_holding, market

MARKET = market()
PERPETUAL, FUTURE = "BTC-USDC:BTC-PERP", "BTC-USDC:BTC-20260307"
CALL, PUT = "BTC-USDC:BTC-20260307-65000-C", "BTC-USDC:BTC-20260307-58500-P"
