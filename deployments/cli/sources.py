"""The verbs of saved sources: sources add, list, pause, resume, run, remove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from deployments.cli.output import CollectionOption, Exit, JsonOption, emit, errors_shown, run_flow, table

sources_app = typer.Typer(
    no_args_is_help=True, help="Saved sources: folders, stores and mailboxes that are collected on a schedule."
)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The source's name.")]


@sources_app.command("add")
def add(
    location: Annotated[
        str,
        typer.Argument(
            metavar="PATH_OR_URL", help="A folder, file, glob, URL, or a mailbox: imaps://user@host/Folder."
        ),
    ],
    collection: CollectionOption = "documents",
    every: Annotated[
        str, typer.Option(help="How often to look: 15m, 2h, 1d. 1m for what lies here, 15m for the rest.")
    ] = "",
    then: Annotated[
        str,
        typer.Option(help="What follows when something changed: analyse[:TYPE],export[:TEMPLATE[:it]]."),
    ] = "",
    name: Annotated[str, typer.Option(help="Its name; made of the location when left out.")] = "",
    prune: Annotated[bool, typer.Option(help="Remove documents that are no longer under it.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Save a source; a running platform collects it from then on.

    The password of a mailbox is a setting, FALDONE_PASSWORDS__NAME: set it before `faldone up` too.

    Example: faldone sources add ~/Scans --collection office --every 5m --then analyse:financial,export:due-dates:it
    """
    with errors_shown():
        from infra.files import storable
        from infra.settings import load
        from tasks.collect import saved

        place = location if "://" in location else storable(str(Path(location).expanduser().absolute()))
        source = saved.add(load(), place, collection, name, every, then, prune)
        follows = f", then {source.then}" if source.then else ""
        text = f"{source.name}: {source.location} into {collection}, every {saved.span(source.every)}{follows}"
        emit(source.as_json(), as_json, f"{text}\nRun it now: faldone sources run {source.name}")


@sources_app.command("list")
def list_(
    collection: Annotated[str | None, typer.Option("--collection", "-c", help="Only of this collection.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the saved sources with their last result and next run.

    Example: faldone sources list
    """
    with errors_shown():
        from infra.settings import load
        from tasks.collect import saved

        rows = saved.as_rows(load(), collection)
        if as_json:
            emit({"sources": rows}, True)
        else:
            show(rows)


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print sources for a person."""
    from tasks.collect.saved import span

    shown = [
        (
            row["name"],
            row["location"],
            row["collection"],
            span(row["every"]),
            last(row),
            row["message"],
            _minute(row["next_at"]) or "paused",
        )
        for row in rows
    ]
    table("Sources", ("source", "location", "collection", "every", "last", "message", "next"), shown)


def last(row: Mapping[str, Any]) -> str:
    """Write the last result of a source in one cell."""
    if not row["status"]:
        return "never run"
    counts = [
        f"{row[name]} {word}"
        for name, word in (("indexed", "new"), ("removed", "removed"), ("waiting", "not whole"), ("failures", "failed"))
        if row[name]
    ]
    when = _minute(row["started_at"] if row["status"] == "running" else row["finished_at"])
    return " ".join([when, row["status"].replace("_", " "), ", ".join(counts)]).strip()


def _minute(moment: str | None) -> str:
    from datetime import datetime

    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}" if moment else ""


@sources_app.command("pause")
def pause(name: NameArgument, as_json: JsonOption = False) -> None:
    """Collect a source no more until it is resumed; a run at work ends as usual.

    Example: faldone sources pause scans
    """
    _set_active(name, False, as_json)


@sources_app.command("resume")
def resume(name: NameArgument, as_json: JsonOption = False) -> None:
    """Collect a paused source again.

    Example: faldone sources resume scans
    """
    _set_active(name, True, as_json)


def _set_active(name: str, active: bool, as_json: bool) -> None:
    with errors_shown():
        from infra.settings import load
        from tasks.collect import saved

        source = saved.change(load(), name, active=active)
        emit(source.as_json(), as_json, f"{name}: {'collected again' if active else 'paused'}")


@sources_app.command("run")
def run(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="One source; all that are not paused when left out.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Collect a source now, here, whether or not it is due.

    Example: faldone sources run scans
    """
    with errors_shown():
        from infra.lake import Lake
        from infra.settings import load
        from tasks.collect import saved

        lake = Lake(load().root)
        names = [name] if name else [source.name for source in saved.listing(lake) if source.active]
        results = [run_flow("collect", {"source": one}) for one in names]
        failed = any(one["status"] != "completed" for one in results)
        result: dict[str, Any] = {"status": "completed_with_failures" if failed else "completed", "runs": results}
        emit(result, as_json, None if as_json else "\n".join(_summary(one) for one in results) or "no source is saved")
    if failed:
        raise typer.Exit(int(Exit.SOME_FAILED))


def _summary(result: Mapping[str, Any]) -> str:
    source = result["source"]
    lines = [f"{source['name']}: {last(source)}", *(f"  {note}" for note in result["notes"])]
    lines += [f"  {failure['path'] or failure['part']}: {failure['message']}" for failure in result["failures"][:20]]
    left = list(result["index"].get("skipped", ()))[:20]
    return "\n".join([*lines, *(f"  {place['path']}: {place['reason']}" for place in left)])


@sources_app.command("remove")
def remove(
    name: NameArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Forget a source. Its documents stay, and so do messages that were fetched.

    Example: faldone sources remove scans --dry-run
    """
    with errors_shown():
        from infra.lake import Lake
        from infra.settings import load
        from tasks.collect import saved

        settings = load()
        source = saved.find(Lake(settings.root), name) if dry_run else saved.remove(settings, name)
        folder = saved.spool(settings, name)
        kept = f"; its messages stay in {folder}" if folder.is_dir() else ""
        word = "would be forgotten" if dry_run else "forgotten"
        text = f"{name} {word}; its documents stay in collection {source.collection}{kept}"
        emit({"status": "dry_run" if dry_run else "removed", **source.as_json()}, as_json, text)
