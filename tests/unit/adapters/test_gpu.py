"""The kernels for a CUDA device give the bits of the processor; a missing device is a sentence.

They run on the host, thread by thread (`host_device`), and on a device where there is one.
"""

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from counterpoise import _core
from counterpoise.adapters import gpu
from counterpoise.pricing.kernel import scenario_pnl
from counterpoise.risk.aggregation import grouped, loss_vectors, worst_loss
from counterpoise.values.failure import BadInput
from host_device import has_compiler, stand_in
from small_market import market, scenarios
from unit.core.test_flavours import book, grid, transforms


@pytest.fixture(scope="module", params=["host", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request, tmp_path_factory) -> gpu.Cuda:
    """Return the kernels on the stand-in for a device, and on a device."""
    if request.param == "cuda":
        missing = gpu.what_is_missing()
        if missing is not None:
            pytest.skip(f"a device {missing}")
        return gpu.kernels("cuda")
    if not has_compiler():
        pytest.skip("no C++ compiler of this machine's own")
    return gpu.cuda(stand_in(tmp_path_factory.mktemp("kernels")))


def few(accounts: int = 300) -> dict[str, Any]:
    """Return the first accounts of the book: the stand-in takes a thread at a time."""
    whole = book()
    end = whole["pointer"][accounts]
    return {"pointer": whole["pointer"][:accounts + 1], "key": whole["key"][:accounts],
            "instrument": whole["instrument"][:end], "lots": whole["lots"][:end]}


def pnl() -> np.ndarray:
    return np.nan_to_num(_core.price_grid(**grid())[1])


def equal(ours: tuple[Any, ...], cores: tuple[Any, ...]) -> bool:
    """Say whether every bit is the same; a NaN may carry any payload."""
    def bits(x: Any) -> bytes:
        return np.where(np.isnan(x), np.nan, x).tobytes() if x.dtype.kind == "f" else x.tobytes()

    return all(a.dtype == b.dtype and a.shape == b.shape and bits(a) == bits(b)
               for a, b in zip(ours, cores, strict=True))


def spoiled_grid() -> dict[str, Any]:
    """Return a grid with rows that must fail: no number, no price, a forward below zero."""
    given = grid()
    given["price"][::17] = np.nan
    given["volatility"][5::31] = -1.0
    given["mode"][7::41] = 9
    given["move"][3] = -1.5
    return given


def test_prices_have_the_bits_of_the_processor(device):

    assert equal(device.price_grid(**grid()), _core.price_grid(**grid()))


def test_rows_that_fail_are_the_same(device):
    value, scenarios, failed = device.price_grid(**spoiled_grid())

    assert equal((value, scenarios, failed), _core.price_grid(**spoiled_grid()))
    assert failed.any() and not failed.all()


def test_volatilities_that_follow_a_smile_have_the_bits_of_the_processor(device):
    smile = np.tile([0.02, 0.1, -0.2, 0.0, 0.3], (400, 1))
    smile[::3] = np.nan
    given = grid() | {"smile": smile}

    assert equal(device.price_grid(**given), _core.price_grid(**given))
    assert not equal(device.price_grid(**given), device.price_grid(**grid()))


@pytest.mark.parametrize("scenarios", [1, 31, 32, 33, 63, 64, 65])
def test_prices_of_any_number_of_scenarios_have_the_same_bits(device, scenarios):
    given = grid()
    for name in ("move", "vol_shift", "years_shift"):
        given[name] = given[name][:scenarios]

    assert equal(device.price_grid(**given), _core.price_grid(**given))


@pytest.mark.parametrize("changes", [
    {}, transforms(), transforms() | {"dampen_first": False},
    {"weight": np.ones((4, 97))}, {"gain_factor": np.zeros(4), "gain_cap": np.zeros(4)},
    {"dampener": np.full((4, 97), 1e300)}],
    ids=["plain", "all", "dampened last", "weight of one", "no gains", "all dampened"])
def test_losses_have_the_bits_of_the_processor(device, changes):
    call = few() | {"pnl": pnl()} | changes

    assert equal(device.worst_loss(**call), _core.worst_loss(**call))
    assert equal(device.loss_vectors(**call), _core.loss_vectors(**call))


def test_a_failed_instrument_fails_its_rows_only(device):
    risk = pnl()
    risk[[3, 200], 96] = np.nan
    call = few() | {"pnl": risk}
    loss, scenario = device.worst_loss(**call)

    assert equal((loss, scenario), _core.worst_loss(**call))
    assert np.isnan(loss).any() and not np.isnan(loss).all()


def test_of_equal_worst_scenarios_the_lowest_is_named(device):
    rows = few()
    flat = np.zeros((400, 97))
    flat[:, [11, 40, 75]] = -1.0
    rows["lots"] = np.ones_like(rows["lots"])
    loss, scenario = device.worst_loss(**rows, pnl=flat)

    assert (loss == 10.0).all() and (scenario == 11).all()


def test_a_book_is_sent_once_and_a_tick_is_priced_on_the_device(device):
    call = few()
    rows = device.rows(**call, instruments=400)

    for factor in (1.0, 1.01):
        tick = grid()
        tick["price"] = tick["price"] * factor
        expected = _core.worst_loss(**call, pnl=_core.price_grid(**tick)[1])

        assert equal(device.worst(rows, device.prices(**tick).pnl), expected)


def test_nothing_in_gives_nothing_out(device):
    none = {"pointer": np.zeros(1, np.int64), "key": np.zeros(0, np.int32),
            "instrument": np.zeros(0, np.int32), "lots": np.zeros(0, np.int64)}

    assert equal(device.worst_loss(**none, pnl=np.zeros((3, 5))), (np.zeros(0),
                                                                   np.zeros(0, np.int32)))
    assert equal(device.worst_loss(**few(), pnl=np.zeros((400, 0))),
                 _core.worst_loss(**few(), pnl=np.zeros((400, 0))))


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"pointer": np.array([1, 2])}, "pointer must start at 0"),
    ({"instrument": np.full(3000, 400, np.int32)}, "instrument must index"),
    ({"pnl": np.zeros((400, 97), np.float32)}, "pnl must be an array of dtype float64"),
    ({"pnl": np.zeros(400)}, "pnl must have 2 axes, not 1"),
    ({"weight": np.ones((4, 96))}, "weight and dampener must have a column per scenario, 97"),
    ({"gain_cap": np.ones(4)}, "gain_factor and gain_cap come together"),
    ({"weight": np.ones((3, 97))}, "key must index the rows of the transforms")])
