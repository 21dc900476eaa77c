"""Cleanup of models, runs and staging: exactly what the retention says goes, whatever is registered."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.prefect_api import PAGE, Api
from infra.settings import Settings
from prefect_rows import rows_server
from tasks.classifiers import registry
from tasks.maintain import cleanup

RETENTION = cleanup.Retention()
MODEL_DAYS = int(RETENTION.models)
NOW = datetime.now(UTC)


def registered(home: Path, name: str, number: int, days: int, zone: bool) -> str:
    """Write a model version made so many days ago; its version."""
    made = NOW - timedelta(days=days)
    version = f"{made:%Y-%m-%d}-{number:08x}"
    folder = home / name / version
    folder.mkdir(parents=True)
    stamp = made.isoformat() if zone else made.replace(tzinfo=None).isoformat()
    (folder / "classifier.json").write_text(json.dumps({"kind": "head", "labels": ["a"], "created_at": stamp}))
    (folder / "metrics.json").write_text(json.dumps({"summary": {"f1": 0.5}}))
    return version


AGES = st.lists(
    st.tuples(st.integers(0, 2 * MODEL_DAYS).filter(lambda days: days != MODEL_DAYS), st.booleans()),
    min_size=1,
    max_size=7,
    unique_by=lambda a: a[0],
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["invoices", "sentiment"]), st.tuples(AGES, st.integers(0, 6)), min_size=1))
def test_a_model_goes_only_when_it_is_old_not_current_and_not_among_the_newest(
    tmp_path_factory: pytest.TempPathFactory, names: dict[str, tuple[list[tuple[int, bool]], int]]
) -> None:
    installed = Settings(home=str(tmp_path_factory.mktemp("models")))
    home, kept = registry.root(installed), {}
    for name, (ages, chosen) in names.items():
        made = {days: registered(home, name, number, days, zone) for number, (days, zone) in enumerate(ages)}
        current = ages[chosen % len(ages)][0]
        registry.promote(installed, name, made[current])
        newest = sorted(made)[: cleanup.MODELS_KEPT]
        kept[name] = {made[d] for d in made if d in newest or d == current or d < MODEL_DAYS}
    count = sum(len(ages) for ages, _ in names.values()) - sum(map(len, kept.values()))
    assert cleanup.models(installed, RETENTION, True).counts == {"model_versions": count}
    assert len(registry.versions(installed)) == sum(len(ages) for ages, _ in names.values()), (
        "a dry run removes nothing"
    )
    cleanup.models(installed, RETENTION, False)
    assert {name: {v.version for v in registry.versions(installed, name)} for name in names} == kept


def test_runs_past_their_retention_go_page_by_page_and_no_more_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    with rows_server() as server:
        api = Api(server.url, timeout=5)
        server.answers["/flow_runs/count"] = (200, b"7")
        assert cleanup.old_runs(api, RETENTION, True).counts == {"flow_runs": 14}
        assert not [path for _, path, _ in server.asked if "delete" in path]
        assert cleanup.old_runs(api, RETENTION, False).counts == {"flow_runs": 0}
        server.rows["/flow_runs/filter"] = [{"id": str(number)} for number in range(PAGE)]  # they come again and again
        monkeypatch.setattr(cleanup, "RUNS_AT_ONCE", PAGE + 50)
        assert cleanup.old_runs(api, RETENTION, False).counts["flow_runs"] == PAGE + 50
        bodies = [body for _, path, body in server.asked if path == "/flow_runs/filter"]
        oldest = [datetime.fromisoformat(body["flow_runs"]["end_time"]["before_"]) for body in bodies]
        assert min(abs(oldest[0] - (NOW - timedelta(days=RETENTION.runs))), timedelta(hours=1)) < timedelta(hours=1)
