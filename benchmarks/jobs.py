"""How quickly jobs are handed in and asked for, and whether any is lost, on a running platform; and the same with Celery and Redis.

    faldone up
    python benchmarks/jobs.py latency --seconds 60 --beside FOLDER     5 submits and 5 status a second beside an index job over FOLDER
    python benchmarks/jobs.py upload --seconds 60 --beside FOLDER      5 uploads a second to docs/examples/fastapi_upload.py beside one
    python benchmarks/jobs.py burst --jobs 200                         200 submits at once: none lost, none twice
    python benchmarks/jobs.py kill --jobs 4000                         kill -9 of worker, supervisor and engine under an index job
    python benchmarks/jobs.py celery --python VENV/bin/python [--beside …]   submits to Celery (in an environment of its own) and Redis

Jobs of the measurement are index jobs over one small text, in low priority; those of `latency` and `upload` are cancelled.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from deployments import jobs, state
from deployments.api import address
from deployments.worker import life
from infra.lake import Lake
from infra.settings import load as settings
from tasks.collection import ledger

CELERY = """
import json, sys, time
from celery import Celery
app = Celery("bench", broker=sys.argv[-1], backend=sys.argv[-1])
app.conf.worker_hijack_root_logger = False

@app.task(name="nothing")
def nothing(number):
    return number

if __name__ == "__main__":
    times, asked, end = [], [], time.monotonic() + float(sys.argv[-2])
    nothing.delay(0).get(timeout=60)
    while time.monotonic() < end:
        begin = time.perf_counter(); result = nothing.delay(1); times.append(time.perf_counter() - begin)
        begin = time.perf_counter(); result.state; asked.append(time.perf_counter() - begin)
        time.sleep(0.2)
    begin = time.perf_counter()
    results = [nothing.delay(n) for n in range(200)]
    submitted = time.perf_counter() - begin
    values = [r.get(timeout=120) for r in results]
    print(json.dumps({"submit": times, "status": asked, "burst_submit": submitted,
                      "burst_done": time.perf_counter() - begin, "lost": 200 - len(set(values))}))
"""


def quantiles(seconds: list[float]) -> dict[str, float]:
    """p50, p95, p99 and the largest, in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    chosen = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": max(seconds)}
    return {name: round(1000 * value, 1) for name, value in chosen.items()} | {"n": len(seconds)}


def timed(call: Callable[[], Any], times: list[float]) -> Any:
    """The value of a call, whose time is noted."""
    begin = time.perf_counter()
    value = call()
    times.append(time.perf_counter() - begin)
    return value


def small_texts(number: int) -> Path:
    """A folder with so many small texts, 0.txt and so on."""
    folder = Path(tempfile.mkdtemp(prefix="faldone-bench-"))
    for index in range(number):
        (folder / f"{index}.txt").write_text(f"The meeting about project {index} is on Monday at nine.")
    return folder


@contextmanager
def beside_an_index_job(folder: str) -> Iterator[list[str]]:
    """An index job over a folder runs meanwhile (none for ""); afterwards it and the jobs put into the list are cancelled."""
    made: list[str] = []
    parameters = {"sources": [str(Path(folder).resolve())], "collection": "bench-beside", "force": True}
    busy = jobs.submit("index", parameters, "high").job_id if folder else ""
    while busy and jobs.status(busy).state in {jobs.JobState.PENDING, jobs.JobState.STARTED}:
        time.sleep(0.2)
    try:
        yield made
        if busy and jobs.status(busy).state is not jobs.JobState.PROGRESS:
            sys.exit(f"the index job over {folder} ended before the measurement did: give a larger folder")
    finally:
        for job_id in [*made, *filter(None, [busy])]:
            jobs.cancel(job_id)


def latency(seconds: float, beside: str) -> dict[str, Any]:
    """5 submits and 5 status a second."""
    folder = small_texts(1)
    submits: list[float] = []
    asked: list[float] = []
    parameters = {"sources": [str(folder)], "collection": "bench"}
    with beside_an_index_job(beside) as made:
        for _ in paced(seconds):
            made.append(timed(lambda: jobs.submit("index", parameters, "low"), submits).job_id)
            timed(lambda: jobs.status(made[-1]), asked)
    shutil.rmtree(folder)
    return {"submit_ms": quantiles(submits), "status_ms": quantiles(asked)}


