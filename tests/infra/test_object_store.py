"""What is said of an object store that is in trouble, refuses, or withholds a file for some seconds: a server that does so on purpose."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra import files
from infra.errors import DocumentError, FailureKind, TransientError, UsageError
from infra.lake import Lake
from infra.machine import free_port
from infra.object_store import raise_trouble

pytestmark = pytest.mark.slow


class Store(ThreadingHTTPServer):
    """Answers the first `bad` requests with a status, all later ones with a file."""

    daemon_threads = True
    status, bad, asked = 500, 1_000_000, 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Store

    def do_GET(self) -> None:
        self.server.asked += 1
        body = b"ricavi 100" if self.server.asked > self.server.bad else b""
        self.send_response(200 if body else self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_PUT = do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with Store(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        _credentials(monkeypatch, server.url)
        yield server
        server.shutdown()


def _credentials(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    given = {
        "AWS_ENDPOINT": endpoint,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "eu-south-1",
    }
    for name, value in (given | {"AWS_ALLOW_HTTP": "true"}).items():
        monkeypatch.setenv(name, value)


def test_a_store_in_trouble_when_a_run_begins_may_pass(store: Store) -> None:
    with pytest.raises(TransientError, match=r"^s3://papers/home/lake: the object store answers with 500$"):
        Lake("s3://papers/home").names()


def test_the_status_is_told_however_lance_words_it() -> None:
    words = "lance error: LanceError(IO): Generic S3 error: Error performing GET http://s3/b - Server returned non-2xx status code: "
    with pytest.raises(TransientError, match=r"^s3://b/lake: the object store answers with 503$"):
        raise_trouble("s3://b/lake", RuntimeError(f"{words}503 Slow Down: <Error/>"))
    raise_trouble("s3://b/lake", RuntimeError("lance error: Not found: b/lake/a.lance/data/1.lance"))
    raise_trouble("/srv/lake", RuntimeError(f"{words}503"))


def test_a_store_that_refuses_is_for_the_user_to_mend(store: Store) -> None:
    store.status = 403
    with pytest.raises(UsageError, match=r"s3://papers/elsewhere/lake: the object store refuses \(403\).*AWS_"):
        Lake("s3://papers/elsewhere").names()


def test_a_store_that_is_away_may_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    _credentials(monkeypatch, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(TransientError, match="s3://papers/away/lake: the object store does not answer"):
        Lake("s3://papers/away").names()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses made, none of them waited for."""
    made: list[float] = []
    monkeypatch.setattr(files, "_given_up", {})
    monkeypatch.setattr(files.time, "sleep", made.append)
    return made


def test_a_file_that_is_withheld_for_some_seconds_is_waited_for(
    store: Store, pauses: list[float], tmp_path: Path
) -> None:
    store.status, store.bad = 503, 4
    assert files.fetch(f"{store.url}/a.txt", tmp_path, 100).read_bytes() == b"ricavi 100"
    assert tuple(pauses) == files.FETCH_PAUSES[: len(pauses)]
    assert pauses


def test_a_store_is_waited_for_in_vain_only_once(store: Store, pauses: list[float], tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        with pytest.raises(DocumentError) as told:
            files.fetch(f"{store.url}/{name}.txt", tmp_path, 100)
        assert told.value.kind == FailureKind.NETWORK
    assert tuple(pauses) == files.FETCH_PAUSES


def test_a_refusal_is_not_waited_for(store: Store, pauses: list[float], tmp_path: Path) -> None:
    for store.status, kind in ((401, FailureKind.PERMISSION), (404, FailureKind.NOT_FOUND), (418, FailureKind.NETWORK)):
        with pytest.raises(DocumentError) as told:
            files.fetch(f"{store.url}/a.txt", tmp_path, 100)
        assert told.value.kind == kind
    assert not pauses
