"""Bring a Prefect server in line with our files: work pool, queues, global limits, automations, deployments.

    python -m deployments.api.bootstrap             against PREFECT_API_URL; safe to run again at any time
    python -m deployments.api.bootstrap --force     deploy although nothing changed

Everything is created or updated by its name, never twice. Deployments are left to `prefect deploy`, which knows its own file best; they are
skipped when neither `prefect.yaml` nor the flows have changed, since deploying makes the schedules anew.
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deployments.api import rest
from deployments.api.rest import Ask, NotFound, Talk
from infra import limits as numbers
from infra.errors import FaldoneError, UsageError
from infra.limits import PlatformLimits

log = logging.getLogger("faldone.bootstrap")

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "nice -n 10 python -m deployments.worker.supervise"  # servers and web applications answer quickly beside jobs that take every core
DEPLOYED = "faldone-deployed"  # the Prefect variable that holds the fingerprint of what was deployed


def prefect_file() -> Path:
    """The list of deployments in use.

    Raises:
        UsageError: it is not there.
    """
    file = Path(os.environ.get("FALDONE_PREFECT_FILE", ROOT / "prefect.yaml")).resolve()
    if not file.is_file():
        raise UsageError(f"{file} is missing: run from a checkout, or set FALDONE_PREFECT_FILE")
    return file


def bootstrap(force: bool = False) -> None:
    """Everything, in the order in which one thing needs another."""
    limits = numbers.load()
    rest.run(pool(limits, job_template()))
    rest.run(queues(limits))
    rest.run(rates(limits))
    deploy(force)
    from deployments.api.automations import bring_in

    rest.run(bring_in())


def job_template() -> dict[str, Any]:
    """The process worker's template with our supervisor as the command of every job."""
    from prefect.workers.process import ProcessWorker

    template: dict[str, Any] = ProcessWorker.get_default_base_job_template()
    template["variables"]["properties"]["command"]["default"] = COMMAND
    return template


def pool(limits: PlatformLimits, template: dict[str, Any]) -> Talk[None]:
    """The work pool."""
    body = {
        "description": "Jobs of Faldone, each a process of its own under a supervisor.",
        "concurrency_limit": limits.slots, "base_job_template": template,
    }  # fmt: skip
    with suppress(NotFound):
        yield Ask("GET", f"/work_pools/{limits.pool.name}")
        yield Ask("PATCH", f"/work_pools/{limits.pool.name}", body)
        return
    try:
        yield Ask("POST", "/work_pools/", body | {"name": limits.pool.name, "type": "process"})
    except UsageError:  # a busy server made it and answered too late, so that it was asked again
        yield Ask("PATCH", f"/work_pools/{limits.pool.name}", body)


def queues(limits: PlatformLimits) -> Talk[None]:
    """The queues with their priorities. In order: giving a queue a number moves those that have it or a larger one."""
    path = f"/work_pools/{limits.pool.name}/queues"
    there = {queue["name"]: queue for queue in (yield Ask("POST", f"{path}/filter", {"limit": 200}))}
    for name, number in numbers.priorities(limits).items():
        kind, priority = numbers.split_queue(name)
        body = {
            "description": f"{kind}, priority {priority}", "priority": number,
            "concurrency_limit": limits.queues[kind].slots or None,
        }  # fmt: skip
        if name not in there:
            yield Ask("POST", path, body | {"name": name})
        elif any(there[name].get(field) != value for field, value in body.items()):
            yield Ask("PATCH", f"{path}/{name}", body)


def rates(limits: PlatformLimits) -> Talk[None]:
    """Prefect's global limits."""
    for name, rate in limits.rates.items():
        body = {"name": name, "limit": rate.limit, "slot_decay_per_second": rate.per_second, "active": True}
        try:
            yield Ask("GET", f"/v2/concurrency_limits/{name}")
            yield Ask("PATCH", f"/v2/concurrency_limits/{name}", body)
        except NotFound:
            yield Ask("POST", "/v2/concurrency_limits/", body)


def fingerprint() -> str:
    """Changes when the deployments or the signatures of the flows may have."""
    digest = hashlib.blake2b(f"{version('faldone')}\0{version('prefect')}\0".encode(), digest_size=16)
    for file in [prefect_file(), *sorted((ROOT / "flows").glob("*.py"))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def deploy(force: bool) -> None:
    """Every deployment of the file.

    Raises:
        FaldoneError: `prefect deploy` failed; the message ends with what it said.
    """
    wanted = fingerprint()
    if not force and rest.run(variable(DEPLOYED)) == wanted:
        return
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(prefect_file())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode or "error" in done.stderr.lower():
        raise FaldoneError(f"the deployments of {prefect_file()} failed: {(done.stdout + done.stderr)[-800:]}")
    rest.run(set_variable(DEPLOYED, wanted))


def variable(name: str) -> Talk[Any]:
    """The value of a Prefect variable, None when there is none."""
    try:
        return (yield Ask("GET", f"/variables/name/{name}"))["value"]
    except NotFound:
        return None


def set_variable(name: str, value: Any) -> Talk[None]:
    """Set a Prefect variable."""
    try:
        yield Ask("PATCH", f"/variables/name/{name}", {"name": name, "value": value})
    except NotFound:
        yield Ask("POST", "/variables/", {"name": name, "value": value})


def main() -> None:
    """The command."""
    logging.basicConfig(level=logging.WARNING)
    try:
        bootstrap("--force" in sys.argv)
    except FaldoneError as error:
        sys.exit(f"faldone: {error}")


if __name__ == "__main__":
    main()
