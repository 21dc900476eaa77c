"""How results look on a terminal, and where there is none."""

from __future__ import annotations

import re

import pytest

from deployments.cli import output


def test_a_table_that_is_piped_has_a_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    path = "/archivio/" + "molto/" * 40 + "lungo.pdf"
    output.table("Jobs", ("id", "path"), [("5b", path), ("[red]", path)])
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if path in line] == lines[4:6]
    assert "[red]" in lines[5]


def test_an_id_is_whole_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "60")
    job = "59b36637-e213-42f7-9e95-e8afc21ed5be"
    output.table("Jobs", ("id", "name"), [(job, "collect the invoices of a folder with a long name")])
    printed = capsys.readouterr().out
    assert job in printed
    assert max(map(len, re.sub("\x1b[^m]*m", "", printed).splitlines())) <= 60


def test_the_version_is_printed_without_a_command() -> None:
    from typer.testing import CliRunner

    from deployments.cli import app

    done = CliRunner().invoke(app, ["--version"])
    assert done.exit_code == 0 and done.output.startswith("faldone 0.")