def test_a_wrong_book_is_refused_before_the_device_sees_it(device, changes, sentence):
    call = few() | {"pnl": np.zeros((400, 97))} | changes

    with pytest.raises((TypeError, ValueError), match=sentence):
        device.worst_loss(**call)


def test_a_wrong_grid_is_refused_before_the_device_sees_it(device):
    with pytest.raises(ValueError, match="factor must index"):
        device.price_grid(**(grid() | {"factor": np.full(400, 3, np.int32)}))


def test_rows_of_another_catalogue_are_refused(device):
    rows = device.rows(**few(), instruments=400)

    with pytest.raises(ValueError, match="pnl must have 400 rows, not 399"):
        device.worst(rows, np.zeros((399, 97)))


def test_a_market_and_a_book_take_the_device_in_place_of_the_processor(device):
    snapshot, given = market(), scenarios()
    priced = scenario_pnl(snapshot, given, kernels=device)
    count = len(snapshot.catalogue.kind)
    rows = grouped(row_pointer=np.array([0, count]), instrument=np.arange(count, dtype=np.int32),
                   lots=np.arange(1, count + 1), key=np.zeros(count, np.int32))

    assert equal(priced, scenario_pnl(snapshot, given))
    assert equal(worst_loss(rows, priced[1], kernels=device), worst_loss(rows, priced[1]))
    assert equal(loss_vectors(rows, priced[1], kernels=device), loss_vectors(rows, priced[1]))


def test_the_kernels_are_one_text_without_includes():
    text = gpu.source()

    assert "#include" not in text and text.count("struct Aggregation {") == 1


def without_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)


def with_devices(monkeypatch: pytest.MonkeyPatch, count: Any) -> None:
    class CUDARuntimeError(RuntimeError):
        pass

    def counted() -> int:
        if count is None:
            raise CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")
        return count

    runtime = SimpleNamespace(getDeviceCount=counted, CUDARuntimeError=CUDARuntimeError)
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=SimpleNamespace(
        runtime=runtime)))


def test_without_the_extra_the_error_names_it(monkeypatch):
    without_cupy(monkeypatch)

    with pytest.raises(BadInput, match=r"device cuda: needs CuPy: pip install 'counterpoise\[gpu"):
        gpu.kernels("cuda")


@pytest.mark.parametrize(("count", "sentence"), [
    (None, "needs a CUDA device and its driver: cudaErrorNoDevice"), (0, "this machine has none")])
def test_without_a_device_the_error_says_so(monkeypatch, count, sentence):
    with_devices(monkeypatch, count)

    with pytest.raises(BadInput, match=sentence):
        gpu.kernels("cuda")


def test_the_choice_is_the_processor_where_there_is_no_device(monkeypatch):
    for spoil in (without_cupy, lambda m: with_devices(m, None), lambda m: with_devices(m, 0)):
        spoil(monkeypatch)

        assert gpu.kernels() is gpu.kernels("auto") is gpu.kernels("cpu") is _core


def test_another_device_is_refused_by_name():
    with pytest.raises(BadInput, match="must be one of auto, cpu, cuda, not 'tpu'"):
        gpu.kernels("tpu")


def test_cupy_is_not_looked_for_until_a_device_is_asked_for(monkeypatch):
    without_cupy(monkeypatch)

    assert gpu.kernels("cpu") is _core
