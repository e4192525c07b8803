"""On real days the frozen forecast beats what it would replace, and scenarios follow it.

In the ordinary run its GARCH part is left out, whose walk-forward fits take a quarter of a minute;
the soak run takes the whole frozen set and the figures of `docs/methodology/calibration.md`.
"""

import numpy as np
import pytest

from counterpoise.adapters.daily_history import read_daily_panel
from counterpoise.adapters.prediction_file import frozen_prediction
from counterpoise.apps.calibration import price_forecasts, until
from counterpoise.apps.factors import FactorFiles, factor_record
from counterpoise.calibration.calibrate import Calibration, CalibrationTerms, calibrate
from counterpoise.calibration.prediction.now import past_variances
from counterpoise.calibration.price_filter import PREDICTION, PriceForecasts
from counterpoise.risk.measures import expected_shortfall_of
from counterpoise.values.frozen import replaced
from counterpoise.values.time import day_text, instant_of_day

pytest.importorskip("arch")
COINS = ("BTC", "ETH")
TERMS = CalibrationTerms(horizon_days=1)
LAST_DAY = "2026-03-24"
TWO_WEEKS_ON = instant_of_day(2026, 2, 19) - 1
"""The night of 18 February 2026: the fall of 5 February is over, and recursions remember it."""


@pytest.fixture(scope="module")
def record(shared):
    others = {f.subject for f in factor_record(FactorFiles(
        prices=(str(shared / "data/prices/daily.parquet"),), without=("LUNA",))).history.factors}
    return factor_record(FactorFiles(prices=(str(shared / "data/prices/daily.parquet"),),
                                     without=("LUNA", *sorted(others - set(COINS)))))


def shortfall(found: Calibration, side: int) -> np.ndarray:
    prices = [k for k, f in enumerate(found.moves["base"].factors) if f.kind == "price"]
    losses = side * found.moves["base"].move[:, prices].T
    return expected_shortfall_of(np.ascontiguousarray(losses), level=0.975)


def filtered(found: Calibration) -> dict:
    return {fit.factor.subject: one for fit, one in zip(
        found.fitted.fits, found.fitted.filters.factors, strict=True)
        if fit.factor.kind == "price"}


def test_bitcoin_and_ether_are_filtered_by_it_and_their_requirement_differs(shared, record):
    frozen = frozen_prediction()
    ranges = replaced(frozen.parameters, forecasts=("har_return", "har_range"))
    panel = read_daily_panel(shared / "data", coins=COINS, until=LAST_DAY)
    forecasts = PriceForecasts(past=past_variances(panel, ranges), digest=frozen.digest,
                               residual_max=ranges.residual_max)
    then = until(record, TWO_WEEKS_ON)
    plain = calibrate(then, TERMS, subjects=COINS)
    ours = calibrate(then, TERMS, subjects=COINS, forecasts=forecasts)

    assert "2026-02-18" == day_text(ours.as_of)
    assert {PREDICTION} == {one.name for one in filtered(ours).values()}
    assert all(one.days > 2800 for one in filtered(ours).values())
    for side in (1, -1):
        ratio = shortfall(ours, side) / shortfall(plain, side)
        assert np.all((0.5 < ratio) & (ratio < 0.95)), ratio


@pytest.mark.soak
def test_the_whole_frozen_set_scores_as_the_page_says(shared, record):
    ours = filtered(calibrate(record, TERMS, subjects=COINS,
                              forecasts=price_forecasts(str(shared / "data"), record)))

    told = {"BTC": (-6.569, -6.476, -6.519, 2885, 0.908),
            "ETH": (-5.518, -5.460, -5.471, 2885, 0.962)}
    for coin, figures in told.items():
        one = ours[coin]
        assert figures == pytest.approx((
            one.qlike["combination"], one.qlike["ewma"], one.qlike["gjr_ewma"], one.days,
            one.level), abs=2e-3)
