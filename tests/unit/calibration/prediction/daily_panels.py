"""Simulated days for the tests of forecasts: clustered volatility, coins that move together."""

from typing import Any

import numpy as np

from counterpoise.calibration.prediction.daily_panel import DailyPanel

FIRST_DAY = 17_500


def simulated_panel(days: int = 700, coins: tuple[str, ...] = ("BTC", "ETH", "SOL"), *,
                    seed: int = 7) -> DailyPanel:
    """Return days of a common log-variance that reverts, with t-distributed moves and ranges."""
    chance = np.random.default_rng(seed)
    log_variance = np.empty(days)
    log_variance[0] = -6.5
    for t in range(1, days):
        log_variance[t] = -6.5 + 0.95 * (log_variance[t - 1] + 6.5) + 0.25 * chance.normal()
    deviation = np.exp(0.5 * log_variance)[:, None] * np.linspace(1.0, 1.4, len(coins))
    common = chance.standard_t(6, size=(days, 1))
    move = deviation * (0.8 * common + 0.6 * chance.standard_t(6, size=deviation.shape)) / 1.2
    inside = deviation ** 2 * chance.chisquare(12, size=deviation.shape) / 12
    implied = np.full(deviation.shape, np.nan)
    implied[days // 3:, 0] = 1.2 * deviation[days // 3:, 0] ** 2
    funding = np.full(deviation.shape, np.nan)
    funding[days // 4:, 0] = 1e-4 * chance.normal(1, 1, size=days - days // 4)
    return DailyPanel(coins=coins, day=FIRST_DAY + np.arange(days), log_return=move,
                      range_variance=inside * chance.chisquare(5, size=inside.shape) / 5,
                      realised_variance=inside, implied_variance=implied, funding=funding)


def changed_after(panel: DailyPanel, row: int, *, seed: int = 3) -> DailyPanel:
    """Return the panel with every column drawn anew from `row` on: another future."""
    chance = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for name in ("log_return", "range_variance", "realised_variance", "implied_variance",
                 "funding"):
        column = np.array(getattr(panel, name))
        column[row:] = column[row:] * chance.uniform(0.1, 5.0, size=column[row:].shape)
        columns[name] = column
    return DailyPanel(coins=panel.coins, day=panel.day, **columns)
