"""The faults of benchmarks/hosts.py: what comes over the site, and how it is mended at the end of a round."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from hosts_site import ANSWERS, Host, Site, kill

from infra.errors import TransientError


@dataclass(frozen=True, slots=True)
class Fault:
    """What comes over the site, and the words of which one must stand in what is said while jobs wait."""

    inflict: Callable[[Site, random.Random], str]
    names: tuple[str, ...] = ()


def _dask_worker(command: list[str]) -> bool:
    return "spawn_main" in " ".join(command)


def worker_killed(site: Site, lot: random.Random) -> str:
    site.services[_one_of(site, lot)].send(signal.SIGKILL, _dask_worker)
    return "a Dask worker gets SIGKILL"


def worker_frozen(site: Site, lot: random.Random) -> str:
    site.services[_one_of(site, lot)].send(signal.SIGSTOP, _dask_worker)
    return "a Dask worker gets SIGSTOP, to the end of the round"


def _one_of(site: Site, lot: random.Random) -> str:
    return lot.choice([name for name in site.services if name.startswith("dask-worker")])


def scheduler(site: Site, _: random.Random) -> str:
    kill(site.services["scheduler"])
    return "the scheduler gets SIGKILL and is started again after 2 s"


def cut(seconds: float) -> Callable[[Site, random.Random], str]:
    def inflict(site: Site, lot: random.Random) -> str:
        name = lot.choice(["b", "c"])
        site.hosts[name].cable("down")
        time.sleep(seconds)
        site.hosts[name].cable("up")
        return f"host {name.upper()} is cut off for {seconds:.0f} s"

    return inflict


def s3_away(site: Site, _: random.Random) -> str:
    door = site.services["door"]
    door.wanted = False
    kill(door)
    time.sleep(15)
    door.wanted = True
    return "the object store is away for 15 s"


def s3_503(site: Site, _: random.Random) -> str:
    site.services["door"].send(signal.SIGUSR1)
    return "the object store answers 503 to a third of the requests, to the end of the round"


def redis_emptied(site: Site, _: random.Random) -> str:
    kill(site.services["redis"])
    data = site.hosts["a"].place / "data" / "redis"
    shutil.rmtree(data)
    data.mkdir()
    return "Redis gets SIGKILL and begins anew, empty, after 2 s"


def postgres(site: Site, _: random.Random) -> str:
    site.services["postgres"].send(signal.SIGQUIT)
    return "PostgreSQL stops at once and is started again after 2 s"


def server_gone(site: Site, lot: random.Random) -> str:
    name = lot.choice(["server", "server-2"])
    site.services[name].wanted = False
    kill(site.services[name])
    return f"API {name} gets SIGKILL and stays away to the end of the round"


def host_gone(site: Site, _: random.Random) -> str:
    site.hosts["b"].lose()
    time.sleep(15)
    site.hosts["b"] = Host("b", site.place)
    return "host B is gone with all that is on it; another takes its name after 15 s"


UNREACHED = (
    "no sign of life",
    "does not answer",
    "cannot be reached",
    "no workers",
    "no scheduler",
    "nothing is heard",
)
FAULTS = {
    "worker-killed": Fault(worker_killed),
    "worker-frozen": Fault(worker_frozen, ("nothing is heard of the workers",)),
    "scheduler-restarted": Fault(scheduler, ("scheduler", "cluster")),
    "link-20": Fault(cut(20), UNREACHED),
    "link-180": Fault(cut(180), UNREACHED),
    "s3-away": Fault(s3_away, ("s3://",)),
    "s3-503": Fault(s3_503, ("s3://",)),
    "redis-emptied": Fault(redis_emptied, ("Redis", "REDIS", "the lock ")),
    "postgres-restarted": Fault(postgres, ("Prefect API",)),
    "server-gone": Fault(server_gone, ("Prefect API",)),
    "host-gone": Fault(host_gone, ("no sign of life", "nobody took it up")),
}


def mend(site: Site) -> None:
    """End what a fault has left, and wait until everything answers."""
    for name, service in site.services.items():
        service.wanted = name != "bucket"
        service.send(signal.SIGCONT)
    site.services["door"].send(signal.SIGUSR2, lambda command: any("hosts_s3" in part for part in command))
    time.sleep(3)
    site.await_(*ANSWERS)
    deadline = time.monotonic() + 120
    while (there := dask_workers()) < site.workers and time.monotonic() < deadline:
        time.sleep(1)
    if there < site.workers:
        print(f"only {there} of {site.workers} Dask workers are back", flush=True)


def dask_workers() -> int:
    from infra.scheduler import look

    try:
        return len(look(os.environ["FALDONE_DASK"]))
    except TransientError:
        return 0
