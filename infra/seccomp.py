"""Refuse calls of the kernel to this thread and all that it starts (Linux seccomp).

The filter is a small program for the kernel's packet filter, put together here: every call is allowed but for those that reach the network
or another process, make a device or a namespace, leave something in the kernel's memory that stays when the process has ended (System V and
POSIX queues), or would leave the process group, which its parent ends as a whole. `io_uring` goes too, because it makes such calls past the
filter. Sockets of the UNIX family may be made, since LibreOffice wants one, but not connected: the message bus of the user's session would
start any program outside. Limits, priority and processors may be set of the caller alone. Landlock does not know of modes, owners, dates and
extended attributes of files. Calls that change a mode or an owner say that it is done and do nothing, since programs set them on files of
their own too and stop where they cannot; the others are refused.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

AF_UNIX, SOCK_STREAM = 1, 1
NAMESPACES = 0x7E020000  # every CLONE_NEW… flag
X32 = 0x40000000  # calls of the x32 interface have this bit

LOAD, JUMP_EQUAL, JUMP_SET, JUMP_AT_LEAST, RETURN, AND = 0x20, 0x15, 0x45, 0x35, 0x06, 0x54
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
NUMBER, ARCHITECTURE, FIRST, SECOND = 0, 4, 16, 24  # where struct seccomp_data has them
NONE = 0xFFFFFFFF  # a call that a processor does not have

SET_NO_NEW_PRIVS, SET_SECCOMP, FILTER = 38, 22, 2  # of prctl(2)

# name: (number on x86-64, number on aarch64)
REFUSED = {
    "connect": (42, 203),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "open_by_handle_at": (304, 265),
    "setsid": (112, 157),
    "setpgid": (109, 154),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "utime": (132, NONE),
    "utimes": (235, NONE),
    "futimesat": (261, NONE),
    "utimensat": (280, 88),
}
UNDONE = {  # answered with success
    "chmod": (90, NONE),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, NONE),
    "fchown": (93, 55),
    "lchown": (94, NONE),
    "fchownat": (260, 54),
}
ATTRIBUTES = {  # answered as by a file system that has none
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}
ONESELF = {  # allowed where the arguments at these places are these: the caller itself, and not another process or all of the user's
    "prlimit64": ((302, 261), {FIRST: 0}),
    "sched_setaffinity": ((203, 122), {FIRST: 0}),
    "sched_setparam": ((142, 118), {FIRST: 0}),
    "sched_setscheduler": ((144, 119), {FIRST: 0}),
    "sched_setattr": ((314, 274), {FIRST: 0}),
    "setpriority": ((141, 140), {FIRST: 0, SECOND: 0}),
    "ioprio_set": ((251, 30), {FIRST: 1, SECOND: 0}),
}
SOCKET, SOCKETPAIR, CLONE, CLONE3 = (41, 198), (53, 199), (56, 220), (435, 435)
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column of the numbers, AUDIT_ARCH_…


def restrict() -> None:
    """Install the filter; it cannot be taken off again.

    Raises:
        OSError: the kernel or the container has no seccomp, or the numbers of this processor are not known here.
    """
    machine = platform.machine()
    if machine not in MACHINES:
        raise OSError(f"no seccomp filter is written for a processor of the kind {machine}")
    program = _program(*MACHINES[machine])
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))  # struct sock_fprog
    no = ctypes.c_ulong(0)
    if libc.prctl(SET_NO_NEW_PRIVS, ctypes.c_ulong(1), no, no, no) or libc.prctl(SET_SECCOMP, FILTER, header, no, no):
        number = ctypes.get_errno()
        raise OSError(number, f"prctl(PR_SET_SECCOMP): {os.strerror(number)}")


def _program(column: int, architecture: int) -> bytes:
    """Return the filter as struct sock_filter records of 8 bytes."""
    deny, absent = ERRNO | errno.EACCES, ERRNO | errno.ENOSYS
    steps = [
        (LOAD, 0, 0, ARCHITECTURE),
        (JUMP_EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        (JUMP_AT_LEAST, 0, 1, X32),
        (RETURN, 0, 0, deny),
    ]
    for calls, answer in ((REFUSED, deny), (UNDONE, ERRNO), (ATTRIBUTES, ERRNO | errno.EOPNOTSUPP)):
        for numbers in calls.values():
            steps += [(JUMP_EQUAL, 0, 1, numbers[column]), (RETURN, 0, 0, answer)]
    for numbers, wanted in ONESELF.values():
        checks = [
            ((LOAD, 0, 0, place), (JUMP_EQUAL, 1, 0, value), (RETURN, 0, 0, deny)) for place, value in wanted.items()
        ]
        steps += _when(numbers[column], [step for check in checks for step in check])
    # glibc makes threads with clone when clone3, whose flags no filter can see, is not there
    steps += [(JUMP_EQUAL, 0, 1, CLONE3[column]), (RETURN, 0, 0, absent)]
    steps += _when(CLONE[column], [(LOAD, 0, 0, FIRST), (JUMP_SET, 0, 1, NAMESPACES), (RETURN, 0, 0, deny)])
    # a datagram socket, and a raw one, which is the same here, names its receiver with each message, which no filter can see
    stream = [(LOAD, 0, 0, SECOND), (AND, 0, 0, 0xF), (JUMP_EQUAL, 1, 0, SOCK_STREAM), (RETURN, 0, 0, deny)]
    local = [(LOAD, 0, 0, FIRST), (JUMP_EQUAL, 1, 0, AF_UNIX), (RETURN, 0, 0, deny)]
    steps += _when(SOCKET[column], [*local, *stream]) + _when(SOCKETPAIR[column], stream)
    steps.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _when(number: int, body: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Return the steps that run `body` for one call and allow what it lets through."""
    return [(JUMP_EQUAL, 0, len(body) + 1, number), *body, (RETURN, 0, 0, ALLOW)]
