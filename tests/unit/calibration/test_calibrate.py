"""Do calibrated joint moves say what the history says, and nothing that it does not?"""

import numpy as np
import pytest

from counterpoise.calibration.calibrate import CalibrationTerms, calibrate
from counterpoise.calibration.factor_levels import Levels, record_of
from counterpoise.calibration.simulated_history import simulated_record
from counterpoise.risk.measures import expected_shortfall_of
from counterpoise.scenarios.factors import Factor, factor_name
from counterpoise.scenarios.historical import historical
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced

COINS = ("BTC", "USDC")


@pytest.fixture(scope="module")
def record():
    return simulated_record(days=1400)


@pytest.fixture(scope="module")
def found(record):
    return calibrate(record, CalibrationTerms(horizon_days=2), subjects=COINS)


def shortfall(moves, name):
    column = [factor_name(f) for f in moves.factors].index(name)
    return float(expected_shortfall_of(np.ascontiguousarray(moves.move[:, column][None]),
                                       level=0.975)[0])


def test_all_sets_are_of_the_same_factors_and_horizon(found):
    sets = found.moves

    assert {"base", "floor", "stress", "all_up", "hedge_broken"} == set(sets)
    assert 1 == len({m.factors for m in sets.values()})
    assert {2.0} == {m.horizon_days for m in sets.values()}
    assert {"BTC", "USDC"} == {f.subject for f in sets["base"].factors}


def test_same_history_and_terms_give_the_same_moves(record, found):
    again = calibrate(record, CalibrationTerms(horizon_days=2), subjects=COINS)

    assert found.moves == again.moves and found.fitted == again.fitted


def test_stress_is_worse_than_the_whole_past_and_breaks_keep_each_factor(found):
    past = historical(found.completed.shocks.history, horizon_days=2, windows="overlapping")
    base = shortfall(found.moves["base"], "BTC price")

    assert shortfall(found.moves["stress"], "BTC price") > 1.3 * shortfall(past, "BTC price")
    for broken in ("all_up", "hedge_broken"):
        assert base == pytest.approx(shortfall(found.moves[broken], "BTC price"), rel=1e-12)


def test_base_follows_the_volatility_of_now_and_floor_the_long_run(record, found):
    calm = record.history.move.copy()
    calm[-60:] *= 0.1
    later = calibrate(replaced(record, history=replaced(record.history, move=calm)),
                      CalibrationTerms(horizon_days=2), subjects=COINS)

    base, floor = (shortfall(later.moves[n], "BTC price") / shortfall(found.moves[n], "BTC price")
                   for n in ("base", "floor"))
    assert base < 0.5 and floor == pytest.approx(1.0, abs=0.25)


def test_two_days_reach_further_than_one(record, found):
    one = calibrate(record, CalibrationTerms(horizon_days=1), subjects=COINS)
    ratio = shortfall(found.moves["base"], "BTC price") / shortfall(one.moves["base"], "BTC price")

    assert 1.2 < ratio < 1.7


def test_monte_carlo_agrees_with_the_filtered_paths_it_is_fitted_to(record, found):
    drawn = calibrate(record, CalibrationTerms(horizon_days=2, method="monte_carlo",
                                               scenarios=4000), subjects=COINS)

    assert 4000 == len(drawn.moves["base"].labels)
    for name in ("BTC price", "BTC vol"):
        assert shortfall(drawn.moves["base"], name) == pytest.approx(
            shortfall(found.moves["base"], name), rel=0.25)


def test_diagnostics_know_what_the_history_was_made_of(found):
    # The simulated shocks have a t copula of 5 degrees and a constant correlation.
    assert 4 <= found.copula.degrees <= 7
    assert found.dcc.log_likelihood < found.dcc.constant + 15
    btc = found.fitted.fits[0]
    assert btc.lower is not None and 0 <= btc.lower.shape_error < 0.15
    assert len(btc.scan) == 7 and len(btc.windows) >= 3


def test_young_and_stale_factors_are_left_out_with_the_reason(record):
    move = record.history.move.copy()
    names = [factor_name(f) for f in record.history.factors]
    move[:-50, names.index("BTC skew")] = np.nan
    move[-200:, names.index("BTC term")] = np.nan
    changed = replaced(record, history=replaced(record.history, move=move), coverage=tuple(
        replaced(c, known=int(np.isfinite(move[:, k]).sum()))
        for k, c in enumerate(record.coverage)))
    out = {factor_name(f): why for f, why in calibrate(
        changed, CalibrationTerms(horizon_days=1, prior_days=0), subjects=COINS).left_out}

    assert "50 known moves" in out["BTC skew"]
    assert "200 days before the history ends" in out["BTC term"]

    carried = calibrate(changed, CalibrationTerms(horizon_days=1), subjects=COINS)
    own = {factor_name(p.factor): p.own for p in carried.priors}
    assert own["BTC skew"] == 50 < own["BTC term"] < len(move) - 200
    assert {"BTC skew", "BTC term"} <= {factor_name(f) for f in carried.moves["base"].factors}


def test_what_cannot_be_calibrated_is_refused(record):
    with pytest.raises(BadInput, match="DOGE"):
        calibrate(record, CalibrationTerms(horizon_days=1), subjects=("DOGE",))
    with pytest.raises(BadInput, match="no price in USD"):
        calibrate(record, CalibrationTerms(horizon_days=1), subjects=("STETH",))
    days = np.arange(60)
    short = record_of([Levels(factor=Factor(subject="BTC", kind="price"), day=days, source="x",
                              level=np.sin(days))], source="x")
    with pytest.raises(BadInput, match="at least 100"):
        calibrate(short, CalibrationTerms(horizon_days=1))


def test_terms_without_a_meaning_are_all_named():
    with pytest.raises(BadInput) as wrong:
        CalibrationTerms(horizon_days=0, seed=-1, decay=1.0, tail_share=0.9)

    assert {"horizon_days", "seed", "decay", "tail_share"} == {
        f.subject for f in wrong.value.failures}
