"""Health: is everything there that the platform needs, answered within seconds?

Each check is a function of the settings that gives a state and a sentence; they run side by side, each with a
deadline, so that something that hangs is itself the finding. `failing` means that work cannot be done now, `degraded`
that a person should look soon.
"""

from __future__ import annotations

import importlib
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from infra import limits, sandbox
from infra.errors import FaldoneError, first_line
from infra.files import private_folder
from infra.machine import crowding
from infra.prefect_api import Api
from infra.scheduler import WorkerState
from infra.settings import Settings
from tasks import vitals
from tasks.maintain.common import size
from tasks.maintain.verification import Record
from tasks.vitals import State

DEADLINE = 20.0  # s: a check that takes longer has failed; more where others have the processors
LIBRARIES = ("lancedb", "openvino", "tokenizers", "redis")  # that probes use and are slow to import
MEMORY_WARN, MEMORY_RECYCLE = 10**9, 2 * 10**9  # bytes of a worker
SILENT = 60.0  # s without a heartbeat of a Dask worker
BACKUP_AGE = timedelta(hours=50)


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check."""

    name: str
    status: State
    message: str
    milliseconds: float = 0.0


Outcome = tuple[State, str]
Probe = Callable[[], Outcome]


def health(settings: Settings, api: Api | None = None, recycle: bool = False) -> dict[str, Any]:
    """Run every check; return what `faldone health --json` prints.

    Args:
        api: Prefect's API, where an address of one is set.
        recycle: restart Dask workers that hold too much memory.
    """
    started = time.monotonic()
    probes: dict[str, Probe] = {
        "disk": lambda: disk(settings),
        "access": lambda: access(settings),
        "parsers": parsers,
        "lake": lambda: lake(settings),
        "encoder": lambda: encoder(settings),
        "redis": lambda: redis(settings),
        "dask": lambda: dask(settings, recycle),
        "backup": lambda: backup(settings),
        "prefect": lambda: prefect(api),
    }
    if api is not None:
        probes |= {"workers": lambda: workers(api), "queues": lambda: queues(api), "schedules": lambda: schedules(api)}
    for library in LIBRARIES:  # before the clock starts: their seconds say nothing of what is looked at
        importlib.import_module(library)
    checks = run(probes, DEADLINE * crowding())
    return {
        "status": worst(checks),
        "checks": [asdict(check) for check in checks],
        "seconds": round(time.monotonic() - started, 3),
    }


def worst(checks: list[Check]) -> State:
    """Return the state of the whole: that of its worst part."""
    states = {check.status for check in checks}
    return "failing" if "failing" in states else "degraded" if "degraded" in states else "ok"


def run(probes: dict[str, Probe], deadline: float = DEADLINE) -> list[Check]:
    """Return every probe side by side; one that raises or does not end has failed."""
    pool = ThreadPoolExecutor(len(probes), "health")
    waiting = {name: pool.submit(_timed, name, probe) for name, probe in probes.items()}
    end = time.monotonic() + deadline
    checks = [_collect(name, future, max(0.0, end - time.monotonic()), deadline) for name, future in waiting.items()]
    pool.shutdown(wait=False, cancel_futures=True)
    return checks


def _collect(name: str, future: Future[Check], left: float, deadline: float) -> Check:
    try:
        return future.result(left)
    except TimeoutError:
        return Check(name, "failing", f"no answer within {deadline:.0f} s", deadline * 1000)


def _timed(name: str, probe: Probe) -> Check:
    began = time.perf_counter()
    try:
        state, message = probe()
    except FaldoneError as error:
        state, message = "failing", first_line(error)
    except Exception as error:  # noqa: BLE001 - whatever a probe raises is its finding
        state, message = "failing", f"{type(error).__name__}: {first_line(error)}"
    return Check(name, state, message, round((time.perf_counter() - began) * 1000, 1))


# ---- this machine and its data -------------------------------------------------------------------------------------


def disk(settings: Settings) -> Outcome:
    """Judge the room on the disk of the data folder."""
    private_folder(settings.scratch)
    found = vitals.disk(settings.scratch, limits.load().alerts)
    return found.state, f"{size(found.free)} of {size(found.total)} free"


def access(settings: Settings) -> Outcome:
    """Look whether other users of this machine may read the data folder."""
    mode = private_folder(settings.scratch).stat().st_mode & 0o777
    if mode & 0o007:
        return "degraded", f"every user of this machine may read {settings.scratch} ({mode:o}): chmod o-rwx it"
    return "ok", f"{settings.scratch} is not open to other users"


def parsers() -> Outcome:
    """Look how far this machine can shut parsers off."""
    gaps = sandbox.probe().gaps()
    if gaps:
        return "degraded", f"a parser, which reads files of strangers, {'; '.join(gaps)}"
    return "ok", "parsers reach no network, no other process and no file but their own"


def lake(settings: Settings) -> Outcome:
    """Write a table beside the collections and read it back, and read every ledger."""
    import pyarrow as pa

    from infra.files import remove_tree
    from infra.lake import Lake
    from tasks.collection import ledger
    from tasks.collection.ledger import LEDGER
    from tasks.collection.recover import interrupted

    place = f"{settings.root}/health/{uuid.uuid4().hex[:8]}"
    try:
        probe = Lake(place)
        probe.upsert("probe.rows", pa.table({"id": ["1"]}), "id")
        if probe.count("probe.rows") != 1:
            return "failing", f"what was written to {place} could not be read back"
    finally:
        remove_tree(place)
    if interrupted(settings):
        return "degraded", "a restore was interrupted: run faldone restore, or any maintenance job, to finish it"
    opened = Lake(settings.root)
    documents = {name: opened.count(LEDGER.name(name)) for name in ledger.collections(opened)}
    return "ok", f"{len(documents)} collections, {sum(documents.values()):,} documents"


def encoder(settings: Settings) -> Outcome:
    """Check that the encoder's files are there and whole; the bundled one also encodes a query."""
    import numpy as np

    from infra.encoders import AUTO, load_encoders

    loaded = load_encoders(settings)
    if settings.embedding_model not in {AUTO, "bundled"}:  # another model would import torch for it, some seconds
        return "ok", f"{loaded.name}: {loaded.dimension} dimensions, files in place"
    length = float(np.linalg.norm(loaded.first.encode_query("health")))
    if abs(length - 1) > 0.01:
        return "failing", f"the encoder gives vectors of length {length:.2f}"
    return "ok", f"{loaded.name}: {loaded.dimension} dimensions"


