"""One parser process: how it is started, asked, watched and ended, and what its death is called.

It leads a process group, so that tesseract, pandoc or LibreOffice, when it runs one, is killed with it. What it may see and do, and in which
form it answers, stands in `parser_child.py`, `infra/sandbox.py` and `wire.py`. Deadlines are in processor time, see `infra/processor.py`: a busy
machine makes nothing fail.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from infra.disk_use import excess, remove_all
from infra.errors import DocumentError, FailureKind
from infra.processor import Deadline
from infra.sandbox import MOST_PROCESSES, Protection
from tasks.index.guard import check_size
from tasks.index.read import explained
from tasks.index.wire import HELLO, Answer, Line, Nonsense, Request, Setup
from tasks.records import Parsed

if TYPE_CHECKING:
    from infra.settings import Limits, Settings


FOLDER = "faldone-parser-"
SWEPT_AFTER = 3600.0  # s, an empty folder: another machine's processes may share the temporary folder
REMOVED_AFTER = 86_400.0  # s, with what is in it
BY_LINE = 8 << 20  # bytes: longer documents go by way of the child's folder, so that nobody holds them in memory twice
_START_SECONDS = 90.0  # of processor time, to import the interpreter and a few modules
LEFT = (
    64 << 20
)  # bytes that a document may leave in the folder: a child that has more is replaced, so that the next one does not pay
LOOK = 1.0  # s between two looks at what a child has on the disk, at most
_LINE_SECONDS = 300.0  # by the clock, for a message that has begun to come to be whole: it needs no work but copying
_MEMORY_WORDS = ("bad_alloc", "memoryerror", "out of memory", "cannot allocate")
Outcome = Parsed | DocumentError


class ParserProcess:
    """A parser process, the line to it and the folder that it may write."""

    def __init__(self, entry: str, limits: Limits) -> None:
        self._limits = limits
        self._folder = tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-")
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the child)
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tasks.index.parser_child", str(theirs.fileno()), entry],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
            cwd=self._folder,
            env=environment(self._folder),
        )
        theirs.close()
        self._line = Line(ours)
        self._said_hello = False
        self.protection: Protection | None = None

    def ask(self, source: Path | bytes, name: str, settings: Settings) -> tuple[Outcome, bool]:
        """Return the outcome of one document, and whether the child can take another."""
        try:
            request = self._request(source, name, settings)
        except DocumentError as error:
            return error, os.path.isdir(self._folder)
        try:
            outcome, usable = self._answered(request)
        finally:
            if request.file:
                with contextlib.suppress(OSError):  # the child may have put anything in its place
                    os.unlink(os.path.join(self._folder, request.file))
        return outcome, usable and not excess(self._folder, LEFT)

    def _answered(self, request: Request) -> tuple[Outcome, bool]:
        try:
            if failed := self._await_ready():
                return failed, False
            self._line.send(request, _LINE_SECONDS)
            return self._await_answer()
        except (EOFError, OSError):
            return self._obituary(), False
        except Nonsense as error:
            message = f"the parser process gave an answer that is none, and was stopped: {error}"
            return DocumentError(FailureKind.CRASH, message), False

    def _request(self, source: Path | bytes, name: str, settings: Settings) -> Request:
        """Return the document as the child gets it, which cannot open a file of ours: its bytes, or a copy in its folder when it is long."""
        check_size(source, settings.limits)
        request = partial(Request, name, settings.ocr, settings.languages)
        if isinstance(source, bytes):
            return request(data=source)
        try:
            with source.open("rb") as file:
                if os.fstat(file.fileno()).st_size <= BY_LINE:
                    return request(data=file.read(BY_LINE))
                return request(file=self._copied(file, source.suffix))
        except FileNotFoundError:
            raise DocumentError(FailureKind.NOT_FOUND, "the file is gone") from None
        except OSError as error:
            raise DocumentError(FailureKind.PERMISSION, f"the file cannot be read: {error.strerror}") from None

    def _copied(self, file: IO[bytes], suffix: str) -> str:
        """Copy a document into the child's folder. Returns its name there, which is new and not to be foreseen.

        The child may have left a link in the place of any other name, and the copy would be written where that points.

        Raises:
            DocumentError: there is no room, or the folder is gone.
            OSError: the document cannot be read.
        """
        try:
            number, copy = tempfile.mkstemp(suffix=suffix[:16], prefix="document-", dir=self._folder)
        except OSError as error:
            words = f"the folder of the parser process cannot be written: {error}"
            raise DocumentError(FailureKind.INTERNAL, words) from None
        try:
            with os.fdopen(number, "wb") as target:
                shutil.copyfileobj(file, target, 1 << 20)
        except OSError as error:
            os.unlink(copy)
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise explained(error) from None
            raise
        return os.path.basename(copy)

    def say_hello(self) -> None:
        """Tell the child its folder and limits, once; it gets ready meanwhile."""
        if not self._said_hello:
            self._said_hello = True
            self._line.send(Setup(self._folder, self._limits), _START_SECONDS)

    def _await_ready(self) -> DocumentError | None:
        if self.protection is not None:
            return None
        self.say_hello()
        deadline = Deadline(self._process.pid, _START_SECONDS)
        while not self._line.waiting(deadline.pause()):
            if stop := deadline.passed():
                return DocumentError(FailureKind.INTERNAL, f"a parser process did not start: it {stop.reason}")
        self.protection = self._line.receive(Answer, HELLO, _START_SECONDS).protection or Protection()
        return None

    def _await_answer(self) -> tuple[Outcome, bool]:
        deadline = Deadline(self._process.pid, self._limits.seconds, MOST_PROCESSES)
        extended = 0
        while True:
            while not self._line.waiting(min(deadline.pause(), LOOK)):
                if words := excess(self._folder, int(self._limits.disk), self._process.pid):
                    limit = f"the limit FALDONE_LIMITS__DISK is {int(self._limits.disk):,}"
                    return DocumentError(FailureKind.TOO_LARGE, f"reading {words}, and {limit}: it was stopped"), False
                if stop := deadline.passed():
                    kind = FailureKind.TIMEOUT if stop.slow else FailureKind.CRASH
                    hint = " (limits.seconds)" if stop.slow else ""
                    return DocumentError(kind, f"reading {stop.reason}{hint} and was stopped"), False
            answer = self._line.receive(Answer, int(self._limits.memory), _LINE_SECONDS)
            if answer.word == "extend" and extended < self._limits.pages:
                extended += 1
                deadline.extend(self._limits.seconds_per_page)
            elif answer.word in {"done", "leaving"} and (answer.parsed or answer.refusal):
                outcome = answer.parsed or (answer.refusal.error() if answer.refusal else None)
                assert outcome is not None
                return outcome, answer.word == "done"
            else:
                raise Nonsense(f"an unexpected {answer.word}")

    def _obituary(self) -> DocumentError:
        """Say why the child died, by its exit status and its last words."""
        try:
            status = self._process.wait(10)
        except subprocess.TimeoutExpired:
            return DocumentError(FailureKind.CRASH, "the parser process closed its line to us and was stopped")
        words = self._last_words()
        if any(word in words.lower() for word in _MEMORY_WORDS):
            return DocumentError(FailureKind.MEMORY, "reading the file needs more memory than limits.memory grants")
        if self.protection is None:
            return DocumentError(FailureKind.INTERNAL, f"a parser process could not start: {words or status}")
        if status == -signal.SIGKILL:
            message = "the parser process was killed from outside: most likely the machine ran out of memory"
            return DocumentError(FailureKind.CRASH, message)
        if status == -signal.SIGXCPU:
            return DocumentError(FailureKind.TIMEOUT, "reading took more processor time than limits.seconds grants")
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        return DocumentError(FailureKind.CRASH, f"the reader crashed ({how}){f': {words}' if words else ''}")

    def _last_words(self) -> str:
        """Return the last line that the child wrote on standard error."""
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - 4096))
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip()[:200] if lines else ""

    def kill(self) -> None:
        """End the child with all that it started, which cannot leave its group. The group lives on as long as any of them does."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # all gone already
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._line.close()
        if self._process.stdin:
            self._process.stdin.close()
        self._errors.close()
        remove_all(self._folder)
        remove_dead_sockets()


