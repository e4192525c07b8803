"""The pricing pass: each kind, payoff, base and rule against the oracle, and what fails a row."""

import itertools

import numpy as np
import pytest

from counterpoise.market.snapshot import Quality
from counterpoise.pricing.kernel import scenario_pnl
from counterpoise.scenarios.scenario_set import VolRule
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS
from oracle import delta_one_pnl, option_pnl
from small_market import FIXED_RULE, NOW, instruments, market, scenarios

SHIFT = (0.0, 0.3, -0.25, 0.5, -0.9)


def oracle_pnl(snapshot, given):
    held = snapshot.catalogue
    kinds = [given.base_spot, given.base_delta_one, given.base_delta_one, given.base_option]
    out = []
    for i in range(len(held)):
        option = held.kind[i] == 3
        variable = snapshot.forward[i] if option else snapshot.mark[i]
        bases = {"index": snapshot.index[0], "forward": snapshot.forward[i], "mark": variable}
        inverse = 1 if given.numeraire == "settlement" else 2
        terms = {"unit": held.unit[i], "base": bases[kinds[held.kind[i]]],
                 "price": variable + (snapshot.forward_fixed[i] if option else 0.0),
                 "mode": inverse if held.payoff[i] == 1 else 0, "move": given.move[:, 0]}
        if option:
            terms |= {"strike": held.strike[i], "years": (held.expiry[i] - NOW) / (365 * DAY_NS),
                      "volatility": snapshot.volatility[i], "rate": snapshot.rate[i],
                      "right": held.right[i], "shift": given.vol_shift[:, 0],
                      "passed": given.time_shift_days / 365, "rule": given.vol_rules[0]}
            out.append(option_pnl(**terms)[1])
        else:
            out.append(delta_one_pnl(**terms))
    return np.array(out)


def notional(snapshot, given):
    """Return what a lot stands for, in the currency of its P&L: the yardstick of its errors."""
    held = snapshot.catalogue
    option, inverse = held.kind == 3, held.payoff == 1
    price = np.where(option, snapshot.forward + snapshot.forward_fixed, snapshot.mark)
    future = held.unit / (price if given.numeraire == "settlement" else 1.0)
    coin = held.unit if given.numeraire == "settlement" else held.unit * price
    return np.where(inverse, np.where(option, coin, future), held.unit * price)


def assert_priced(snapshot, given):
    _, pnl, failed = scenario_pnl(snapshot, given)
    error = np.abs(pnl - oracle_pnl(snapshot, given)).max(axis=1)
    assert not failed.any() and not pnl[:, 0].any()
    assert (error / notional(snapshot, given)).max() < 3e-15


@pytest.mark.parametrize("numeraire", ["settlement", "quote"])
@pytest.mark.parametrize(("spot", "one", "option"),
                         list(itertools.product(["index", "mark", "forward"], repeat=3)))
def test_every_base_and_numeraire_agrees_with_the_oracle(numeraire, spot, one, option):

    assert_priced(market(), scenarios(shift=SHIFT, base_spot=spot, base_delta_one=one,
                                      base_option=option, numeraire=numeraire))


RULES = {
    "relative": replaced(FIXED_RULE, power_long=0.13, power_short=0.3),
    "additive": replaced(FIXED_RULE, relative=False, power_long=0.5),
    "whole days": replaced(FIXED_RULE, whole_days=True, power_long=0.5, power_short=0.3),
    "floor of days": replaced(FIXED_RULE, days_floor=60.0, power_long=0.5),
    "floor up": replaced(FIXED_RULE, floor_up=0.9),
    "switch": replaced(FIXED_RULE, switch_days=51.0, power_short=0.4),
    "deep additive fall": replaced(FIXED_RULE, relative=False, power_long=-2.0),
}


