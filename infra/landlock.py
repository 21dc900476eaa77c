"""Restrict this thread, and all that it starts, to some folders and to no TCP port (Linux Landlock, kernel 5.13 on).

A call of the kernel without a wrapper in libc, so it goes through ctypes. What is allowed can only shrink afterwards. Each version of the
interface adds rights: the newest that the kernel has are used. See https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

CREATE, ADD, RESTRICT = 444, 445, 446  # numbers of the three calls, equal on all processors
BENEATH = 1  # the kind of rule

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR, MAKE_REG = 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 8
MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM = 1 << 9, 1 << 10, 1 << 11, 1 << 12
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15

READ = READ_FILE | READ_DIR | EXECUTE
LIST = READ_DIR
WRITE = (
    READ_FILE
    | READ_DIR
    | WRITE_FILE
    | TRUNCATE
    | REMOVE_DIR
    | REMOVE_FILE
    | MAKE_DIR
    | MAKE_REG
    | MAKE_SOCK
    | MAKE_FIFO
    | MAKE_SYM
    | REFER
)
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV  # the rights that a rule about one file may name

TCP = 0b11  # bind and connect
OUTSIDE = 0b11  # abstract sockets of, and signals to, processes that are not restricted alike
OUTSIDE_FROM = 6  # version of the interface


def version() -> int:
    """Return the version of the interface that the kernel has; 0 where there is none."""
    return max(0, _call(CREATE, None, 0, 1))


def signals() -> str:
    """Say why signals to processes outside are not refused; "" where they are."""
    there = version()
    return (
        ""
        if there >= OUTSIDE_FROM
        else f"the kernel's Landlock is of version {there}; from {OUTSIDE_FROM} on it refuses them"
    )


def restrict(rules: Iterable[tuple[str, int]]) -> None:
    """Allow this thread only the rights given, each on a path and all that lies beneath it, and no TCP.

    Args:
        rules: paths with rights; a path that is not there is left out.

    Raises:
        OSError: the kernel has no Landlock, or it is switched off.
    """
    newest = version()
    if not newest:
        raise OSError("the kernel has no Landlock, or it is switched off")
    handled = (1 << 13) - 1 | (REFER if newest >= 2 else 0) | (TRUNCATE if newest >= 3 else 0)
    handled |= IOCTL_DEV if newest >= 5 else 0
    fields = [handled, *([TCP] if newest >= 4 else []), *([OUTSIDE] if newest >= OUTSIDE_FROM else [])]
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = _checked(_call(CREATE, attributes, len(attributes), 0), "landlock_create_ruleset")
    try:
        for path, rights in rules:
            _allow(ruleset, path, rights & handled)
        _checked(_call(RESTRICT, ruleset, 0, 0), "landlock_restrict_self")
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not on this machine
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= OF_FILES
        if rights:
            _checked(_call(ADD, ruleset, BENEATH, struct.pack("=Qi", rights, place), 0), f"landlock_add_rule {path}")
    finally:
        os.close(place)


def _call(number: int, *arguments: int | bytes | None) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(number, *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)))


def _checked(result: int, call: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result
