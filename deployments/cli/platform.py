"""The verbs of the platform: up, down, status."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from deployments.cli.output import JsonOption, emit, errors_shown, table


def up(
    host: Annotated[
        str, typer.Option(help="Where the server listens; 0.0.0.0 for other machines, behind a proxy with TLS.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the server; 0: the one it had, 4200, or the next free one.")
    ] = 0,
    print_systemd: Annotated[
        bool, typer.Option("--print-systemd", help="Start nothing; print a systemd unit that keeps it running.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Start the platform on this machine: Prefect server and UI, worker, queues, schedules, alerts; Redis where it is installed.

    It stays when the terminal closes. A second `up` finds it running.

    Example: faldone up
    """
    with errors_shown():
        from deployments.platform import LOOPBACK
        from deployments.platform import up as start

        if print_systemd:
            _print_systemd(host, port)
            return
        running = start(host, port)
        result = {
            "status": "running",
            "url": running.ui,
            "api": running.api,
            "metrics": f"{running.daemon_url}/metrics",
        }
        lines = [
            running.ui,
            "The platform runs. Stop it with `faldone down`, look at it with `faldone status`.",
            "The UI asks for a password: `faldone status --login` prints it.",
        ]
        if host not in LOOPBACK:
            lines.append(
                "Other machines reach it without encryption: put a proxy with TLS before it (docs/platform.md)."
            )
        emit(result, as_json, "\n".join(lines))


def _print_systemd(host: str, port: int) -> None:
    from deployments.platform import PORT
    from deployments.systemd import unit
    from infra.settings import load

    emit({}, False, unit(load(), host, port or PORT))


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


def status(
    show_login: Annotated[
        bool, typer.Option("--login", help="Print only the user:password for Prefect's UI and API.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what runs: processes, queues, schedules.

    Example: faldone status
    """
    with errors_shown():
        from deployments.platform import login
        from deployments.platform import status as look

        if show_login:
            found = login()
            emit({"login": found}, as_json, found)
            return
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
    if result["sources"]:
        from deployments.cli.sources import show

        show(result["sources"])
    if result["schedules"]:
        planned = [(s["deployment"], s["schedule"], s["next"] or "–") for s in result["schedules"]]
        table("Schedules", ("deployment", "cron (Europe/Rome)", "next"), planned)
