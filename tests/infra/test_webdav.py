"""WebDAV as a source: who signs in, and what lies in the root of a server. The driver's place is taken by one with its signature."""

from __future__ import annotations

from typing import Any

import pytest
from fsspec.registry import _registry
from fsspec.spec import AbstractFileSystem

from infra.files import filesystem
from infra.remote_sources import remote_root, walk_remote
from infra.roots import Found


class Server(AbstractFileSystem):  # type: ignore[misc]
    """As webdav4's: it knows no user name apart from `auth`, and names what is in the root without a slash."""

    protocol = "webdav"
    cachable = False
    FILES = ("nota.txt", "sub/fattura.xml", "subaltro/x.txt")

    def __init__(self, base_url: str, auth: tuple[str, str] | None = None, verify: Any = True) -> None:
        super().__init__()
        self.base_url, self.auth = base_url, auth

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        below = f"{path.strip('/')}/" if path.strip("/") else ""
        names = {below + f.removeprefix(below).partition("/")[0] for f in self.FILES if f.startswith(below)}
        return [self.info(name) for name in sorted(names)]

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        name = path.strip("/")
        if name in self.FILES:
            return {"name": name, "type": "file", "size": 3, "etag": "1"}
        if not name or any(f.startswith(f"{name}/") for f in self.FILES):
            return {"name": name, "type": "directory", "size": 0}
        raise FileNotFoundError(path)


@pytest.fixture
def webdav(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_registry, "webdav", Server)
    monkeypatch.setattr("fsspec.config.conf", {"webdav": {"username": "anna", "password": "geheim"}})
    monkeypatch.setenv("FSSPEC_WEBDAV_USERNAME", "anna")
    monkeypatch.setenv("FSSPEC_WEBDAV_PASSWORD", "geheim")


@pytest.mark.usefixtures("webdav")
def test_the_credentials_of_the_environment_sign_in() -> None:
    """fsspec itself reads these two variables and would hand the driver a name that it does not know."""
    for _ in range(2):
        fs, path = filesystem("webdav://dav.example/sub")
        assert (fs.base_url, fs.auth, path) == ("https://dav.example", ("anna", "geheim"), "sub")


@pytest.mark.usefixtures("webdav")
@pytest.mark.parametrize(
    ("url", "paths"),
    [
        ("webdav://dav.example/", ["nota.txt", "sub/fattura.xml", "subaltro/x.txt"]),
        ("webdav://dav.example/sub", ["sub/fattura.xml"]),
        ("webdav://dav.example/*.txt", ["nota.txt"]),
    ],
)
def test_the_root_of_a_server_is_listed_like_any_folder(url: str, paths: list[str]) -> None:
    found = [item.path for item in walk_remote(remote_root(url)) if isinstance(item, Found)]
    assert sorted(found) == [f"webdav://dav.example/{path}" for path in paths]
