"""The flow `index`: files, folders, globs and URLs into a searchable collection.

Its tasks are shards, not documents: a shard's batches run as plain futures on threads or on Dask (see infra/cluster.py). Re-running is
always safe: the ledger says what is done.
"""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import Field

from flows.observe import artifacts, dashboard, retry, table
from infra.settings import load
from tasks.index import job
from tasks.index.batch import Receipt
from tasks.index.plan import Shard


def prepare() -> None:
    """What the command line does while the API starts."""
    job.prepare(load())


@flow(
    name="index",
    task_runner=ThreadPoolTaskRunner(max_workers=2),  # type: ignore[arg-type]
    flow_run_name="index-{collection}",
    validate_parameters=True,
)
def index(
    sources: Annotated[
        list[str], Field(min_length=1, description="Files, folders, globs, or s3://, gs://, https:// URLs.")
    ],
    collection: Annotated[
        str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="The collection to index into.")
    ] = "documents",
    prune: Annotated[bool, Field(description="Remove documents that are no longer under the sources.")] = True,
    force: Annotated[bool, Field(description="Read every document again, and prune without the guard.")] = False,
) -> dict[str, Any]:
    """Index documents: read what is new or changed, embed it, store it, and remove what is gone.

    Args:
        sources: Files, folders (with all below them), globs, or URLs.
        collection: Name of the collection; made when it is new.
        prune: Whether documents that are gone from these sources leave the collection.
        force: Read every document again even if it did not change.
    """
    with job.opened(load(), collection) as run, artifacts(run.progress, "index"):
        listing = discover(run, sources)
        plan = make_plan(run, listing, prune, force)
        with job.workers_for(run, plan):
            dashboard(run.workers)
            receipts = [index_shard.submit(run, shard) for shard in plan.shards]
            done = sum((receipt.result() for receipt in receipts), Receipt())
        removed = prune_gone(run, plan) if prune else 0
        result = job.finish(run, plan, listing, done, removed)
    table("index", counts_and_failures(result), f"collection {collection}: {result['status'].replace('_', ' ')}")
    return result


def counts_and_failures(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the run's table in the UI: what was done, then each document that could not be read and why."""
    counts = {**result["documents"], "pages": result["pages"], "chunks": result["chunks"]}
    rows = [{"what": name, "count": count, "path": "", "reason": ""} for name, count in counts.items()]
    failures = [{"what": f["kind"], "count": 1, "path": f["path"], "reason": f["message"]} for f in result["failures"]]
    return rows + failures


@task(**retry())
def discover(run: job.Run, sources: list[str]) -> job.Listing:
    """List the sources."""
    return job.discover(run, sources)


@task(**retry(0))
def make_plan(run: job.Run, listing: job.Listing, prune: bool, force: bool) -> job.Plan:
    """Decide what is to be done."""
    return job.plan(run, listing, prune, force)


@task(task_run_name="shard-{shard.number}", **retry())
def index_shard(run: job.Run, shard: Shard) -> Receipt:
    """Index one shard: its batches on the workers, then one commit."""
    return job.index_shard(run, shard)


@task(**retry())
def prune_gone(run: job.Run, plan: job.Plan) -> int:
    """Remove what is gone from the sources."""
    return job.prune(run, plan)
