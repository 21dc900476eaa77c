"""The flow `export`: a PDF report on a collection.

One process and a few seconds: the stages report through a callback, which the progress artifact shows.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from prefect import flow, task
from pydantic import Field

from flows.observe import artifacts, retry, table
from infra.lake import COLLECTION_PATTERN
from infra.settings import load
from tasks.export import run as steps
from tasks.names import TemplateName
from tasks.progress import Progress

write_report = task(name="write the report", **retry())(steps.export)


@flow(name="export", flow_run_name="export-{template}-{collection}", validate_parameters=True)
def export(
    collection: Annotated[
        str, Field(pattern=COLLECTION_PATTERN, description="The collection to report on.")
    ] = "documents",
    documents: Annotated[list[str] | None, Field(description="Ids or paths; none means all documents.")] = None,
    template: Annotated[TemplateName, Field(description="What to show.")] = "analysis",
    output: Annotated[str, Field(description="A file ending in .pdf (or .xlsx), or a folder; a path or a URL.")] = "",
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
        written = write_report(
            load(),
            collection,
            documents or [],
            template_name=template,
            output=output,
            language=language,
            progress=steps.following(progress),
            on=on,
            office=office or [],
        )
        progress.finish()
    receipt = written.as_json()
    table("export", [receipt], f"Report {template} on {collection}")
    return receipt
