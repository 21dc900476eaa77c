"""Analyses in child processes: a deadline for each document, and a death costs only that one.

An analysis that hangs in native code or in a regular expression cannot be stopped by Python code of its process, so
documents are analysed in a few spawned children (pebble's pool, which starts another when one dies). The deadline is
processor time, which a busy machine does not use up: the kernel ends the child with SIGPROF. Behind it stands a far
one in time of the clock, for a child that only waits. Children also give every core work, which threads of one
interpreter would not. A child keeps its models from one document to the next.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.errors import DocumentError, FailureKind, TransientError, UsageError, first_line
from infra.processor import Deadline
from tasks.records import Document

if TYPE_CHECKING:
    from pebble import ProcessPool

    from tasks.analyse import Analysis, Context

MOST_DOCUMENTS = 500  # of one child: native libraries leak a little with each


@dataclass(frozen=True, slots=True)
class Assignment:
    """One document for a child: the analysis, what it needs, and its deadline in seconds of processor time."""

    analysis: Analysis
    document: Document
    context: Context
    seconds: float


def run_all(assignments: Sequence[Assignment], children: int) -> list[tuple[dict[str, Any] | DocumentError, float]]:
    """Return each assignment's RESULT or the reason why there is none, with the seconds that it took, in the order given.

    Raises:
        UsageError: the analysis cannot be run at all, for instance for want of a model.
        TransientError: a service was away.
    """
    with _lock:  # scheduling is quick; two batches share the children
        futures = [_submit(assignment, children) for assignment in assignments]
    return [_outcome(assignment, future) for assignment, future in zip(assignments, futures, strict=True)]


def _outcome(assignment: Assignment, future: Future[Any]) -> tuple[dict[str, Any] | DocumentError, float]:
    from pebble import ProcessExpired

    try:
        result, seconds = future.result()
    except FutureTimeout:
        return _too_slow(assignment, f"did not end in {assignment.seconds * Deadline.FAR:.0f} s"), assignment.seconds
    except ProcessExpired as error:
        if error.exitcode == -signal.SIGPROF:
            return _too_slow(
                assignment, f"took more than {assignment.seconds:.0f} s of processor time"
            ), assignment.seconds
        how = f"signal {-error.exitcode}" if error.exitcode < 0 else f"exit status {error.exitcode}"
        return DocumentError(FailureKind.CRASH, f"the process died on it ({how})", assignment.analysis.name), 0.0
    except (UsageError, TransientError):
        raise
    except DocumentError as error:
        return error, 0.0
    except Exception as error:  # noqa: BLE001 - a bug met by one document must not stop the others
        message = f"{type(error).__name__}: {first_line(error)}"
        return DocumentError(FailureKind.INTERNAL, message, assignment.analysis.name), 0.0
    return result, seconds


def _too_slow(assignment: Assignment, what: str) -> DocumentError:
    message = f"the analysis {what} (limits.seconds, and a second a page) and was stopped"
    return DocumentError(FailureKind.TIMEOUT, message, assignment.analysis.name)


def work(assignment: Assignment) -> tuple[dict[str, Any], float]:
    """Analyse a document; runs in the child."""
    import time

    started = time.monotonic()
    signal.setitimer(
        signal.ITIMER_PROF, assignment.seconds
    )  # nothing catches SIGPROF: the process ends, whatever it is in
    try:
        result = assignment.analysis.run(assignment.document, assignment.context)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return result, time.monotonic() - started


_lock = threading.Lock()
_pools: dict[int, ProcessPool] = {}  # by number of children; one in practice


def _submit(assignment: Assignment, children: int) -> Future[Any]:
    future: Future[Any] = _pool(children).schedule(work, args=[assignment], timeout=assignment.seconds * Deadline.FAR)
    return future


def _pool(children: int) -> ProcessPool:
    from pebble import ProcessPool

    pool = _pools.get(children)
    if pool is None or not pool.active:
        context = multiprocessing.get_context("spawn")  # LanceDB and torch do not survive a fork
        pool = ProcessPool(
            children, max_tasks=MOST_DOCUMENTS, initializer=_begin, initargs=[os.getpid()], context=context
        )
        _pools[children] = pool
    return pool


def _begin(parent: int) -> None:
    """Give the child one numeric thread, import the whole of what it needs, and have it end when the parent ends."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ[name] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    sys.stdout = sys.stderr  # results of a command go to standard output, and nothing else may
    threading.Thread(target=_end_with_parent, args=[parent], daemon=True).start()


def _end_with_parent(parent: int) -> None:
    """Look every few seconds whether the parent is still there: a killed one cannot end its children."""
    import time

    while os.getppid() == parent:
        time.sleep(2)
    os._exit(1)


def close() -> None:
    """End all children at once."""
    with _lock:
        for pool in _pools.values():
            pool.stop()
            pool.join()
        _pools.clear()
