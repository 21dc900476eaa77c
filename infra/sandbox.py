"""Shut a process off from the network, from files that it does not need, and from other processes.

Each layer is tried, and what the machine does not have is said, never assumed:

    namespace   no network device, not even loopback (Linux, allowed to most users; Docker's default profile refuses it)
    seccomp     no socket but of the UNIX family and none connected, no other process touched but by a signal, no file's mode, owner
                or date changed (Linux on x86-64 and aarch64)
    Landlock    only the folders named may be read, one may be written; no TCP (Linux 5.13 on), no signal to others (Linux 6.12 on)
    limits      size of a written file, no core dump, number of processes

One of the first two closes the network. Programs that the process starts inherit all of it. What stays in sight are sizes and dates of files
whose path is known, and what /proc tells every user. `enter` is for the first thread of a process, before there is another. Run as
`python -m infra.sandbox` it says as JSON what this machine has.
"""

from __future__ import annotations

import ctypes
import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from infra import landlock, seccomp

NEW_USER, NEW_NET = 0x10000000, 0x40000000
MOST_PROCESSES = 64  # of a child with all that it started, threads included

SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin", "/nix/store", "/proc", "/sys/devices/system/cpu")
CONFIGURATION = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/fonts",
    "/etc/libreoffice",
    "/etc/mime.types",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/locale.alias",
    "/etc/alternatives",
    "/etc/passwd",
    "/etc/group",
    "/etc/nsswitch.conf",
    "/var/cache/fontconfig",
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
SOCKETS = ("/tmp", "/var/tmp")  # noqa: S108  where LibreOffice, whatever it is told, makes the socket by which it finds itself
RANDOM = ("/dev/random", "/dev/urandom")


@dataclass(frozen=True, slots=True)
class Protection:
    """Why each layer is not in place; "" where it is."""

    namespace: str = ""
    seccomp: str = ""
    landlock: str = ""
    signals: str = ""

    @property
    def network(self) -> bool:
        """Say whether the network is out of reach."""
        return not self.namespace or not self.seccomp

    @property
    def files(self) -> bool:
        """Say whether files outside are out of reach."""
        return not self.landlock

    def gaps(self) -> list[str]:
        """Return what a child can do on this machine although it should not, each with the reason."""
        found = []
        if not self.network:
            found.append(f"can reach the network ({self.namespace}; {self.seccomp})")
        if self.seccomp:
            found.append(f"can leave its process group and look into other processes ({self.seccomp})")
        if not self.files:
            found.append(f"can read and write every file of this user ({self.landlock})")
        if self.signals:
            found.append(f"can send signals to every process of this user ({self.signals})")
        return found


def enter(folder: str, read: Iterable[str] = (), file_size: int = 0) -> Protection:
    """Restrict this process for good; call it before a second thread starts.

    Args:
        folder: the only place where it may write.
        read: paths that it may read besides the system's and Python's own.
        file_size: most bytes of a file that it writes; 0 for no limit.

    Returns:
        What could not be had.
    """
    namespace = _tried(_leave_network)
    _limit(file_size, namespace == "")
    rules = [(path, landlock.READ) for path in (*SYSTEM, *CONFIGURATION, *RANDOM, *read)]
    rules += [(place, landlock.MAKE_SOCK) for place in SOCKETS]
    rules += [*_python(), *_programs(), *((path, landlock.READ_FILE | landlock.WRITE_FILE) for path in DEVICES)]
    # prctl(PR_SET_NO_NEW_PRIVS) is part of the filter and what Landlock asks for, so the filter comes first
    filtered = _tried(seccomp.restrict)
    if filtered:
        _tried(_no_new_privileges)
    files = _tried(lambda: landlock.restrict([*rules, (folder, landlock.WRITE)]))
    return Protection(namespace, filtered, files, files or landlock.signals())


def _tried(layer: Callable[[], object]) -> str:
    """Put a layer in place; the reason when that is not to be."""
    if not sys.platform.startswith("linux"):
        return f"not on {sys.platform}"
    try:
        layer()
    except (OSError, AttributeError) as error:
        return str(error)
    return ""


def _leave_network() -> None:
    """Move to a network of no devices; where that needs it, as a user of a namespace of its own."""
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_USER | NEW_NET):
        number = ctypes.get_errno()
        if libc.unshare(NEW_NET):
            raise OSError(number, f"unshare: {os.strerror(number)}")
        return
    # the same names inside as outside, or programs would run as nobody
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _no_new_privileges() -> None:
    no = ctypes.c_ulong(0)
    ctypes.CDLL(None).prctl(seccomp.SET_NO_NEW_PRIVS, ctypes.c_ulong(1), no, no, no)


def _limit(file_size: int, own_user: bool) -> None:
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if file_size:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        most = file_size if hard == resource.RLIM_INFINITY else min(file_size, hard)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    if own_user:  # elsewhere the kernel counts the user's other processes too, and a browser tab would stop a document
        resource.setrlimit(resource.RLIMIT_NPROC, (MOST_PROCESSES, MOST_PROCESSES))


def _python() -> Iterator[tuple[str, int]]:
    """Yield the interpreter and what it imports from; of a source tree only the packages, not the data and settings beside them."""
    homes = {
        os.path.realpath(home)
        for home in (sys.prefix, sys.base_prefix, os.path.dirname(os.path.dirname(_executable())))
    }
    for home in homes:
        yield home, landlock.READ
    for entry in filter(os.path.isdir, sys.path):
        if "site-packages" in entry or "dist-packages" in entry or any(entry.startswith(f"{home}/") for home in homes):
            yield entry, landlock.READ
            continue
        yield entry, landlock.LIST
        for item in os.scandir(entry):
            if item.name.endswith((".py", ".so", ".zip")) or os.path.exists(f"{item.path}/__init__.py"):
                yield item.path, landlock.READ
    # an editable install answers imports by a finder of its own, and stands in no entry of sys.path
    for module in [module for name, module in sys.modules.items() if "." not in name]:
        for place in getattr(module, "__path__", ()):
            if os.path.isdir(place) and not any(place.startswith(f"{home}/") for home in homes):
                yield place, landlock.READ


def _executable() -> str:
    return os.path.realpath(sys.executable)


def _programs() -> Iterator[tuple[str, int]]:
    """Yield programs that readers start and that are not installed with the system, with the folders that belong to them."""
    for name in ("tesseract", "pandoc", "soffice", "libreoffice", "antiword"):
        found = shutil.which(name)
        home = os.path.dirname(os.path.dirname(os.path.realpath(found))) if found else ""
        if home.count("/") > 1:  # /opt/libreoffice, not /opt or /
            yield home, landlock.READ
    if data := os.environ.get("TESSDATA_PREFIX"):
        yield data, landlock.READ


@functools.cache
def probe() -> Protection:
    """Return what this machine has, tried in a process of its own."""
    command = [sys.executable, "-P", "-m", "infra.sandbox"]
    environment = {
        "PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in sys.path),
        "PATH": os.environ.get("PATH", ""),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return Protection(reason, reason, reason, reason)
    return Protection(**json.loads(done.stdout))


def main(arguments: Sequence[str] = ()) -> None:
    """Print what this machine has as one JSON object."""
    sys.stdout.write(json.dumps(asdict(enter(arguments[0] if arguments else "/nonexistent"))))


if __name__ == "__main__":
    main(sys.argv[1:])
