"""The metrics that Prometheus reads, and that the Grafana dashboard asks for nothing else."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deployments.daemon.metrics import Totals, text
from deployments.daemon.overview import Overview


def ended(job_id: str, end: str) -> dict[str, Any]:
    """A run that has ended, as the API gives it."""
    labels = {
        "faldone.kind": "index",
        "faldone.stages": '{"index": 50.0, "discover": 1.0}',
        "faldone.counts": '{"pages": 7, "chunks": 20}',
    }
    run = {"id": job_id, "end_time": end, "state": {"name": "Completed"}, "run_count": 1, "total_run_time": 60.0}
    return run | {"labels": labels, "tags": [], "name": "x"}


def seen() -> Overview:
    """A look with something of everything."""
    success = {"d": datetime(2026, 11, 20, tzinfo=UTC)}
    found = Overview(
        depth={"indexing": 3},
        running={"indexing": 1},
        age={"indexing": 12.5},
        last_success=success,
    )
    found.deployments = [{"id": "d", "name": "backup/daily"}]
    found.collections = [{"collection": "c", "indexed": 5, "quarantined": 1, "chunks": 50, "failures": {"corrupt": 1}}]
    return found


def test_each_run_that_ended_is_counted_once_and_sums_never_fall(tmp_path: Path) -> None:
    one, two = ended("1", "2026-11-20T10:00:00Z"), ended("2", "2026-11-20T10:00:00Z")
    totals = Totals(tmp_path / "t.json")
    totals.add([one])
    totals.add([one, two])  # of the same moment
    Totals(tmp_path / "t.json").add([two, one])  # another daemon
    again = Totals(tmp_path / "t.json")
    again.add([])  # the old runs were removed
    shown = text(seen(), again, None, 0).decode()
    assert 'faldone_attempts_total{kind="index",outcome="Completed"} 2.0' in shown
    assert 'faldone_stage_seconds_total{kind="index",stage="index"} 100.0' in shown
    assert 'faldone_processed_total{kind="index",what="chunks"} 40.0' in shown


def test_sums_that_cannot_be_read_begin_anew(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text("{")
    totals = Totals(tmp_path / "t.json")
    totals.add([ended("1", "2026-11-20T10:00:00Z")])
    assert Totals(tmp_path / "t.json").sums == totals.sums


def test_every_metric_of_the_dashboard_exists(tmp_path: Path) -> None:
    totals = Totals(tmp_path / "t.json")
    totals.add([ended("1", "2026-11-20T10:00:00Z")])
    shown = text(seen(), totals, (3, 1), 2).decode()
    board = (Path(__file__).resolve().parents[3] / "infra" / "grafana" / "faldone.json").read_text()
    panels = json.loads(board)["panels"]
    asked = {name for one in panels for target in one["targets"] for name in re.findall(r"faldone_\w+", target["expr"])}
    assert len(asked) > 10
    given = set(re.findall(r"^(faldone_\w+)", shown, re.MULTILINE))
    assert asked <= given, asked - given