def backup(settings: Settings) -> Outcome:
    """Return how old the latest backup is, and what the drill after it verified."""
    from infra.backup_store import BackupStore
    from tasks.maintain import verification
    from tasks.maintain.stored_backups import destination, when

    store = BackupStore(destination(settings))
    there = store.backups()
    if not there:
        return "ok", "no backup has been made here yet"
    age, record = datetime.now(UTC) - when(there[-1]), verification.read(store)
    message = f"the latest backup is {age.total_seconds() / 3600:.0f} h old; {_drilled(record)}"
    bad = age > BACKUP_AGE or bool(record.problem) or record.late(limits.load().drill)
    return ("degraded" if bad else "ok"), message


def _drilled(record: Record) -> str:
    if not record.last_at:
        return "no drill was made of one yet"
    if record.problem:
        return f"its drill found: {record.problem}. The next backup stores that anew"
    whole = f"{record.whole:%Y-%m-%d}" if record.whole else "never"
    return f"its drill verified {record.files:,} of {record.of_files:,} files, all of them last on {whole}"


# ---- services ------------------------------------------------------------------------------------------------------


def redis(settings: Settings) -> Outcome:
    """Return Redis answers; without it work goes on, slower, but the locks across machines do not."""
    if settings.redis_url is None:
        return "ok", "not set: no shared cache"
    from infra.cache import Cache

    counts = Cache(settings.redis_url.get_secret_value()).counts()
    asked = counts["keyspace_hits"] + counts["keyspace_misses"]
    rate = f", {100 * counts['keyspace_hits'] / asked:.0f} % hits" if asked else ""
    return "ok", f"{size(counts['used_memory'])} in use{rate}"


