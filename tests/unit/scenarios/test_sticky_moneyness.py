"""Sticky moneyness: options follow the smile of their expiry, as the oracle says."""

import numpy as np
import pytest

from counterpoise import _core
from counterpoise.market.simulated import simulated_market
from counterpoise.market.surfaces.raw import raw_svi
from counterpoise.market.surfaces.smiles import smiles_of
from counterpoise.market.surfaces.ssvi import fit_ssvi
from counterpoise.market.surfaces.svi import fit_svi
from counterpoise.pricing.kernel import scenario_pnl
from counterpoise.scenarios.scenario_set import scenario_digest
from counterpoise.scenarios.sticky_moneyness import sticky_moneyness
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from counterpoise.values.time import YEAR_NS
from oracle import black
from small_market import FIXED_RULE, NOW, instruments, market, scenarios

SMILE = np.array([0.01, 0.08, -0.35, 0.05, 0.2])
SHIFT = (0.0, 0.3, -0.25, 0.5, 0.0)
ADDITIVE = replaced(FIXED_RULE, relative=False)


def with_smile(snapshot, given, smile=SMILE):
    rows = np.where((snapshot.catalogue.kind == 3)[:, None], smile, np.nan)
    return replaced(given, smile=rows)


def deviation(smile, k):
    a, b, rho, m, sigma = smile
    return np.sqrt(a + b * (rho * (k - m) + np.sqrt((k - m) ** 2 + sigma**2)))


def oracle_pnl(snapshot, given, i):
    """Return the P&L of a linear option under a smile and a rule that knows no tenor."""
    held = snapshot.catalogue
    years = (held.expiry[i] - NOW) / YEAR_NS
    left = np.maximum(years - given.time_shift_days / 365, 0.0)
    forward = snapshot.forward[i] * (1 + given.move[:, 0])
    k, now = np.log(held.strike[i] / forward), np.log(held.strike[i] / snapshot.forward[i])
    moved = snapshot.volatility[i] + (deviation(SMILE, k) - deviation(SMILE, now)) / np.sqrt(years)
    shift = given.vol_shift[:, 0]
    relative = given.vol_rules[0].relative
    sigma = np.maximum(moved * (1 + shift) if relative else moved + shift, 0.0)
    value = black(forward=forward, strike=held.strike[i], years=left, volatility=sigma,
                  right=held.right[i])
    return held.unit[i] * (value - value[0])


@pytest.mark.parametrize("rule", [FIXED_RULE, ADDITIVE], ids=["relative", "points"])
@pytest.mark.parametrize("days", [None, (0.0, 1.0, 2.0, 60.0, 0.0)], ids=["now", "later"])
@pytest.mark.parametrize("base", ["forward", "index"])
def test_volatility_slides_along_the_smile_of_its_expiry(rule, days, base):
    snapshot = market(index=np.array([70_500.0]))
    given = with_smile(snapshot, scenarios(shift=SHIFT, rule=rule, days=days, base_option=base))

    _, pnl, failed = scenario_pnl(snapshot, given)

    assert not failed.any() and not pnl[:, 0].any()
    for i, contract in enumerate(snapshot.catalogue.instruments):
        if snapshot.catalogue.kind[i] == 3 and contract.settlement == "USDC":
            np.testing.assert_allclose(pnl[i], oracle_pnl(snapshot, given, i), rtol=1e-10,
                                       atol=3e-14 * 70_000)


def test_a_flat_smile_keeps_the_volatility_to_the_bit():
    snapshot, given = market(), scenarios(shift=SHIFT)
    flat = with_smile(snapshot, given, np.array([0.04, 0.0, 0.0, 0.0, 0.1]))

    assert all(np.array_equal(a, b) for a, b in zip(
        scenario_pnl(snapshot, flat), scenario_pnl(snapshot, given), strict=True))


def test_a_row_without_a_smile_keeps_its_volatility():
    snapshot, given = market(), scenarios(shift=SHIFT)
    some = with_smile(snapshot, given).smile.copy()
    some[6] = np.nan

    sliding = scenario_pnl(snapshot, replaced(given, smile=some))[1]

    still = scenario_pnl(snapshot, given)[1]
    changed = np.any(sliding != still, axis=1)
    assert np.array_equal(changed, (snapshot.catalogue.kind == 3) & (np.arange(len(some)) != 6))


def test_a_smile_that_is_no_number_somewhere_fails_its_row():
    snapshot = market()
    negative = np.array([0.01, 0.5, -0.9, -0.1, 0.01]) - np.array([0.06, 0, 0, 0, 0])
    given = with_smile(snapshot, scenarios(), negative)

    value, pnl, failed = scenario_pnl(snapshot, given)

    option = snapshot.catalogue.kind == 3
    assert failed[option].all() and not failed[~option].any()
    assert np.isnan(value[option]).all() and np.isnan(pnl[option]).all()


