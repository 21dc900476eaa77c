"""The verbs of the index: index, search, documents, collections."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from deployments.cli.output import CollectionOption, Exit, JsonOption, emit, errors_shown, fail, run_flow, table

if TYPE_CHECKING:
    from tasks.search import Searcher

documents_app = typer.Typer(no_args_is_help=True, help="The ledger: what is indexed, what is in quarantine and why.")
collections_app = typer.Typer(no_args_is_help=True, help="Collections: list, look at one, drop one.")


def index(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="Files, folders, globs, or s3://, gs://, https:// URLs.", metavar="SOURCE…"),
    ] = None,
    collection: CollectionOption = "documents",
    prune: Annotated[bool, typer.Option(help="Remove documents that are no longer under these sources.")] = True,
    force: Annotated[
        bool, typer.Option("--force", help="Read every document again, and prune without the guard.")
    ] = False,
    prune_root: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH", help="A source that moved or is gone for good: forget what stood under it. May be repeated."
        ),
    ] = None,
    reencode: Annotated[
        bool,
        typer.Option("--reencode", help="First encode what is in the collection with FALDONE_EMBEDDING_MODEL."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Index files, folders, globs or URLs into a collection.

    Only what is new or changed is read; what cannot be read goes to quarantine and the rest goes on.

    Example: faldone index ~/Documents/bilanci "reports/**/*.pdf" --collection finance
    """
    from infra.files import storable

    with errors_shown():
        if not sources and not prune_root:
            fail("give a SOURCE, or --prune-root PATH", Exit.USAGE)
        absolute = [s if "://" in s else storable(str(Path(s).expanduser().absolute())) for s in sources or []]
        parameters = {"sources": absolute, "collection": collection, "prune": prune, "force": force}
        if prune_root:
            parameters["prune_root"] = prune_root
        if reencode:
            parameters["reencode"] = True
        result = run_flow("index", parameters, quiet=False)
        emit(result, as_json, None if as_json else _summary(result))
    if result["status"] != "completed":
        raise typer.Exit(int(Exit.SOME_FAILED))


def _summary(result: dict[str, Any]) -> str:
    counts = result["documents"]
    lines = [
        f"{name:>12}  {count:,}" for name, count in counts.items() if count or name not in {"attachments", "waiting"}
    ]
    lines.append(f"{'pages':>12}  {result['pages']:,}")
    lines.append(f"{'chunks':>12}  {result['chunks']:,}")
    head = f"Collection {result['collection']}: {result['status'].replace('_', ' ')} in {result['seconds']:.1f} s"
    failures = [f"  {f['path']}: {f['message']} ({f['stage']}, {f['kind']})" for f in result["failures"][:20]]
    more = len(result["failures"]) - 20
    tail = [f"  … and {more} more"] if more > 0 else []
    hint = ["See them with: faldone documents list --state quarantined"] if counts["in_quarantine"] else []
    left_out = [f"  {place['path']}: {place['reason']}" for place in result["skipped"][:20]]
    if len(result["skipped"]) > 20:
        left_out.append(f"  … and {len(result['skipped']) - 20} more")
    said = [*(["Left out:"] if left_out else []), *left_out, *(["Could not be read:"] if failures else [])]
    return "\n".join([head, *lines, *said, *failures, *tail, *hint])


Mode = Literal["hybrid", "vector", "text"]


