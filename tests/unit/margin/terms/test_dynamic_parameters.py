"""Parameters of `dynamic` fit together or are refused, every misfit at once."""

import numpy as np
import pytest

from counterpoise.adapters.simulated_parameters import simulated_parameters
from counterpoise.margin.parameter_version import ParameterVersion, version_digest
from counterpoise.margin.terms.dynamic_parameters import (
    CorrelationTerms,
    DynamicMoves,
    MaintenanceTerms,
    StressTerms,
    moves_digest,
)
from counterpoise.scenarios.simulated_moves import simulated_moves
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced

PRESET = simulated_parameters()


def _refused(**changes):
    with pytest.raises(BadInput) as refused:
        replaced(PRESET, **changes)
    return {f.subject: f.sentence for f in refused.value.failures}


def test_parts_without_their_moves_are_refused_together():
    told = _refused(moves=DynamicMoves(base=PRESET.moves.base))

    assert {"stress", "floor", "correlation.sets"} == told.keys()


def test_moves_over_another_horizon_are_never_rescaled():
    told = _refused(general=replaced(PRESET.general, horizon_days=5.0))

    assert "span 2 days" in told["moves.base"] and "moves.breaks.all_up" in told


def test_sets_that_do_not_share_their_factors_are_named():
    base = PRESET.moves.base
    short = replaced(base, factors=base.factors[1:], move=base.move[:, 1:])
    told = _refused(moves=replaced(PRESET.moves, floor=short))

    assert told["moves.floor"].endswith("BTC price")


def test_a_tail_of_less_than_one_scenario_is_refused():
    few = simulated_moves(seed=1, count=39)

    assert "hold no tail" in _refused(moves=replaced(PRESET.moves, base=few))["moves.base"]
    assert "hold no tail" in _refused(
        stress=StressTerms(weight=0.25, level=0.999, reading="blend"))["moves.stress"]


def test_an_unknown_dependence_is_refused_with_the_known_ones():
    told = _refused(correlation=CorrelationTerms(sets=("crisis",)))

    assert "all_up, hedge_broken" in told["correlation.sets"]


@pytest.mark.parametrize("sets", [(), ("all_up", "all_up")])
def test_a_correlation_part_names_each_dependence_once(sets):
    with pytest.raises(BadInput, match="set correlation to null"):
        CorrelationTerms(sets=sets)


@pytest.mark.parametrize("given", [{}, {"fraction": 0.8, "level": 0.95}, {"fraction": 1.2}])
def test_maintenance_is_a_fraction_or_a_level(given):
    with pytest.raises(BadInput):
        MaintenanceTerms(**given)


def test_one_moved_number_is_another_version():
    move = np.array(PRESET.moves.base.move)
    move[300, 3] += 1e-9
    other = replaced(PRESET, moves=replaced(PRESET.moves, base=replaced(PRESET.moves.base,
                                                                        move=move)))
    digests = {version_digest(ParameterVersion(model="dynamic", number=1, parameters=p))
               for p in (PRESET, simulated_parameters(), other)}

    assert 2 == len(digests)
    assert moves_digest(PRESET.moves.base) != moves_digest(other.moves.base)


def test_simulated_moves_say_so():
    assert PRESET.general.simulated
    assert "not observed" in PRESET.moves.base.method


def test_words_that_mean_nothing_are_refused():
    for changes in ({"smile": "sticky"}, {"funding": "maybe"}, {"still": ("price",)},
                    {"passing_days": -1.0}, {"level": 0.3}):
        with pytest.raises(BadInput):
            replaced(PRESET.general, **changes)


def test_codes_are_written_one_way():
    told = _refused(wrong_way={"USDE": PRESET.wrong_way["usde"], **PRESET.wrong_way})

    assert "lower case" in told["wrong_way.USDE"]


def test_a_horizon_of_hours_is_odd():
    hours = {name: replaced(one, horizon_days=0.1) for name, one in PRESET.moves.breaks.items()}
    moves = PRESET.moves
    odd = replaced(PRESET, general=replaced(PRESET.general, horizon_days=0.1), moves=replaced(
        moves, breaks=hours, base=replaced(moves.base, horizon_days=0.1),
        floor=replaced(moves.floor, horizon_days=0.1),
        stress=replaced(moves.stress, horizon_days=0.1)))

    assert () == PRESET.oddities()
    assert "0.1 days" in odd.oddities()[0][1]


def test_another_dependence_keeps_the_draws_and_the_margins():
    base, up = PRESET.moves.base.move, PRESET.moves.breaks["all_up"].move
    together = [np.corrcoef(m[:, 0], m[:, 8])[0, 1]
                for m in (base, up, PRESET.moves.breaks["hedge_broken"].move)]

    assert together[1] > 0.98 > together[0] > 0.7 > 0.3 > abs(together[2])
    assert abs(up[:, 8].std() / base[:, 8].std() - 1) < 0.15
    assert np.array_equal(up[:, 4], base[:, 4])
