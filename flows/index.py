"""The flow `index`: files, folders, globs and URLs into a searchable collection.

The order stands in tasks/index/run.py; here its steps get Prefect's policy. Documents are not tasks: batches of them run as plain futures
on threads or on Dask (infra/cluster.py). Re-running is always safe: the ledger says what is done.
"""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow, task
from pydantic import Field

from flows.observe import artifacts, dashboard, retry, table
from infra.errors import UsageError
from infra.lake import COLLECTION_PATTERN
from infra.settings import load
from tasks.index import run as steps

PLAIN = steps.PLAIN
STEPS = steps.Steps(
    encode_anew=task(name="encode anew", **retry())(PLAIN.encode_anew),
    discover=task(name="discover", **retry())(PLAIN.discover),
    plan=task(name="plan", **retry(0))(PLAIN.plan),
    process=task(name="index documents", **retry())(PLAIN.process),
    prune=task(name="prune", **retry())(PLAIN.prune),
)


def prepare() -> None:
    """Load what a run needs while the command line waits for the API to start."""
    steps.prepare(load())


@flow(name="index", flow_run_name="index-{collection}", validate_parameters=True)
def index(
    sources: Annotated[
        list[str],
        Field(description="Files, folders, globs, or s3://, gs://, https:// URLs; none only with prune_root."),
    ],
    collection: Annotated[
        str, Field(pattern=COLLECTION_PATTERN, description="The collection to index into.")
    ] = "documents",
    prune: Annotated[bool, Field(description="Remove documents that are no longer under the sources.")] = True,
    force: Annotated[bool, Field(description="Read every document again, and prune without the guard.")] = False,
    prune_root: Annotated[
        list[str] | None, Field(description="Sources that moved or are gone for good: forget what stood under them.")
    ] = None,
    reencode: Annotated[
        bool, Field(description="First encode what is in the collection with the encoder of the settings.")
    ] = False,
    settle: Annotated[
        float, Field(ge=0, le=600, description="Leave out files written to within so many seconds; 0 takes all.")
    ] = 0.0,
) -> dict[str, Any]:
    """Index documents: read what is new or changed, embed it, store it, and remove what is gone.

    Args:
        sources: Files, folders (with all below them), globs, or URLs.
        collection: Name of the collection; made when it is new.
        prune: Whether documents that are gone from these sources leave the collection.
        force: Read every document again even if it did not change.
        prune_root: Sources that moved or are gone for good; what is known under them is removed.
        reencode: First encode what is in the collection anew, where another encoder made its vectors.
        settle: Leave out files that are still being written: those written to within so many seconds.
    """
    if not sources and not prune_root:
        raise UsageError("index: name at least one source")
    with steps.opened(load(), collection, reencode) as run, artifacts(run.progress, "index"):
        run.watch, run.settle = dashboard, settle
        result = steps.carry_out(run, sources, prune, force, prune_root or (), STEPS)
    table("index", counts_and_failures(result), f"collection {collection}: {result['status'].replace('_', ' ')}")
    return result


def counts_and_failures(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the run's table in the UI: what was done, then each document that could not be read and why."""
    counts = {**result["documents"], "pages": result["pages"], "chunks": result["chunks"]}
    rows = [{"what": name, "count": count, "path": "", "reason": ""} for name, count in counts.items()]
    failures = [{"what": f["kind"], "count": 1, "path": f["path"], "reason": f["message"]} for f in result["failures"]]
    return rows + failures
