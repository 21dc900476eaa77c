"""pdfium's functions on plain addresses: checking typed pointers costs ctypes more than the calls themselves.

A page asks four thousand times. Structures that are filled in are made once and passed by their address. Numbers are
passed as addresses too, which ctypes converts fastest: in the registers of a call both are the same.
"""

from __future__ import annotations

import ctypes
from typing import Any


def bare(function: Any, result: Any, arguments: int) -> Any:
    """Return a function of `pypdfium2.raw` that takes addresses and whole numbers from 0 up; the caller keeps alive what they lead to.

    The interpreter's lock is kept: letting go of it takes longer than any of these calls.
    """
    return ctypes.PYFUNCTYPE(result, *[ctypes.c_void_p] * arguments)(address(function))


def address(handle: Any) -> int:
    """Return the address that a pdfium handle (or any pointer of ctypes) holds."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