@pytest.mark.parametrize("rule", list(RULES.values()), ids=list(RULES))
@pytest.mark.parametrize("days", [0.3, 30.0, 50.0, 400.0])
def test_every_volatility_rule_agrees_with_the_oracle(rule, days):
    listed = instruments(days=days)

    assert_priced(market(listed=listed), scenarios(shift=SHIFT, rule=rule))


def test_passing_time_and_rates_agree_with_the_oracle():
    snapshot = market()

    assert_priced(replaced(snapshot, rate=np.full(len(snapshot.mark), 0.05)),
                  scenarios(shift=SHIFT, days=(0.0, 1.0, 10.0, 50.0, 90.0)))


def test_a_forward_fixed_in_part_moves_by_its_variable_part_alone():
    snapshot = market(listed=instruments(days=0.01))
    fixed = np.where(snapshot.catalogue.kind == 3, 30_000.0, 0.0)

    assert_priced(replaced(snapshot, forward_fixed=fixed, forward=snapshot.forward - fixed),
                  scenarios())


def test_a_move_of_the_index_leaves_the_fixed_part_of_the_forward_alone():
    snapshot = market(listed=instruments(days=0.01))
    fixed = np.where(snapshot.catalogue.kind == 3, 30_000.0, 0.0)
    split = replaced(snapshot, forward_fixed=fixed, forward=snapshot.forward - fixed,
                     index=np.array([70_500.0]))
    option = snapshot.catalogue.kind == 3

    by_index = scenario_pnl(split, scenarios(base_option="index"))[1][option]
    by_forward = scenario_pnl(split, scenarios(base_option="forward"))[1][option]

    np.testing.assert_allclose(by_index, by_forward, rtol=1e-12, atol=1e-12)


def by_instrument(snapshot, given, **changes):
    """Return the set with a factor for every instrument, all of them alike."""
    count = len(snapshot.catalogue)
    return replaced(given, factors=tuple(f"BTC {i.id}" for i in snapshot.catalogue.instruments),
                    move=np.repeat(given.move, count, axis=1),
                    vol_shift=np.repeat(given.vol_shift, count, axis=1),
                    vol_rules=given.vol_rules * count,
                    factor_of=np.arange(count, dtype=np.int32), **changes)


def test_factors_that_are_alike_price_as_their_underlying():
    snapshot, given = market(), scenarios(shift=SHIFT)

    together = scenario_pnl(snapshot, given)
    apart = scenario_pnl(snapshot, by_instrument(snapshot, given))

    assert all(np.array_equal(a, b) for a, b in zip(together, apart, strict=True))


def test_a_factor_moves_its_own_instruments_alone():
    snapshot = market()
    given = by_instrument(snapshot, scenarios(shift=SHIFT))
    move, shift = given.move.copy(), given.vol_shift.copy()
    move[:, 5], shift[:, 5] = (0.0, 0.2, 0.2, -0.4, 0.0), (0.0, 0.0, 0.1, 0.1, 2.0)

    before = scenario_pnl(snapshot, given)[1]
    after = scenario_pnl(snapshot, replaced(given, move=move, vol_shift=shift))[1]

    own = scenario_pnl(snapshot, scenarios(move=move[:, 5], shift=shift[:, 5]))[1]
    assert np.array_equal(after[5], own[5])
    assert np.array_equal(np.delete(after, 5, axis=0), np.delete(before, 5, axis=0))


def test_factors_of_another_catalogue_are_refused():
    given = replaced(scenarios(), factor_of=np.zeros(3, np.int32))

    with pytest.raises(AssertionError, match="another catalogue"):
        scenario_pnl(market(), given)


def test_many_scenarios_are_priced_like_few():
    moves = np.concatenate(([0.0], np.linspace(-0.9, 2.0, 1000)))
    _, pnl, _ = scenario_pnl(market(), scenarios(move=moves))

    for start in (1, 7, 250, 251, 260, 700, 900):
        few = np.concatenate(([0.0], moves[start:start + 5]))
        _, again, _ = scenario_pnl(market(), scenarios(move=few))
        assert np.array_equal(pnl[:, start:start + 5], again[:, 1:])


