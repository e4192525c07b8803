"""Is what is drawn for a young factor like what it did, and never mistaken for it?"""

import numpy as np
import pytest

from counterpoise.calibration.completion import anchors_of, completed, rarely_known
from counterpoise.scenarios.factors import FactorHistory, factor_name, factor_named
from counterpoise.scenarios.paths import shocks_of
from counterpoise.scenarios.variance import GjrTerms
from counterpoise.values.failure import BadInput
from counterpoise.values.time import DAY_NS

TERMS = GjrTerms(mean=0.0, omega=4.5e-5, alpha=0.03, gamma=0.0, beta=0.92)
NAMES = ("BTC price", "ETH price", "SOL price", "BTC vol")


def history(young=300, days=3000, names=NAMES):
    chance = np.random.default_rng(1)
    market = chance.standard_normal(days)
    own = chance.standard_normal((days, 4))
    move = 0.03 * np.stack([market, 0.8 * market + 0.6 * own[:, 1], 0.6 * market + 0.8 * own[:, 2],
                            -0.7 * market + np.sqrt(0.51) * own[:, 3]], axis=1)
    move[:days - young, 2:] = np.nan
    return FactorHistory(factors=tuple(map(factor_named, names)), move=move, source="made",
                         day=np.arange(1, days + 1) * DAY_NS)


def whole(given, seed=1):
    shocks, _ = shocks_of(given, ((TERMS,) * len(given.factors),))
    return completed(shocks, anchors_of(given), years=20, seed=seed), shocks


def test_anchors_are_the_prices_with_the_longest_history():
    assert ("BTC price", "ETH price") == tuple(
        f"{f.subject} {f.kind}" for f in anchors_of(history()))
    with pytest.raises(BadInput, match="no price in USD"):
        anchors_of(history(names=("BTC vol", "ETH vol", "SOL vol", "BTC term")))


def test_known_cells_stay_as_they_were():
    found, shocks = whole(history())
    kept = np.searchsorted(shocks.history.day, found.shocks.history.day)

    known = ~found.drawn
    np.testing.assert_array_equal(found.shocks.deviation[known], shocks.deviation[kept][known])
    np.testing.assert_allclose(found.shocks.excess[known], shocks.excess[kept][known], rtol=1e-12)
    assert np.isfinite(found.shocks.history.move).all()


def test_drawn_cells_are_counted_and_said():
    found, _ = whole(history())

    assert [0, 0, 2700, 2700] == np.count_nonzero(found.drawn, axis=0).tolist()
    assert "drawn with seed 1" in found.shocks.history.source


def test_drawn_residuals_keep_size_and_dependence():
    found, _ = whole(history())
    residual = found.shocks.excess / found.shocks.deviation
    drawn = residual[found.drawn[:, 2]]
    correlation = np.corrcoef(drawn.T)

    # Made of 300 days: their own error is about 1 / sqrt(300).
    assert correlation[0, 2] == pytest.approx(0.6, abs=0.1)
    assert correlation[0, 3] == pytest.approx(-0.7, abs=0.1)
    assert np.std(drawn[:, 2]) == pytest.approx(1.0, abs=0.12)
    assert found.share[2] == pytest.approx(0.36, abs=0.12) and np.isnan(found.share[0])


def test_one_seed_is_one_drawing_and_a_factor_less_changes_no_other():
    first, _ = whole(history())
    again, _ = whole(history())
    other, _ = whole(history(), seed=2)
    given = history()
    fewer = FactorHistory(factors=given.factors[:3], day=given.day, move=given.move[:, :3],
                          source="made")

    assert first == again and first != other
    np.testing.assert_array_equal(whole(fewer)[0].shocks.excess, first.shocks.excess[:, :3])


def test_short_calm_is_set_in_proportion_to_the_long_history():
    given = history()
    calm = given.move.copy()
    calm[-300:] *= 0.5
    halved = FactorHistory(factors=given.factors, day=given.day, move=calm, source="made")
    found, _ = whole(halved)

    # SOL is known in the calm alone, half as wild; its long run is that of the anchors.
    assert found.long_run[2] == pytest.approx(0.03 * np.sqrt(0.925), rel=0.15)


def test_factor_known_on_too_few_days_is_refused():
    with pytest.raises(BadInput, match="SOL price: is known on 9"):
        whole(history(young=99))


def test_factor_known_on_too_few_anchored_days_is_named():
    given = history(young=90)
    shocks, _ = shocks_of(given, ((TERMS,) * len(given.factors),))
    rare = rarely_known(shocks, anchors_of(given))

    assert ["SOL price", "BTC vol"] == [factor_name(f) for f in rare]
    assert all(why.startswith("is known on 90 of the days") for why in rare.values())
    with pytest.raises(BadInput, match="SOL price.*BTC vol"):
        whole(given)
