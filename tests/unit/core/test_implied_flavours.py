"""Implied volatilities and fits: the same bits from every instruction set, wrong arrays refused."""

import hashlib
from typing import Any

import numpy as np
import pytest

from counterpoise import _core

FLAVOURS = ("avx512", "avx2", "baseline")


@pytest.fixture(autouse=True)
def same_flavour_afterwards():
    before = _core.isa()["active"]
    yield
    _core.use_isa(before)


def quotes(count: int = 1501) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    forward = rng.uniform(0.5, 2, count)
    share = np.where(rng.random(count) < 0.5, 10 ** rng.uniform(-302, 0, count),
                     1 - 10 ** rng.uniform(-16, 0, count))
    price = np.where(rng.random(count) < 0.05, np.nan, share * forward)
    return {"price": price, "forward": forward,
            "strike": forward * np.exp(10 ** rng.uniform(-17, 2.8, count)),
            "years": 10 ** rng.uniform(-3, 0.5, count), "rate": rng.choice([0.0, 0.03], count),
            "right": rng.choice(np.array([1, -1], np.int8), count)}


def smiles(**changes: Any) -> dict[str, Any]:
    """Return two smiles of 11 and 26 quotes with some noise, so that no fit is exact."""
    rng = np.random.default_rng(6)
    k = np.concatenate((np.linspace(-0.3, 0.3, 11), np.linspace(-0.8, 0.9, 26)))
    years = np.repeat([0.05, 0.4], [11, 26])
    vol = 0.6 - 0.1 * k + np.sqrt(k * k + 0.02) * 0.4 + 0.01 * rng.normal(size=37)
    good = {"pointer": np.array([0, 11, 37]), "log_moneyness": k, "variance": vol * vol * years,
            "weight": rng.uniform(0.5, 2, 37)}
    return good | changes


def everything() -> list[np.ndarray]:
    parameters, *rest = _core.svi_fit(**smiles(), clear=False)
    clear = _core.svi_fit(**smiles(), clear=True)
    wings, *chain = _core.ssvi_fit(**smiles())
    k = smiles()["log_moneyness"]
    rows = np.repeat(np.arange(2, dtype=np.int32), [11, 26])
    return [*_core.implied_volatility(**quotes()), parameters, *rest, *clear, wings, *chain,
            *_core.svi_dip(parameters),
            *_core.svi_curve(parameters=parameters, slice=rows, log_moneyness=k),
            _core.ssvi_variance(wings=wings[rows], log_moneyness=k)]


def digest(arrays: list[np.ndarray]) -> str:
    whole = hashlib.sha256()
    for array in arrays:
        # A NaN may carry any payload: only its place counts.
        clean = np.where(np.isnan(array), np.nan, array) if array.dtype.kind == "f" else array
        whole.update(clean.tobytes())
    return whole.hexdigest()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_flavour_has_the_same_bits(flavour):
    if flavour not in _core.isa()["available"]:
        pytest.skip(f"this CPU or build has no {flavour}")
    expected = digest(everything())

    _core.use_isa(flavour)

    assert _core.isa()["active"] == flavour
    assert digest(everything()) == expected


def test_a_smile_is_fitted_alike_alone_and_in_company():
    whole = _core.svi_fit(**smiles(), clear=True)

    for row, part in enumerate((slice(0, 11), slice(11, 37))):
        given = smiles()
        columns = {n: given[n][part] for n in ("log_moneyness", "variance", "weight")}
        alone = _core.svi_fit(pointer=np.array([0, part.stop - part.start]), clear=True, **columns)
        np.testing.assert_array_equal(alone[0][0], whole[0][row])


