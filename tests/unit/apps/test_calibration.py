"""What a calibration says stands still is what some instrument of a coin would miss."""

import pytest

from counterpoise.apps.calibration import still_kinds
from counterpoise.calibration.calibrate import CalibrationTerms, calibrate
from counterpoise.calibration.factor_levels import coverage_of
from counterpoise.calibration.simulated_history import simulated_record
from counterpoise.scenarios.factors import factor_name
from counterpoise.values.frozen import replaced


def without(names):
    record = simulated_record(days=500)
    kept = [k for k, f in enumerate(record.history.factors) if factor_name(f) not in names]
    left = replaced(record.history, factors=tuple(record.history.factors[k] for k in kept),
                    move=record.history.move[:, kept].copy())
    return coverage_of(left, source=left.source, why="see the whole history")


@pytest.mark.parametrize(("names", "still"), [
    ((), ()), (("BTC basis 0",), ("basis",)), (("BTC basis 30", "BTC basis 90"), ("basis",)),
    (("BTC vol", "BTC funding"), ("vol", "term", "skew", "funding"))])
def test_coin_without_a_kind_of_factor_has_it_stand_still(names, still):
    terms = CalibrationTerms(horizon_days=1, prior_days=0)
    gone = names if "BTC vol" not in names else (*names, "BTC term", "BTC skew")
    found = calibrate(without(gone), terms, subjects=("BTC",))

    assert still == still_kinds(found)