def search(
    query: Annotated[str | None, typer.Argument(help="What to look for, in Italian or English.")] = None,
    collection: CollectionOption = "documents",
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many hits.")] = 10,
    mode: Annotated[Mode, typer.Option(help="By meaning and words, by meaning, or by words.")] = "hybrid",
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="COLUMN=VALUE, also != < <= > >= ~ and A..B: language=it, supplier~brentella, due=2026-05; may be repeated."
        ),
    ] = None,
    queries: Annotated[
        Path | None, typer.Option(help='Many queries: JSON lines {"id", "query"}; one JSON line out for each.')
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Query a collection.

    Example: faldone search "debiti verso fornitori" --where language=it -k 5
    """
    with errors_shown():
        filters = _filters(where or [], collection)
        if (query is None) == (queries is None):
            fail("give a QUERY or --queries FILE.jsonl", Exit.USAGE)
        searcher = _searcher(collection)
        if queries is not None:
            for row in _queries(queries):
                answer = searcher.search(row["query"], k, mode, filters)
                hits = answer.as_json()["hits"]
                sys.stdout.write(
                    json.dumps({"id": row["id"], "query": row["query"], "hits": hits}, ensure_ascii=False) + "\n"
                )
            return
        answer = searcher.search(query or "", k, mode, filters)
        emit(answer.as_json(), as_json, None if as_json else _hits(answer.as_json()))


def _searcher(collection: str) -> Searcher:
    from infra.encoders import load_encoders
    from infra.lake import Lake
    from infra.settings import load
    from tasks.search import Searcher

    settings = load()
    return Searcher(Lake(settings.root), load_encoders(settings), collection)


def _filters(where: list[str], collection: str) -> dict[str, Any]:
    if not where:
        return {}
    from infra.lake import Lake
    from infra.settings import load
    from tasks.query.documents import search_filter

    settings = load()
    return search_filter(Lake(settings.root), collection, where, settings.office)


def _queries(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        fail(f"{path}: {error.strerror}", Exit.USAGE)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            asked = {"id": row["id"], "query": str(row["query"])}
        except (ValueError, KeyError, TypeError):
            fail(f'{path}, line {number}: not a JSON object with "id" and "query"', Exit.USAGE)
        if not asked["query"].strip():
            fail(f"{path}, line {number}: the query is empty", Exit.USAGE)
        yield asked


def _hits(answer: dict[str, Any]) -> str:
    if not answer["hits"]:
        return "Nothing found."
    lines = []
    for rank, hit in enumerate(answer["hits"], 1):
        pages = (
            str(hit["page_first"])
            if hit["page_first"] == hit["page_last"]
            else f"{hit['page_first']}–{hit['page_last']}"
        )
        section = f"  ·  {hit['section']}" if hit["section"] else ""
        text = " ".join(hit["text"].split())
        lines += [
            f"{rank:>2}. {hit['path']}  p. {pages}{section}",
            f"    {text[:240]}{'…' if len(text) > 240 else ''}",
            *(f"    also in {path}" for path in hit["copies"]),
            "",
        ]
    return "\n".join(lines) + f"{answer['milliseconds']:.0f} ms"


# ---- documents ---------------------------------------------------------------------------------------------------------

State = Literal["indexed", "quarantined"]


@documents_app.command("list")
def documents_list(
    collection: CollectionOption = "documents",
    state: Annotated[State | None, typer.Option(help="Only documents in this state.")] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help="A condition as in `faldone query`, e.g. document_kind=invoice; may be repeated."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List documents with their state and, for those in quarantine, the reason.

    Example: faldone documents list --where document_kind=invoice --where "total>1000"
    """
    with errors_shown():
        from infra.lake import Lake
        from infra.settings import load
        from tasks.collection.catalogue import documents
        from tasks.query.documents import narrowed

        settings = load()
        lake = Lake(settings.root)
        rows = narrowed(documents(lake, collection, state), lake, collection, where or [], settings.office)
        if as_json:
            emit({"documents": rows}, True)
            return
        table(
            f"{len(rows)} documents in {collection}",
            ["document", "state", "pages", "chunks", "reason"],
            [(r["path"], r["state"], r["pages"], r["chunks"], r["message"] or "") for r in rows],
        )


@documents_app.command("show")
def documents_show(document: str, collection: CollectionOption = "documents", as_json: JsonOption = False) -> None:
    """Show all that the ledger knows of one document (its id, path or file name).

    Example: faldone documents show bilancio.pdf
    """
    with errors_shown():
        from infra.lake import Lake
        from infra.settings import load
        from tasks.collection.catalogue import one_document

        row = one_document(Lake(load().root), collection, document)
        emit(row, as_json, "\n".join(f"{name:>14}  {value}" for name, value in row.items()))


@documents_app.command("text")
def documents_text(document: str, collection: CollectionOption = "documents", as_json: JsonOption = False) -> None:
    """Print what was read from one document (its id, path or file name), as Markdown or as JSON.

    Example: faldone documents text bilancio.pdf
    """
    with errors_shown():
        from infra.lake import Lake
        from infra.settings import load
        from tasks.collection.document_text import document_text

        content = document_text(Lake(load().root), collection, document)
        markdown = content.pop("markdown")
        emit(content, as_json, markdown.rstrip("\n"))


@documents_app.command("retry")
def documents_retry(
    documents: Annotated[
        list[str] | None, typer.Argument(help="Ids, paths or file names; all in quarantine when left out.")
    ] = None,
    collection: CollectionOption = "documents",
    as_json: JsonOption = False,
) -> None:
    """Read documents in quarantine again.

    Example: faldone documents retry contratto.pdf
    """
    with errors_shown():
        from infra.lake import Lake
        from infra.settings import load
        from tasks.collection.catalogue import quarantined_sources

        sources, gone = quarantined_sources(Lake(load().root), collection, documents)
        if gone:
            told = (
                f"{len(gone)} of them are gone, e.g. {gone[0]}: index their folder again, and they leave the quarantine"
            )
            typer.echo(told, err=True)
        if not sources:
            emit(
                {"status": "completed", "documents": 0, "gone": gone},
                as_json,
                "Nothing in quarantine can be read again.",
            )
            return
        parameters = {"sources": sources, "collection": collection, "prune": False, "force": True}
        result = run_flow("index", parameters) | {"gone": gone}
        emit(result, as_json, None if as_json else _summary(result))
    if result["status"] != "completed":
        raise typer.Exit(int(Exit.SOME_FAILED))


@documents_app.command("drop")
def documents_drop(
    documents: list[str],
    collection: CollectionOption = "documents",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take documents out of a collection; the files themselves are not touched.

    Example: faldone documents drop vecchio.pdf --dry-run
    """
    with errors_shown():
        from infra.lake import Lake
        from infra.settings import load
        from tasks.collection.catalogue import drop_documents

        settings = load()
        dropped = drop_documents(settings, Lake(settings.root), collection, documents, dry_run)
        verb = "would go" if dry_run else "dropped"
        emit({"dropped": dropped, "dry_run": dry_run}, as_json, "\n".join(f"{verb}: {path}" for path in dropped))


# ---- collections -------------------------------------------------------------------------------------------------------


@collections_app.command("list")
def collections_list(as_json: JsonOption = False) -> None:
    """List collections with their size.

    Example: faldone collections list
    """
    with errors_shown():
        from infra.lake import Lake
        from infra.settings import load
        from tasks.collection.catalogue import collections

        rows = collections(Lake(load().root))
        if as_json:
            emit({"collections": rows}, True)
            return
        columns = ["collection", "documents", "chunks", "bytes"]
        table(f"{len(rows)} collections", columns, [[row[name] for name in columns] for row in rows])


@collections_app.command("show")
def collections_show(collection: str, as_json: JsonOption = False) -> None:
    """Show one collection: documents by state, format and language.

    Example: faldone collections show documents
    """
    with errors_shown():
        from infra.lake import Lake
        from infra.settings import load
        from tasks.collection.catalogue import collection_details

        row = collection_details(Lake(load().root), collection)
        emit(row, as_json, "\n".join(f"{name:>12}  {value}" for name, value in row.items()))


@collections_app.command("drop")
def collections_drop(
    collection: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Drop a collection with all that was made of it; the files themselves are not touched.

    Example: faldone collections drop trial --yes
    """
    with errors_shown():
        from infra.lake import Lake
        from infra.settings import load
        from tasks.collection.catalogue import drop_collection, dropped

        settings = load()
        lake = Lake(settings.root)
        what = dropped(lake, collection)
        if not dry_run:
            if not yes and not typer.confirm(f"Drop {collection} with {what}?", err=True):
                fail("nothing was dropped", Exit.FAILED)
            drop_collection(settings, lake, collection)
        verb = "would go" if dry_run else "dropped"
        emit({"dropped": [] if dry_run else [collection], "dry_run": dry_run}, as_json, f"{verb}: {collection}")
