"""The flow `process`: index, analyse and export as one job, so that folders of documents become a report.

Each part is the flow of its own name, run as a subflow with its own progress. A part that fails says so in the result:
documents in quarantine or analyses that failed do not stop what follows; without an index nothing can follow.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from prefect import flow, get_run_logger
from pydantic import Field

from flows.analyse import analyse
from flows.export import export
from flows.index import index
from infra.errors import FaldoneError
from infra.lake import COLLECTION_PATTERN
from infra.stop import StopRequested
from tasks.export.chain import Part, combine, failed_part
from tasks.names import AnalysisName, TemplateName


@flow(name="process", flow_run_name="process-{collection}", validate_parameters=True)
def process(
    sources: Annotated[list[str], Field(min_length=1, description="Files, folders, globs or URLs.")],
    collection: Annotated[
        str, Field(pattern=COLLECTION_PATTERN, description="The collection to work on.")
    ] = "documents",
    prune: Annotated[bool, Field(description="Remove documents that are no longer under the sources.")] = True,
    force: Annotated[bool, Field(description="Read every document again.")] = False,
    type: Annotated[AnalysisName, Field(description="Which analysis.")] = "comprehensive",
    model: Annotated[str | None, Field(description="A model of the registry, for classify or sentiment.")] = None,
    template: Annotated[TemplateName, Field(description="Which report.")] = "analysis",
    output: Annotated[str, Field(description="A file ending in .pdf, or a folder.")] = "",
    language: Annotated[Literal["en", "it"], Field(description="Language of the report.")] = "en",
) -> dict[str, Any]:
    """Index documents, analyse them and write a report.

    Args:
        sources: Files, folders, globs or URLs.
        collection: Name of the collection; made when it is new.
        prune: Whether documents that are gone from these sources leave the collection.
        force: Read every document again even if it did not change.
        type: Which analysis.
        model: A model of the registry, where the analysis takes one.
        template: Which report.
        output: A file ending in .pdf, or a folder; empty means the data folder's exports.
        language: Language of the report.
    """
    indexed = Part("index", index(sources, collection, prune, force))
    analysed = analysis(collection, type, model)
    exported = Part("export", export(collection, None, template, output, language))
    return combine(collection, [indexed, analysed, exported])


def analysis(collection: str, type: AnalysisName, model: str | None) -> Part:
    """Run the analysis; when all of it fails, the report is still made and says what is missing."""
    try:
        return Part("analyse", analyse(collection=collection, type=type, model=model))
    except StopRequested:
        raise
    except FaldoneError as error:
        get_run_logger().error("the analysis failed: %s", error)
        return failed_part("analyse", error)
