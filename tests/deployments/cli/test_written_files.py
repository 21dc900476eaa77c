"""A file that somebody asked for goes where it was asked for, whole or not at all; no command takes a URL for a folder here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import typer

from deployments.cli import app
from infra.files import read_bytes
from infra.lake import Lake
from infra.outputs import absolute, delivered
from infra.settings import Settings
from tasks.classifiers.predict import Prediction
from tasks.collection.document_text import write_corpus
from tasks.train.table import write_predictions
from tests.tasks.maintain import small
from tests.tasks.maintain.test_object_store import bucket, server  # noqa: F401 - fixtures

READ = {"queries", "qrels", "relevant"}  # what commands read from a path of this machine; a URL is «no such file»


def callbacks(group: typer.Typer) -> Iterator[Callable[..., Any]]:
    yield from (one.callback for one in group.registered_commands if one.callback)
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            yield from callbacks(inner.typer_instance)


def test_no_command_writes_to_a_path_alone() -> None:
    """A `Path` makes `s3:/bucket` of `s3://bucket`, and a folder of that name here."""
    taken = {
        (command.__name__, name)
        for command in callbacks(app)
        for name, kind in get_type_hints(command).items()
        if Path in (kind, *get_args(kind))
    }
    assert taken and {name for _, name in taken} <= READ, taken


@pytest.mark.parametrize("place", ["{here}/made/a.csv", "memory://office/made/a.csv"])
def test_a_file_is_whole_or_not_there(tmp_path: Path, place: str) -> None:
    target = place.format(here=tmp_path)
    with delivered(target) as file:
        file.write_text("whole")
    assert read_bytes(target) == b"whole"
    with pytest.raises(ValueError, match="half"), delivered(target) as file:
        file.write_text("ha")
        raise ValueError("half")
    assert read_bytes(target) == b"whole"
    assert [one.name for one in tmp_path.rglob("*") if one.is_file()] in ([], ["a.csv"])


def test_an_output_is_named_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("a.pdf") == f"{tmp_path}/a.pdf" and absolute("new/") == f"{tmp_path}/new/"
    assert absolute("s3://office/new/") == "s3://office/new/" and absolute("") == ""


@pytest.mark.slow
def test_what_commands_write_lies_in_the_bucket(
    settings: Settings,
    bucket: str,  # noqa: F811 - the fixture
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    small.add(Lake(settings.root), "documents", "/a.txt")
    receipt = write_corpus(Lake(settings.root), "documents", f"{bucket}/out/corpus.jsonl")
    assert receipt["path"] == f"{bucket}/out/corpus.jsonl"
    sent = read_bytes(receipt["path"])
    assert b"bilancio" in sent and len(sent) == receipt["bytes"]
    found = [Prediction("good", {"good": 0.9, "bad": 0.1})]
    for ending in ("csv", "jsonl", "parquet"):
        write_predictions(f"{bucket}/out/found.{ending}", ["ricavi in crescita"], found)
        assert b"ricavi in crescita" in read_bytes(f"{bucket}/out/found.{ending}"), ending
    assert os.listdir(tmp_path) in ([], ["home"])
