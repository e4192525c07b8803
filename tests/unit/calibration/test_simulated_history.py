"""Is the history that comes with the package labelled, repeatable, and like a real one?"""

import numpy as np

from counterpoise.calibration.dependence import complete_days, fit_t_copula
from counterpoise.calibration.simulated_history import (
    ALPHA,
    BETA,
    DEGREES,
    FACTORS,
    GAMMA,
    simulated_record,
)
from counterpoise.calibration.volatility import fit_gjr, residuals_of


def test_it_says_that_it_is_simulated_and_by_which_seed():
    assert "SIMULATED, seed 3" in simulated_record(seed=3).history.source


def test_one_seed_is_one_history():
    assert simulated_record(days=500) == simulated_record(days=500)
    assert simulated_record(days=500) != simulated_record(days=500, seed=8)


def test_its_gaps_are_in_its_table():
    record = simulated_record()

    for k, row in enumerate(record.coverage):
        known = np.isfinite(record.history.move[:, k])
        assert (int(known.sum()), 3) == (row.known, row.missing)
        assert known.argmax() == FACTORS[k].late


def test_fits_find_what_it_was_made_of():
    record = simulated_record(days=8000)
    columns = [k for k, f in enumerate(FACTORS) if f.name in ("BTC price", "ETH price",
                                                              "SOL price")]
    fits = [fit_gjr(record.history.move[:, k]) for k in columns]
    residual = np.stack([residuals_of(record.history.move[:, k], fit) for k, fit in
                         zip(columns, fits, strict=True)], axis=1)
    copula = fit_t_copula(complete_days(residual))

    for fit in fits:
        found = fit.terms
        assert abs(found.alpha - ALPHA) < 4 * fit.errors["alpha"]
        assert abs(found.beta - BETA) < 4 * fit.errors["beta"]
        assert abs(found.gamma - GAMMA) < 4 * fit.errors["gamma"]
    assert abs(copula.degrees - DEGREES) <= 1
    assert abs(copula.correlation[0, 1] - FACTORS[0].loading * FACTORS[1].loading) < 0.02
