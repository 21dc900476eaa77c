"""Sources behind SFTP, on a real server: files are listed and read by their whole address, and an unknown server is refused."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from infra import files
from infra.errors import TransientError
from infra.roots import Found
from infra.sources import root_of, walk


class _Server(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        right = (username, password) == ("anna", "geheim")
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _Files(paramiko.SFTPServerInterface):
    """Read a folder of this machine."""

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return paramiko.SFTPAttributes.from_stat(os.stat(path))
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes]:
        return [
            paramiko.SFTPAttributes.from_stat(entry.stat(), entry.name) for entry in sorted(os.scandir(path), key=str)
        ]

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle:
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = Path(path).open("rb")  # noqa: SIM115 - the server closes it
        return handle


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, paramiko.PKey]]:
    """A port and the server's key."""
    key = paramiko.ECDSAKey.generate()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files)
            transport.start_server(server=_Server())

    threading.Thread(target=serve, daemon=True).start()
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.setattr("fsspec.config.conf", {"sftp": {"password": "geheim", "look_for_keys": False}})
    yield listening.getsockname()[1], key
    listening.close()


def test_a_folder_behind_sftp_is_listed_and_read_by_its_whole_address(
    server: tuple[int, paramiko.PKey], tmp_path: Path
) -> None:
    port, key = server
    folder = tmp_path / "out" / "2026"
    folder.mkdir(parents=True)
    (folder / "è fattura.xml").write_text("<a/>")
    (folder / ".hidden").write_text("x")
    url = f"sftp://anna@127.0.0.1:{port}{tmp_path}/out"
    with pytest.raises(TransientError, match="not found in known_hosts"):
        root_of(url)
    person = tmp_path / "person" / ".ssh"
    person.mkdir(parents=True)
    (person / "known_hosts").write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
    (found,) = walk(root_of(url))
    assert isinstance(found, Found)
    assert (found.path, found.size) == (f"{url}/2026/è fattura.xml", 4)
    assert found.stamp, "a date, so that an unchanged file is not fetched again"
    copy = files.fetch(found.path, tmp_path, 100)
    assert copy.read_text() == "<a/>"
