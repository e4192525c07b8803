"""A stand-in for CuPy and a CUDA device, made of NumPy and the host's compiler.

Arrays lie in the host's memory, and `core/cuda.cu` is built as C++ against `warp.hpp`, where the
threads of a warp take turns. What `adapters.gpu` sends, asks for and fetches is the same as on a
device, so that argument order, layouts and every operation of the kernels are tried without one.
"""

import ctypes
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from reference import ROOT
from toolchain import ZIG, compiler

SHIM = ROOT / "tests" / "unit" / "core" / "warp.hpp"
FLAGS = ["-std=c++17", "-O1", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-Wno-unused",
         "-shared", "-fPIC", "-x", "c++", "-include", str(SHIM)]


class Array(np.ndarray):
    """An array of the stand-in: it has the address that an array on a device has."""

    @property
    def data(self) -> Any:
        """Return the memory, as CuPy describes it."""
        return SimpleNamespace(ptr=self.ctypes.data)


class Module:
    """The kernels of one source, compiled for the host."""

    def __init__(self, folder: Path, code: str) -> None:
        self.source, self.library = folder / "cuda.cu", folder / "cuda.so"
        self.source.write_text(code, encoding="utf-8")

    def compile(self) -> None:
        """Build the library."""
        command = [*shlex.split(compiler(os.environ)), *FLAGS, str(self.source), "-o",
                   str(self.library)]
        subprocess.run(command, check=True)
        self.loaded = ctypes.CDLL(str(self.library))

    def get_function(self, name: str) -> Callable[..., None]:
        """Return a kernel, called as CuPy calls one: grid, block, arguments."""
        kernel = getattr(self.loaded, name)

        def run(grid: tuple[int], block: tuple[int], arguments: tuple[Any, ...]) -> None:
            words = np.array([a.data.ptr if isinstance(a, Array) else int(a) for a in arguments],
                             np.uint64)
            self.loaded.launch(kernel, grid[0], block[0], ctypes.c_void_p(words.ctypes.data))

        return run


def has_compiler() -> bool:
    """Return whether a compiler of this machine's own is there to build the stand-in."""
    return compiler(os.environ) != ZIG


def stand_in(folder: Path) -> Any:
    """Return the part of CuPy that `adapters.gpu` uses; kernels are built in `folder`."""
    def on_device(make: Callable[..., Any]) -> Callable[..., Array]:
        return lambda *given: np.array(make(*given)).view(Array)

    def module(*, code: str, options: tuple[str, ...]) -> Module:
        assert "--fmad=false" in options
        return Module(folder, code)

    return SimpleNamespace(
        asarray=lambda x: np.asarray(x).view(Array), asnumpy=lambda x: np.array(x, subok=False),
        ascontiguousarray=on_device(np.ascontiguousarray), empty=on_device(np.empty),
        arange=on_device(np.arange), minimum=on_device(np.minimum), RawModule=module)
