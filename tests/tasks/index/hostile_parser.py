"""A parser that misbehaves as the document's text tells it to; the pool's tests run it in their children."""

import _socket
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from infra.errors import DocumentError, FailureKind
from tasks.index.formats.base import Context
from tasks.records import Element, Parsed

_HOARD = []


def _program(code: str) -> str:
    """What a started program says: the interpreter is the one that is surely there."""
    command = [sys.executable, "-I", "-c", f"{code}; print('reached')"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    return done.stdout.strip() or f"refused: {done.stderr.strip().splitlines()[-1]}"


def _call(number: int, *arguments: int) -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "reached"


def _udp(target: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        return f"sent {end.sendto(b'x', ('127.0.0.1', int(target)))}"


def _local(target: str) -> str:
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(target)
        return "reached"


def _own_program(_: str) -> str:
    path = Path(os.environ["TMPDIR"], "tool")
    path.write_bytes(Path("/bin/true").read_bytes())
    path.chmod(0o755)
    return f"ran {subprocess.run([path], check=False).returncode}"


def _large(_: str) -> str:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Path(os.environ["TMPDIR"], "large").open("wb") as file:
        return str(os.truncate(file.fileno(), 1 << 50))


ATTACKS = {
    "tcp": lambda port: socket.create_connection(("127.0.0.1", int(port)), timeout=2) and "reached",
    "tcp-of-the-module": lambda port: (
        _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM).connect(("127.0.0.1", int(port))) or "reached"
    ),
    "udp": _udp,
    "raw": lambda _: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) and "reached",
    "packet": lambda _: socket.socket(17, socket.SOCK_RAW, 3) and "reached",
    "local-socket": _local,
    "local-datagram": lambda _: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) and "reached",
    "io-uring": lambda _: _call(425, 8, 0),
    "program-tcp": lambda port: _program(f"import socket; socket.create_connection(('127.0.0.1', {port}), timeout=2)"),
    "program-read": lambda path: _program(f"print(open({path!r}).read())"),
    "program-write": lambda path: _program(f"open({path!r}, 'w').write('x')"),
    "read": lambda path: Path(path).read_text(),
    "read-by-link": lambda path: (
        Path(os.environ["TMPDIR"], "link").symlink_to(path),
        Path(os.environ["TMPDIR"], "link").read_text(),
    )[1],
    "list": lambda path: os.listdir(path),
    "write": lambda path: Path(path).write_text("x"),
    "rename": lambda path: os.rename(path, f"{path}.away"),
    "remove": lambda path: os.remove(path),
    "environment-of-parent": lambda _: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "memory-of-parent": lambda _: os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY) and "reached",
    "program": lambda _: _program("1"),
    "signal": lambda _: os.kill(os.getppid(), 0) or "reached",
    "own-session": lambda _: _program("import os; os.setsid()"),
    "own-program": _own_program,
    "large-file": _large,
    "namespace": lambda _: (
        os.unshare(0x10000000)
        if hasattr(os, "unshare")
        else _call({"x86_64": 272}.get(os.uname().machine, 97), 0x10000000)
    ),
}


def _fill(how: str, mebibytes: int) -> None:
    """Write files of one MiB each, and wait: with names, without, or as a program that this one started."""
    if how == "fill-by-program":
        code = f"import os, time\nfor n in range({mebibytes}): open(f'part{{n}}', 'wb').write(bytes(1 << 20))\ntime.sleep(60)"
        subprocess.run([sys.executable, "-I", "-c", code], check=False, cwd=os.environ["TMPDIR"])
    for number in range(mebibytes):
        path = Path(os.environ["TMPDIR"], f"part{number}")
        _HOARD.append(path.open("wb"))
        _HOARD[-1].write(bytes(1 << 20))
        if how == "fill-nameless":
            path.unlink()
    time.sleep(60)


def read(source: Path | bytes, context: Context) -> Parsed:
    order = (source if isinstance(source, bytes) else source.read_bytes()).decode()
    word, _, rest = order.partition(" ")
    if word == "sleep":
        time.sleep(float(rest))
    elif word == "busy":  # a C call that never returns and holds the interpreter's lock
        ctypes.PyDLL(None).sleep(int(rest))
    elif word == "slow-pages":
        for _ in range(3):
            context.extend()
            time.sleep(0.6)
    elif word == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif word == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif word == "exit":
        os._exit(7)
    elif word == "hoard":
        while True:
            _HOARD.append(bytearray(16 << 20))
    elif word == "native-hoard":
        os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
        os.abort()
    elif word == "raise":
        raise KeyError(rest)
    elif word == "refuse":
        raise DocumentError(FailureKind.ENCRYPTED, rest)
    elif word == "work":
        until = time.process_time() + float(rest)
        while time.process_time() < until:
            pass
    elif word == "orphan":
        subprocess.Popen(["sleep", rest])
        time.sleep(60)
    elif word in {"fill", "fill-nameless", "fill-by-program"}:
        _fill(word, int(rest))
    elif word == "errno":
        raise OSError(int(rest), os.strerror(int(rest)))
    elif word == "many":
        programs = [subprocess.Popen(["sleep", "30"]) for _ in range(int(rest))]
        programs[0].wait()
    elif word == "attack":
        name, _, target = rest.partition(" ")
        try:
            said = ATTACKS[name](target)
        except (OSError, subprocess.SubprocessError) as error:
            said = f"refused: {error}"
        return Parsed("txt", name, "", 1, (Element("text", str(said)),))
    elif word == "say":
        os.write(int(sys.argv[1]), bytes.fromhex(rest))
        time.sleep(60)
    return Parsed("txt", context.name, "", 1, (Element("text", str(os.getpid())),))
