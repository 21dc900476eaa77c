"""The kinds of job there are: which deployment each runs, and in which queue. `prefect.yaml` says the same; a test compares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.errors import UsageError
from infra.limits import PRIORITIES, queue_name, split_queue


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job.

    Attributes:
        deployment: as FLOW/NAME.
        queue: without its priority.
        parts: flows that run one after another in it.
        resumable: whether a later attempt goes on where one has stopped, so that the soft limit only makes a pause.
        alone: whether one runs at a time, in a slot that Prefect keeps for its deployment.
    """

    deployment: str
    queue: str
    parts: int = 1
    resumable: bool = True
    alone: bool = False

    @property
    def name(self) -> str:
        """The deployment's own name, without its flow's."""
        return self.deployment.partition("/")[2]


KINDS: dict[str, Kind] = {
    "index": Kind("index/documents", "indexing"),
    "analyse": Kind("analyse/documents", "analysis"),
    "train": Kind("train/classifier", "training"),
    "export": Kind("export/pdf", "export", resumable=False),
    "process": Kind("process/documents", "indexing", parts=3),
    "collect": Kind("collect/source", "indexing", parts=3),
    "notify": Kind("notify/message", "notify", resumable=False),
    "cleanup": Kind("cleanup/cache", "maintenance", alone=True),
    "optimise": Kind("optimise/indexes", "maintenance", alone=True),
    "backup": Kind("backup/daily", "maintenance", alone=True),
    "report": Kind("report/weekly", "maintenance", resumable=False, alone=True),
    "health": Kind("health/checks", "looks", resumable=False, alone=True),
    "audit": Kind("audit/nightly", "maintenance", alone=True),
    "evaluate": Kind("evaluate/nightly", "maintenance", alone=True),
    "sources": Kind("collect/sources", "looks", resumable=False, alone=True),
}


def kind_of_run(run: Mapping[str, Any]) -> str:
    """Return the kind of a flow run as the API gives it: what it was handed in as, else its deployment's tag, else its name."""
    handed_in = (run.get("labels") or {}).get("faldone.kind")
    return str(handed_in or next((tag for tag in run["tags"] if tag in KINDS), run["name"]))


def kind_of(name: str) -> Kind:
    """Return the kind called `name`.

    Raises:
        UsageError: there is none.
    """
    if name not in KINDS:
        raise UsageError(f"there is no kind of job {name}; there are: {', '.join(KINDS)}")
    return KINDS[name]


def queues_of(queue: str) -> list[str]:
    """Return the work queues that `indexing` or `indexing-high` stands for.

    Raises:
        UsageError: there is no such queue.
    """
    kind, _ = split_queue(queue)
    known = sorted({what.queue for what in KINDS.values()})
    if kind not in known:
        raise UsageError(f"there is no queue {queue}; there are: {', '.join(known)}, each also with -high and -low")
    return [queue] if queue != kind else [queue_name(kind, priority) for priority in PRIORITIES]
