"""The verbs of the platform: up, down, status."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from deployments.cli.output import JsonOption, emit, errors_shown, table


def up(
    host: Annotated[
        str, typer.Option(help="Where the server listens; others than this machine need a password.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the server; 0: the one it had, 4200, or the next free one.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Start the platform on this machine: Prefect server and UI, worker, queues, schedules, alerts; Redis where it is installed.

    It stays when the terminal closes. A second `up` finds it running.

    Example: faldone up
    """
    with errors_shown():
        from deployments.platform import up as start

        running = start(host, port)
        result = {
            "status": "running",
            "url": running.ui,
            "api": running.api,
            "metrics": f"{running.keeper_url}/metrics",
        }
        emit(
            result,
            as_json,
            f"{running.ui}\nThe platform runs. Stop it with `faldone down`, look at it with `faldone status`.",
        )


def down(
    wait: Annotated[bool, typer.Option("--wait", help="Let running jobs finish first.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Stop the platform; running jobs stop at their next checkpoint and go on at the next `up`.

    Example: faldone down --wait
    """
    with errors_shown():
        from deployments.platform import down as stop

        stopped = stop(wait)
        emit({"status": "stopped", "was_running": stopped}, as_json, "stopped" if stopped else "nothing was running")


def status(as_json: JsonOption = False) -> None:
    """Show what runs: processes, queues, schedules.

    Example: faldone status
    """
    with errors_shown():
        from deployments.platform import status as look

        result = look()
        emit(result, as_json)
        if not as_json:
            _show(result)


def _show(result: dict[str, Any]) -> None:
    emit({}, False, f"{result['status']}  {result.get('url', '')}  {result.get('message', '')}".rstrip())
    for page in result.get("dashboards", ()):
        emit({}, False, f"Dask  {page}")
    if result["parts"]:
        rows = [(p["name"], p["pid"], "runs" if p["running"] else "ended", p["since"]) for p in result["parts"]]
        table("Processes", ("name", "process", "state", "since"), rows)
    busy = [q for q in result["queues"] if q["waiting"] or q["running"]]
    if busy:
        rows = [(q["queue"], q["waiting"], q["running"], q["oldest_seconds"]) for q in busy]
        table("Queues", ("queue", "waiting", "running", "oldest, s"), rows)
    if result["schedules"]:
        planned = [(s["deployment"], s["schedule"], s["next"] or "–") for s in result["schedules"]]
        table("Schedules", ("deployment", "cron (Europe/Rome)", "next"), planned)
