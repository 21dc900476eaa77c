"""The verbs of the job service, against a running platform: jobs submit, status, result, wait, cancel, logs, list, active, purge, ping."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.output import Exit, JsonOption, emit, errors_shown, fail, table

if TYPE_CHECKING:
    from deployments.jobs import JobStatus

jobs_app = typer.Typer(no_args_is_help=True, help="The job service of a running platform (see `faldone up`).")

JobArgument = Annotated[str, typer.Argument(help="The job's id.", metavar="ID")]
LISTS = {"sources", "documents", "to", "channels"}
PATHS = {"sources", "data", "output", "documents"}
"""Parameters that hold paths: made absolute, since a job runs elsewhere."""


class PriorityName(StrEnum):
    """Priorities of a job."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


@jobs_app.command("submit")
def jobs_submit(
    kind: Annotated[
        str,
        typer.Argument(help="index, analyse, train, export, process, notify, or a maintenance job.", metavar="KIND"),
    ],
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", help="A parameter of the flow, KEY=VALUE; JSON or plain text.")
    ] = None,
    priority: Annotated[PriorityName, typer.Option(help="high overtakes what waits.")] = PriorityName.NORMAL,
    key: Annotated[str, typer.Option(help="A second submit with the same key returns the first job.")] = "",
    callback: Annotated[str, typer.Option(help="A URL that is sent the job's status as JSON when it ends.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Hand in a job; prints its id at once.

    Example: faldone jobs submit index --param sources=~/bilanci --param collection=bilanci --priority high
    """
    with errors_shown():
        from deployments.jobs import submit

        job = submit(kind, parameters(param or []), priority.value, key or None, callback=callback)
        wait = f", usually {job.estimated_seconds:.0f} s" if job.estimated_seconds else ""
        emit(job.as_json(), as_json, f"{job.job_id}\n{job.state} in {job.queue} ({job.priority}{wait})\n{job.url}")


def parameters(given: list[str]) -> dict[str, Any]:
    """Return `KEY=VALUE` pairs as parameters: JSON where it is, else text; a repeated key, or one that takes a list, makes a list.

    Raises:
        UsageError: a pair without `=`.
    """
    from infra.errors import UsageError

    found: dict[str, Any] = {}
    for pair in given:
        name, equals, text = pair.partition("=")
        if not equals:
            raise UsageError(f"--param {pair}: must be KEY=VALUE")
        value = _absolute(name, _value(text))
        if name in found or (name in LISTS and not isinstance(value, list) and value is not None):
            before = found.get(name, [])
            value = [
                *(before if isinstance(before, list) else [before]),
                *(value if isinstance(value, list) else [value]),
            ]
        found[name] = value
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _absolute(name: str, value: Any) -> Any:
    if name not in PATHS:
        return value
    if isinstance(value, list):
        return [_absolute(name, one) for one in value]
    bare = isinstance(value, str) and len(value) == 32 and all(c in "0123456789abcdef" for c in value)
    if not isinstance(value, str) or not value or bare or "://" in value:
        return value
    return str(Path(value).expanduser().absolute()) + ("/" if value.endswith("/") and name == "output" else "")


@jobs_app.command("status")
def jobs_status(job_id: JobArgument, as_json: JsonOption = False) -> None:
    """Show how a job is.

    Example: faldone jobs status 0197c2b6-…
    """
    with errors_shown():
        from deployments.jobs import status

        one = status(job_id)
        emit(one.as_json(), as_json, None if as_json else _line(one))


def _line(one: JobStatus) -> str:
    from tasks.progress import clock

    parts = [
        f"{one.kind} {one.state}",
        f"{one.progress:.0f} %",
        one.stage,
        f"{one.current}/{one.total}" if one.total else "",
    ]
    parts += [one.current_item, f"ETA {clock(one.eta_seconds)}" if one.eta_seconds else ""]
    parts += [f"attempt {one.attempt}" if one.attempt > 1 else "", one.error or ""]
    return " · ".join(part for part in parts if part)


@jobs_app.command("result")
def jobs_result(job_id: JobArgument, as_json: JsonOption = False) -> None:
    """Print what a finished job returned, as JSON.

    Example: faldone jobs result 0197c2b6-…
    """
    with errors_shown():
        from deployments.jobs import result

        found = result(job_id)
        emit(found, as_json, None if as_json else json.dumps(found, ensure_ascii=False, indent=2))


@jobs_app.command("wait")
def jobs_wait(
    job_ids: Annotated[list[str], typer.Argument(help="Ids of jobs.", metavar="ID…")],
    timeout: Annotated[float, typer.Option(help="Seconds; 0: as long as it takes.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Wait until jobs have finished; exit status 1 when one of them failed.

    Example: faldone jobs wait 0197c2b6-… --timeout 600
    """
    with errors_shown():
        from deployments.jobs import wait_all

        group = wait_all(job_ids, timeout or None)
        if len(job_ids) == 1:
            emit(group.jobs[0].as_json(), as_json, None if as_json else _line(group.jobs[0]))
        else:
            counts = {
                "total": group.total,
                "successful": group.successful,
                "failed": group.failed,
                "revoked": group.revoked,
            }
            text = f"{group.successful} of {group.total} successful, {group.failed} failed, {group.revoked} revoked"
            emit(counts | {"jobs": [one.as_json() for one in group.jobs]}, as_json, text)
    if group.successful < group.total:
        raise typer.Exit(int(Exit.FAILED))


@jobs_app.command("cancel")
def jobs_cancel(job_id: JobArgument, as_json: JsonOption = False) -> None:
    """Stop a job; what it has committed stays.

    Example: faldone jobs cancel 0197c2b6-…
    """
    with errors_shown():
        from deployments.jobs import cancel

        one = cancel(job_id)
        emit(one.as_json(), as_json, None if as_json else _line(one))


@jobs_app.command("logs")
def jobs_logs(
    job_id: JobArgument,
    limit: Annotated[int, typer.Option(min=1, help="Most lines.")] = 1_000,
    as_json: JsonOption = False,
) -> None:
    """Print a job's log.

    Example: faldone jobs logs 0197c2b6-…
    """
    with errors_shown():
        from deployments.jobs import logs

        rows = logs(job_id, limit)
        text = "\n".join(f"{row['time'][:19]} {row['level']:<8} {row['message']}" for row in rows)
        emit({"job_id": job_id, "logs": rows}, as_json, text)


@jobs_app.command("list")
def jobs_list(
    queue: Annotated[
        str, typer.Option(help="indexing, analysis, training, export, maintenance; or one with -high, -low.")
    ] = "",
    state: Annotated[list[str] | None, typer.Option(help="Only jobs in this state; may be repeated.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most jobs.")] = 50,
    planned: Annotated[
        bool, typer.Option("--planned", help="Also runs that schedules have planned for later.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Also jobs that look every few minutes whether there is something to do.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the latest jobs. Those of collect/sources and health/checks only with --all, --state or --json.

    Example: faldone jobs list --queue indexing --state FAILURE
    """
    with errors_shown():
        from deployments.api.status import JobState
        from deployments.jobs import listed
        from infra.errors import UsageError

        known = {str(one) for one in JobState}
        wrong = [name for name in state or [] if name.upper() not in known]
        if wrong:
            raise UsageError(f"--state {wrong[0]}: must be one of {', '.join(sorted(known))}")
        states = [JobState(name.upper()) for name in state or []]
        _print(listed(queue or None, states, limit, planned, every or as_json or bool(states)), "Jobs", as_json)


@jobs_app.command("active")
def jobs_active(as_json: JsonOption = False) -> None:
    """List the jobs that run now.

    Example: faldone jobs active
    """
    with errors_shown():
        from deployments.jobs import active

        _print(active(), "Running jobs", as_json)


def _print(found: list[JobStatus], title: str, as_json: bool) -> None:
    emit({"jobs": [one.as_json() for one in found]}, as_json)
    if not as_json:
        rows = [(j.job_id, j.kind, j.state, f"{j.progress:.0f} %", j.queue, j.priority, j.name) for j in found]
        table(title, ("id", "kind", "state", "progress", "queue", "priority", "name"), rows)


@jobs_app.command("purge")
def jobs_purge(
    queue: Annotated[
        str, typer.Argument(help="A queue, with all its priorities; or one, as indexing-low.", metavar="QUEUE")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many jobs wait.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Cancel every waiting job of a queue; running ones go on.

    Example: faldone jobs purge indexing-low --yes
    """
    with errors_shown():
        from deployments.jobs import purge, waiting

        count = len(waiting(queue))
        if dry_run:
            emit({"queue": queue, "purged": 0, "waiting": count}, as_json, f"{count} jobs wait in {queue}")
            return
        if count and not yes and not typer.confirm(f"Cancel {count} waiting jobs of {queue}?", err=True):
            fail("nothing was cancelled")
        done = purge(queue)
        emit({"queue": queue, "purged": done, "waiting": count - done}, as_json, f"{done} jobs cancelled")


@jobs_app.command("ping")
def jobs_ping(as_json: JsonOption = False) -> None:
    """Ask server, worker, Dask scheduler and Redis whether they answer.

    Example: faldone jobs ping
    """
    with errors_shown():
        from deployments.api.ping import ping

        result = ping()
        emit(result, as_json)
        if not as_json:
            rows = [(p["name"], p["status"], p["milliseconds"], p["message"]) for p in result["parts"]]
            table("Ping", ("part", "status", "ms", ""), rows)
    if result["status"] != "ok":
        raise typer.Exit(int(Exit.FAILED))
