"""The verbs train, predict and models, as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from deployments.cli import train as verbs
from infra.settings import load
from tasks.classifiers import registry
from tasks.classifiers.spec import TrainSpec
from tasks.train import fitting, release, work_folder

app = typer.Typer()
app.command()(verbs.train)
app.command()(verbs.predict)
app.add_typer(verbs.models_app, name="models")


def _train(path: Path, seed: int = 0) -> registry.ModelVersion:
    rows = [f"{thing} {word},{label}" for thing in ("sales", "orders", "margins", "exports") for word, label in WORDS]
    path.write_text("\n".join(["text,label", *rows]))
    settings, spec = load(), TrainSpec(str(path), "trend", "head", seed=seed)
    prepared = work_folder.prepare(settings, spec)
    parts = work_folder.split(spec, prepared)
    fitted = fitting.fit(settings, spec, prepared)
    new = release.register(settings, spec, prepared, parts, fitted, fitting.evaluate(settings, prepared))
    release.promote(settings, spec, prepared, new)
    return new


WORDS = [("rose", "up"), ("grew", "up"), ("fell", "down"), ("shrank", "down")]


def test_predict_prints_one_object() -> None:
    done = CliRunner().invoke(
        app, ["predict", "Profit rose sharply.", "Il calo prosegue.", "-m", "default-sentiment", "--json"]
    )
    assert done.exit_code == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["model"] == "default-sentiment"
    assert [p["text"] for p in result["predictions"]] == ["Profit rose sharply.", "Il calo prosegue."]
    assert result["predictions"][0]["label"] == "positive"
    assert set(result["predictions"][0]["scores"]) == {"positive", "neutral", "negative"}


def test_predict_from_a_file_to_a_file(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("body\nProfit rose sharply.\n")
    arguments = ["predict", "--input", "in.csv", "--text-column", "body", "--output", "out.jsonl"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.stderr
    assert json.loads((tmp_path / "out.jsonl").read_text())["label"] == "positive"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict"], "give either texts or --input"),
        (["predict", "x", "-m", "nothing"], "there is no model 'nothing'"),
        (["predict", "-i", "nowhere.csv"], "nowhere.csv: no such file"),
        (["train", "nowhere.csv", "-n", "x"], "nowhere.csv: no such file"),
        (["train", "bad.csv", "-n", "x"], "bad.csv: row 1, column 'label' is empty"),
        (["train", "bad.csv", "-n", "Not A Name"], "model name 'Not A Name'"),
        (["train", "bad.csv", "-n", "x", "--text-column", "body"], "there is no column 'body'"),
        (["models", "show", "nothing"], "no registered model 'nothing'"),
        (["models", "promote", "nothing"], "say which version"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "bad.csv").write_text("text,label\na,\nb,x\n")
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.slow
def test_models(tmp_path: Path) -> None:
    first = _train(tmp_path / "data.csv")
    second = _train(tmp_path / "data.csv", seed=1)
    listed = json.loads(CliRunner().invoke(app, ["models", "list", "--json"]).stdout)["models"]
    assert {m["version"] for m in listed} == {first.version, second.version}
    assert {"name", "version", "current", "metrics", "created_at"} <= set(listed[0])
    shown = json.loads(CliRunner().invoke(app, ["models", "show", "trend", "--json"]).stdout)
    assert shown["details"]["training"]["spec"]["name"] == "trend"
    assert "# trend" in CliRunner().invoke(app, ["models", "show", f"trend@{first.version}"]).stdout
    CliRunner().invoke(app, ["models", "promote", f"trend@{second.version}"])
    assert registry.get(load(), "trend").version == second.version
    done = CliRunner().invoke(app, ["models", "remove", f"trend@{first.version}", "--json"])
    assert json.loads(done.stdout) == {"status": "completed", "name": "trend", "removed": [first.version]}
    assert second.version in CliRunner().invoke(app, ["models", "list"]).stdout


@pytest.mark.parametrize("command", [["train"], ["predict"], ["models", "list"], ["models", "remove"]])
def test_help_has_an_example(command: list[str]) -> None:
    done = CliRunner().invoke(app, [*command, "--help"])
    assert done.exit_code == 0
    assert "Example: faldone" in done.stdout.replace("\n", " ")
