"""Small rules about this machine: a file replaced whole, a free port, growing waits."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from infra.errors import UsageError, first_line
from infra.machine import cores, free_port, replace_file, wait_before, with_jitter, written_beside


def test_a_reader_meets_the_old_or_the_new_file_and_never_a_part(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    versions = {str(number) * 50_000 for number in range(5)}
    replace_file(file, "0" * 50_000)
    writers = [threading.Thread(target=lambda v=v: [replace_file(file, v) for _ in range(10)]) for v in versions]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert file.read_text() in versions
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_what_cannot_be_written_leaves_the_former_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_file(tmp_path / "a", b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        replace_file(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_output_is_whole_or_as_it_was(tmp_path: Path) -> None:
    output = tmp_path / "new" / "rows.csv"
    with written_beside(output) as first, written_beside(output) as second:
        first.write_text("first")
        second.write_text("second")
        assert not output.exists()
    assert output.read_text() == "first"  # the last to end
    with pytest.raises(ValueError, match="half"), written_beside(output) as beside:
        beside.write_text("ha")
        raise ValueError("half")
    assert output.read_text() == "first"
    assert list(output.parent.iterdir()) == [output]


def test_a_port_that_is_taken_gives_way_to_one_near_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port
    assert free_port() > 1024
    with pytest.raises(UsageError, match=r"203\.0\.113\.1"):
        free_port(0, "203.0.113.1")


def test_waits_grow_to_five_minutes_and_are_spread_by_a_fifth() -> None:
    assert [wait_before(n) for n in range(1, 9)] == [5, 10, 20, 40, 80, 160, 300, 300]
    assert all(80 <= with_jitter(100) <= 120 for _ in range(50))
    assert cores() >= 1


def test_the_first_line_of_an_error_is_never_empty() -> None:
    assert first_line(ValueError("\n a\nb")) == "a"
    assert first_line(ValueError()) == "ValueError"
    assert first_line(ValueError("x" * 999)) == "x" * 300
