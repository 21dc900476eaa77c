"""The flow `analyse`: an analysis over a collection or some of its documents, each result kept in the lake.

The order stands in tasks/analyse/run.py; here its steps get Prefect's policy. Documents are analysed in child processes
with a deadline each (tasks/analyse/children.py), on this machine or on Dask workers. Re-running is cheap: what did not
change keeps its result.
"""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow, task
from pydantic import Field

from flows.observe import artifacts, dashboard, retry
from infra.lake import COLLECTION_PATTERN
from infra.settings import load
from tasks.analyse import run as steps
from tasks.names import AnalysisName

STEPS = steps.Steps(
    plan=task(name="plan", **retry())(steps.PLAIN.plan),
    process=task(name="analyse documents", **retry())(steps.PLAIN.process),
)


@flow(name="analyse", flow_run_name="analyse-{type}-{collection}", validate_parameters=True)
def analyse(
    collection: Annotated[
        str, Field(pattern=COLLECTION_PATTERN, description="The collection to analyse.")
    ] = "documents",
    type: Annotated[AnalysisName, Field(description="Which analysis.")] = "comprehensive",
    documents: Annotated[
        list[str] | None, Field(description="Ids, paths or file names; none means all documents.")
    ] = None,
    model: Annotated[
        str | None,
        Field(description="A classifier by name, folder or Hugging Face id: for classify, or for sentiment."),
    ] = None,
    summary_model: Annotated[
        str | None,
        Field(description="A text-generation model by folder or Hugging Face id, for a summary in its own words."),
    ] = None,
    force: Annotated[bool, Field(description="Analyse documents again even if nothing changed.")] = False,
) -> dict[str, Any]:
    """Analyse indexed documents: figures and metrics, sentiment, classes, or a comprehensive reading.

    Args:
        collection: Name of the collection.
        type: Which analysis.
        documents: Ids, paths or file names of documents; none means the whole collection.
        model: A classifier by name, folder or Hugging Face id: for classify, or for sentiment.
        summary_model: A text-generation model by folder or Hugging Face id; with comprehensive only.
        force: Analyse documents again even if nothing changed.
    """
    with steps.opened(load(), collection, type, model, summary_model) as run, artifacts(run.progress, "analyse"):
        run.watch = dashboard
        return steps.carry_out(run, documents, force, STEPS)
