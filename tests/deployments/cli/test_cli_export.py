"""The verbs export and process: what a person types, and what programs read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pypdf
import pytest
from typer.testing import CliRunner

from deployments.cli import app, export, output
from infra.errors import UsageError


@pytest.mark.e2e
def test_export_prints_one_json_object_and_an_absent_collection_is_wrong_usage(tmp_path: Path) -> None:
    """The whole command in processes of its own, with nothing running."""
    (tmp_path / "nota.txt").write_text("I debiti verso fornitori ammontano a 300 mila euro.", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(export.__file__).parents[2])}

    def faldone(*line: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from deployments.cli import main; main()", *line]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=150, check=False)

    written = ("--template", "collection", "--output", str(tmp_path / "r.pdf"), "--json")
    assert faldone("index", str(tmp_path / "nota.txt")).returncode == 0
    done = faldone("export", *written)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["status"] == "completed"
    assert len(pypdf.PdfReader(tmp_path / "r.pdf").pages) == result["pages"] == 1
    absent = faldone("export", "-c", "nowhere", *written)
    assert (absent.returncode, absent.stdout) == (2, "")
    assert "nowhere" in absent.stderr


def test_sources_are_made_absolute_and_documents_only_where_there_is_such_a_file(tmp_path: Path) -> None:
    number = "0123456789abcdef" * 2
    (tmp_path / "a.pdf").touch()
    assert [export._absolute(source) for source in ("a.pdf", "s3://b/c.pdf")] == [
        str(tmp_path / "a.pdf"),
        "s3://b/c.pdf",
    ]
    assert [export._document(name) for name in ("a.pdf", "b.pdf", number)] == [str(tmp_path / "a.pdf"), "b.pdf", number]


def test_failures_of_the_chain_are_listed_with_their_part() -> None:
    failures = [{"part": "index", "path": f"/{n}", "message": "Broken."} for n in range(22)]
    result = {
        "collection": "c",
        "status": "completed_with_failures",
        "seconds": 1.0,
        "failures": failures,
        "path": "/r.pdf",
        "pages": 3,
    }
    text = export._chain(result)
    assert "index: /0: Broken." in text
    assert "and 2 more" in text
    assert "/r.pdf (3 pages)" in text


@pytest.mark.slow
def test_a_name_that_no_collection_can_have_is_explained_in_words() -> None:
    with pytest.raises(UsageError, match=r"collection 'Clienti 2024': use 1 to 63 lower-case letters"):
        output._called(lambda **_: {}, {"collection": "Clienti 2024"})


@pytest.mark.parametrize("line", [["export", "-t", "balance"], ["export", "-l", "fr"], ["process"]])
def test_wrong_usage_ends_with_two(line: list[str]) -> None:
    assert CliRunner().invoke(app, line).exit_code == 2
