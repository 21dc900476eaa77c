"""The flow `audit`: ledger against lake against sources; what can safely be mended is mended by indexing it again."""

from __future__ import annotations

import time
from typing import Annotated, Any

from prefect import flow, task
from pydantic import Field

from flows.index import index
from flows.observe import retry, table
from flows.upkeep import finish
from infra.locks import one_at_a_time
from infra.settings import Settings, load
from tasks.maintain import audit as steps

audit_collection = task(task_run_name="audit-{collection}", **retry(0))(steps.audit_collection)


@flow(name="audit", flow_run_name="audit", validate_parameters=True)
def audit(
    collection: Annotated[str | None, Field(description="One collection; none means all.")] = None,
    repair: Annotated[bool, Field(description="Mend what can safely be mended.")] = True,
    sample: Annotated[int, Field(ge=0, description="Sources of each collection that are hashed.")] = 200,
) -> dict[str, Any]:
    """Check that the lake holds what the ledger says and the sources still say what was indexed; mend what is not so.

    Args:
        collection: One collection; none means all.
        repair: Remove rows that nobody owns and index documents again whose chunks are wrong.
        sample: How many sources of each collection are hashed.
    """
    started, settings = time.monotonic(), load()
    with one_at_a_time(settings, "audit"):
        names = steps.collections(settings, collection)
        looks = [audit_collection(settings, name, repair, sample) for name in names]
        unread = [path for name in names for path in index_again(settings, name)] if repair else []
    result = steps.summary(looks, unread, started)
    rows = [{name: row[name] for name in ("collection", "path", "problem", "action")} for row in result["findings"]]
    table("audit", rows, f"{result['status']}: {result['documents']:,} documents, {result['chunks']:,} chunks")
    return finish(result, f"{result['findings_total']} findings, of which not all could be repaired")


def index_again(settings: Settings, collection: str) -> list[str]:
    """Index what is marked in a collection; return what is still marked afterwards."""
    sources = steps.sources_again(settings, collection)
    if sources:
        index(sources, collection, prune=False, force=False)
    return steps.sources_again(settings, collection)