WRONG = [
    ({"pointer": np.array([1, 11, 37])}, "pointer must start at 0"),
    ({"pointer": np.array([0, 11, 36])}, "end at the number of positions, 37"),
    ({"pointer": np.array([0, 0, 37])}, "between 1 and 2048 quotes"),
    ({"variance": np.ones(36)}, "variance must have 37 entries, not 36"),
    ({"variance": np.full(37, np.nan)}, "variance and weight positive"),
    ({"variance": np.zeros(37)}, "variance and weight positive"),
    ({"weight": -np.ones(37)}, "variance and weight positive"),
    ({"weight": np.full(37, np.inf)}, "variance and weight positive"),
    ({"log_moneyness": np.full(37, np.inf)}, "log_moneyness must be finite"),
]


@pytest.mark.parametrize(("changes", "sentence"), WRONG)
@pytest.mark.parametrize("fit", [_core.ssvi_fit, lambda **given: _core.svi_fit(
    **given, clear=False)], ids=["ssvi", "svi"])
def test_wrong_quotes_are_refused_by_name(fit, changes, sentence):

    with pytest.raises(ValueError, match=".") as caught:
        fit(**smiles(**changes))

    assert sentence in str(caught.value)


def test_too_many_quotes_of_one_smile_are_refused():
    many = {name: np.ones(2049) for name in ("log_moneyness", "variance", "weight")}

    with pytest.raises(ValueError, match="between 1 and 2048"):
        _core.svi_fit(pointer=np.array([0, 2049]), **many, clear=False)


def test_too_many_smiles_of_one_surface_are_refused():
    many = {name: np.ones(257) for name in ("log_moneyness", "variance", "weight")}

    with pytest.raises(ValueError, match="at most 256 slices"):
        _core.ssvi_fit(pointer=np.arange(258), **many)


@pytest.mark.parametrize("clear", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, 8, 9, 2048])
def test_degenerate_smiles_are_fitted_without_a_crash(clear, count):
    rng = np.random.default_rng(count)
    same = {"log_moneyness": np.zeros(count), "variance": np.full(count, 0.2),
            "weight": np.ones(count)}
    wild = {"log_moneyness": rng.normal(0, 1, count), "variance": 10 ** rng.uniform(-9, 3, count),
            "weight": 10 ** rng.uniform(-6, 6, count)}

    for quotes_ in (same, wild):
        pointer = np.array([0, count])
        assert np.isfinite(_core.svi_fit(pointer=pointer, **quotes_, clear=clear)[0]).all()
        assert np.isfinite(_core.ssvi_fit(pointer=pointer, **quotes_)[0]).all()


def test_no_smiles_and_no_rows_give_nothing():
    empty = {name: np.zeros(0) for name in ("log_moneyness", "variance", "weight")}

    assert _core.svi_fit(pointer=np.zeros(1, np.int64), **empty, clear=False)[0].shape == (0, 5)
    assert _core.ssvi_fit(pointer=np.zeros(1, np.int64), **empty)[0].shape == (0, 3)
    assert len(_core.svi_dip(np.zeros((0, 5)))[0]) == 0
    assert len(_core.ssvi_variance(wings=np.zeros((0, 3)), log_moneyness=np.zeros(0))) == 0


@pytest.mark.parametrize(("slices", "sentence"), [
    (np.array([0, 2], np.int32), "slice must index the rows of parameters"),
    (np.array([-1, 0], np.int32), "slice must index the rows of parameters")])
def test_a_row_of_no_smile_is_refused(slices, sentence):

    with pytest.raises(ValueError, match=sentence):
        _core.svi_curve(parameters=np.ones((2, 5)), slice=slices, log_moneyness=np.zeros(2))


@pytest.mark.parametrize(("name", "bad", "error"), [
    ("price", np.ones(4, np.float32), TypeError), ("strike", np.ones(3), ValueError),
    ("right", np.ones(4), TypeError), ("years", np.ones((4, 1)), ValueError),
    ("rate", np.ones(8)[::2], ValueError), ("forward", [1.0, 1.0, 1.0, 1.0], TypeError)])
def test_a_wrong_quote_column_is_refused_by_name(name, bad, error):

    with pytest.raises(error) as caught:
        _core.implied_volatility(**(quotes(4) | {name: bad}))

    assert name in str(caught.value)
