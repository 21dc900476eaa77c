"""What every verb shares: how results, progress and errors reach the terminal, and the exit statuses.

Results go to standard output (with --json exactly one JSON object, nothing else), progress and logs to standard error.
"""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from tasks.progress import Status

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else there.")
]
CollectionOption = Annotated[str, typer.Option("--collection", "-c", help="The collection to work on.")]

UNBROKEN = 100_000  # characters: wider than any table
ID_WIDTH = 40  # characters: a first column so narrow is never broken
PLAIN_EVERY = 5.0  # s between progress lines where there is no terminal


class Exit(IntEnum):
    """Exit statuses of every verb."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    SOME_FAILED = 3
    INTERRUPTED = 130
    TERMINATED = 143


def console(stderr: bool = True) -> Console:
    """Return a rich console on standard error (or output)."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def emit(result: Mapping[str, Any], as_json: bool, text: str | None = None) -> None:
    """Print a result: as JSON, or `text` for a person."""
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False, default=str) + "\n")
    elif text:
        sys.stdout.write(text.rstrip("\n") + "\n")
    sys.stdout.flush()


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table for a person, on standard output. Where that is no terminal, no cell is broken into lines."""
    from rich.markup import escape
    from rich.table import Table

    drawn = Table(title=title, title_justify="left", show_lines=False)
    for index, column in enumerate(columns):
        whole = index == 0 and max((len(str(row[0])) for row in rows), default=0) <= ID_WIDTH  # to be copied
        drawn.add_column(column, overflow="fold", no_wrap=whole)
    for row in rows:
        drawn.add_row(*(escape(str(cell)) for cell in row))
    paper = console(stderr=False)
    if not paper.is_terminal:
        paper.width = UNBROKEN
    paper.print(drawn)


def fail(message: str, status: Exit = Exit.FAILED) -> NoReturn:
    """End the command with one line on standard error."""
    sys.stderr.write(f"faldone: {message}\n")
    raise typer.Exit(int(status))


@contextmanager
def errors_shown() -> Iterator[None]:
    """Turn errors into one line and an exit status; a bug keeps its traceback in the log."""
    from infra.errors import FaldoneError, UsageError

    try:
        yield
    except UsageError as error:
        fail(str(error), Exit.USAGE)
    except FaldoneError as error:
        fail(str(error))
    except KeyboardInterrupt:
        interrupted()
    except BrokenPipeError:
        raise  # the reader of our output has left: nobody is there to be told
    except OSError as error:
        if error.errno not in OUTSIDE:
            raise
        fail(f"{error.filename or _data_folder()}: {error.strerror}")
    except RuntimeError as error:
        if not str(error).startswith("lance error"):
            raise
        fail(f"{_data_folder()}: {STORE_NOISE.sub('', str(error))}")


OUTSIDE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.EMFILE}
"""What a disk or its owner refuses: no bug of ours, so one line says it."""


STORE_NOISE = re.compile(r"^lance error: |(, (location: .*|/\S+\.rs:.*|source: .*))+", re.DOTALL)
"""What LanceDB adds to an error of its disk or object store, and nobody can use."""


def _data_folder() -> str:
    from infra.settings import load

    return load().root


def interrupted(number: int = signal.SIGINT) -> NoReturn:
    """Leave at once on Ctrl-C or SIGTERM: what was committed stays, children end, the same command goes on from there."""
    word = "interrupted" if number == signal.SIGINT else "stopped"
    sys.stderr.write(f"\nfaldone: {word}; what is done is kept, the same command goes on from there\n")
    sys.stderr.flush()
    from infra.stop import leave_tidy

    _end_children()
    leave_tidy()
    os._exit(int(Exit.INTERRUPTED if number == signal.SIGINT else Exit.TERMINATED))


@contextmanager
def _interruptible() -> Iterator[None]:
    """Have Ctrl-C and SIGTERM end the command within seconds.

    A thread reads the signal's number from a socket that the interpreter writes to: Prefect puts a handler of its own in place while a flow
    runs, which waits for every task to end, and a handler in Python waits for the main thread to come back from native code.
    """
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.set_wakeup_fd(theirs.fileno())
    threading.Thread(target=_await_signal, args=(ours,), name="signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
        theirs.close()


def _await_signal(line: socket.socket) -> None:
    with line:
        while received := line.recv(1):
            if received[0] in (signal.SIGINT, signal.SIGTERM):
                interrupted(received[0])


def _end_children() -> None:
    import psutil

    children = psutil.Process().children(recursive=True)
    for child in children:
        with _gone():
            child.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(children, timeout=1.5)
    for child in alive:
        with _gone():
            child.kill()


@contextmanager
def _gone() -> Iterator[None]:
    import psutil

    try:
        yield
    except psutil.NoSuchProcess:
        return


@contextmanager
def progress_shown(quiet: bool = False) -> Iterator[None]:
    """Show the progress of this process's job: a live bar on a terminal, a plain line every few seconds elsewhere."""
    from tasks.progress import listening

    if quiet:
        yield
        return
    if sys.stderr.isatty():
        with _bar() as show, listening(show):
            yield
    else:
        with listening(_plain()):
            yield


