"""The note by which every command finds the platform: whatever is in it, no command breaks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from deployments import platform, state
from deployments.api import address
from deployments.state import Platform, Process
from infra.errors import TransientError
from infra.machine import free_port
from infra.settings import load

HERE = Process.of(os.getpid())


def note(**changes: object) -> Platform:
    values: dict[str, object] = {"api": "http://127.0.0.1:4999/api", "ui": "http://127.0.0.1:4999", "auth": "a:b"}
    values |= {"daemon_url": "http://127.0.0.1:5000", "host": "127.0.0.1", "port": 4999, "processes": {"daemon": HERE}}
    return Platform(**values | changes)  # type: ignore[arg-type]


def test_it_is_read_as_it_was_written_and_only_its_owner_may_read_it() -> None:
    state.write(note())
    assert state.read() == note()
    file = state.folder() / "platform.json"
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"api": 1}', '{"processes": {"server": 3}}', "\x00"])
def test_of_a_note_that_cannot_be_read_the_copy_counts_and_then_nothing(content: str) -> None:
    state.write(note())
    (state.folder() / "platform.json").write_text(content)
    assert state.read() == note()
    (state.folder() / "platform.copy").write_text(content)
    assert state.read() is None
    assert address.find() is None


def test_keys_of_another_release_are_left_out() -> None:
    state.write(note())
    file = state.folder() / "platform.json"
    content = json.loads(file.read_text())
    content["new"] = 1
    content["processes"]["daemon"]["newer"] = 2
    file.write_text(json.dumps(content))
    assert state.read() == note()


def test_a_platform_that_moves_is_followed_and_the_environment_stays_as_it_is() -> None:
    before = dict(os.environ)
    with pytest.raises(TransientError, match="no platform is running"):
        address.here()
    state.write(note())
    assert address.here() == address.Address("http://127.0.0.1:4999/api", "http://127.0.0.1:4999", "a:b")
    state.write(note(api="http://127.0.0.1:5111/api", auth="c:d"))
    assert address.here().url == "http://127.0.0.1:5111/api"
    assert address.connect().url == "http://127.0.0.1:5111/api"
    state.write(note(processes={"daemon": Process(os.getpid(), "1", state.here())}))
    assert address.find() is None, "its daemon has ended"
    assert dict(os.environ) == before


def test_the_password_of_the_platform_here_is_found_when_its_address_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    state.write(note())
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4999/api/")
    assert address.here().auth == "a:b"
    monkeypatch.setenv("PREFECT_API_URL", "http://other.example:4999/api")
    assert address.here().auth is None, "it is no business of another server's"
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4999/api")
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "my:own")
    assert address.here().auth is None, "the environment's counts"


def test_a_zombie_does_not_run() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    process = Process.of(child.pid)
    child.stdout = None
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has asked how
    assert not process.alive()
    child.wait()


def test_the_job_service_loads_neither_prefect_nor_a_database() -> None:
    code = "import sys, deployments.jobs as j; print([n for n in ('prefect', 'lancedb', 'torch', 'sqlalchemy') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "[]"


def test_notes_of_processes_survive_their_way_through_a_label() -> None:
    one = Process.of(os.getpid())
    assert Process.parse(str(one)) == Process(**asdict(one) | {"since": 0.0})
    assert Process.parse("") is None
    assert load().root


def test_a_port_that_another_platform_was_quicker_at_is_not_tried_again() -> None:
    """The other may not listen yet, so that its port still looks free."""
    wanted = free_port()
    failed = note(port=wanted, processes={})
    assert platform.chosen_port(failed, "127.0.0.1", 0) == wanted
    assert platform.chosen_port(failed, "127.0.0.1", 0, lost=True) != wanted


def left(folder: Path, name: str, process: Process | str) -> Path:
    """A temporary folder, and whose it says that it is."""
    home = folder / f"faldone-x-{name}"
    home.mkdir()
    (home / state.OWNER).write_text(str(process))
    return home


def test_folders_of_killed_processes_go_and_those_of_living_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead = left(tmp_path, "dead", replace(HERE, start="1"))
    made = state.temporary_folder("faldone-x-")
    young, other = tmp_path / "faldone-x-young", tmp_path / "faldone-other"
    young.mkdir()
    other.mkdir()
    elsewhere = left(tmp_path, "elsewhere", replace(HERE, where="another/1", start="1"))
    stay = [made, young, other, elsewhere, left(tmp_path, "odd", "nonsense")]
    (tmp_path / "faldone-x-link").symlink_to(left(other, "target", replace(HERE, start="1")))
    assert state.sweep("faldone-x-") == 1
    assert not dead.exists()
    assert all(one.exists() for one in stay)
    assert (other / "faldone-x-target").exists(), "a link is not followed"
