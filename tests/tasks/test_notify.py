"""Messages to whom they name: mail, push, a call of a URL, against real servers on this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from infra import mail
from infra.errors import TransientError, UsageError
from infra.settings import Settings
from tasks.notify import send
from tests.infra.test_outgoing_mail import Inbox, hook, inbox, settings  # noqa: F401 - fixtures

NOBODY = Settings()


def test_a_mail_goes_to_whom_the_message_names_and_bears_its_reference(inbox: tuple[Inbox, int]) -> None:  # noqa: F811
    box, port = inbox
    sent = send(settings(port), "Welcome", "Ciao", to=["ada@user.example", "ben@user.example"], reference="job-1")
    assert (sent.channels, sent.by) == (2, ("mail",))
    (message,) = box.messages
    assert message["To"] == "ada@user.example, ben@user.example"
    assert message["Message-ID"].startswith("<job-1@")


@pytest.mark.parametrize("address", ["nobody", "a@b\nBcc: c@d", "a@b, c@d", "<a@b>", ""])
def test_what_is_no_single_address_is_refused(inbox: tuple[Inbox, int], address: str) -> None:  # noqa: F811
    box, port = inbox
    with pytest.raises(UsageError, match="no mail address"):
        send(settings(port), "s", to=[address])
    assert not box.messages


def test_nobody_to_send_to_is_said() -> None:
    with pytest.raises(UsageError, match="nobody to send to"):
        send(NOBODY, "s")
    with pytest.raises(UsageError, match="FALDONE_SMTP_URL"):
        send(NOBODY, "s", to=["a@b.example"])


def test_a_url_is_called_and_a_channel_of_apprise_too(hook: tuple[list[dict[str, Any]], int]) -> None:  # noqa: F811
    bodies, port = hook
    place = f"127.0.0.1:{port}/"
    sent = send(NOBODY, "Subject", "Text", channels=[f"json://{place}"], url=f"http://{place}", payload={"job": 1})
    assert (sent.channels, sent.by) == (2, ("push", "call"))
    assert bodies[0]["title"] == "Subject"
    assert bodies[1] == {"job": 1}


@pytest.fixture
def answering() -> Iterator[tuple[HTTPServer, str]]:
    """A server that answers with the status in its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(int(self.path[1:]))
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "error"),
    [(200, None), (204, None), (302, UsageError), (404, UsageError), (429, TransientError), (503, TransientError)],
)
def test_what_may_pass_is_tried_again_and_what_is_refused_is_not(
    answering: tuple[HTTPServer, str], status: int, error: type[Exception] | None
) -> None:
    url = f"{answering[1]}/{status}"
    if error is None:
        mail.call(url, {})
        return
    with pytest.raises(error):
        mail.call(url, {})


@pytest.mark.parametrize("url", ["ftp://x/", "file:///etc/passwd", "http://", "x"])
def test_only_urls_of_the_web_are_called(url: str) -> None:
    with pytest.raises(UsageError, match="http"):
        mail.call(url, {})


def test_nobody_who_listens_may_pass() -> None:
    with pytest.raises(TransientError, match=r"127\.0\.0\.1"):
        mail.call("http://127.0.0.1:1/", {})
