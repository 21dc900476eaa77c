"""The parser pool: what goes wrong with a document costs that document, its reason is said, the rest goes on."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.errors import DocumentError, FailureKind
from infra.settings import Limits, Settings
from tasks.index.parse import ParseRequest, ParserPool, parse_file, parser_pool
from tasks.records import Parsed

HOSTILE = "hostile_parser:read"


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(limits=Limits(seconds=1.5, seconds_per_page=1, memory=400 << 20), workers=2)


@pytest.fixture(scope="module")
def hostile(settings: Settings) -> Iterator[ParserPool]:
    with ParserPool(settings, entry=HOSTILE) as pool:
        yield pool


def outcome(pool: ParserPool, order: str) -> Parsed | DocumentError:
    [(_, found)] = pool.parse([ParseRequest("x.txt", data=order.encode())])
    return found


@pytest.mark.parametrize(
    ("order", "kind", "words"),
    [
        ("sleep 30", FailureKind.TIMEOUT, "did nothing for"),
        ("busy 30", FailureKind.TIMEOUT, "stopped"),
        ("segfault", FailureKind.CRASH, "SIGSEGV"),
        ("killed", FailureKind.CRASH, "killed from outside"),
        ("exit", FailureKind.CRASH, "exit status 7"),
        ("native-hoard", FailureKind.MEMORY, "limits.memory"),
        ("raise spam", FailureKind.INTERNAL, "KeyError: 'spam'"),
        ("refuse no password", FailureKind.ENCRYPTED, "no password"),
        ("work 10", FailureKind.TIMEOUT, "more than 2 s of processor time"),
    ],
)
@pytest.mark.slow
def test_each_misfortune_has_its_kind_and_reason(
    hostile: ParserPool, order: str, kind: FailureKind, words: str
) -> None:
    found = outcome(hostile, order)
    assert isinstance(found, DocumentError)
    assert (found.kind, words in found.message) == (kind, True), found.message
    assert isinstance(outcome(hostile, "fine"), Parsed)


@pytest.mark.slow
def test_memory_is_capped() -> None:
    limits = Limits(seconds=30, memory=256 << 20)
    with ParserPool(Settings(limits=limits), workers=1, entry=HOSTILE) as pool:
        found = outcome(pool, "hoard")
        assert isinstance(found, DocumentError)
        assert (found.kind, "limits.memory" in found.message) == (FailureKind.MEMORY, True)
        assert isinstance(outcome(pool, "fine"), Parsed)


@pytest.mark.slow
def test_pages_that_go_to_ocr_earn_time(hostile: ParserPool) -> None:
    assert isinstance(outcome(hostile, "slow-pages"), Parsed)  # 1.8 s; the deadline without them is 1.5 s


@pytest.mark.slow
def test_bad_documents_cost_only_themselves(hostile: ParserPool) -> None:
    orders = ["fine 1", "segfault", "fine 2", "exit", "fine 3", "sleep 30", "fine 4", "raise x", "fine 5"]
    jobs = [ParseRequest(f"{number}.txt", data=order.encode()) for number, order in enumerate(orders)]
    found = {job.name: result for job, result in hostile.parse(jobs)}
    good = [name for name, result in found.items() if isinstance(result, Parsed)]
    assert sorted(good) == ["0.txt", "2.txt", "4.txt", "6.txt", "8.txt"]
    assert len(found) == len(orders)


def test_children_are_used_again(hostile: ParserPool) -> None:
    pids = {outcome(hostile, "fine").elements[0].text for _ in range(5)}  # type: ignore[union-attr]
    assert len(pids) <= 2
    assert str(os.getpid()) not in pids


def test_programs_that_a_parser_started_end_with_it(hostile: ParserPool) -> None:
    seconds = f"61.{os.getpid()}"
    assert outcome(hostile, f"orphan {seconds}").kind == FailureKind.TIMEOUT  # type: ignore[union-attr]
    left = [process.pid for process in psutil.process_iter(["cmdline"]) if seconds in (process.info["cmdline"] or [])]
    assert all(_gone(pid) for pid in left)


@pytest.mark.slow
def test_several_threads_share_a_pool(hostile: ParserPool) -> None:
    counts: list[int] = []

    def run() -> None:
        counts.append(sum(isinstance(r, Parsed) for _, r in hostile.parse([ParseRequest("a", data=b"fine")] * 10)))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [10, 10, 10]


def test_a_caller_that_leaves_early_leaves_nothing_running(hostile: ParserPool) -> None:
    results = hostile.parse([ParseRequest(str(n), data=b"fine") for n in range(50)])
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert isinstance(outcome(hostile, "fine"), Parsed)


def test_closing_ends_children_at_once(settings: Settings) -> None:
    pool = ParserPool(settings, workers=1, entry=HOSTILE)
    pid = int(outcome(pool, "fine").elements[0].text)  # type: ignore[union-attr]
    began = time.monotonic()
    pool.close()
    assert time.monotonic() - began < 1
    assert _gone(pid)


def test_children_do_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, signal\n"
        "from infra.settings import Settings\n"
        "from tasks.index.parse import ParseRequest, ParserPool\n"
        f"pool = ParserPool(Settings(), 1, {HOSTILE!r})\n"
        "[(_, found)] = pool.parse([ParseRequest('x', data=b'fine')])\n"
        "print(found.elements[0].text, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])}
    told = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False)
    assert _gone(int(told.stdout)), told.stderr


def test_a_parser_that_cannot_start_says_so(settings: Settings) -> None:
    with ParserPool(settings, 1, "no_such_module:read") as pool:
        found = outcome(pool, "fine")
    assert isinstance(found, DocumentError)
    assert "could not start" in found.message
    assert "no_such_module" in found.message


@pytest.mark.slow
def test_real_files_by_path_and_by_bytes(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("The board met on Monday and approved the accounts of the year.")
    pool = parser_pool(Settings(workers=1))
    assert pool is parser_pool(Settings(workers=1))
    jobs = [
        ParseRequest(str(path), path),
        ParseRequest("mail.eml!/a.txt", data=b"Ciao"),
        ParseRequest("gone.txt", tmp_path / "gone"),
    ]
    found = {job.name: result for job, result in pool.parse(jobs)}
    pool.close()
    assert found[str(path)] == parse_file(path, path.name, Settings())
    assert isinstance(found["mail.eml!/a.txt"], Parsed)
    assert isinstance(missing := found["gone.txt"], DocumentError)
    assert missing.kind == FailureKind.NOT_FOUND


def _gone(pid: int, seconds: float = 5) -> bool:
    """Whether a process ended (a zombie has) within some seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state in {"Z", "X"}:
            return True
        time.sleep(0.05)
    return False
