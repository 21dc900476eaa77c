"""Answers of mail servers that no library sends by itself: a scripted server behind TLS, line by line."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from imap_server import certificate
from infra import imap
from infra.errors import TransientError, UsageError
from infra.imap import Mailbox

GREETING = "* OK [CAPABILITY IMAP4rev1 {}] ready"


class Server(socketserver.ThreadingTCPServer):
    """A server that answers each command by its name; `None` closes the connection."""

    daemon_threads = True
    answers: dict[str, list[str] | None]
    said: list[str]
    tls: ssl.SSLContext | None
    capabilities: str


class Session(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        connection = self.request
        if self.server.tls is not None:
            connection = self.server.tls.wrap_socket(connection, server_side=True)
        file = connection.makefile("rwb")

        def say(*lines: str) -> None:
            file.write("".join(f"{line}\r\n" for line in lines).encode())
            file.flush()

        say(GREETING.format(self.server.capabilities))
        for line in file:
            tag, _, command = line.decode().strip().partition(" ")
            self.server.said.append(command)
            name = command.split(" ")[0].upper()
            if name == "UID":
                name = command.split(" ")[1].upper()
            answer = self.server.answers.get(name, [])
            if answer is None:
                return
            status = answer[-1] if answer and answer[-1].startswith(("NO", "BAD")) else "OK done"
            say(*(one for one in answer if one != status), f"{tag} {status}")


@contextmanager
def opened(
    folder: Path, tls: bool = True, capabilities: str = "", **answers: list[str] | None
) -> Iterator[tuple[Server, str]]:
    file = certificate(folder)
    with pytest.MonkeyPatch.context() as patch, Server(("127.0.0.1", 0), Session) as server:
        patch.setenv("SSL_CERT_FILE", str(file))
        server.answers = {"SELECT": ["* OK [UIDVALIDITY 7] v"], "EXAMINE": ["* OK [UIDVALIDITY 7] v"], **answers}
        server.answers["CAPABILITY"] = [f"* CAPABILITY IMAP4rev1 {capabilities}"]
        server.said, server.capabilities, server.tls = [], capabilities, None
        if tls:
            server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.tls.load_cert_chain(file)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        scheme = "imaps" if tls else "imap"
        yield server, f"{scheme}://me@127.0.0.1:{server.server_address[1]}/INBOX"
        server.shutdown()


@contextmanager
def mailbox(location: str, password: str = "secret") -> Iterator[Mailbox]:
    with imap.opened(location, password, "FALDONE_X") as box:
        yield box


def test_without_a_mechanism_a_password_of_ascii_is_given_by_login(tmp_path: Path) -> None:
    with opened(tmp_path) as (server, location):
        with mailbox(location) as box:
            assert box.validity == 7
        assert any(line.startswith("LOGIN me ") for line in server.said)
        with (
            pytest.raises(UsageError, match="refused the credentials of me: set FALDONE_X"),
            mailbox(location, "pässword"),
        ):
            pass


@pytest.mark.parametrize("answers", [{"LOGIN": ["NO wrong: secret"]}, {"LOGIN": ["BAD syntax secret"]}])
def test_what_a_server_says_to_a_password_is_not_repeated(tmp_path: Path, answers: dict[str, list[str] | None]) -> None:
    with opened(tmp_path, **answers) as (_, location), pytest.raises(UsageError) as caught, mailbox(location):
        pass
    assert "secret" not in str(caught.value)


def test_a_server_without_tls_gets_nothing(tmp_path: Path) -> None:
    with opened(tmp_path, tls=False) as (server, location):
        with pytest.raises(UsageError, match=r"offers no TLS .*: nothing was sent"), mailbox(location):
            pass
        assert not any("LOGIN" in line or "AUTH" in line for line in server.said)


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        ({"LOGIN": None}, TransientError, "cannot be reached"),
        ({"EXAMINE": None}, TransientError, "cannot be reached"),
        ({"EXAMINE": ["* 0 EXISTS"]}, UsageError, "gives no UIDVALIDITY"),
        ({"EXAMINE": ["NO no such mailbox"]}, UsageError, "there is no folder INBOX: no such mailbox"),
    ],
)
def test_what_a_server_lacks_is_named_and_one_that_hangs_up_may_come_back(
    tmp_path: Path, answers: dict[str, list[str] | None], error: type[Exception], words: str
) -> None:
    with opened(tmp_path, **answers) as (_, location), pytest.raises(error, match=words), mailbox(location):
        pass


def test_only_the_message_that_was_asked_for_counts(tmp_path: Path) -> None:
    answer = ["* 3 FETCH (UID 4 BODY[] {3}", "abc)", "* 1 FETCH (FLAGS (\\Seen))", "* 9 FETCH (UID 5 BODY[] {2}", "xy)"]
    with opened(tmp_path, FETCH=answer) as (server, location), mailbox(location) as box:
        assert (box.message(5), box.message(4), box.message(6)) == (b"xy", b"abc", None)
        server.answers["FETCH"] = [
            "* 1 FETCH (UID 3 RFC822.SIZE 10)",
            "* 2 FETCH (RFC822.SIZE 5 UID 8)",
            "* 4 FETCH (UID 9)",
        ]
        assert box.sizes(3) == {8: 5}
        server.answers["FETCH"] = ["NO busy"]
        with pytest.raises(TransientError, match="refused to list messages: busy"):
            box.sizes(3)