def dask(settings: Settings, recycle: bool = False) -> Outcome:
    """Check that the scheduler answers, its workers are alive, and none holds too much memory."""
    if "://" not in settings.dask:
        return "ok", f"{settings.dask}: no scheduler is set"
    from infra import cluster, scheduler

    there = scheduler.look(settings.dask)
    if not there:
        return "failing", f"{settings.dask} has no worker"
    silent = [worker for worker in there if worker.silent > SILENT]
    heavy = [worker for worker in there if worker.memory > MEMORY_RECYCLE]
    warm = [worker for worker in there if worker.memory > MEMORY_WARN]
    if heavy and recycle:
        cluster.recycle(settings.dask, [worker.address for worker in heavy])
    message = f"{len(there)} workers, the largest {_gigabytes(max(worker.memory for worker in there))}"
    message += f"; {len(silent)} without a heartbeat" if silent else ""
    message += f"; above {_gigabytes(MEMORY_WARN)}: {_named(warm)}" if warm else ""
    done = "asked to begin anew" if recycle else "to be restarted by the scheduled health"
    message += f"; above {_gigabytes(MEMORY_RECYCLE)} and {done}: {_named(heavy)}" if heavy else ""
    return ("degraded" if silent or warm else "ok"), message


def _gigabytes(number: int) -> str:
    return f"{number / 10**9:.1f} GB"


def _named(workers_: list[WorkerState], most: int = 5) -> str:
    """Return the heaviest workers by name."""
    heaviest = sorted(workers_, key=lambda worker: -worker.memory)
    return ", ".join(f"{worker.address} ({_gigabytes(worker.memory)})" for worker in heaviest[:most])


def prefect(api: Api | None) -> Outcome:
    """Return Prefect's API answers."""
    if api is None:
        return "ok", "no server is set: commands start one for themselves"
    api.ask("GET", "/health")
    return "ok", f"{api.url} answers"


def workers(api: Api) -> Outcome:
    """Check that every work pool has a worker with a fresh heartbeat."""
    pools = [pool for pool in api.pages("/work_pools/filter", {}) if not pool.get("is_paused")]
    empty = []
    for pool in pools:
        there = api.ask("POST", f"/work_pools/{pool['name']}/workers/filter", {"limit": 200})
        if not any(worker.get("status") == "ONLINE" for worker in there):
            empty.append(pool["name"])
    if not pools:
        return "ok", "no work pool"
    if empty:
        return "failing" if len(empty) == len(pools) else "degraded", f"no worker is online for {', '.join(empty)}"
    return "ok", f"{len(pools)} work pools with workers online"


def queues(api: Api) -> Outcome:
    """Return how long the oldest run has waited for a worker."""
    now = datetime.now(UTC)
    span = {"before_": (now - timedelta(seconds=30)).isoformat()}
    body = {
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING"]}}, "expected_start_time": span},
        "sort": "EXPECTED_START_TIME_ASC",
        "limit": 1,
    }
    rows = api.ask("POST", "/flow_runs/filter", body)
    if not rows:
        return "ok", "nothing waits"
    waited = vitals.waited(rows[0], now)
    state = vitals.waiting_state(waited, limits.load().alerts)
    return state, f"the oldest waiting run ({rows[0]['name']}) has waited {waited / 60:.0f} min"


def schedules(api: Api) -> Outcome:
    """Check that every active schedule has had a success lately; see `vitals.overdue`."""
    active = [row for row in api.deployments() if vitals.active(row)]
    last = {row["id"]: api.last_success(row["id"]) for row in active}
    late = vitals.overdue(active, last, limits.load().alerts, datetime.now(UTC))
    if late:
        return "degraded", "; ".join(one.sentence for one in late)
    return "ok", f"{len(active)} schedules on time"
