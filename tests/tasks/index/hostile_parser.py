"""A parser that misbehaves as the document's text tells it to; the pool's tests run it in their children."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from infra.errors import DocumentError, FailureKind
from tasks.index.formats.base import Context
from tasks.records import Element, Parsed

_HOARD = []


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
    elif word == "network":
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    elif word == "orphan":
        child = subprocess.Popen(["sleep", "60"])
        Path(rest).write_text(str(child.pid))
        time.sleep(60)
    return Parsed("txt", context.name, "", 1, (Element("text", str(os.getpid())),))
