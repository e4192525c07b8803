"""A system that fails on purpose: the kernel itself refuses chosen calls of this process.

A seccomp filter (Linux, x86-64) answers system calls with an error from now on, in all threads and
for good: what a disk that breaks looks like to a program, with nothing of the program replaced.
"""

import ctypes
import errno
import platform
import struct
import sys

CALLS = {"fsync": 74, "fdatasync": 75, "pwrite64": 18, "write": 1, "ftruncate": 77}
AVAILABLE = sys.platform == "linux" and platform.machine() == "x86_64"
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def fail(calls: tuple[str, ...], error: str) -> None:
    """Answer these system calls with an error from now on."""
    code = getattr(errno, error)
    steps = [(_LOAD, 0, 0, 0)]
    for name in calls:
        steps += [(_EQUAL, 0, 1, CALLS[name]), (_RETURN, 0, 0, _ERROR | code)]
    steps.append((_RETURN, 0, 0, _ALLOW))
    packed = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *s) for s in steps))
    program = _Program(len(steps), ctypes.cast(packed, ctypes.c_void_p))
    system = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, all_threads = 38, 1
    system.prctl(no_new_privileges, 1, 0, 0, 0)
    if system.syscall(317, 1, all_threads, ctypes.byref(program)):
        raise OSError(ctypes.get_errno(), "the system takes no filter")
