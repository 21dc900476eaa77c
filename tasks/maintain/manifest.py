"""What a backup is made of, as its manifest says: files with sizes and checksums, tables with versions and row counts.

The manifest is two lines: a JSON object with the SHA-256 of the second line, and the second line. So a flipped byte
anywhere in it is found, as the checksums in it find one in any file. A manifest is input from outside: every path and
name in it is checked before it is used.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from infra.backup_store import Damaged
from infra.errors import UsageError
from infra.lake import COLLECTION_NAME

FORMAT = 1
DIGEST = re.compile(r"[0-9a-f]{64}")
TABLE = re.compile(COLLECTION_NAME.pattern + r"\.[a-z]{1,32}")
PART = re.compile(r"[A-Za-z0-9_@+=,.\- ]{1,255}")
TOPS = ("lake", "models", "about")


@dataclass(frozen=True, slots=True)
class File:
    """A file of a backup: `path` relative to the data folder, `size` in bytes, `sha256` its content and its blob's
    name.
    """

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Pinned:
    """A table at the version that the backup holds."""

    name: str
    version: int
    rows: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole backup."""

    id: str
    created_at: str
    release: str
    documents: int
    chunks: int
    tables: tuple[Pinned, ...]
    files: tuple[File, ...]
    settings: Mapping[str, Any]

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files)


def encode(manifest: Manifest) -> bytes:
    """Return the manifest's two lines."""
    body = asdict(manifest) | {
        "format": FORMAT,
        "files": [[file.path, file.size, file.sha256] for file in manifest.files],
    }
    line = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    head = json.dumps({"sha256": hashlib.sha256(line).hexdigest()}).encode()
    return head + b"\n" + line + b"\n"


def decode(content: bytes, backup: str, where: str) -> Manifest:
    """Check a manifest and read it.

    Raises:
        Damaged: it is not as it was written; the message names it.
        UsageError: it holds a path that leaves the data folder, or is of a newer release.
    """
    try:
        body = _body(content, where)
        if body.get("format") != FORMAT:
            release = f"({body.get('release')}), format {body.get('format')}"
            raise UsageError(f"{where}: made by another release of Faldone {release}")
        made = Manifest(
            body["id"],
            body["created_at"],
            body["release"],
            int(body["documents"]),
            int(body["chunks"]),
            tuple(Pinned(t["name"], int(t["version"]), int(t["rows"])) for t in body["tables"]),
            tuple(File(path, int(size), digest) for path, size, digest in body["files"]),
            dict(body["settings"]),
        )
        if made.id != backup:
            raise Damaged(f"{where}: it is the manifest of backup {made.id}")
        _check(made, where)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise Damaged(f"{where}: not a manifest of a backup: {error}") from None  # whatever a forged one holds
    return made


def _body(content: bytes, where: str) -> dict[str, Any]:
    head, newline, rest = content.partition(b"\n")
    line = rest.removesuffix(b"\n")
    try:
        expected = json.loads(head)["sha256"]
    except (ValueError, KeyError, TypeError):
        raise Damaged(f"{where}: it is not what was written: its first line is damaged") from None
    whole = newline + (b"\n" if rest.endswith(b"\n") else b"") == b"\n\n"
    if not whole or hashlib.sha256(line).hexdigest() != expected:
        raise Damaged(f"{where}: it is not what was written: its checksum differs")
    body: dict[str, Any] = json.loads(line)
    return body


def _check(manifest: Manifest, where: str) -> None:
    """Refuse whatever could write outside of the folder that is restored into.

    Raises:
        UsageError: a path or name that no backup of ours has.
    """
    for table in manifest.tables:
        if not TABLE.fullmatch(table.name):
            raise UsageError(f"{where}: {table.name!r} is not the name of a table: nothing was restored")
        if table.version < 1 or table.rows < 0:
            raise UsageError(f"{where}: the entry of {table.name} is not sound: nothing was restored")
    seen: set[str] = set()
    for file in manifest.files:
        parts = file.path.split("/")
        sound = all(PART.fullmatch(part) and part not in {".", ".."} for part in parts)
        if len(parts) < 2 or parts[0] not in TOPS or not sound:
            raise UsageError(f"{where}: the path {file.path!r} leaves the data folder: nothing was restored")
        if parts[0] == "lake" and not (
            parts[1].endswith(".lance") and TABLE.fullmatch(parts[1].removesuffix(".lance"))
        ):
            raise UsageError(f"{where}: {file.path!r} does not belong to a table: nothing was restored")
        if not DIGEST.fullmatch(file.sha256) or file.size < 0 or file.path in seen:
            raise UsageError(f"{where}: the entry of {file.path!r} is not sound: nothing was restored")
        seen.add(file.path)
