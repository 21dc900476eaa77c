"""The metrics that Prometheus reads, and that the Grafana dashboard asks for nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

from deployments.keeper.metrics import Totals, text
from deployments.keeper.observed import Seen
from deployments.worker.leases import Lease

LEASE = Lease(
    "j1",
    "index",
    1,
    "h",
    1,
    100.0,
    160.0,
    0,
    160.0,
    "done",
    {"index": 50.0, "discover": 1.0},
    {"pages": 7, "chunks": 20},
)


def seen() -> Seen:
    """A look with something of everything."""
    found = Seen(depth={"indexing": 3}, running={"indexing": 1}, age={"indexing": 12.5}, last_success={"d": 1.7e9})
    found.deployments = [{"id": "d", "name": "backup/daily"}]
    found.collections = [{"collection": "c", "indexed": 5, "quarantined": 1, "chunks": 50, "failures": {"corrupt": 1}}]
    return found


def test_each_ended_lease_is_counted_once_and_sums_never_fall(tmp_path: Path) -> None:
    totals = Totals(tmp_path / "t.json")
    totals.fold([LEASE])
    totals.fold([LEASE])
    Totals(tmp_path / "t.json").fold([LEASE])  # another keeper
    again = Totals(tmp_path / "t.json")
    again.fold([])  # the old job was removed
    shown = text(seen(), again, None, 0).decode()
    assert 'faldone_attempts_total{kind="index",outcome="done"} 1.0' in shown
    assert 'faldone_stage_seconds_total{kind="index",stage="index"} 50.0' in shown
    assert 'faldone_processed_total{kind="index",what="chunks"} 20.0' in shown


def test_every_metric_of_the_dashboard_exists(tmp_path: Path) -> None:
    totals = Totals(tmp_path / "t.json")
    totals.fold([LEASE])
    shown = text(seen(), totals, (3, 1), 2).decode()
    board = (Path(__file__).resolve().parents[3] / "infra" / "grafana" / "faldone.json").read_text()
    panels = json.loads(board)["panels"]
    asked = {name for one in panels for target in one["targets"] for name in re.findall(r"faldone_\w+", target["expr"])}
    assert len(asked) > 10
    given = set(re.findall(r"^(faldone_\w+)", shown, re.MULTILINE))
    assert asked <= given, asked - given