def _plain() -> Any:
    lock = threading.Lock()
    told, stage = 0.0, ""

    def show(status: Status) -> None:
        nonlocal told, stage
        with lock:
            now = time.monotonic()
            if status.finished or status.stage != stage or now - told >= PLAIN_EVERY:
                told, stage = now, status.stage
                if status.total or status.done:
                    sys.stderr.write(status.line() + "\n")
                    sys.stderr.flush()

    return show


@contextmanager
def _bar() -> Iterator[Any]:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    terminal = console()
    width = 30 if terminal.width >= 120 else 10
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=width),
        TextColumn("{task.fields[numbers]}"),
        TextColumn("[dim]{task.fields[current]}"),
    )
    with Progress(*columns, console=terminal, transient=True) as bar:
        line = bar.add_task("starting", total=None, numbers="", current="")

        def show(status: Status) -> None:
            from rich.markup import escape

            numbers = _numbers(status)
            # rich would shorten every column, the time left among them: the last numbers leave, and the name gets what is left
            room = terminal.width - width - len(status.stage) - 6
            while len(numbers) > room and " · " in numbers:
                numbers = numbers.rsplit(" · ", 1)[0]
            room -= len(numbers)
            bar.update(
                line,
                description=status.stage,
                total=1.0 if status.total else None,
                completed=status.share,
                numbers=numbers,
                current=escape(status.current.rsplit("/", 1)[-1][-min(40, room) :]) if room >= 8 else "",
            )

        yield show


def _numbers(status: Status) -> str:
    """Return what is counted, the time left first: a narrow terminal cuts the end."""
    from tasks.progress import clock

    parts = [f"ETA {clock(status.eta_seconds)}"] if status.eta_seconds else []
    parts += [f"{status.done:,}/{status.total:,} {status.unit}" if status.total else f"{status.done:,}"]
    parts += [
        f"{n:,} {name}"
        for n, name in ((status.pages, "pages"), (status.chunks, "chunks"), (status.failed, "failed"))
        if n
    ]
    parts += [status.pace] if status.pace else []
    return " · ".join(parts)


def run_flow(name: str, parameters: Mapping[str, Any], quiet: bool = False) -> dict[str, Any]:
    """Run the flow `flows.NAME:NAME` here with its progress shown, against the Prefect API that is set or a temporary one.

    Raises:
        FaldoneError: as the flow did.
    """
    with _interruptible():
        return _run_flow(name, parameters, quiet)


def _run_flow(name: str, parameters: Mapping[str, Any], quiet: bool) -> dict[str, Any]:
    from deployments.api.embedded import start_api
    from infra.stop import tidied

    api = start_api()  # first: it starts while the flow's libraries are imported
    with tidied(api.stop) if api is not None else nullcontext():
        import importlib

        from infra import away
        from infra.settings import load

        _calm_logs()
        module = importlib.import_module(f"flows.{name}")
        flow = getattr(module, name)
        if api is not None and hasattr(module, "prepare"):
            module.prepare()  # the server needs some seconds yet
        with progress_shown(quiet), away.named(away.probes(load())):
            if api is not None:
                api.wait()
            return _called(flow, parameters)


def _called(flow: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flow's result.

    Raises:
        UsageError: a parameter has a value that it cannot have.
    """
    from prefect.exceptions import ParameterTypeError

    from infra.errors import UsageError
    from infra.lake import check_collection

    if parameters.get("collection"):  # training takes none as ""
        check_collection(parameters["collection"])  # Prefect would answer with the pattern
    try:
        result: dict[str, Any] = flow(**parameters)
    except ParameterTypeError as error:
        lines = [line.strip(" -") for line in str(error).splitlines()[1:] if line.strip()]
        raise UsageError("; ".join(lines) or str(error)) from None
    return result


def _calm_logs() -> None:
    import logging

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.WARNING)  # Dask's own loggers are at INFO and come past the root's level