def remove_dead_sockets() -> None:
    """Remove the sockets that LibreOffice made in /tmp and, shut in as it is, could not remove when it ended."""
    for path in glob.glob(f"/tmp/OSL_PIPE_{os.getuid()}_SingleOfficeIPC_*"):  # noqa: S108
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as end:
            end.setblocking(False)  # somebody may listen there and never answer
            try:
                end.connect(path)  # a LibreOffice that somebody works with answers
            except ConnectionRefusedError:
                os.unlink(path)


def sweep() -> None:
    """Remove the folders that children of killed processes left: they empty them when they end, as far as they can, and cannot remove them."""
    for path in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
        with contextlib.suppress(OSError, ValueError):  # in use, not empty, or not ours
            pid = int(path.name.removeprefix(FOLDER).split("-")[0])
            age = _age(path)
            if Path(f"/proc/{pid}").exists():
                continue
            if age > REMOVED_AFTER:
                remove_all(str(path))
            elif age > SWEPT_AFTER:
                path.rmdir()
    for path in Path("/tmp").glob("OSL_PIPE_*_SingleOfficeIPC_*"):  # noqa: S108  LibreOffice's, which a fenced one leaves there
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - SWEPT_AFTER and not _answers(path):
                path.unlink()


def _age(path: Path) -> float:
    """Return for how many seconds a folder has been left alone; 0 where it is another user's, or no folder."""
    status = path.lstat()
    own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    return time.time() - status.st_mtime if own else 0.0


def _answers(path: Path) -> bool:
    """Tell whether somebody still listens at a socket."""
    with socket.socket(socket.AF_UNIX) as line:
        line.setblocking(False)  # a queue that is full is an answer too
        try:
            line.connect(str(path))
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True


PASSED_ON = (
    "PATH",
    "LANG",
    "LANGUAGE",
    "TZ",
    "LD_LIBRARY_PATH",
    "TESSDATA_PREFIX",
    "FONTCONFIG_PATH",
    "FONTCONFIG_FILE",
    "SYSTEMROOT",
)


def environment(folder: str) -> dict[str, str]:
    """Return the child's environment: what it needs and no more, so no secret is in it, and no library starts threads of its own."""
    kept = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("LC_")}
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT"), "1")
    homes = dict.fromkeys(
        ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"), folder
    )
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)  # absolute: the child begins elsewhere
    return {**kept, **single, **homes, "PYTHONPATH": path, "MALLOC_ARENA_MAX": "2"}
