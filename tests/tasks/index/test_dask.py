"""Index runs on Dask: a local cluster, and a scheduler by address one of whose workers is killed in mid-run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import deadly_index
import pytest
from test_run import PAGE, assert_same, run

from infra.errors import TransientError
from infra.lake import Lake
from infra.machine import free_port
from infra.scheduler import look
from infra.settings import Settings
from tasks.collection import ledger
from tasks.collection.chunks import CHUNKS
from tasks.index import batch, plan
from tasks.progress import Status, listening

pytestmark = pytest.mark.e2e


@pytest.fixture
def papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve documents, two a batch."""
    monkeypatch.setattr(plan, "BATCH_DOCUMENTS", 2)
    folder = tmp_path / "papers"
    folder.mkdir()
    for i in range(12):
        (folder / f"{i:02d}.txt").write_text(PAGE.format(i=i))
    return folder


def start(*command: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "DASK_DISTRIBUTED__WORKER__DAEMON": "false",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
    }
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)


@pytest.fixture
def cluster() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler's address and the processes of its two workers, each with one thread."""
    dask = str(Path(sys.executable).with_name("dask"))
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    scheduler = start(dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show")
    workers = [
        start(dask, "worker", address, "--nthreads", "1", "--no-dashboard", "--death-timeout", "60") for _ in range(2)
    ]
    try:
        _wait_for_two(address)
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            kill(process)


def _wait_for_two(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if len(look(address)) == 2:
                return
        except TransientError:
            pass  # not up yet
        time.sleep(0.2)
    pytest.fail("the Dask workers did not start")


def kill(process: subprocess.Popen[bytes]) -> None:
    """The whole worker: its nanny would start it again."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_worker_of_an_external_cluster_is_killed_in_mid_run_and_every_document_is_indexed_once(
    settings: Settings,
    papers: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cluster: tuple[str, list[subprocess.Popen[bytes]]],
) -> None:
    clean = settings.model_copy(update={"home": str(tmp_path / "clean")})
    run(clean, papers)
    address, workers = cluster
    killed = threading.Event()

    def kill_one(status: Status) -> None:
        if status.stage == "index" and status.done and not killed.is_set():
            killed.set()
            kill(workers[0])

    monkeypatch.setattr(batch, "process", deadly_index.slow)
    with listening(kill_one):
        result = run(settings.model_copy(update={"dask": address}), papers)
    assert killed.is_set()
    assert (result["documents"]["indexed"], result["status"]) == (12, "completed")
    assert_same(Lake(settings.root), Lake(clean.root))
    assert len(look(address)) == 1


def test_a_document_that_kills_its_worker_is_found_by_halving(
    settings: Settings, papers: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(5, 12):
        (papers / f"{i:02d}.txt").unlink()
    (papers / "killer.txt").write_text(PAGE.format(i=99))
    monkeypatch.setattr(batch, "process", deadly_index.killing)
    result = run(settings.model_copy(update={"dask": "local", "workers": 2}), papers)
    assert (result["documents"]["indexed"], result["documents"]["quarantined"]) == (5, 1)
    [failure] = result["failures"]
    assert (Path(failure["path"]).name, failure["kind"]) == ("killer.txt", "crash")
    assert re.search("worker process", failure["message"])
    states = ledger.read(lake, "c", ["path", "state"]).to_pylist()
    assert [Path(row["path"]).name for row in states if row["state"] == ledger.QUARANTINED] == ["killer.txt"]
    assert lake.count(CHUNKS.name("c")) == 5
