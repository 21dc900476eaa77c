"""Prometheus metrics of the platform, from what the keeper has seen; served at /metrics of the keeper (infra/grafana has a dashboard).

Counters of jobs and stages are folded in from ended leases, each once, and kept in a file, so that they never fall when old jobs are removed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments.keeper.observed import Seen
from deployments.worker.leases import Lease

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class Totals:
    """Sums over all jobs that have ended."""

    def __init__(self, file: Path) -> None:
        self._file = file
        content: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
        self.until: dict[str, float] = content.get("until", {})  # job id: end of the lease that was folded in last
        self.sums: Counter[str] = Counter(content.get("sums", {}))

    def fold(self, leases: Iterable[Lease]) -> None:
        """Take in what has ended since the last time."""
        seen: dict[str, float] = {}
        for lease in leases:
            seen[lease.job_id] = lease.ended or 0.0
            if self.until.get(lease.job_id, -1.0) < seen[lease.job_id]:
                self._add(lease)
        if seen != self.until:
            self.until = seen
            beside = self._file.with_suffix(".new")
            beside.write_text(json.dumps({"until": seen, "sums": self.sums}))
            beside.replace(self._file)

    def _add(self, lease: Lease) -> None:
        kind = lease.kind
        self.sums[f"ended|{kind}|{lease.outcome}"] += 1
        self.sums[f"seconds|{kind}|"] += (lease.ended or lease.started) - lease.started  # type: ignore[assignment]
        for stage, seconds in lease.stages.items():
            self.sums[f"stage|{kind}|{stage}"] += seconds  # type: ignore[assignment]
        for name, number in lease.counts.items():
            self.sums[f"counted|{kind}|{name}"] += number

    def rows(self, what: str) -> Iterator[tuple[str, str, float]]:
        """Kind, second label and value of one family."""
        for key, value in sorted(self.sums.items()):
            family, kind, label = key.split("|", 2)
            if family == what:
                yield kind, label, float(value)


def families(seen: Seen, totals: Totals, cache: tuple[int, int] | None, problems: int) -> Iterator[Metric]:
    """Every metric; `cache` are Redis' hits and misses."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    def gauge(name: str, text: str, labels: list[str], rows: Iterable[tuple[Any, ...]]) -> Metric:
        metric = GaugeMetricFamily(f"faldone_{name}", text, labels=labels)
        for *values, number in rows:
            metric.add_metric([str(value) for value in values], float(number))
        return metric

    def counter(name: str, text: str, labels: list[str], rows: Iterable[tuple[Any, ...]]) -> Metric:
        metric = CounterMetricFamily(f"faldone_{name}", text, labels=labels)
        for *values, number in rows:
            metric.add_metric([str(value) for value in values], float(number))
        return metric

    yield gauge("queue_depth", "Jobs that are due and wait.", ["queue"], seen.depth.items())
    yield gauge("queue_age_seconds", "How long the oldest waiting job has waited.", ["queue"], seen.age.items())
    yield gauge("jobs_running", "Jobs that run.", ["queue"], seen.running.items())
    yield counter("attempts", "Attempts that have ended.", ["kind", "outcome"], totals.rows("ended"))
    yield counter("job_seconds", "Seconds of all attempts.", ["kind"], [(k, v) for k, _, v in totals.rows("seconds")])
    yield counter("stage_seconds", "Seconds of each stage.", ["kind", "stage"], totals.rows("stage"))
    yield counter("processed", "Pages, chunks and failures of all attempts.", ["kind", "what"], totals.rows("counted"))
    of = seen.collections
    yield gauge("documents", "Documents of a collection by state.", ["collection", "state"], [
        (one["collection"], state, one[state]) for one in of for state in ("indexed", "quarantined")
    ])  # fmt: skip
    yield gauge("chunks", "Chunks of a collection.", ["collection"], [(one["collection"], one["chunks"]) for one in of])
    yield gauge("failures", "Quarantined documents by kind of failure.", ["collection", "kind"], [
        (one["collection"], kind, number) for one in of for kind, number in one["failures"].items()
    ])  # fmt: skip
    names = {one["id"]: one["name"] for one in seen.deployments}
    yield gauge("last_success_timestamp_seconds", "The last success of a scheduled job.", ["deployment"], [
        (names[key], at) for key, at in seen.last_success.items() if key in names
    ])  # fmt: skip
    if cache is not None:
        yield counter("cache_hits", "Keys that the shared cache had.", [], [(cache[0],)])
        yield counter("cache_misses", "Keys that it had not.", [], [(cache[1],)])
    yield gauge("problems", "Open problems.", [], [(problems,)])


def text(seen: Seen, totals: Totals, cache: tuple[int, int] | None, problems: int) -> bytes:
    """The metrics in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest

    class Collector:
        def collect(self) -> Iterator[Metric]:
            return families(seen, totals, cache, problems)

    registry = CollectorRegistry()
    registry.register(Collector())
    return bytes(generate_latest(registry))
