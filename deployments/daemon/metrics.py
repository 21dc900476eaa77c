"""Prometheus metrics of the platform, from what the daemon has seen; served at its /metrics (infra/grafana has a dashboard).

Counters of jobs and stages are added up from runs that have ended, each once, and kept in a file, so that they never fall when old runs are
removed.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments.api.status import LABEL
from deployments.daemon.overview import Overview
from deployments.kinds import kind_of_run
from deployments.state import read_json, write_json
from infra.prefect_api import ENDED, Api

log = logging.getLogger("faldone.daemon")

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class Totals:
    """Sums over all jobs that have ended since the platform was first started."""

    def __init__(self, file: Path) -> None:
        self._file = file
        content: dict[str, Any] = read_json(file, {})
        self.until: str = str(content.get("until") or "")  # the latest end that was added
        self.added: list[str] = list(content.get("added") or [])  # runs that ended at that moment
        self.sums: Counter[str] = Counter(content.get("sums") or {})

    def update(self, api: Api, pools: list[str]) -> list[Mapping[str, Any]]:
        """Add the runs that have ended since the last time, and return them, the earliest first."""
        ended: dict[str, Any] = {"state": {"type": {"any_": list(ENDED)}}}
        ended["end_time"] = {"after_": self.until} if self.until else {"is_null_": False}
        query = {"flow_runs": ended, "work_pools": {"name": {"any_": pools}}, "sort": "END_TIME_DESC"}
        return self.add(list(api.pages("/flow_runs/filter", query)))

    def add(self, runs: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Add runs as the API gives them, and return those that were not added before."""
        new = [
            run for run in runs if run.get("end_time") and run["end_time"] >= self.until and run["id"] not in self.added
        ]
        new.sort(key=lambda run: str(run["end_time"]))
        for run in new:
            self._add(run)
            self.added = [*(self.added if run["end_time"] == self.until else []), run["id"]]
            self.until = run["end_time"]
        if new:
            try:
                write_json(self._file, {"until": self.until, "added": self.added, "sums": self.sums})
            except OSError as error:  # what has ended is still told
                log.warning("%s: %s; a restart counts again what has ended since", self._file, error)
        return new

    def _add(self, run: Mapping[str, Any]) -> None:
        kind, labels = kind_of_run(run), run.get("labels") or {}
        self.sums[f"ended|{kind}|{run['state']['name']}"] += max(1, int(run.get("run_count") or 0))
        self.sums[f"seconds|{kind}|"] += float(run.get("total_run_time") or 0.0)  # type: ignore[assignment]
        for family, label in (("stage", "stages"), ("counted", "counts")):
            for name, number in json.loads(labels.get(LABEL + label) or "{}").items():
                self.sums[f"{family}|{kind}|{name}"] += number

    def rows(self, what: str) -> Iterator[tuple[str, str, float]]:
        """Yield kind, second label and value of one family."""
        for key, value in sorted(self.sums.items()):
            family, kind, label = key.split("|", 2)
            if family == what:
                yield kind, label, float(value)


def families(seen: Overview, totals: Totals, cache: tuple[int, int] | None, alerts: int) -> Iterator[Metric]:
    """Yield every metric; `cache` are Redis' hits and misses."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    def gauge(name: str, text: str, labels: list[str], rows: Iterable[tuple[Any, ...]]) -> Metric:
        return filled(GaugeMetricFamily(f"faldone_{name}", text, labels=labels), rows)

    def counter(name: str, text: str, labels: list[str], rows: Iterable[tuple[Any, ...]]) -> Metric:
        return filled(CounterMetricFamily(f"faldone_{name}", text, labels=labels), rows)

    def filled(metric: Any, rows: Iterable[tuple[Any, ...]]) -> Metric:
        for *values, number in rows:
            metric.add_metric([str(value) for value in values], float(number))
        return metric  # type: ignore[no-any-return]

    yield gauge("queue_depth", "Jobs that are due and wait.", ["queue"], seen.depth.items())
    yield gauge("queue_age_seconds", "How long the oldest waiting job has waited.", ["queue"], seen.age.items())
    yield gauge("jobs_running", "Jobs that run.", ["queue"], seen.running.items())
    yield counter("attempts", "Attempts that have ended.", ["kind", "outcome"], totals.rows("ended"))
    yield counter("job_seconds", "Seconds of all attempts.", ["kind"], [(k, v) for k, _, v in totals.rows("seconds")])
    yield counter("stage_seconds", "Seconds of each stage.", ["kind", "stage"], totals.rows("stage"))
    yield counter("processed", "Pages, chunks and failures.", ["kind", "what"], totals.rows("counted"))
    of = seen.collections
    states = [(one["collection"], state, one[state]) for one in of for state in ("indexed", "quarantined")]
    yield gauge("documents", "Documents of a collection by state.", ["collection", "state"], states)
    yield gauge("chunks", "Chunks of a collection.", ["collection"], [(one["collection"], one["chunks"]) for one in of])
    failures = [(one["collection"], kind, number) for one in of for kind, number in one["failures"].items()]
    yield gauge("failures", "Quarantined documents by kind of failure.", ["collection", "kind"], failures)
    names = {one["id"]: one["name"] for one in seen.deployments}
    successes = [(names[key], at.timestamp()) for key, at in seen.last_success.items() if key in names]
    text = "The last success of a scheduled job."
    yield gauge("last_success_timestamp_seconds", text, ["deployment"], successes)
    if cache is not None:
        yield counter("cache_hits", "Keys that the shared cache had.", [], [(cache[0],)])
        yield counter("cache_misses", "Keys that it had not.", [], [(cache[1],)])
    yield gauge("problems", "Open alerts.", [], [(alerts,)])


def text(seen: Overview, totals: Totals, cache: tuple[int, int] | None, alerts: int) -> bytes:
    """Return the metrics in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest

    class Collector:
        def collect(self) -> Iterator[Metric]:
            return families(seen, totals, cache, alerts)

    registry = CollectorRegistry()
    registry.register(Collector())
    return bytes(generate_latest(registry))
