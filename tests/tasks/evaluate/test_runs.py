"""A kept run, and what a later one says when something was broken on purpose in between."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from deployments.cli import app
from infra.lake import Lake
from infra.settings import load
from tasks.collection.chunks import CHUNKS
from tasks.evaluate import nightly
from tasks.evaluate.runs import history
from tasks.index.run import index

pytestmark = pytest.mark.slow

TRADES = "panettiere fabbro sarto orefice vetraio tipografo liutaio cestaio bottaio ceramista mugnaio tessitore conciatore".split()
TOWNS = "Bergamo Ferrara Lecce Matera Novara Oristano Pavia Ragusa".split()
C = "mestieri"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty-eight letters of which each answers one question, indexed in the collection `mestieri` of `home`."""
    top = tmp_path_factory.mktemp("filled")
    folder = top / "lettere"
    folder.mkdir()
    rows = []
    for i, (trade, town) in enumerate((trade, town) for trade in TRADES[:6] for town in TOWNS):
        (folder / f"l{i}.txt").write_text(f"Il {trade} di {town} consegna ogni lunedì alla cooperativa del quartiere.")
        rows.append({"id": f"q{i}", "query": f"chi consegna a {town}? il {trade}", "document": f"l{i}"})
    (top / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    index(load().model_copy(update={"home": str(top / "home")}), [str(folder)], C)
    return top


@pytest.fixture
def questions(filled: Path) -> Path:
    """The questions, with a copy of what answers them in the data folder of the test."""
    shutil.copytree(filled / "home", load().root, dirs_exist_ok=True)
    return filled / "questions.jsonl"


def faldone(*line: str) -> Any:
    return CliRunner().invoke(app, list(line))


def shuffle_vectors() -> None:
    """Give each chunk the vector of another one, as an encoder that was swapped would."""
    lake = Lake(load().root)
    rows = lake.read(CHUNKS.name(C))
    order = np.random.default_rng(1).permutation(rows.num_rows)
    column = rows.schema.get_field_index("vector")
    lake.upsert(
        CHUNKS.name(C),
        rows.set_column(column, rows.schema.field(column), rows["vector"].take(pa.array(order))),
        "chunk_id",
    )


def lose_terms() -> None:
    """Empty what full-text search reads."""
    lake = Lake(load().root)
    rows = lake.read(CHUNKS.name(C))
    column = rows.schema.get_field_index("terms")
    lake.upsert(
        CHUNKS.name(C), rows.set_column(column, rows.schema.field(column), pa.array([""] * rows.num_rows)), "chunk_id"
    )


@pytest.mark.parametrize(("harm", "mode"), [(shuffle_vectors, "vector"), (lose_terms, "text")])
def test_a_planted_regression_is_caught_and_no_change_is_not(questions: Path, harm: Any, mode: str) -> None:
    first = faldone("evaluate", str(questions), "-c", C, "--mode", mode, "--json")
    assert first.exit_code == 0
    again = faldone("evaluate", str(questions), "-c", C, "--mode", mode, "--against", "last", "--json")
    assert again.exit_code == 0, again.output
    harm()
    after = faldone("evaluate", str(questions), "-c", C, "--mode", mode, "--against", "last", "--json")
    assert after.exit_code == 1
    answer = json.loads(after.stdout)
    assert not answer["passed"]
    assert "document_hit@10 fell" in "".join(answer["faults"])
    assert len({run.configuration for run in history(Lake(load().root), C)}) == 2


def test_the_gate_names_the_measure_that_is_too_low(questions: Path) -> None:
    passed = faldone("evaluate", str(questions), "-c", C, "--mode", "text", "--at-least", "document_hit@10=0.5")
    assert passed.exit_code == 0, passed.output
    missed = faldone("evaluate", str(questions), "-c", C, "--mode", "text", "--at-least", "document_hit@1=1.01")
    assert missed.exit_code == 1
    assert "document_hit@1 is" in missed.stderr
    for bad in ("page_hit@10=0.5", "document_hit@10=high"):
        wrong = faldone("evaluate", str(questions), "-c", C, "--mode", "text", "--at-least", bad)
        assert wrong.exit_code == 2


def test_stored_questions_are_asked_every_night_and_a_fall_is_named(questions: Path) -> None:
    assert faldone("evaluate", "-c", C).exit_code == 2
    assert faldone("evaluate", str(questions), "-c", C, "--store", "--mode", "hybrid").exit_code == 0
    assert nightly.collections_with_questions() == [C]
    assert nightly.measure_collection(C)["faults"] == []
    lose_terms()
    shuffle_vectors()
    assert nightly.measure_collection(C)["faults"]
    listed = json.loads(faldone("evaluate", "--history", "-c", C, "--json").stdout)
    assert [run["mode"] for run in listed["runs"]] == ["hybrid"] * 3


def test_what_cannot_be_measured_is_one_line(questions: Path) -> None:
    for line in (
        ["evaluate", "absent.jsonl", "-c", C],
        ["evaluate", str(questions), "-c", "nowhere"],
        ["evaluate", str(questions), "-c", C, "--against", "zzz", "--mode", "text"],
    ):
        result = faldone(*line)
        assert result.exit_code == 2, result.output
        assert len(result.stderr.strip().splitlines()) == 1
