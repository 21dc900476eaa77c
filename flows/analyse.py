"""The flow `analyse`: an analysis over a collection or some of its documents, each result kept in the lake.

Its tasks are shards; a shard's documents are analysed in child processes with a deadline each
(tasks/analyse/children.py), on this machine or on Dask workers. Re-running is cheap: what did not change keeps its
result.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from flows.observe import artifacts, dashboard, retry
from infra.settings import load
from tasks.analyse import job
from tasks.analyse.batch import Receipt


@flow(
    name="analyse",
    task_runner=ThreadPoolTaskRunner(max_workers=2),  # type: ignore[arg-type]
    flow_run_name="analyse-{type}-{collection}",
    validate_parameters=True,
)
def analyse(
    collection: Annotated[
        str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="The collection to analyse.")
    ] = "documents",
    type: Annotated[
        Literal["comprehensive", "financial", "sentiment", "classify", "tables"], Field(description="Which analysis.")
    ] = "comprehensive",
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
    run = job.begin(load(), collection, type, model, summary_model)
    with artifacts(run.progress, "analyse"):
        plan = make_plan(run, documents, force)
        with job.workers_for(run, plan):
            dashboard(run.workers)
            receipts = [analyse_shard.submit(run, shard) for shard in plan.shards]
            done = sum((receipt.result() for receipt in receipts), Receipt())
        return job.finish(run, plan, done)


@task(**retry())
def make_plan(run: job.Run, documents: list[str] | None, force: bool) -> job.Plan:
    """Decide which documents are to be analysed."""
    return job.plan(run, documents, force)


@task(task_run_name="shard-{shard.number}", **retry())
def analyse_shard(run: job.Run, shard: job.Shard) -> Receipt:
    """Analyse one shard: its batches on the workers, then one commit."""
    return job.analyse_shard(run, shard)
