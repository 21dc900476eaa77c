"""The verbs of maintenance as the command line runs them: exit statuses, one JSON object, wrong usage in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from infra.settings import Settings
from tasks.maintain import backup
from tests.tasks.maintain import small

VERBS = ("cleanup", "optimise", "backup", "restore", "audit", "health", "report")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example(verb: str) -> None:
    told = CliRunner().invoke(app, [verb, "--help"])
    assert told.exit_code == 0
    assert f"Example: faldone {verb}" in " ".join(told.output.split())


def test_health_says_how_it_is_by_its_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", "/nowhere")
    good = CliRunner().invoke(app, ["health", "--json"])
    assert good.exit_code == 0, good.output
    assert json.loads(good.stdout)["status"] == "ok"
    monkeypatch.setenv("FALDONE_REDIS_URL", "redis://127.0.0.1:1/0")
    bad = CliRunner().invoke(app, ["health", "--json"])
    assert bad.exit_code == 1, "it failed; 2 is wrong usage"
    checks = {check["name"]: check for check in json.loads(bad.stdout)["checks"]}
    assert checks["redis"]["status"] == "failing"
    assert set(checks["redis"]) == {"name", "status", "message", "milliseconds"}


def test_a_day_that_is_none_is_wrong_usage() -> None:
    told = CliRunner().invoke(app, ["report", "--ending", "tomorrow"])
    assert told.exit_code == 2
    assert told.stderr == "faldone: --ending tomorrow: write a day as YYYY-MM-DD\n"


def test_restore_lists_backups_and_wants_one(settings: Settings) -> None:
    small.fill(Path(settings.root), documents=2)
    made = backup.backup(settings)
    told = CliRunner().invoke(app, ["restore", "--list", "--json"])
    assert told.exit_code == 0, told.output
    assert [row["id"] for row in json.loads(told.stdout)["backups"]] == [made["id"]]
    assert made["id"] in CliRunner().invoke(app, ["restore", "--list"]).output
    none = CliRunner().invoke(app, ["restore"])
    assert none.exit_code == 2
    assert none.stderr.startswith("faldone: BACKUP is missing")
