"""The office of benchmarks/chaos.py: files on a disk and on a share, the people who change them, and what an index of them must hold."""

from __future__ import annotations

import email
import email.policy
import errno
import hashlib
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import fsspec

from infra.lake import Lake
from infra.settings import Settings
from tasks.collection import ledger
from tasks.collection.analyses import ANALYSES
from tasks.collection.chunks import CHUNKS
from tasks.maintain import audit
from tasks.records import ATTACHMENT

C = "office"
PROTOCOL = "chaos"


# ---- the share, which fails when it is told to ------------------------------------------------------------------------


class Share(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """Files of this machine behind `chaos://`; `trouble` draws by lot whether a call fails."""

    protocol = PROTOCOL
    cachable = False
    trouble: random.Random | None = None

    def _may_fail(self) -> None:
        if Share.trouble is not None and Share.trouble.random() < 0.2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def ls(self, path: str, detail: bool = True, **more: Any) -> list[Any]:
        self._may_fail()
        found = [self.info(f"{path.rstrip('/')}/{name}") for name in sorted(os.listdir(f"/{path}"))]
        return found if detail else [one["name"] for one in found]

    def info(self, path: str, **more: Any) -> dict[str, Any]:
        path = self._strip_protocol(path)
        status = Path(f"/{path}").stat()
        kind = "directory" if Path(f"/{path}").is_dir() else "file"
        return {"name": path, "size": status.st_size, "type": kind, "mtime": str(status.st_mtime_ns)}

    def _open(self, path: str, mode: str = "rb", **more: Any) -> Any:
        self._may_fail()
        return Path(f"/{path}").open("rb")


# ---- the office ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Office:
    """Text files and mails with attachments in a folder and on a share, and the people who change them."""

    place: Path
    lot: random.Random
    date: int = 1_700_000_000
    serial: int = 0
    undo: dict[Path, tuple[bytes, float]] = field(default_factory=dict)

    @property
    def sources(self) -> list[str]:
        return [str(self.place / "papers"), f"{PROTOCOL}://{str(self.place / 'share').lstrip('/')}"]

    def settings(self) -> Settings:
        return Settings(home=str(self.place / "home"), dask="threads", workers=2)

    def files(self) -> list[Path]:
        return sorted(path for top in ("papers", "share") for path in (self.place / top).rglob("*.*"))

    def fill(self, documents: int) -> None:
        for number in range(documents):
            ending = "eml" if number % 5 == 0 else "txt"
            self.write(self.place / ("papers", "share")[number % 2] / f"{number // 50:02d}" / f"{number:04d}.{ending}")

    def write(self, path: Path) -> None:
        """Write a new version; a third of the dates lie before the last."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(self._mail()) if path.suffix == ".eml" else self._text().encode())
        self.date += 1
        date = self.date - (86_400 * self.lot.randrange(300) if self.lot.random() < 0.3 else 0)
        os.utime(path, (date, date + self.serial / 1e6))

    def _text(self) -> str:
        self.serial += 1
        return f"Il documento numero {self.serial} conferma la fornitura di lana della stagione invernale."

    def _mail(self) -> EmailMessage:
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = "Invio", "a@example.org", "b@example.org"
        message.set_content(self._text())
        for number in range(self.lot.randrange(1, 4)):
            message.add_attachment(self._text(), filename=f"allegato{number}.txt")
        return message

    def change(self, most: int = 2) -> None:
        """Edit, add, delete, move, and put back what was changed before with its old date."""
        for path in self.lot.sample(self.files(), self.lot.randrange(3, 8)):
            self.undo[path] = (path.read_bytes(), path.stat().st_mtime)
            self.write(path)
        for path in self.lot.sample(self.files(), self.lot.randrange(most + 1)):
            self.undo[path] = (path.read_bytes(), path.stat().st_mtime)
            path.unlink()
        source, target = self.lot.sample([path for path in self.files() if path.suffix == ".txt"], 2)
        source.replace(target)
        self.write(target.with_name(f"{self.serial:06d}.txt"))
        self.put_back(self.lot.randrange(4))

    def put_back(self, most: int) -> None:
        for path in self.lot.sample(sorted(self.undo), min(most, len(self.undo))):
            content, date = self.undo.pop(path)
            path.write_bytes(content)
            os.utime(path, (date, date))


# ---- what must hold -------------------------------------------------------------------------------------------------


def verify(office: Office) -> Counter[str]:
    """Count what is lost, there twice, or not as the files are: all of it should be nothing."""
    wanted = expected(office)
    lake = Lake(office.settings().root)
    rows = ledger.read(lake, C).to_pylist()
    paths = Counter(row["path"] for row in rows)
    texts = Counter[tuple[str, str]]()
    chunks = CHUNKS.read(lake, C, ["chunk_id", "document_id", "text"]).to_pylist()
    for chunk in chunks:
        texts[chunk["document_id"], chunk["text"].strip()] += 1
    found = Counter[str]()
    good = {row["path"]: row for row in rows if row["state"] == ledger.INDEXED}
    for path, (digest, text) in wanted.items():
        row = good.get(path)
        if row is None:
            found["lost"] += 1
        elif row["content_hash"] != digest or (
            sum(count for (document, said), count in texts.items() if document == row["document_id"] and text in said)
            != 1
        ):
            found["wrong"] += 1
    found["double"] += sum(count - 1 for count in paths.values()) + len(chunks) - len({c["chunk_id"] for c in chunks})
    found["left over"] += len(set(paths) - set(wanted)) + len(
        {c["document_id"] for c in chunks} - {r["document_id"] for r in rows}
    )
    kept = ANALYSES.read(lake, C, ["document_id", "type"]).to_pylist()
    found["double"] += len(kept) - len({(row["document_id"], row["type"]) for row in kept})
    found["named by audit"] += len(audit.look(office.settings(), lake, C).findings)
    return +found


def expected(office: Office) -> dict[str, tuple[str, str]]:
    """The content hash and the sentence of each file and attachment, by the path that the index has for it."""
    found: dict[str, tuple[str, str]] = {}
    for file in office.files():
        data = file.read_bytes()
        path = str(file) if file.is_relative_to(office.place / "papers") else f"{PROTOCOL}://{str(file).lstrip('/')}"
        if file.suffix == ".txt":
            found[path] = _digest(data), data.decode()
            continue
        message = email.message_from_bytes(data, policy=email.policy.default)
        body = message.get_body(("plain",))
        assert body is not None
        found[path] = _digest(data), str(body.get_content()).strip()
        for part in message.iter_attachments():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            found[f"{path}{ATTACHMENT}{part.get_filename()}"] = _digest(content), content.decode().strip()
    return found


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
