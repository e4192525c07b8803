"""Does CUDA's own compiler take the kernels, and does it keep every rounding where it stands?

NVRTC needs no device. Proved by this test: the source compiles for the devices named, and its PTX
holds nothing but correctly rounded operations, fused only where the source says so; PTX that names
a rounding may not be contracted later (PTX ISA, floating-point instructions). Not proved: what a
device makes of it.
"""

import ctypes
import re
import sys
from pathlib import Path

import pytest

from counterpoise.adapters.gpu import OPTIONS, source

LIBRARY = Path(sys.prefix, ".nvrtc", "nvidia", "cuda_nvrtc", "lib", "libnvrtc.so.12")
DOUBLES = re.compile(r"^\s*(?:@!?%\w+ )?([a-z]+(?:\.\w+)*\.f64(?:\.\w+)*)", re.MULTILINE)
ROUNDED = {"add.rn.f64", "sub.rn.f64", "mul.rn.f64", "fma.rn.f64", "div.rn.f64", "rcp.rn.f64",
           "sqrt.rn.f64", "cvt.rn.f64.s64", "cvt.rn.f64.s32"}
EXACT = {"mov", "selp", "ld", "st", "setp", "neg", "abs"}
INTEGER_PLACE = "cvt.rzi.s32.f64"
FUSED = "__fma_rn(a, b, c)"

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def nvrtc() -> ctypes.CDLL:
    """Return the compiler's library."""
    if not LIBRARY.is_file():
        pytest.skip("no NVRTC in this environment: `make soak` installs it on Linux")
    return ctypes.CDLL(str(LIBRARY))


def compiled(nvrtc: ctypes.CDLL, code: str, *options: str, result: str = "PTX") -> bytes:
    """Return PTX or CUBIN of the code; fails with the compiler's own words."""
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), code.encode(), b"cuda.cu", 0, None, None)
    given = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))

    def fetched(what: str) -> bytes:
        getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        getattr(nvrtc, f"nvrtcGet{what}")(program, text)
        return text.raw

    refused = nvrtc.nvrtcCompileProgram(program, len(options), given)
    assert not refused, fetched("ProgramLog").decode()
    return fetched(result)


def operations(nvrtc: ctypes.CDLL, code: str, *options: str) -> list[str]:
    """Return every operation on doubles in the PTX."""
    return DOUBLES.findall(compiled(nvrtc, code, *options).decode())


@pytest.mark.parametrize("architecture", ["compute_80", "compute_90"])
def test_every_operation_is_exact_or_rounded_once_to_nearest(nvrtc, architecture):
    found = set(operations(nvrtc, source(), f"--gpu-architecture={architecture}", *OPTIONS))

    assert {"fma.rn.f64", "div.rn.f64", "sqrt.rn.f64"} <= found
    assert set() == {o for o in found - ROUNDED - {INTEGER_PLACE} if o.split(".")[0] not in EXACT}


@pytest.mark.parametrize("architecture", ["compute_80", "compute_90"])
def test_nothing_is_fused_that_the_source_does_not_fuse(nvrtc, architecture):
    target = f"--gpu-architecture={architecture}"
    assert source().count(FUSED) == 1
    apart = source().replace(FUSED, "(a * b + c)")

    assert "fma.rn.f64" not in operations(nvrtc, apart, target, *OPTIONS)
    # The same with contraction allowed: what this test would see.
    loose = [option for option in OPTIONS if "fmad" not in option]
    assert "fma.rn.f64" in operations(nvrtc, apart, target, *loose)


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
def test_the_kernels_become_machine_code_of_a_device(nvrtc, architecture):
    image = compiled(nvrtc, source(), f"--gpu-architecture={architecture}", *OPTIONS,
                     result="CUBIN")

    assert image.startswith(b"\x7fELF")
    for kernel in (b"price_grid", b"worst_loss", b"loss_vectors"):
        assert kernel in image
