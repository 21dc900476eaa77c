"""The systemd unit that `faldone up --print-systemd` prints."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments import state
from deployments.cli import app
from infra.settings import load


def printed(*options: str) -> str:
    done = CliRunner().invoke(app, ["up", "--print-systemd", *options])
    assert done.exit_code == 0, done.output
    assert not Path(load().root).exists(), "nothing was started or made"
    return done.stdout


def test_it_starts_the_daemon_of_this_installation_and_leaves_jobs_alone() -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(printed("--port", "4300"))
    service = parser["Service"]
    program, *rest = shlex.split(service["ExecStart"])
    assert Path(program).exists()
    assert rest == ["-m", "deployments.daemon", "--host", "127.0.0.1", "--port", "4300"]
    assert service["KillMode"] == "process", "systemd must not end the jobs with the daemon"
    assert service["Restart"] == "on-failure", "`faldone down` is no failure"
    assert service["RestartPreventExitStatus"] == str(state.LOST), (
        "nothing is made in the place of a folder that is gone"
    )
    assert service["UMask"] == "0077"
    assert shlex.split(parser["Unit"]["RequiresMountsFor"]) == [load().root], "it waits for the disk of its data"
    assert shlex.split(service["Environment"]) == [f"FALDONE_HOME={load().root}"]


def test_a_folder_with_blanks_and_percents_is_quoted_as_systemd_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FALDONE_HOME", str(tmp_path / '100% "my data'))
    assert f'Environment="FALDONE_HOME={tmp_path}/100%% \\"my data"' in printed()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    file = tmp_path / "faldone.service"
    file.write_text(printed())
    done = subprocess.run(["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False)
    assert "faldone.service:" not in done.stderr, done.stderr
