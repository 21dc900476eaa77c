"""The verbs of maintenance: cleanup, optimise, backup, restore, audit, health, report."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from deployments.cli.output import Exit, JsonOption, emit, errors_shown, fail, run_flow, table

if TYPE_CHECKING:
    from infra.prefect_api import Api

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
OneCollection = Annotated[
    str | None, typer.Option("--collection", "-c", help="Only this collection; all when left out.")
]
Language = Literal["en", "it"]
STATUS = {"ok": 0, "degraded": 0, "failing": 1}


def _run(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Run a maintenance flow; a job that could not do all of its work still has a result."""
    from tasks.maintain.common import MaintenanceFailed

    try:
        return run_flow(name, parameters)
    except MaintenanceFailed as error:
        sys.stderr.write(f"faldone: {error}\n")
        return error.result


def _end(result: Mapping[str, Any]) -> None:
    """Leave with 1 when the job failed."""
    if result["status"] in {"failed", "inconsistent"}:
        raise typer.Exit(1)


def cleanup(
    exports_days: Annotated[int, typer.Option(min=1, help="Days that reports in the data folder stay.")] = 90,
    models_days: Annotated[int, typer.Option(min=1, help="Days that old model versions stay.")] = 90,
    runs_days: Annotated[
        int | None, typer.Option(min=1, help="Days that Prefect's ended runs stay; by default as limits.yaml says.")
    ] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove what nobody needs: cache entries, staging of dead runs, old reports, models and runs, gone quarantine.

    Example: faldone cleanup --dry-run
    """
    with errors_shown():
        days = {"exports_days": exports_days, "models_days": models_days, "runs_days": runs_days}
        result = _run("cleanup", days | {"dry_run": dry_run})
        emit(result, as_json, None if as_json else _removed(result))
        _end(result)


def _removed(result: Mapping[str, Any]) -> str:
    from tasks.maintain.common import size

    verb = "would go" if result["dry_run"] else "removed"
    lines = [f"{count:>9,}  {name.replace('_', ' ')}" for name, count in result["removed"].items()]
    return "\n".join([f"{size(result['bytes_freed'])} {verb}:", *lines])


def optimise(
    collection: OneCollection = None,
    keep_minutes: Annotated[int, typer.Option(min=0, help="Younger versions stay for readers at work.")] = 60,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compact tables in bounded memory, bring indexes up to date, drop old versions; searches go on meanwhile.

    Example: faldone optimise --collection finance
    """
    with errors_shown():
        result = _run("optimise", {"collection": collection, "keep_minutes": keep_minutes, "dry_run": dry_run})
        if as_json:
            emit(result, True)
        else:
            _optimised(result)
        _end(result)


def _optimised(result: Mapping[str, Any]) -> None:
    from tasks.maintain.common import size

    rows = [
        (
            row["table"],
            f"{row['fragments_before']:,} → {row['fragments_after']:,}",
            f"{row['versions_before']:,} → {row['versions_after']:,}",
            f"{size(row['disk_before'])} → {size(row['disk_after'])}",
            row["error"] or row["vector_index"],
        )
        for part in result["collections"]
        for row in part["tables"]
    ]
    title = f"{result['seconds']:.1f} s, at most {size(result['peak_memory_bytes'])} of memory"
    table(title, ["table", "fragments", "versions", "disk", "vector index"], rows)


def backup(
    to: Annotated[str, typer.Option(help="A folder or s3://…; FALDONE_BACKUPS when left out.")] = "",
    drill: Annotated[bool, typer.Option(help="Restore it into a temporary place and compare.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Make none, and say which old backups would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Back up collections, models and what Prefect knows; writers go on, and only what changed is copied.

    Example: faldone backup --to /mnt/backups
    """
    with errors_shown():
        result = _run("backup", {"to": _place(to), "drill": drill, "dry_run": dry_run})
        emit(result, as_json, None if as_json else _would_go(result) if dry_run else _backed_up(result))
        _end(result)


def _place(given: str) -> str:
    """Make a folder absolute, since a flow may run elsewhere; a URL stays."""
    return given if not given or "://" in given else str(Path(given).expanduser().absolute())


def _would_go(result: Mapping[str, Any]) -> str:
    from tasks.maintain.common import size

    head = f"{result['path']}: {len(result['removed'])} of {result['backups']} backups would go"
    return "\n".join([f"{head}, {size(result['bytes_freed'])}", *result["removed"]])


def _backed_up(result: Mapping[str, Any]) -> str:
    from tasks.maintain.common import size

    drill = result["drill"]
    trial = "not tried" if drill is None else drill["problem"] or _drilled(drill)
    held = f"{result['documents']:,} documents, {result['chunks']:,} chunks"
    copied = f"{size(result['bytes'])} in {result['files']:,} files, of which {size(result['copied_bytes'])} copied now"
    return "\n".join([result["path"], f"{held}, {copied}, in {result['seconds']:.1f} s", f"Drill: {trial}"])


def _drilled(drill: Mapping[str, Any]) -> str:
    from tasks.maintain.common import size

    parts = f"{drill['files']:,} of {drill['of_files']:,} files ({size(drill['bytes'])} of {size(drill['of_bytes'])})"
    return f"{parts} verified, {drill['tables']} of {drill['of_tables']} tables restored and compared: the same"


def restore(
    backup: Annotated[str, typer.Argument(help="Id or path of a backup, or latest.")] = "",
    source: Annotated[str, typer.Option(help="Where backups lie; FALDONE_BACKUPS when left out.")] = "",
    collection: OneCollection = None,
    listed: Annotated[bool, typer.Option("--list", help="Only show which backups there are.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup; nothing is touched before every checksum has been verified, and what was there is kept some
    days.

    Example: faldone restore latest --collection finance
    """
    with errors_shown():
        if listed:
            _list_backups(_place(source), as_json)
            return
        if not backup:
            fail(
                "BACKUP is missing: give an id, a path or latest (faldone restore --list shows which there are)",
                Exit.USAGE,
            )
        which = _place(backup) if "/" in backup else backup
        result = _run("restore", {"backup": which, "source": _place(source), "collection": collection})
        emit(result, as_json, None if as_json else _restored(result))


def _list_backups(source: str, as_json: bool) -> None:
    from infra.settings import load
    from tasks.maintain.common import size
    from tasks.maintain.stored_backups import listing

    result = listing(load(), source)
    if as_json:
        emit(result, True)
        return
    rows = [
        (
            row["id"],
            f"{row['documents']:,}",
            f"{row['chunks']:,}",
            size(row["bytes"]),
            row["problem"] or ", ".join(row["collections"]),
        )
        for row in result["backups"]
    ]
    table(f"{len(rows)} backups in {result['path']}", ["backup", "documents", "chunks", "size", "collections"], rows)


def _restored(result: Mapping[str, Any]) -> str:
    lines = [f"Restored {result['documents']:,} documents, {result['chunks']:,} chunks from {result['path']}"]
    lines += [f"What was there is in {result['replaced']}"] if result["replaced"] else []
    lines += ["The backup was made with another FALDONE_EMBEDDING_MODEL."] if result["encoder_differs"] else []
    prefect = result.get("prefect") or {}
    for what, words in PREFECT.items():
        lines += [f"{words}: {', '.join(prefect[what])}"] if prefect.get(what) else []
    lines += [f"Prefect: {prefect['note']}"] if prefect.get("note") else []
    return "\n".join(lines)


PREFECT = {
    "variables": "Prefect variables brought back",
    "paused": "Paused again",
    "by_hand": "Prefect variables to set by hand, since a backup keeps no secrets",
}


def audit(
    collection: OneCollection = None,
    repair: Annotated[bool, typer.Option(help="Mend what can safely be mended.")] = True,
    sample: Annotated[int, typer.Option(min=0, help="Sources of each collection that are hashed.")] = 200,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check ledger, lake and sources against one another, and index again what is wrong.

    Example: faldone audit --no-repair
    """
    with errors_shown():
        result = _run("audit", {"collection": collection, "repair": repair and not dry_run, "sample": sample})
        emit(result, as_json, None if as_json else _audited(result))
        _end(result)


def _audited(result: Mapping[str, Any]) -> str:
    head = f"{result['status']}: {result['documents']:,} documents, {result['chunks']:,} chunks"
    found = [
        f"  {row['path'] or row['collection']}: {row['problem']} ({row['action']})" for row in result["findings"][:20]
    ]
    return "\n".join([head, *found, *(f"  {note}" for note in result["notes"])])


def health(
    serve: Annotated[
        str, typer.Option(help="HOST:PORT: answer load balancers at /health instead (200, or 503 when failing).")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Check the API, workers, Dask, Redis, the lake, the encoder, disk, queues, schedules and backups.

    Exit status 0 when all is ok or only degraded (--json says which), 1 when something is failing.

    Example: faldone health
    """
    with errors_shown():
        from infra.settings import load
        from tasks.maintain.health import health as look

        settings = load()
        if serve:
            _serve(serve)
            return
        result = look(settings, _api())
        if as_json:
            emit(result, True)
        else:
            rows = [(one["name"], one["status"], one["message"]) for one in result["checks"]]
            table(f"{result['status']}, {result['seconds']:.1f} s", ["check", "status", ""], rows)
    raise typer.Exit(STATUS[result["status"]])


def _api() -> Api | None:
    from deployments.api import address
    from infra.prefect_api import Api

    found = address.find()
    return Api(found.url, timeout=5.0, auth=found.auth) if found else None


def _serve(place: str) -> None:
    from deployments.daemon.health_server import serve

    host, colon, port = place.rpartition(":")
    if not colon or not port.isdigit():
        fail("--serve: give HOST:PORT, such as 127.0.0.1:8090")
    serve(host or "127.0.0.1", int(port), _api())


def report(
    output: Annotated[
        str, typer.Option("--output", "-o", help="A file ending in .pdf, or a folder; a path or a URL.")
    ] = "",
    language: Annotated[Language, typer.Option("--language", "-l", help="Language of the report.")] = "en",
    ending: Annotated[
        str, typer.Option(help="The week's last day, YYYY-MM-DD; today when left out, on Mondays Sunday.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Write the weekly report as a PDF, and mail it where FALDONE_SMTP_URL is set.

    Example: faldone report --language it --output settimana.pdf
    """
    with errors_shown():
        from infra.outputs import absolute

        result = _run("report", {"ending": _day(ending), "output": absolute(output), "language": language})
        emit(result, as_json, f"{result['path']}\n{result['pages']} pages{', mailed' if result['mailed'] else ''}")


def _day(text: str) -> Any:
    from datetime import date

    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        fail(f"--ending {text}: write a day as YYYY-MM-DD", Exit.USAGE)
