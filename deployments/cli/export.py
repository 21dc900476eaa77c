"""The verbs that write reports: export, and process, which indexes and analyses first."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from deployments.cli.output import CollectionOption, Exit, JsonOption, emit, errors_shown, run_flow
from infra.outputs import absolute
from tasks.names import AnalysisName, TemplateName


class Language(StrEnum):
    """Languages of a report."""

    EN = "en"
    IT = "it"


TemplateOption = Annotated[
    TemplateName,
    typer.Option("--template", "-t", help="Which report: figures, readings, due dates, VAT …"),
]
OutputOption = Annotated[
    str,
    typer.Option(
        "--output", "-o", help="A file ending in .pdf (.xlsx for reports on papers), or a folder; a path or a URL."
    ),
]
LanguageOption = Annotated[Language, typer.Option("--language", "-l", help="Language of the report.")]


def export(
    collection: CollectionOption = "documents",
    document: Annotated[
        list[str] | None, typer.Option("--document", "-d", help="Id or path of a document; may be repeated.")
    ] = None,
    template: TemplateOption = "analysis",
    output: OutputOption = "",
    language: LanguageOption = Language.EN,
    on: Annotated[
        str, typer.Option(help="The day of a report on due dates, e.g. 2026-04-01; today when left out.")
    ] = "",
    office: Annotated[
        list[str] | None,
        typer.Option(help="VAT number of the firm whose papers these are; FALDONE_OFFICE when left out."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a PDF report on a collection, or on some of its documents; reports on papers also as XLSX.

    Example: faldone export --collection office --template due-dates --language it --output scadenzario.xlsx
    """
    with errors_shown():
        parameters = {
            "collection": collection,
            "documents": [_document(one) for one in document or []],
            "template": template,
            "output": absolute(output),
            "language": language.value,
            "on": on,
            "office": office,
        }
        result = run_flow("export", parameters)
        emit(result, as_json, None if as_json else _written(result))


def process(
    sources: Annotated[
        list[str], typer.Argument(help="Files, folders, globs, or s3://, gs://, https:// URLs.", metavar="SOURCE…")
    ],
    collection: CollectionOption = "documents",
    prune: Annotated[bool, typer.Option(help="Remove documents that are no longer under these sources.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Read every document again.")] = False,
    type: Annotated[AnalysisName, typer.Option("--type", help="Which analysis.")] = "comprehensive",
    model: Annotated[str | None, typer.Option(help="A model of the registry, where the analysis takes one.")] = None,
    template: TemplateOption = "analysis",
    output: OutputOption = "",
    language: LanguageOption = Language.EN,
    as_json: JsonOption = False,
) -> None:
    """Index, analyse and export in one go.

    What cannot be read or analysed is reported and does not stop the rest.

    Example: faldone process ~/Documents/bilanci --template financial --output bilanci.pdf
    """
    with errors_shown():
        parameters = {
            "sources": [_absolute(source) for source in sources],
            "collection": collection,
            "prune": prune,
            "force": force,
            "type": type,
            "model": model,
            "template": template,
            "output": absolute(output),
            "language": language.value,
        }
        result = run_flow("process", parameters)
        emit(result, as_json, None if as_json else _chain(result))
    if result["status"] != "completed":
        raise typer.Exit(int(Exit.SOME_FAILED))


def _document(name: str) -> str:
    """Make a path to an existing file absolute; an id or the end of a path stays."""
    return _absolute(name) if "://" not in name and Path(name).expanduser().exists() else name


def _absolute(source: str) -> str:
    """Make a source absolute, since a flow may run elsewhere; a URL stays."""
    return source if "://" in source else str(Path(source).expanduser().absolute())


def _written(result: dict[str, Any]) -> str:
    return f"{result['path']}\n{result['pages']} pages, {result['bytes']:,} bytes in {result['seconds']:.1f} s"


def _chain(result: dict[str, Any]) -> str:
    lines = [f"Collection {result['collection']}: {result['status'].replace('_', ' ')} in {result['seconds']:.1f} s"]
    failures = result["failures"]
    lines += [f"  {one['part']}: {one['path'] or 'all'}: {one['message']}" for one in failures[:20]]
    lines += [f"  … and {len(failures) - 20} more"] if len(failures) > 20 else []
    return "\n".join([*lines, f"Report: {result['path']} ({result['pages']} pages)"])
