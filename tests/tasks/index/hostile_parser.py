"""A parser that misbehaves as the document's text tells it to; the pool's tests run it in their children."""

import _socket
import ctypes
import mmap
import os
import resource
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


def _libc(name: str, *arguments: int) -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "reached"


def _udp(target: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        return f"sent {end.sendto(b'x', ('127.0.0.1', int(target)))}"


def _local(target: str) -> str:
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(target)
        return "reached"


def _datagram(target: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_RAW) as end:  # the kernel makes a datagram socket of it
        return f"sent {end.sendto(b'x', target)}"


def _own_program(_: str) -> str:
    path = Path(os.environ["TMPDIR"], "tool")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o755), "wb") as file:
        file.write(Path("/bin/true").read_bytes())
    return f"ran {subprocess.run([path], check=False).returncode}"


def _orphan(seconds: str) -> str:
    """Start a program that works on when the one that started it has ended."""
    code = "import os, time\nif not os.fork():\n    while time.process_time() < 60: pass"
    subprocess.run([sys.executable, "-I", "-c", code], check=False, timeout=20)
    time.sleep(float(seconds))
    return "outlived"


def _deep(depth: str) -> str:
    os.chdir(os.environ["TMPDIR"])
    for _ in range(int(depth)):
        os.mkdir("d", 0o300)
        os.chdir("d")
    return "made"


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
    "local-raw": _datagram,
    "limits-of-parent": lambda _: resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0)) and "reached",
    "priority-of-parent": lambda _: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19) or "reached",
    "priority-of-all": lambda _: os.setpriority(os.PRIO_USER, 0, 19) or "reached",
    "processors-of-parent": lambda _: os.sched_setaffinity(os.getppid(), {0}) or "reached",
    "scheduling-of-parent": lambda _: (
        os.sched_setscheduler(os.getppid(), os.SCHED_IDLE, os.sched_param(0)) or "reached"
    ),
    "shared-memory": lambda _: _libc("shmget", 0, 1 << 20, 0o1600),
    "semaphores": lambda _: _libc("semget", 0, 1, 0o1600),
    "messages": lambda _: _libc("msgget", 0, 0o1600),
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
    "mode": lambda path: os.chmod(path, 0o777),
    "date": lambda path: os.utime(path, (1, 1)),
    "owner": lambda path: os.chown(path, os.getuid(), os.getgid()),
    "attribute": lambda path: os.setxattr(path, "user.x", b"1"),
    "program": lambda _: _program("1"),
    "signal": lambda _: os.kill(os.getppid(), 0) or "reached",
    "own-session": lambda _: _program("import os; os.setsid()"),
    "own-program": _own_program,
    "orphan": _orphan,
    "deep": _deep,
    "closed": lambda _: os.makedirs(os.path.join(os.environ["TMPDIR"], "closed", "within"), 0o000),
    "raise-memory": lambda _: resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY,) * 2) or "reached",
    "shared-pages": lambda size: (
        _HOARD.append(mmap.mmap(-1, int(size))),
        _HOARD[-1].write(bytes(int(size))),
        time.sleep(60),
    ),
    "empty-files": lambda count: (
        [Path(os.environ["TMPDIR"], f"empty{number}").touch() for number in range(int(count))],
        time.sleep(60),
    ),
    "link-in-place": lambda path: os.symlink(path, os.path.join(os.environ["TMPDIR"], "document.txt")) or "planted",
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
    if order.startswith("swap "):  # the document for a folder
        assert isinstance(source, Path)
        source.unlink()
        source.mkdir()
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
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            said = f"refused: {error}"
        return Parsed("txt", name, "", 1, (Element("text", str(said)),))
    elif word == "say":
        os.write(int(sys.argv[1]), bytes.fromhex(rest))
        time.sleep(60)
    return Parsed("txt", context.name, "", 1, (Element("text", str(os.getpid())),))
