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


def test_wrong_options_name_the_choices(tmp_path: Path) -> None:
    done = run(tmp_path, "export", "--template", "balance")
    assert done.returncode == 2
    assert "financial" in done.stderr
