"""The flow `export` under a real Prefect server, as the command line runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pypdf
import pytest

RUN = """
import sys, typer
from deployments.cli import export
app = typer.Typer()
app.command()(export.export)
app.command()(export.process)
app(sys.argv[1:])
"""


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "FALDONE_HOME": str(home), "FALDONE_DASK": "threads", "OMP_NUM_THREADS": "1"}
    environment.pop("PREFECT_API_URL", None)
    command = [sys.executable, "-c", RUN, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=150, check=False)


@pytest.mark.e2e
def test_an_empty_collection_is_exported(tmp_path: Path) -> None:
    done = run(
        tmp_path / "home",
        "export",
        "--template",
        "executive",
        "--language",
        "it",
        "--output",
        f"{tmp_path}/out/",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result) == {"status", "path", "pages", "bytes", "seconds"}
    path = Path(result["path"])
    assert path.parent == tmp_path / "out"
    assert path.stat().st_size == result["bytes"]
    assert "non contiene ancora documenti" in pypdf.PdfReader(path).pages[0].extract_text().replace("\n", " ")


@pytest.mark.e2e
def test_bad_input_is_one_line_and_exit_two(tmp_path: Path) -> None:
    done = run(tmp_path / "home", "export", "--document", "nowhere.pdf", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("faldone: ") and "nowhere.pdf is not in the collection" in last


@pytest.mark.e2e
def test_a_folder_becomes_a_report_and_what_failed_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    rows = ["Conto economico;31/12/2024;31/12/2023", "Ricavi delle vendite e delle prestazioni;1.250.000;1.100.000"]
    (folder / "bilancio.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "verbale.txt").write_text(
        "I ricavi sono cresciuti. Il consiglio approva il bilancio. " * 5, encoding="utf-8"
    )
    (folder / "rotto.pdf").write_bytes(b"%PDF-1.7\nnothing follows")
    target = tmp_path / "report.pdf"
    arguments = (
        "--type",
        "financial",
        "--template",
        "collection",
        "--language",
        "it",
        "--output",
        str(target),
        "--json",
    )
    done = run(tmp_path / "home", "process", str(folder), *arguments)
    assert done.returncode == 3, done.stderr
    result = json.loads(done.stdout)
    assert result["status"] == "completed_with_failures"
    assert [Path(one["path"]).name for one in result["failures"] if one["part"] == "index"] == ["rotto.pdf"]
    assert result["index"]["documents"]["indexed"] == 2
    assert result["analyse"]["total"] == 2
    assert result["path"] == result["export"]["path"] == str(target)
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(target).pages)
    assert "rotto.pdf" in text and "verbale.txt" in text


def test_wrong_options_name_the_choices(tmp_path: Path) -> None:
    done = run(tmp_path, "export", "--template", "balance")
    assert done.returncode == 2
    assert "financial" in done.stderr
