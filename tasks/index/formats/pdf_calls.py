"""pdfium's functions on plain addresses: checking typed pointers costs ctypes more than the calls themselves.

A page asks four thousand times. Structures that are filled in are made once and passed by their address.
"""

from __future__ import annotations

import ctypes
from typing import Any


def bare(function: Any, result: Any, *arguments: Any) -> Any:
    """Return a function of `pypdfium2.raw` that takes addresses as numbers; the caller keeps what they lead to alive."""
    return ctypes.CFUNCTYPE(result, *arguments)(address(function))


def address(handle: Any) -> int:
    """Return the address that a pdfium handle (or any pointer of ctypes) holds."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
