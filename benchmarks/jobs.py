"""How quickly jobs are handed in and asked for, and whether any is lost, on a running platform; and the same with Celery and Redis.

    faldone up
    python benchmarks/jobs.py latency --seconds 60 --beside FOLDER     5 submits and 5 status a second beside an index job over FOLDER
    python benchmarks/jobs.py burst --jobs 200                         200 submits at once: none lost, none twice
    python benchmarks/jobs.py celery --python VENV/bin/python          the same with Celery (in a virtual environment of its own) and Redis

Jobs of the measurement are index jobs over one small text, in low priority; those of `latency` are cancelled at its end.
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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from deployments import jobs

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


def small_text() -> Path:
    """A folder with one small text."""
    folder = Path(tempfile.mkdtemp(prefix="faldone-bench-"))
    (folder / "note.txt").write_text("The meeting is on Monday at nine.")
    return folder


def latency(seconds: float, beside: str) -> dict[str, Any]:
    """5 submits and 5 status a second."""
    folder = small_text()
    busy = (
        jobs.submit(
            "index", {"sources": [str(Path(beside).resolve())], "collection": "bench-beside", "force": True}, "high"
        )
        if beside
        else None
    )
    while busy and jobs.status(busy.job_id).state in {jobs.JobState.PENDING, jobs.JobState.STARTED}:
        time.sleep(0.2)
    submits, asked, made = [], [], []
    begin = time.monotonic()
    while (now := time.monotonic()) < begin + seconds:
        parameters = {"sources": [str(folder)], "collection": "bench"}
        job = timed(lambda: jobs.submit("index", parameters, "low"), submits)  # noqa: B023 - called at once
        made.append(job.job_id)
        timed(lambda: jobs.status(busy.job_id if busy else job.job_id), asked)  # noqa: B023
        time.sleep(max(0.0, now + 0.2 - time.monotonic()))
    still = busy and jobs.status(busy.job_id)
    for job_id in [*made, *([busy.job_id] if busy else [])]:
        jobs.cancel(job_id)
    shutil.rmtree(folder)
    return {
        "submit_ms": quantiles(submits),
        "status_ms": quantiles(asked),
        "beside": still.as_json()["state"] if still else None,
    }


def burst(number: int) -> dict[str, Any]:
    """Many submits at once from eight threads; every job must run exactly once."""
    folder = small_text()
    submits: list[float] = []
    begin = time.perf_counter()

    def one(index: int) -> str:
        parameters = {"sources": [str(folder)], "collection": f"bench-{index % 4}"}
        return str(timed(lambda: jobs.submit("index", parameters, "low", key=f"{folder}-{index}"), submits).job_id)

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(one, range(number)))
    submitted = time.perf_counter() - begin
    group = jobs.wait_all(ids, 3_600)
    shutil.rmtree(folder)
    return {
        "jobs": number, "distinct": len(set(ids)), "successful": group.successful, "failed": group.failed,
        "attempts_above_one": sum(one.attempt > 1 for one in group.jobs), "submit_ms": quantiles(submits),
        "submitted_seconds": round(submitted, 2), "done_seconds": round(time.perf_counter() - begin, 1),
    }  # fmt: skip


def celery(python: str, seconds: float) -> dict[str, Any]:
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
        time.sleep(3)
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
        "submit_ms": quantiles(found["submit"]), "status_ms": quantiles(found["status"]), "lost": found["lost"],
        "burst_submitted_seconds": round(found["burst_submit"], 2), "burst_done_seconds": round(found["burst_done"], 2),
    }  # fmt: skip


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["latency", "burst", "celery"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--beside", default="", help="a folder that is indexed meanwhile")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--python", default=sys.executable)
    given = parser.parse_args()
    calls: dict[str, Callable[[], dict[str, Any]]] = {
        "latency": lambda: latency(given.seconds, given.beside),
        "burst": lambda: burst(given.jobs),
        "celery": lambda: celery(given.python, given.seconds),
    }
    print(json.dumps({given.what: calls[given.what]()}, indent=1))


if __name__ == "__main__":
    main()
