"""A slow machine is not a slow file: beside others at work a document takes many times its limit by the clock, and is read."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from infra.settings import Limits, Settings
from tasks.index.parse import ParseJob, ParserPool
from tasks.records import Parsed

OTHERS = 7


@pytest.fixture
def busy_core() -> Iterator[None]:
    """This process and its children on one core, which others want too; each in a session of its own, or the kernel shares otherwise."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("no affinity on this system")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    others = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True) for _ in range(OTHERS)
    ]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()
        os.sched_setaffinity(0, before)


def test_a_busy_machine_makes_no_document_fail(busy_core: None) -> None:
    limits = Limits(seconds=0.6)
    with ParserPool(Settings(limits=limits), workers=1, entry="hostile_parser:read") as pool:
        pool.warm()
        list(pool.parse([ParseJob("x", data=b"fine")]))
        began = time.monotonic()
        found = [outcome for _, outcome in pool.parse([ParseJob("x", data=b"work 0.3")] * 2)]
        took = time.monotonic() - began
    assert all(isinstance(one, Parsed) for one in found), found
    assert took > 2 * 2 * limits.seconds, "the core was not busy: the test shows nothing"
