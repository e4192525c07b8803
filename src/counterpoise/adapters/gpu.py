"""Where do the loops over scenarios run: on the processor's cores, or on a CUDA device?

`kernels("cuda")` offers the functions of `_core` that price and aggregate, computed by a device
with the same bits: the same C++ headers, compiled there at run time (docs/decisions). Nothing of
this is imported, and no device is looked for, until `kernels` is called.

A book is sent once and kept: `rows`. A tick is priced there and its P&L stays there: `prices`, then
`worst` of one and the other. `price_grid`, `worst_loss` and `loss_vectors` do all in one call, from
NumPy and back.
"""

import re
from pathlib import Path
from typing import Any, Final

import numpy as np

from counterpoise import _core
from counterpoise.pricing.kernel import Kernels
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

Floats = np.ndarray[Any, np.dtype[np.float64]]
Columns = np.ndarray[Any, np.dtype[np.int32]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
DEVICES: Final = ("auto", "cpu", "cuda")
OPTIONS: Final = ("--std=c++17", "--device-as-default-execution-space", "--fmad=false")
"""No contraction: a product and a sum are rounded once together only where the source says fma."""
BLOCK: Final = 64
"""Scenarios in one block of a packed array, as in core/kernels.hpp."""
_THREADS: Final = 128
_WARP: Final = 32
_GRID: Final = ("kind", "mode", "right", "unit", "price", "shock_base", "strike", "years",
                "volatility", "rate", "factor", "smile")
_INCLUDE: Final = re.compile(r'#include ["<](.+)[">]')


def kernels(device: str = "auto") -> Kernels:
    """Return what computes on `device`: "cpu", "cuda", or "auto".

    "auto" is the CUDA device wherever CuPy is installed and sees one, else the processor.

    Raises
    ------
    BadInput
        If the name is another, or "cuda" is asked for where CuPy or a device is missing.
    """
    if device not in DEVICES:
        raise bad_input(Reason.BAD_VALUE, "device", f"must be one of {', '.join(DEVICES)}, "
                        f"not {device!r}")
    missing = None if device == "cpu" else what_is_missing()
    if missing is not None and device == "cuda":
        raise bad_input(Reason.MISSING_EXTRA, "device cuda", missing)
    if device == "cpu" or missing is not None:
        return _core
    import cupy

    return cuda(cupy)


def what_is_missing() -> str | None:
    """Return what keeps this machine from computing on a CUDA device, None if nothing does."""
    try:
        import cupy
    except ImportError:
        return "needs CuPy: pip install 'counterpoise[gpu]'"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"needs a CUDA device and its driver: {error}"
    return None if count > 0 else "needs a CUDA device: this machine has none"


@frozen
class DeviceRows:
    """Rows of positions in device memory; `key_here` [row] is the caller's own column."""

    pointer: Any
    key: Any
    instrument: Any
    lots: Any
    count: int
    instruments: int
    key_here: Columns


@frozen
class DevicePrices:
    """Prices in device memory: value [instrument], pnl [instrument, scenario], failed."""

    value: Any
    pnl: Any
    failed: Any


@frozen
class Cuda:
    """Pricing and aggregation on one CUDA device; keeps nothing but the compiled kernels."""

    cupy: Any
    module: Any

    def price_grid(self, *, threads: int = 1, **grid: Any) -> tuple[Floats, Floats, Flags]:
        """Return what `_core.price_grid` returns; `threads` are the device's own business."""
        found = self.prices(**grid)
        value, pnl, failed = map(self.cupy.asnumpy, (found.value, found.pnl, found.failed))
        return value, pnl, failed

    def worst_loss(self, *, pnl: Any, dampen_first: bool = False, threads: int = 1,
                   **book: Any) -> tuple[Floats, Columns]:
        """Return what `_core.worst_loss` returns."""
        rows, transforms = self._sent(pnl, book)
        return self.worst(rows, pnl, dampen_first=dampen_first, **transforms)

    def loss_vectors(self, *, pnl: Any, dampen_first: bool = False, threads: int = 1,
                     **book: Any) -> tuple[Floats, Floats]:
        """Return what `_core.loss_vectors` returns."""
        rows, transforms = self._sent(pnl, book)
        return self.vectors(rows, pnl, dampen_first=dampen_first, **transforms)

    def rows(self, *, pointer: Any, key: Any, instrument: Any, lots: Any,
             instruments: int) -> DeviceRows:
        """Check rows of positions over so many instruments and send them to the device."""
        _core.check_rows(pointer=pointer, key=key, instrument=instrument, lots=lots,
                         instruments=instruments)
        send = self.cupy.asarray
        return DeviceRows(pointer=send(pointer), key=send(key), instrument=send(instrument),
                          lots=send(lots), count=len(pointer) - 1, instruments=instruments,
                          key_here=key)

    def prices(self, **grid: Any) -> DevicePrices:
        """Price what `_core.price_grid` would price and leave the result on the device."""
        cp = self.cupy
        *tables, time_passes = _core.scenario_tables(**grid)
        move, growth, vol, vol_floor, lowest, passed = map(cp.asarray, tables)
        count, scenarios = len(grid["kind"]), len(grid["move"])
        out = DevicePrices(value=cp.empty(count), pnl=cp.empty((count, scenarios)),
                           failed=cp.empty(count, np.bool_))
        shocked = [scenarios, len(passed), move, growth, vol, vol_floor, lowest, passed,
                   cp.asarray(grid["rules"]), time_passes]
        columns = [None if grid.get(name) is None else cp.asarray(grid[name]) for name in _GRID]
        self._run("price_grid", count, columns, shocked, [out.value, out.pnl, out.failed])
        return out

    def worst(self, rows: DeviceRows, pnl: Any, **transforms: Any) -> tuple[Floats, Columns]:
        """Return the worst loss and its scenario, each [row], of P&L wherever it lies.

        `pnl` is a NumPy or a device array [instrument, scenario]; `transforms` are those of
        `_core.worst_loss`.
        """
        cp = self.cupy
        loss, scenario = cp.empty(rows.count), cp.empty(rows.count, np.int32)
        self._run("worst_loss", rows.count, self._call(rows, pnl, **transforms), loss, scenario)
        return cp.asnumpy(loss), cp.asnumpy(scenario)

    def vectors(self, rows: DeviceRows, pnl: Any, **transforms: Any) -> tuple[Floats, Floats]:
        """Return the P&L before and after the transforms, each [row, scenario]."""
        cp, call = self.cupy, self._call(rows, pnl, **transforms)
        raw, transformed = (cp.empty((rows.count, pnl.shape[1])) for _ in range(2))
        self._run("loss_vectors", rows.count, call, raw, transformed)
        return cp.asnumpy(raw), cp.asnumpy(transformed)

    def _sent(self, pnl: Any, book: dict[str, Any]) -> tuple[DeviceRows, dict[str, Any]]:
        _check_pnl(pnl)
        names = ("pointer", "key", "instrument", "lots")
        rows = self.rows(**{name: book.pop(name) for name in names}, instruments=len(pnl))
        return rows, book

    def _call(self, rows: DeviceRows, pnl: Any, *, dampen_first: bool = False,
              **transforms: Any) -> list[Any]:
        # The words of `Aggregation` in core/kernels.hpp.
        cp = self.cupy
        _check_pnl(pnl)
        if len(pnl) != rows.instruments:
            raise ValueError(f"pnl must have {rows.instruments} rows, not {len(pnl)}")
        scenarios = pnl.shape[1]
        _core.check_transforms(key=rows.key_here, scenarios=scenarios, **transforms)
        given = {name: cp.asarray(t) for name, t in transforms.items() if t is not None}
        keys = max(map(len, given.values()), default=0)
        weight, dampener = (self._packed(given[name]) if name in given else None
                            for name in ("weight", "dampener"))
        return [rows.pointer, rows.key, rows.instrument, rows.lots, rows.instruments, keys,
                scenarios, _blocks(scenarios), self._packed(cp.asarray(pnl)), weight, dampener,
                given.get("gain_factor"), given.get("gain_cap"), dampen_first, None, bool(given)]

    def _packed(self, table: Any) -> Any:
        # [row, scenario] as [block, row, BLOCK]; the last scenario repeats.
        cp = self.cupy
        blocks = _blocks(table.shape[1])
        column = cp.minimum(cp.arange(blocks * BLOCK), table.shape[1] - 1)
        cut = table[:, column].reshape(len(table), blocks, BLOCK)
        return cp.ascontiguousarray(cut.transpose(1, 0, 2))

    def _run(self, name: str, count: int, *arguments: Any) -> None:
        # One warp for each of `count` rows; a list is sent as words, an array is there already.
        if count == 0:
            return
        given = [self._words(a) if isinstance(a, list) else a for a in arguments]
        blocks = -(-count * _WARP // _THREADS)
        self.module.get_function(name)((blocks,), (_THREADS,), (*given, np.int64(count)))

    def _words(self, items: list[Any]) -> Any:
        return self.cupy.asarray(np.array([_word(item) for item in items], np.uint64))


def cuda(cupy: Any) -> Cuda:
    """Compile the kernels for the current device of this CuPy, which keeps the result on disk.

    Raises
    ------
    cupy.cuda.compiler.CompileException
        If the device's compiler refuses the source.
    """
    module = cupy.RawModule(code=source(), options=OPTIONS)
    module.compile()
    return Cuda(cupy=cupy, module=module)


def source() -> str:
    """Return the kernels as one text: `cuda.cu` with the headers of the core in place.

    Raises
    ------
    BadInput
        If this installation came without the headers.
    """
    package = Path(__file__).parents[1]
    folder = next((f for f in (package / "cuda", package.parents[1] / "core")
                   if (f / "cuda.cu").is_file()), None)
    if folder is None:
        raise bad_input(Reason.UNREADABLE, "the kernels", "are not where the package was "
                        "installed; install it again")
    return _with_headers(folder, "cuda.cu", set())


def _with_headers(folder: Path, name: str, seen: set[str]) -> str:
    # Headers of the standard library are left out: the device's compiler has none.
    if name in seen or not (folder / name).is_file():
        return ""
    seen.add(name)
    text = (folder / name).read_text(encoding="utf-8").replace("#pragma once\n", "")
    return _INCLUDE.sub(lambda found: _with_headers(folder, found[1], seen), text)


def _blocks(scenarios: int) -> int:
    return -(-scenarios // BLOCK)


def _word(item: Any) -> int:
    if item is None:
        return 0
    return int(item) if isinstance(item, int) else int(item.data.ptr)


def _check_pnl(pnl: Any) -> None:
    if getattr(pnl, "dtype", None) != np.float64:
        raise TypeError("pnl must be an array of dtype float64, in NumPy's memory or the device's")
    if pnl.ndim != 2:
        raise ValueError(f"pnl must have 2 axes, not {pnl.ndim}")