def paced(seconds: float) -> Iterator[None]:
    """Five times a second for so long."""
    begin = time.monotonic()
    while (now := time.monotonic()) < begin + seconds:
        yield
        time.sleep(max(0.0, now + 0.2 - time.monotonic()))


def upload(seconds: float, beside: str) -> dict[str, Any]:
    """5 uploads of 200 kB a second to the web application of docs/examples, over HTTP."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--app-dir", "docs/examples", "fastapi_upload:app", "--port", str(port)]
    server = subprocess.Popen([*command, "--log-level", "error"])
    times: list[float] = []
    text = ("The meeting about the project is on Monday at nine. " * 4_000).encode()[:200_000]
    url = f"http://127.0.0.1:{port}/documents/note.txt?collection=bench"
    try:
        with httpx.Client(trust_env=False, timeout=60) as web, beside_an_index_job(beside) as made:
            for _ in paced(seconds):
                answer = timed(lambda: web.put(url, content=text), times)
                assert answer.status_code == 202, answer.text
                made.append(answer.json()["job_id"])
                jobs.cancel(made[-1])  # high jobs: they would run before the measurement ends
    finally:
        server.terminate()
        server.wait(20)
    return {"upload_ms": quantiles(times)}


def kill(number: int) -> dict[str, Any]:
    """An index job of several shards whose worker is killed, and then its supervisor with all its processes: what is done twice?"""
    folder, lake = small_texts(number), Lake(settings().root)
    name = folder.name.rpartition("-")[2].replace("_", "-").lower()
    begin = time.perf_counter()
    job = jobs.submit("index", {"sources": [str(folder)], "collection": f"kill-{name}"}).job_id

    def stored() -> dict[str, Any]:
        rows = ledger.read(lake, f"kill-{name}", ["document_id", "indexed_at"]).to_pylist()
        return {row["document_id"]: row["indexed_at"] for row in rows}

    def until_stored(least: int) -> None:
        while len(stored()) < least:
            now = jobs.status(job)
            assert not now.state.final, (
                f"the job ended ({now.state}: {now.error}) before it was killed: give more --jobs"
            )
            time.sleep(0.1)

    until_stored(1)
    platform = state.read()
    assert platform is not None
    psutil.Process(platform.processes["worker"].pid).kill()
    worker_killed = len(stored())
    until_stored(worker_killed + 1)
    attempt = jobs.status(job).attempt
    runner = life.claim(life.lookup(address.connect(), job)).process
    assert runner is not None
    psutil.Process(runner.pid).kill()  # the kernel ends the engine with it
    runner_killed = time.perf_counter()
    time.sleep(1)
    first = stored()
    ended = jobs.wait(job, 3_600)
    again = time.perf_counter() - runner_killed
    last, documents = stored(), jobs.result(job)["documents"]
    clean = jobs.submit("index", {"sources": [str(folder)], "collection": f"clean-{name}"}).job_id
    jobs.wait(clean, 3_600)
    same = index_content(lake, f"kill-{name}") == index_content(lake, f"clean-{name}")
    shutil.rmtree(folder)
    return {
        "documents": number,
        "state": str(ended.state),
        "attempts": ended.attempt,
        "stored_when_the_worker_was_killed": worker_killed,
        "attempt_after_the_workers_death": attempt,
        "stored_when_the_runner_was_killed": len(first),
        "stored_by_the_last_attempt": sum(last[one] != first.get(one) for one in last),
        "stored_twice": sum(last[one] != first[one] for one in first),
        "result_of_the_last_attempt": documents,
        "index_equals_a_clean_run": same,
        "seconds": round(runner_killed - begin, 1),
        "seconds_from_the_kill_to_the_end": round(again, 1),
        "seconds_of_the_clean_run": jobs.result(clean)["seconds"],
    }


def index_content(lake: Lake, collection: str) -> list[tuple[Any, ...]]:
    """What search sees of a collection, sorted."""
    rows = lake.read(
        f"{collection}.chunks", ["path", "ordinal", "text", "context", "terms", "hash", "vector"]
    ).to_pylist()
    return sorted(tuple(map(str, row.values())) for row in rows)


def burst(number: int) -> dict[str, Any]:
    """Many index jobs at once from eight threads, one small text each; every one must run exactly once.

    A job that ran twice would have two states Running, and find its text unchanged the second time.
    """
    folder = small_texts(number)
    submits: list[float] = []
    begin = time.perf_counter()

    def one(index: int) -> str:
        parameters = {"sources": [str(folder / f"{index}.txt")], "collection": f"bench-{folder.name[-8:]}-{index % 4}"}
        return str(timed(lambda: jobs.submit("index", parameters, "low", key=f"{folder}-{index}"), submits).job_id)

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(one, range(number)))
    submitted = time.perf_counter() - begin
    group = jobs.wait_all(ids, 7_200)
    seconds = time.perf_counter() - begin
    shutil.rmtree(folder)
    done = [one.job_id for one in group.jobs if one.state is jobs.JobState.SUCCESS]
    documents = [jobs.result(job_id)["documents"] for job_id in done]
    return {
        "jobs": number,
        "distinct": len(set(ids)),
        "states": Counter(str(one.state) for one in group.jobs),
        "attempts": Counter(one.attempt for one in group.jobs),
        "times_running": Counter(starts(job_id) for job_id in ids),
        "documents": {what: sum(one[what] for one in documents) for what in ("indexed", "unchanged", "quarantined")},
        "locked": log_lines("locked"),
        "submit_ms": quantiles(submits),
        "submitted_seconds": round(submitted, 2),
        "seconds": round(seconds, 1),
        "jobs_per_minute": round(60 * number / seconds, 1),
    }


def starts(job_id: str) -> int:
    """How often a job began to run."""
    states = address.connect().ask("GET", f"/flow_run_states/?flow_run_id={job_id}")
    return sum(state["type"] == "RUNNING" and state["name"] == "Running" for state in states)


def log_lines(word: str) -> dict[str, int]:
    """How many lines of each log of the platform on this data folder have a word in them."""
    logs = sorted(state.folder(settings()).glob("*.log"))
    return {log.name: sum(word in line for line in log.read_text(errors="replace").splitlines()) for log in logs}


def celery(python: str, seconds: float, beside: str) -> dict[str, Any]:
    """The same with Celery and a Redis of its own."""
    folder = Path(tempfile.mkdtemp(prefix="faldone-celery-"))
    (folder / "bench.py").write_text(CELERY)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    redis = subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", "", "--dir", str(folder)], stdout=subprocess.DEVNULL
    )
    url = f"redis://127.0.0.1:{port}/0"
    starter = (
        f"import sys; sys.argv=['bench','{url}']; import bench; bench.app.worker_main(['worker','-c','2','-l','ERROR'])"
    )
    worker = subprocess.Popen([python, "-c", starter], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with beside_an_index_job(beside):
            done = subprocess.run(
                [python, "bench.py", str(seconds), url],
                cwd=folder,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                timeout=600,
            )
    finally:
        for process in (worker, redis):
            process.terminate()
            process.wait(20)
        shutil.rmtree(folder)
    found = json.loads(done.stdout)
    return {
        "submit_ms": quantiles(found["submit"]),
        "status_ms": quantiles(found["status"]),
        "lost": found["lost"],
        "burst_submitted_seconds": round(found["burst_submit"], 2),
        "burst_done_seconds": round(found["burst_done"], 2),
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["latency", "upload", "burst", "kill", "celery"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--beside", default="", help="a folder that is indexed meanwhile")
    parser.add_argument("--jobs", type=int, default=200, help="of `kill`: documents of its job")
    parser.add_argument("--python", default=sys.executable)
    given = parser.parse_args()
    calls: dict[str, Callable[[], dict[str, Any]]] = {
        "latency": lambda: latency(given.seconds, given.beside),
        "upload": lambda: upload(given.seconds, given.beside),
        "burst": lambda: burst(given.jobs),
        "kill": lambda: kill(given.jobs),
        "celery": lambda: celery(given.python, given.seconds, given.beside),
    }
    print(json.dumps({given.what: calls[given.what]()}, indent=1))


if __name__ == "__main__":
    main()
