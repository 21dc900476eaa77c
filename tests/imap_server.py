"""A real IMAP server with a certificate of its own, for tests: pymap in a process, its messages in memory."""

from __future__ import annotations

import datetime as dt
import imaplib
import ipaddress
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.machine import free_port

USER, PASSWORD = "protocollo", "pass word'\"\\è1"


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 and its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(11)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    kind, form, none = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = folder / "server.pem"
    file.write_bytes(key.private_bytes(kind, form, none) + made.public_bytes(kind))
    return file


@contextmanager
def imap_server(folder: Path) -> Iterator[tuple[int, Path]]:
    """A server with an empty account; its port and certificate. It offers STARTTLS, and takes no password without."""
    port, file = free_port(), certificate(folder)
    command = [sys.executable, "-c", "from pymap.main import main; main()", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--cert", str(file), "--key", str(file), "dict", "--demo-data", "--demo-user", USER]
    with (folder / "imap.log").open("wb") as log:
        process = subprocess.Popen([*command, "--demo-password", PASSWORD], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                imaplib.IMAP4("127.0.0.1", port, timeout=5).logout()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, (folder / "imap.log").read_text()
                time.sleep(0.1)
        yield port, file
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def client(port: int, file: Path) -> Iterator[imaplib.IMAP4]:
    """A connection that may write."""
    found = imaplib.IMAP4("127.0.0.1", port, timeout=20)
    found.starttls(ssl.create_default_context(cafile=str(file)))
    found.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode())
    try:
        yield found
    finally:
        found.logout()


def deliver(port: int, file: Path, folder: str, messages: Sequence[bytes]) -> None:
    """Put messages into a folder, which is made."""
    with client(port, file) as connection:
        connection.create(folder)
        for message in messages:
            status, said = connection.append(folder, None, None, message)
            assert status == "OK", said
