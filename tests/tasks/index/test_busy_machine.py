"""A slow machine is not a slow file: beside others at work a document takes many times its limit by the clock, and is read."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.processor import Deadline
from infra.settings import Limits, Settings
from tasks.index.parse import ParseRequest, ParserPool
from tasks.records import Parsed

OTHERS = 7


@contextmanager
def busy() -> Iterator[None]:
    """Have others want this process's core; each in a session of its own, or the kernel would share by session."""
    code = "while True: pass"
    others = [subprocess.Popen([sys.executable, "-c", code], start_new_session=True) for _ in range(OTHERS)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


@pytest.fixture
def one_core() -> Iterator[None]:
    """Keep this process and its children on one core."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("no affinity on this system")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


@pytest.mark.slow
def test_a_busy_machine_makes_no_document_fail(one_core: None, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(seconds=0.5)
    monkeypatch.setattr(Deadline, "FAR", 2.0)  # so little by the clock that only time with the core may count
    with ParserPool(Settings(limits=limits), workers=1, entry="hostile_parser:read") as pool:
        list(pool.parse([ParseRequest("x", data=b"fine")]))  # started while it is quiet
        with busy():
            began = time.monotonic()
            [(_, found)] = pool.parse([ParseRequest("x", data=b"work 0.25")])
            took = time.monotonic() - began
    assert isinstance(found, Parsed), found
    assert took > 2 * limits.seconds, "the core was not busy: the test shows nothing"
