"""How quotes become smiles: grouped, sorted, weighted, refused where they say nothing."""

import numpy as np
import pytest

from counterpoise.market.simulated import simulated_market
from counterpoise.market.snapshot import Quality
from counterpoise.market.surfaces.smiles import smiles, smiles_of, vega_weight, without_weights
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.frozen import replaced


def quotes(**changes):
    good = {"years": np.repeat([0.5, 0.1], 6), "log_moneyness": np.tile(np.linspace(-1, 1, 6), 2),
            "volatility": np.linspace(0.4, 0.9, 12)}
    return good | changes


def test_quotes_are_sorted_by_expiry_and_strike():
    shuffle = np.random.default_rng(1).permutation(12)

    ordered = smiles(**quotes())
    mixed = smiles(**{name: values[shuffle] for name, values in quotes().items()})

    assert ordered == mixed
    assert ordered.years.tolist() == [0.1, 0.5] and ordered.pointer.tolist() == [0, 6, 12]
    assert ordered.volatility[0] == quotes()["volatility"][6]


def test_weights_are_vega_unless_given():
    own = smiles(**quotes())

    assert 1.0 >= own.weight.max() > 0.9 and own.weight.min() >= 1e-6
    assert smiles(**quotes(weight=np.full(12, 3.0))).weight.tolist() == [3.0] * 12
    assert without_weights(own).weight.tolist() == [1.0] * 12


def test_vega_weight_is_one_where_d1_is_zero_and_falls_away_from_it():
    deviation = 0.2
    at = np.array([0.5 * deviation * deviation, 0.4, -0.4])

    weight = vega_weight(at, np.full(3, 0.4), np.full(3, 0.25))

    assert weight[0] == 1.0 and weight[1] < 0.2 and weight[2] < 0.2


def test_an_expiry_with_few_strikes_is_left_out_with_a_reason():
    kept = smiles(**quotes(years=np.array([0.1] * 8 + [0.5] * 4)))

    assert kept.years.tolist() == [0.1] and len(kept.volatility) == 8
    (failure,) = kept.failures
    assert "has 4 strikes" in failure.sentence and "at least 5" in failure.sentence


def test_one_strike_quoted_five_times_is_no_smile():

    with pytest.raises(BadInput, match="has 1 strikes"):
        smiles(years=np.full(5, 0.2), log_moneyness=np.zeros(5), volatility=np.full(5, 0.5))


def test_no_quotes_are_refused():

    with pytest.raises(BadInput, match="no quotes"):
        smiles(years=np.zeros(0), log_moneyness=np.zeros(0), volatility=np.zeros(0))


def test_every_bad_number_is_named():
    bad = quotes(weight=np.ones(12))
    bad["years"][1], bad["volatility"][2] = 0.0, -0.3
    bad["log_moneyness"][3], bad["weight"][4] = np.nan, np.inf

    with pytest.raises(BadInput) as caught:
        smiles(**bad)

    assert {f.subject for f in caught.value.failures} == {f"quote {k}" for k in (1, 2, 3, 4)}
    assert all(f.reason == Reason.BAD_VALUE for f in caught.value.failures)


def test_a_snapshot_gives_one_quote_per_strike_out_of_the_money():
    market = simulated_market()

    found = smiles_of(market, "BTC", "BTC")

    assert len(found.years) == 11 and np.all(np.diff(found.years) > 0)
    for begin, end in zip(found.pointer[:-1], found.pointer[1:], strict=True):
        assert np.all(np.diff(found.log_moneyness[begin:end]) > 0)


def test_bad_quotes_of_a_snapshot_are_left_out():
    market = simulated_market()
    quality = market.quality.copy()
    quality[::3] = Quality.STALE

    fewer = smiles_of(replaced(market, quality=quality), "BTC", "USDC")

    assert len(fewer.volatility) < len(smiles_of(market, "BTC", "USDC").volatility)


def test_an_underlying_without_options_is_refused_by_name():

    with pytest.raises(BadInput, match="SOL settled in USDC"):
        smiles_of(simulated_market(), "SOL", "USDC")
