"""Bring a Prefect server in line with our files: work pools, queues, global limits, automations, deployments.

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
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deployments.api import address, automations
from infra import limits as numbers
from infra.errors import FaldoneError, UsageError
from infra.limits import PlatformLimits
from infra.prefect_api import Api, NotFound

log = logging.getLogger("faldone.bootstrap")

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "python -m deployments.worker.launch"
DEPLOYED = "faldone-deployed"  # the Prefect variable that holds the fingerprint of what was deployed
PAUSED = " Paused by `faldone down`; the next `faldone up` goes on."  # the end of a pool's description


def prefect_file() -> Path:
    """Return the list of deployments in use.

    Raises:
        UsageError: it is not there.
    """
    file = Path(os.environ.get("FALDONE_PREFECT_FILE", ROOT / "prefect.yaml")).resolve()
    if not file.is_file():
        raise UsageError(f"{file} is missing: run from a checkout, or set FALDONE_PREFECT_FILE")
    return file


def bootstrap(api: Api, force: bool = False) -> None:
    """Set up everything, in the order in which one thing needs another."""
    limits = numbers.load()
    template = job_template()
    for pool, slots in limits.pools.items():
        set_up_pool(api, pool, slots, template)
        set_up_queues(api, limits, pool)
    set_up_rates(api, limits)
    deploy(api, force)
    automations.bring_in(api)


def job_template() -> dict[str, Any]:
    """Return the process worker's template with our launcher as the command of every job, and nothing that a run may set itself.

    A run's own command, environment or working directory would let whoever may hand in a job run anything as the platform's user.
    """
    return {"job_configuration": {"command": COMMAND}, "variables": {"type": "object", "properties": {}}}


def set_up_pool(api: Api, name: str, slots: int, template: dict[str, Any]) -> None:
    """Make a work pool or change it; one that `faldone down` has paused goes on, one that a person has paused does not."""
    body: dict[str, Any] = {
        "description": "Jobs of Faldone, each a process of its own under a runner.",
        "concurrency_limit": slots,
        "base_job_template": template,
    }
    try:
        there = api.ask("GET", f"/work_pools/{name}")
    except NotFound:
        try:
            api.ask("POST", "/work_pools/", body | {"name": name, "type": "process"})
            return
        except FaldoneError:  # a busy server made it and answered too late
            there = api.ask("GET", f"/work_pools/{name}")
    if str(there.get("description") or "").endswith(PAUSED):
        body["is_paused"] = False
    api.ask("PATCH", f"/work_pools/{name}", body, again=True)


def pause_pools(api: Api, limits: PlatformLimits) -> None:
    """Have no more jobs begin until the next bootstrap; a pool that a person has paused stays his."""
    for name in limits.pools:
        there = api.ask("GET", f"/work_pools/{name}")
        if not there["is_paused"]:
            body = {"is_paused": True, "description": f"{there.get('description') or ''}{PAUSED}"}
            api.ask("PATCH", f"/work_pools/{name}", body, again=True)


def set_up_queues(api: Api, limits: PlatformLimits, pool: str) -> None:
    """Make a pool's queues with their priorities. In order: giving a queue a number moves those that have it or a larger one."""
    path = f"/work_pools/{pool}/queues"
    there = {queue["name"]: queue for queue in api.pages(f"{path}/filter", {})}
    for name, number in numbers.priorities(limits, pool).items():
        kind, priority = numbers.split_queue(name)
        slots = limits.queues[kind].slots or None
        body = {"description": f"{kind}, priority {priority}", "priority": number, "concurrency_limit": slots}
        if name not in there:
            api.ask("POST", path, body | {"name": name})
        elif any(there[name].get(field) != value for field, value in body.items()):
            api.ask("PATCH", f"{path}/{name}", body, again=True)


def set_up_rates(api: Api, limits: PlatformLimits) -> None:
    """Make or change Prefect's global limits."""
    for name, rate in limits.rates.items():
        body = {"name": name, "limit": rate.limit, "slot_decay_per_second": rate.per_second, "active": True}
        try:
            api.ask("GET", f"/v2/concurrency_limits/{name}")
            api.ask("PATCH", f"/v2/concurrency_limits/{name}", body, again=True)
        except NotFound:
            api.ask("POST", "/v2/concurrency_limits/", body)


def fingerprint() -> str:
    """Return what changes when the deployments or the signatures of the flows may have."""
    digest = hashlib.blake2b(f"{version('faldone')}\0{version('prefect')}\0".encode(), digest_size=16)
    for file in [prefect_file(), *sorted((ROOT / "flows").glob("*.py"))]:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def deploy(api: Api, force: bool) -> None:
    """Deploy everything in the file, unless it is already.

    Raises:
        FaldoneError: `prefect deploy` failed; the message ends with its output.
    """
    wanted = fingerprint()
    if not force and variable(api, DEPLOYED) == wanted:
        return
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(prefect_file())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FaldoneError(f"the deployments of {prefect_file()} failed: {(done.stdout + done.stderr)[-800:]}")
    set_variable(api, DEPLOYED, wanted)


def variable(api: Api, name: str) -> Any:
    """Return the value of a Prefect variable, None when there is none."""
    try:
        return api.ask("GET", f"/variables/name/{name}")["value"]
    except NotFound:
        return None


def set_variable(api: Api, name: str, value: Any) -> None:
    """Set a Prefect variable."""
    try:
        api.ask("PATCH", f"/variables/name/{name}", {"name": name, "value": value}, again=True)
    except NotFound:
        api.ask("POST", "/variables/", {"name": name, "value": value})


def main() -> None:
    """Run the command."""
    logging.basicConfig(level=logging.WARNING)
    try:
        bootstrap(address.connect(), "--force" in sys.argv)
    except FaldoneError as error:
        sys.exit(f"faldone: {error}")


if __name__ == "__main__":
    main()
