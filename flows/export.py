"""The flow `export`: a PDF report on a collection.

One process and a few seconds: the stages report through a callback, which the progress artifact shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from prefect import flow, task
from pydantic import Field

from flows.observe import artifacts, retry, table
from infra import stop
from infra.lake import COLLECTION_PATTERN
from infra.settings import load
from tasks.export.run import Exported
from tasks.export.run import export as write_report
from tasks.progress import Progress


@flow(name="export", flow_run_name="export-{template}-{collection}", validate_parameters=True)
def export(
    collection: Annotated[
        str, Field(pattern=COLLECTION_PATTERN, description="The collection to report on.")
    ] = "documents",
    documents: Annotated[list[str] | None, Field(description="Ids or paths; none means all documents.")] = None,
    template: Annotated[
        Literal["financial", "analysis", "collection", "executive", "weekly", "due-dates", "vat", "spend", "findings"],
        Field(description="What to show."),
    ] = "analysis",
    output: Annotated[str, Field(description="A file ending in .pdf (or .xlsx), or a folder.")] = "",
    language: Annotated[Literal["en", "it"], Field(description="Language of the report.")] = "en",
    on: Annotated[str, Field(description="The day of a report on due dates, ISO; empty means today.")] = "",
    office: Annotated[list[str] | None, Field(description="VAT numbers of the office; none: FALDONE_OFFICE.")] = None,
) -> dict[str, Any]:
    """Write a PDF report on a collection or on some of its documents.

    Args:
        collection: Name of the collection.
        documents: Ids or paths of documents; none means the whole collection.
        template: Which report.
        output: A file ending in .pdf (or .xlsx, for reports on papers), or a folder; empty means the data folder's exports.
        language: Language of the report.
        on: The day of a report on due dates; empty means today.
        office: VAT numbers of the firm whose papers these are.
    """
    progress = Progress("collect", 2)
    with artifacts(progress, "export"):
        written = write_pdf(collection, documents or [], template, output, language, progress, on, office or [])
        progress.finish()
    receipt = written.as_json()
    table("export", [receipt], f"Report {template} on {collection}")
    return receipt


@task(name="write the report", **retry())
def write_pdf(
    collection: str,
    documents: list[str],
    template: str,
    output: str,
    language: str,
    progress: Progress,
    on: str = "",
    office: Sequence[str] = (),
) -> Exported:
    """Collect, compose and render."""

    def tell(stage: str, done: int, total: int) -> None:
        stop.check()  # nothing is kept of a report that is not whole: it may stop anywhere
        if progress.status().stage != stage:
            progress.stage(stage, total)
        progress.add(done - progress.status().done)

    return write_report(load(), collection, documents, template, output, language, tell, on, office)
