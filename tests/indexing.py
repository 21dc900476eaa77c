"""An index run without Prefect, for tests that need a collection of real files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.settings import Settings
from tasks.index import job
from tasks.index.batch import Receipt


def index(settings: Settings, *sources: Path, collection: str = "c") -> dict[str, Any]:
    """Index sources into a collection, and prune what is gone."""
    current = job.begin(settings, collection)
    listing = job.discover(current, [str(source) for source in sources])
    plan = job.plan(current, listing, True, False)
    with job.workers_for(current, plan):
        done = sum((job.index_shard(current, shard) for shard in plan.shards), Receipt())
    removed = job.prune(current, plan)
    return job.finish(current, plan, listing, done, removed)
