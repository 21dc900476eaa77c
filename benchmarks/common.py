"""What the benchmarks share: run a command and watch it, and say on what machine.

Wall time on a busy machine says little, so processor time (user + system, of the command and all its children) stands beside
it. Peak memory is each process's own high-water mark as the kernel keeps it, read ten times a second until the process ends.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
FALDONE = str(Path(sys.executable).parent / "faldone")
WORDS = (
    "the company reports revenue growth in every quarter while costs of goods sold remain stable and the board expects "
    "further investments il bilancio mostra un utile in crescita i crediti verso clienti restano stabili e il consiglio propone"
).split()


@dataclass(frozen=True, slots=True)
class Watched:
    """A command that ended: seconds of the clock and of the processors, peak bytes of each process by what it is."""

    seconds: float
    cpu: float
    status: int
    output: str
    peaks: Mapping[str, int]

    def result(self) -> dict[str, Any]:
        """The JSON object that the command printed."""
        found: dict[str, Any] = json.loads(self.output)
        return found


def watch(command: Sequence[str], home: Path | None = None, **environment: str) -> Watched:
    """Run a command to its end and measure it; what it logs stays out of the way.

    Raises:
        SystemExit: it failed; its log is shown.
    """
    env = os.environ | ({"FALDONE_HOME": str(home)} if home else {}) | environment
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, text=True, cwd=REPOSITORY
    )
    peaks = Peaks(process.pid)
    peaks.start()
    output, log = process.communicate()
    seconds = time.perf_counter() - began
    peaks.stop()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if process.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{log[-2000:]}")
    return Watched(seconds, cpu, process.returncode, output, peaks.named())


class Peaks:
    """High-water marks of a process and all below it."""

    def __init__(self, root: int) -> None:
        import threading

        self._root, self._marks = root, {}  # type: int, dict[int, tuple[str, int]]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def named(self) -> dict[str, int]:
        """The largest mark in bytes of each kind of process."""
        kinds: dict[str, int] = {}
        for kind, mark in self._marks.values():
            kinds[kind] = max(kinds.get(kind, 0), mark)
        return kinds

    def _look(self) -> None:
        import psutil

        while not self._ended.wait(0.1):
            try:
                for process in psutil.Process(self._root).children(recursive=True):
                    self._note(process.pid)
            except psutil.NoSuchProcess:
                pass  # one that ended between two looks
            self._note(self._root)

    def _note(self, pid: int) -> None:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return  # it ended between the list and the look
        mark = next((int(row.split()[1]) * 1024 for row in status.splitlines() if row.startswith("VmHWM")), 0)
        if mark:  # a process that has ended and waits for its parent has none
            self._marks[pid] = (_kind(line), mark)


def _kind(command: str) -> str:
    for kind in ("parser_child", "uvicorn", "dask", "spawn_main", "resource_tracker", "faldone"):
        if kind in command:
            return {"uvicorn": "Prefect server", "parser_child": "parser", "spawn_main": "dask worker"}.get(kind, kind)
    return "other"


def small_files(folder: Path, count: int, words: int = 60) -> None:
    """So many text files of some words each, every one different, a hundred to a folder."""
    for number in range(count):
        place = folder / f"{number // 100:03d}"
        place.mkdir(parents=True, exist_ok=True)
        picked = [WORDS[(number * 7 + i * i) % len(WORDS)] for i in range(words)]
        (place / f"note-{number:05d}.txt").write_text(f"Note {number}\n\n{' '.join(picked)} {number}.\n")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table."""
    for row in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(str(cell) for cell in row) + " |")


def machine() -> str:
    """Cores and the processor features that decide the speed of the encoder."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next(line for line in lines if line.startswith("flags")).split()
    model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    found = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    return (
        f"{len(os.sched_getaffinity(0))} cores, {model.split()[0]} ({', '.join(found)}), load {os.getloadavg()[0]:.1f}"
    )


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)
