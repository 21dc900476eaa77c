"""The kinds of job there are: which deployment each runs, and in which queue. `prefect.yaml` says the same; a test compares them."""

from __future__ import annotations

from dataclasses import dataclass

from infra.errors import UsageError


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: `deployment` as FLOW/NAME, `queue` without its priority, `parts` flows that run one after another in it."""

    deployment: str
    queue: str
    parts: int = 1


KINDS: dict[str, Kind] = {
    "index": Kind("index/documents", "indexing"),
    "analyse": Kind("analyse/documents", "analysis"),
    "train": Kind("train/classifier", "training"),
    "export": Kind("export/pdf", "export"),
    "process": Kind("process/documents", "indexing", parts=3),
    "cleanup": Kind("cleanup/cache", "maintenance"),
    "optimise": Kind("optimise/indexes", "maintenance"),
    "backup": Kind("backup/daily", "maintenance"),
    "report": Kind("report/weekly", "maintenance"),
    "health": Kind("health/checks", "maintenance"),
    "audit": Kind("audit/nightly", "maintenance"),
}


def kind_of(name: str) -> Kind:
    """The kind called `name`.

    Raises:
        UsageError: there is none.
    """
    if name not in KINDS:
        raise UsageError(f"there is no kind of job {name}; there are: {', '.join(KINDS)}")
    return KINDS[name]