def test_an_unshocked_scenario_has_exactly_no_pnl():
    quiet = scenarios(move=np.zeros(20), shift=np.zeros(20))

    assert not scenario_pnl(market(), quiet)[1].any()


def test_a_whole_number_of_days_is_not_rounded_up():
    rule = VolRule(relative=True, power_short=1.0, power_long=1.0, switch_days=0.0, days_floor=0.1,
                   whole_days=True, floor_up=0.0)
    for days in range(1, 400):
        listed = instruments(days=float(days), strikes=(70000.0,))
        whole = scenario_pnl(market(listed=listed), scenarios(shift=SHIFT, rule=rule))[1]
        exact = scenario_pnl(market(listed=listed), scenarios(
            shift=SHIFT, rule=replaced(rule, whole_days=False)))[1]
        np.testing.assert_allclose(whole, exact, rtol=1e-9, atol=1e-12)


def test_expired_time_is_zero_not_negative():
    listed = instruments(days=5.0, strikes=(70000.0,))
    later = scenario_pnl(market(listed=listed), scenarios(days=(0.0, 5.0, 6.0, 60.0, 600.0),
                                                          move=np.zeros(5)))[1]

    assert np.array_equal(later[:, 1:], np.repeat(later[:, 1:2], 4, axis=1))


DELTA_ONE_BITS = [Quality.MISSING_MARK, Quality.ABSURD_PRICE, Quality.STALE, Quality.EXPIRED]
OPTION_BITS = [Quality.MISSING_FORWARD, Quality.MISSING_VOLATILITY, Quality.ABSURD_PRICE,
               Quality.ABSURD_VOLATILITY, Quality.STALE, Quality.EXPIRED]


@pytest.mark.parametrize("bit", list(Quality))
def test_a_quality_bit_fails_the_rows_that_need_the_number(bit):
    snapshot = market()
    option = snapshot.catalogue.kind == 3
    quality = np.full(len(option), int(bit), np.uint16)

    failed = scenario_pnl(replaced(snapshot, quality=quality),
                          scenarios(base_spot="mark", base_delta_one="mark"))[2]

    assert failed[option].all() == failed[option].any() == (bit in OPTION_BITS)
    assert failed[~option].all() == failed[~option].any() == (bit in DELTA_ONE_BITS)


def test_a_missing_index_fails_only_what_is_shocked_by_the_index():
    snapshot = market()
    quality = np.full(len(snapshot.mark), int(Quality.MISSING_INDEX), np.uint16)

    failed = scenario_pnl(replaced(snapshot, quality=quality), scenarios(base_spot="index"))[2]

    assert np.array_equal(failed, snapshot.catalogue.kind == 0)


def test_a_failed_row_is_nan_throughout():
    snapshot = market()
    quality = np.zeros(len(snapshot.mark), np.uint16)
    quality[4] = int(Quality.STALE)

    value, pnl, failed = scenario_pnl(replaced(snapshot, quality=quality), scenarios())

    assert failed.tolist() == (quality != 0).tolist()
    assert np.isnan(value[4]) and np.isnan(pnl[4]).all()


def test_call_and_put_of_one_strike_have_the_bits_they_have_alone():
    together = market()
    for name, column in together.catalogue.column.items():
        alone = [i for i in together.catalogue.instruments if i.id == name]
        row = market(listed=alone, mark=together.mark[[column]])
        assert np.array_equal(scenario_pnl(row, scenarios(shift=SHIFT))[1][0],
                              scenario_pnl(together, scenarios(shift=SHIFT))[1][column])


def test_threads_change_no_bit():
    listed = instruments(strikes=tuple(np.linspace(20_000, 200_000, 200).tolist()))
    one, two = (scenario_pnl(market(listed=listed), scenarios(shift=SHIFT), threads=t)
                for t in (1, 2))

    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
