"""The fence on machines that lack a layer: what is missing is said with the kernel's reason, what is left still holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.sandbox import Protection, probe

LACKING = """
import json, os, resource, socket, sys
from dataclasses import asdict
from infra import landlock, sandbox, seccomp
{before}
there = sandbox.enter(sys.argv[1], {read!r}, {size})

def can(what):
    try:
        what()
        return ""
    except OSError as error:
        return type(error).__name__

def big():
    with open(sys.argv[1] + "/big", "wb") as file:
        file.write(b"x" * (3 << 20))

print(json.dumps(asdict(there) | {{
    "gaps": there.gaps(),
    "connects": can(lambda: socket.create_connection(("127.0.0.1", 9), 1)),
    "lists": can(lambda: os.listdir({outside!r})),
    "big": can(big),
    "processes": resource.getrlimit(resource.RLIMIT_NPROC)[0],
    "seen": [path for path in {looked_at!r} if not can(lambda: open(path))],
}}))
"""
MANY_LAYERS = (
    "for _ in range(16): landlock.restrict([('/', landlock.WRITE | landlock.READ)])"  # the kernel takes no more
)
MANY_FILTERS = """
try:
    while True:
        seccomp.restrict()
except OSError:
    pass
"""


def fenced(
    folder: Path,
    before: str = "",
    *,
    read: tuple[str, ...] = (),
    size: int = 0,
    looked_at: tuple[str, ...] = (),
    **environment: str,
) -> dict[str, Any]:
    """What a process says that goes behind the fence after it did something else."""
    outside = folder.parent / "outside"
    outside.mkdir(exist_ok=True)
    code = LACKING.format(before=before, read=read, size=size, outside=str(outside), looked_at=looked_at)
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    given = {"PATH": os.environ["PATH"], **environment, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], env=given, capture_output=True, text=True, check=False, timeout=60
    )
    assert not done.returncode, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


def test_a_file_is_no_longer_than_allowed_and_nothing_outside_is_listed(folder: Path) -> None:
    said = fenced(folder, size=2 << 20)
    if probe().gaps():
        pytest.skip(f"this machine lacks a layer: {probe().gaps()}")
    assert (said["gaps"], said["big"], said["lists"]) == ([], "OSError", "PermissionError")
    assert (folder / "big").stat().st_size == 2 << 20
    assert fenced(folder)["big"] == ""


def test_without_a_network_of_its_own_the_filter_keeps_it_from_the_network(folder: Path) -> None:
    if probe().seccomp:
        pytest.skip(probe().seccomp)
    said = fenced(folder, before="seccomp.restrict()")  # refuses `unshare`, as a container does
    assert "unshare: Permission denied" in said["namespace"]
    assert said["connects"] == "PermissionError"
    assert not any("network" in gap for gap in said["gaps"])
    assert said["processes"] != 64, "the kernel would count the user's other processes"


def test_without_landlock_the_files_are_a_gap(folder: Path) -> None:
    if probe().landlock:
        pytest.skip(probe().landlock)
    said = fenced(folder, before=MANY_LAYERS)
    assert "landlock_restrict_self: Argument list too long" in said["landlock"]
    reason = said["landlock"]
    assert said["gaps"] == [
        f"can read and write every file of this user ({reason})",
        f"can send signals to every process of this user ({reason})",
    ]
    assert said["lists"] == ""


def test_without_a_filter_landlock_still_holds(folder: Path) -> None:
    if probe().gaps():
        pytest.skip(f"this machine lacks a layer: {probe().gaps()}")
    said = fenced(folder, before=MANY_FILTERS)
    assert "prctl(PR_SET_SECCOMP): " in said["seccomp"]
    assert any("look into other processes" in gap for gap in said["gaps"])
    assert said["lists"] == "PermissionError"


def test_a_program_outside_the_system_may_be_read_with_what_belongs_to_it_and_no_more(
    tmp_path: Path, folder: Path
) -> None:
    if probe().landlock:
        pytest.skip(probe().landlock)
    home = tmp_path / "opt" / "office"
    for place in (home / "program", home / "share", tmp_path / "opt" / "other", tmp_path / "data", tmp_path / "given"):
        place.mkdir(parents=True)
        (place / "file").write_text("x")
    program = home / "program" / "soffice"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    looked_at = tuple(
        str(p / "file") for p in (home / "share", tmp_path / "opt" / "other", tmp_path / "data", tmp_path / "given")
    )
    said = fenced(
        folder,
        read=(str(tmp_path / "given"), str(tmp_path / "gone")),
        looked_at=looked_at,
        PATH=f"{program.parent}:{os.environ['PATH']}",
        TESSDATA_PREFIX=str(tmp_path / "data"),
    )
    assert said["seen"] == [looked_at[0], looked_at[2], looked_at[3]]


@pytest.mark.parametrize(
    ("there", "gaps"),
    [
        (Protection(), 0),
        (Protection(namespace="no"), 0),
        (Protection(seccomp="no"), 1),
        (Protection("no", "no", ""), 2),
        (Protection("no", "no", "no"), 3),
        (Protection(signals="no"), 1),
    ],
)
def test_each_gap_is_named_with_its_reason(there: Protection, gaps: int) -> None:
    assert len(there.gaps()) == gaps
    assert all("no" in gap for gap in there.gaps())


def test_a_probe_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho first >&2; echo no such thing >&2; exit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    assert probe.__wrapped__() == Protection(*["no such thing"] * 4)
    broken.write_text("#!/bin/sh\nexit 3\n")
    assert probe.__wrapped__().landlock == "exit status 3"
