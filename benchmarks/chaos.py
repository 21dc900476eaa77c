"""What is left of an index whose runs are ill-treated: seeded rounds of kills, pauses, full disks, read errors, lost locks and moved clocks.

    python benchmarks/chaos.py FOLDER [--rounds 50] [--documents 200] [--seed 1]

A round: people change some files; a process of its own does a job (index, prune, analyse, optimise, backup, restore) and one trouble comes
over it at a moment drawn by lot; the trouble ends; the same job is run again, and the index once more. Then every file and every
attachment must be there once, with the text and the hash that it has now, and audit must find nothing.

kill    SIGKILL
stop    SIGSTOP for longer than a lease, while another process indexes; then it goes on
full    the disk of the data folder, a small tmpfs, has no room (needs the right to mount)
eio     listing and opening files of the share, and reading back what was staged, fails now and then
lock    its lock in Redis is gone and another process indexes
clock   its clock moves by up to a year, either way

In `stop` and `lock` the process stands for another machine: the lock in Redis alone keeps the two apart.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
from chaos_office import PROTOCOL, C, Office, Share, expected, verify
from common import REPOSITORY, machine, table

from infra import cache, locks
from infra.cache import Lease
from infra.errors import FaldoneError
from infra.locks import one_at_a_time
from infra.settings import Settings
from tasks.analyse import run as analyse
from tasks.collection import recover, staging
from tasks.index.run import index
from tasks.maintain import backup, optimise, restore

LEASE = 2.0  # s: a minute otherwise
DISK = 400  # MiB of the tmpfs
JOBS = ("index", "prune", "analyse", "optimise", "backup", "restore")
TROUBLES = ("kill", "stop", "full", "eio", "lock", "clock")


# ---- the jobs --------------------------------------------------------------------------------------------------------


def do(job: str, settings: Settings, sources: list[str]) -> None:
    """What the flow of a job does."""
    if job in ("index", "prune"):
        index(settings, sources, C)
    elif job == "analyse":
        analyse.analyse(settings, C, "tables")
    else:
        with one_at_a_time(settings, recover.LANE if job in ("backup", "restore") else job):
            if job == "backup":
                recover.recover(settings)
                backup.backup(settings)
            elif job == "restore":
                restore.restore(settings, "latest")
            else:
                recover.recover_if_free(settings)
                optimise.optimise(settings, keep=timedelta(0))


def child() -> None:
    """The process that trouble comes over: it loads its libraries, says so, and does the job it is told."""
    from infra.encoders import load_encoders
    from tasks.index.run import prepare

    told = json.loads(sys.argv[2])
    cache.LEASE = LEASE
    settings, lot = Settings(home=told["home"], dask="threads", workers=2), random.Random(told["seed"])
    (prepare if told["job"] in ("index", "prune") else load_encoders)(settings)
    if told["trouble"] == "eio":
        Share.trouble = lot
        staging.read_bytes = _failing(staging.read_bytes, lot)  # type: ignore[attr-defined]
    if told["trouble"] == "clock":
        _move_clock(timedelta(seconds=lot.uniform(-1, 1) * 365 * 86_400))
    if told["trouble"] in ("stop", "lock"):  # another machine: its file locks keep nobody out here
        locks.FileLock = lambda path, **more: _file_lock(Path(f"{path}.elsewhere"), **more)  # type: ignore[attr-defined]
    print("ready", flush=True)
    do(told["job"], settings, told["sources"])


_file_lock = locks.FileLock


def _failing(real: Callable[..., bytes], lot: random.Random) -> Callable[..., bytes]:
    def read(path: str) -> bytes:
        if lot.random() < 0.1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(path)

    return read


def _move_clock(by: timedelta) -> None:
    """Set the wall clock of this process: of `time.time`, and of `datetime.now` in every module of ours."""
    real = time.time
    time.time = lambda: real() + by.total_seconds()

    class Moved(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + by

    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in ("infra", "tasks") and getattr(module, "datetime", None) is datetime:
            module.datetime = Moved  # type: ignore[attr-defined]


# ---- trouble ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Chaos:
    """The office with what ill-treats it."""

    office: Office
    redis: str
    on_tmpfs: bool
    held: int = 0  # troubles that met a process which held a lock
    took: dict[str, float] = field(default_factory=dict)  # seconds of each job when nothing was wrong

    def round(self, job: str, trouble: str) -> tuple[str, Counter[str]]:
        """One round. Returns how the job ended under the trouble, and what was found wrong afterwards."""
        self.office.change(5 if job == "prune" else 1)
        end = self._trouble(job, trouble)
        self.office.put_back(2)
        if trouble == "kill":
            time.sleep(LEASE)  # its lock in Redis ends by itself; until then another job of its kind is refused
        settings = self.office.settings()
        began = time.perf_counter()
        do(job, settings, self.office.sources)
        self.took[job] = time.perf_counter() - began
        do("index", settings, self.office.sources)
        return end, verify(self.office)

    def _trouble(self, job: str, trouble: str) -> str:
        told = {"home": str(self.office.place / "home"), "job": job, "trouble": trouble, "sources": self.office.sources}
        command = [sys.executable, __file__, "child", json.dumps(told | {"seed": self.office.lot.randrange(10**6)})]
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
        log = (self.office.place / "child.log").open("w")
        with log, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment, text=True) as process:
            try:
                assert process.stdout is not None
                if process.stdout.readline() == "ready\n":
                    self._inflict(trouble, process, self.office.lot.uniform(0, self.took.get(job, 0.5)))
                process.wait(120)
            finally:
                process.kill()
                (self.office.place / "home" / "ballast").unlink(missing_ok=True)
        said = (self.office.place / "child.log").read_text().strip().splitlines()
        return "" if process.returncode == 0 else f"{process.returncode}: {said[-1][:90] if said else ''}"

    def _inflict(self, trouble: str, process: subprocess.Popen[str], after: float) -> None:
        if trouble in ("stop", "lock"):
            self._take_lock(trouble, process, after)
            return
        time.sleep(after)
        if trouble == "kill":
            process.send_signal(signal.SIGKILL)
        elif trouble == "full":
            ballast = self.office.place / "home" / "ballast"
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(1 << 16))
            with suppress(FileNotFoundError):
                os.truncate(ballast, max(0, ballast.stat().st_size - self.office.lot.randrange(1 << 18)))

    def _take_lock(self, trouble: str, process: subprocess.Popen[str], after: float) -> None:
        """Wait until the process holds a lock in Redis, as long as it may take, and take it from it; somebody else indexes then."""
        from redis import Redis

        server, until = Redis.from_url(self.redis), time.monotonic() + after + 10
        while not (keys := _held(server)) and time.monotonic() < until and process.poll() is None:
            time.sleep(0.002)
        self.held += bool(keys)
        if trouble == "stop":
            process.send_signal(signal.SIGSTOP)
            time.sleep(LEASE * 1.2)
        elif keys:
            server.delete(*keys)
        self._meanwhile()
        process.send_signal(signal.SIGCONT)

    def _meanwhile(self) -> None:
        """Somebody else indexes."""
        with suppress(FaldoneError):  # the other one may hold what it needs for longer than anybody waits
            do("index", self.office.settings(), self.office.sources)


def _held(server: Any) -> list[bytes]:
    """List the locks that somebody holds; one that was given back says so."""
    return [key for key in server.scan_iter("*lock*") if (server.get(key) or b"").decode() not in ("", Lease.FREE)]


# ---- the whole -------------------------------------------------------------------------------------------------------


@contextmanager
def opened(place: Path, documents: int, seed: int) -> Iterator[Chaos]:
    """An office that is indexed, analysed and backed up, on a small disk and beside a Redis where these can be had."""
    with ExitStack() as stack:
        home = place / "home"
        home.mkdir(parents=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=700", "tmpfs", str(home)]
        on_tmpfs = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
        if on_tmpfs:
            stack.callback(subprocess.run, ["umount", "--lazy", str(home)], check=True)
        redis = stack.enter_context(_redis(place)) if shutil.which("redis-server") else ""
        if redis:
            former = os.environ.get("FALDONE_REDIS_URL")
            stack.callback(
                lambda: os.environ.update(FALDONE_REDIS_URL=former) if former else os.environ.pop("FALDONE_REDIS_URL")
            )
            os.environ["FALDONE_REDIS_URL"] = redis
        lease, cache.LEASE = cache.LEASE, LEASE
        stack.callback(setattr, cache, "LEASE", lease)
        fsspec.register_implementation(PROTOCOL, Share, clobber=True)
        office = Office(place, random.Random(seed))
        office.fill(documents)
        for job in ("index", "analyse", "backup"):
            do(job, office.settings(), office.sources)
        yield Chaos(office, redis, on_tmpfs)


@contextmanager
def _redis(place: Path) -> Iterator[str]:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(place)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            time.sleep(0.5)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


def possible(chaos: Chaos) -> list[str]:
    """The troubles that can be had here."""
    lacking = {"full": chaos.on_tmpfs, "lock": bool(chaos.redis), "stop": bool(chaos.redis)}
    return [trouble for trouble in TROUBLES if lacking.get(trouble, True)]


def main() -> None:
    """Run the rounds and print what was found, by trouble."""
    if sys.argv[1:2] == ["child"]:
        fsspec.register_implementation(PROTOCOL, Share, clobber=True)
        child()
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    place = given.folder.absolute() / "chaos"
    shutil.rmtree(place, ignore_errors=True)
    wrong, ended = Counter[str](), dict[str, Counter[str]]()
    with opened(place, given.documents, given.seed) as chaos:
        deck: list[tuple[str, str]] = []
        for number in range(given.rounds):
            if not deck:
                deck = [(job, trouble) for job in JOBS for trouble in possible(chaos)]
                chaos.office.lot.shuffle(deck)
            job, trouble = deck.pop()
            end, found = chaos.round(job, trouble)
            wrong += found
            ended.setdefault(trouble, Counter())["it ended badly" if end else "it ended well"] += 1
            print(f"{number + 1:3} {job:9} {trouble:6} {dict(found) or 'good'} {end}", flush=True)
        print(
            machine(),
            f"troubles: {', '.join(possible(chaos))}; {len(expected(chaos.office))} documents and attachments",
        )
    table(
        ["trouble", "it ended badly", "it ended well"],
        [[t, *(e[k] for k in ("it ended badly", "it ended well"))] for t, e in ended.items()],
    )
    print(f"locks taken from a process that held one: {chaos.held}")
    print(f"wrong in {given.rounds} rounds: {dict(wrong) or 'nothing'}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