def test_call_and_put_flavours_and_threads_have_the_same_bits():
    snapshot = market(listed=instruments(strikes=tuple(np.linspace(30_000, 150_000, 40).tolist())))
    given = with_smile(snapshot, scenarios(shift=SHIFT))
    expected = scenario_pnl(snapshot, given)[1]
    before = _core.isa()["active"]
    try:
        for flavour in _core.isa()["available"]:
            _core.use_isa(flavour)
            assert np.array_equal(scenario_pnl(snapshot, given, threads=2)[1], expected)
    finally:
        _core.use_isa(before)
    for k in range(len(expected)):
        alone = scenario_pnl(snapshot, given, columns=np.array([k]))[1]
        assert np.array_equal(alone[0], expected[k])


def test_a_smile_is_part_of_the_digest_and_whole_or_absent():
    snapshot, given = market(), scenarios()
    smiling = with_smile(snapshot, given)

    assert scenario_digest(smiling) != scenario_digest(given)
    with pytest.raises(AssertionError, match="whole or absent"):
        with_smile(snapshot, given, np.array([0.01, np.nan, 0.0, 0.0, 0.1]))
    with pytest.raises(AssertionError, match="another catalogue"):
        scenario_pnl(snapshot, replaced(smiling, smile=smiling.smile[:3]))


def simulated():
    """Return the simulated market, a set of one move up and down, and which rows are BTC's own."""
    snapshot = simulated_market()
    terms = snapshot.catalogue
    moves = np.repeat([[0.0], [0.2], [-0.2]], len(terms.underlyings), axis=1)
    given = scenarios(move=(0.0, 0.2, -0.2))
    given = replaced(given, factors=terms.underlyings, move=moves, vol_shift=0 * moves,
                     vol_rules=given.vol_rules * len(terms.underlyings))
    mine = np.array([terms.kind[i] == 3 and c.underlying == "BTC" and c.settlement == "BTC"
                     for i, c in enumerate(terms.instruments)])
    return snapshot, given, mine


@pytest.mark.parametrize("fit", [fit_svi, fit_ssvi])
def test_the_smiles_of_a_set_are_those_of_the_surface(fit):
    snapshot, given, mine = simulated()
    surface = fit(smiles_of(snapshot, "BTC", "BTC"))
    years = (snapshot.catalogue.expiry[mine] - snapshot.as_of) / YEAR_NS
    k = np.linspace(-0.5, 0.5, len(years))

    smile = sticky_moneyness(given, snapshot, {("BTC", "BTC"): surface}).smile

    assert np.array_equal(~np.isnan(smile[:, 0]), mine)
    sigma = [deviation(row, x) for row, x in zip(smile[mine], k, strict=True)] / np.sqrt(years)
    np.testing.assert_allclose(sigma, surface.volatility(k, years), rtol=1e-7)


@pytest.mark.parametrize("fit", [fit_svi, fit_ssvi])
@pytest.mark.parametrize("share", [0.3, 1.7])
def test_before_and_after_its_expiries_a_surface_is_raw_svi(fit, share):
    snapshot, _, _ = simulated()
    surface = fit(smiles_of(snapshot, "BTC", "BTC"))
    years = np.array([share * surface.years[0 if share < 1 else -1]])

    smile = raw_svi(surface, years)[0]

    for k in (-0.4, 0.0, 0.3):
        assert deviation(smile, k) / np.sqrt(years[0]) == pytest.approx(
            surface.volatility(np.array([k]), years)[0], rel=1e-7)


def test_an_expiry_between_two_smiles_of_svi_is_refused_by_name():
    snapshot, given, mine = simulated()
    quotes = smiles_of(snapshot, "BTC", "BTC")
    surface = fit_svi(quotes)
    kept = np.arange(len(surface.years)) != 1
    holed = replaced(surface, years=surface.years[kept], parameters=surface.parameters[kept])
    years = (snapshot.catalogue.expiry - snapshot.as_of) / YEAR_NS
    missing = mine & (np.abs(years - surface.years[1]) < 1e-9)

    with pytest.raises(BadInput) as caught:
        sticky_moneyness(given, snapshot, {("BTC", "BTC"): holed})

    named = {f.subject for f in caught.value.failures}
    assert named == {snapshot.catalogue.instruments[k].id for k in np.flatnonzero(missing)}
    assert "fit that expiry, too" in str(caught.value)
