"""Fixtures for every floor: a data folder of its own for each test, and real servers shared by a whole run."""

from __future__ import annotations

import gc
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from infra.lake import Lake
from infra.machine import free_port
from infra.settings import Settings, load

SAMPLES = Path(__file__).parent.parent / "samples"

if "COVERAGE_PROCESS_CONFIG" in os.environ:  # fenced children count themselves by the sitecustomize of this folder
    sys.path.append(str(Path(__file__).parent / "counted"))


# what says nothing of the code: how busy the machine is, and how many drawn inputs a test turned away
hypothesis.settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much],
)
hypothesis.settings.register_profile("fast", hypothesis.settings.get_profile("suite"), max_examples=20)
hypothesis.settings.load_profile("suite")

SERVERS = {"prefect_api", "redis_server"}  # fixtures that start one


WHOLE_FILE = re.compile(r"^pytestmark = \[?\s*pytest\.mark\.(slow|server|e2e)\b", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the files of which `-m` takes nothing: importing torch, Prefect and all the tests costs a worker 15 s."""
    wanted = config.option.markexpr
    if collection_path.suffix != ".py" or not re.fullmatch(r"e2e|slow|not \w+( and not \w+)*", wanted):
        return None
    text = collection_path.read_text(encoding="utf-8")
    if not wanted.startswith("not "):
        return True if f"mark.{wanted}" not in text else None
    whole = WHOLE_FILE.search(text)
    return True if whole and whole[1] in re.findall(r"not (\w+)", wanted) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a server, and begin with the files that take long, so that no worker waits for another's last one."""
    long: dict[Path, int] = {}
    for item in items:
        if SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker("server")
        marks = {mark.name for mark in item.iter_markers()} & {"slow", "server"}
        long[item.path] = long.get(item.path, 0) + len(marks)
    whole = {path for path in long if WHOLE_FILE.search(path.read_text(encoding="utf-8"))}
    items.sort(key=lambda item: (item.path not in whole, not long[item.path]))


def pytest_collection_finish() -> None:
    """Spare the garbage collector the half million objects that the imports of 400 files have made."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """Save what a worker of xdist ran: a busy machine may not let it end by itself in the 10 s that it is given."""
    if "COVERAGE_PROCESS_CONFIG" in os.environ and "PYTEST_XDIST_WORKER" in os.environ:
        import coverage

        if (running := coverage.Coverage.current()) is not None:
            running.save()


@pytest.fixture(autouse=True, scope="module")
def _environment() -> Iterator[None]:
    """What a test's code put into the environment (a platform's addresses, say) ends with its module."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the data folder, the settings or the `.env` file of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("FALDONE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FALDONE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def settings() -> Settings:
    """The settings of an installation that has nothing set but its data folder."""
    return load()


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return Lake(settings.root)


@pytest.fixture
def samples() -> Path:
    """The sample documents of the repository."""
    return SAMPLES / "documents"


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[None]:
    """A real temporary Prefect server for the tests that run flows."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Redis on a free port."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.fail("redis-server is not installed: make install says how, apt-get install redis-server does it")
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing answers on port {port}")
