"""The door to where backups lie: a folder or an object store of immutable blobs named by their SHA-256, and small
named files.

    data/ab/abcdef…        a blob; the same content is stored once, whatever file or backup it belongs to
    ID/manifest.json       written last: a backup without it is not there
    drill.json             a note: what the drills verified

A blob is written beside under a temporary name, synced and renamed (object stores do that by themselves), so a blob
under its final name is whole. Needs the store's fsspec driver for URLs (`faldone[s3]` for s3://).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from infra.errors import FaldoneError
from infra.files import filesystem, is_url, reached, remove_tree
from infra.machine import sync_path

BLOCK = 1 << 20
MANIFEST = "manifest.json"
ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
BESIDE = re.compile(r"\.[0-9a-f]{64}\.[0-9a-f]{8}")
DRILL = re.compile(r"\.drill-" + ID.pattern)
BLOB = re.compile(r"[0-9a-f]{64}")


class Damaged(FaldoneError):
    """A blob or manifest is missing or is not what was written."""


class BackupStore:
    """Blobs and backups under a folder or a URL."""

    def __init__(self, location: str) -> None:
        self.location = location.rstrip("/") if is_url(location) else str(Path(location).expanduser().resolve())
        self.local = not is_url(self.location)
        if self.local:
            import fsspec

            self._fs: Any = fsspec.filesystem("file")
            self._root = self.location
        else:
            self._fs, self._root = filesystem(self.location)

    # ---- blobs -----------------------------------------------------------------------------------------------------

    def blob_path(self, digest: str) -> str:
        """Return where a blob lies."""
        return f"{self._root}/data/{digest[:2]}/{digest}"

    def blobs(self) -> dict[str, int]:
        """Return every blob and its bytes."""
        with reached(self.location):
            self._fs.invalidate_cache()
            found = self._fs.find(f"{self._root}/data", detail=True)
        names = ((path.rsplit("/", 1)[-1], about) for path, about in found.items())
        return {name: int(about["size"]) for name, about in names if BLOB.fullmatch(name)}

    def put(self, source: str, known: dict[str, int]) -> tuple[str, int, int]:
        """Put a file's content here unless it is among the `known` blobs; (SHA-256, bytes, bytes copied).

        Raises:
            FileNotFoundError: the source is gone.
            TransientError: the store cannot be written.
        """
        digest, size = _hashed(source)
        if known.get(digest) == size:
            return digest, size, 0
        with reached(self.location), _reading(source) as file:
            self._write(self.blob_path(digest), file)
        known[digest] = size
        return digest, size, size

    def _write(self, path: str, source: IO[bytes]) -> None:
        if not self.local:
            with self._fs.open(path, "wb") as target:
                shutil.copyfileobj(source, target, BLOCK)
            return
        final = Path(path)
        final.parent.mkdir(parents=True, exist_ok=True)
        beside = final.with_name(f".{final.name}.{uuid.uuid4().hex[:8]}")
        try:
            with beside.open("wb") as target:
                shutil.copyfileobj(source, target, BLOCK)
                target.flush()
                os.fsync(target.fileno())
            beside.replace(final)
        finally:
            beside.unlink(missing_ok=True)
        sync_path(final.parent)

    def link(self, digest: str, target: Path) -> bool:
        """Make a local file of a blob without reading it, which must then only be read; False where that cannot be had."""
        target.parent.mkdir(parents=True, exist_ok=True)
        return self.local and _linked(self.blob_path(digest), target)

    def fetch(self, digest: str, size: int, target: Path, link: bool = False) -> None:
        """Write a blob to a local file and check it on the way.

        Args:
            link: where the file system can, make a hard link instead of a copy; the file must then only be read.

        Raises:
            Damaged: it is missing or its content is not what it was.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        linked = link and self.link(digest, target)
        try:
            with reached(self.location), self._fs.open(self.blob_path(digest), "rb") as source:
                seen, count = _copied(source, None if linked else target)
        except FileNotFoundError:
            raise Damaged("is missing") from None
        if seen != digest or count != size:
            raise Damaged("is not what was backed up: its checksum differs")

    def remove_blob(self, digest: str) -> None:
        """Remove a blob; nothing happens when it is not there."""
        with reached(self.location):
            if self._fs.exists(self.blob_path(digest)):
                self._fs.rm_file(self.blob_path(digest))

    def set_aside(self, digest: str) -> None:
        """Rename a damaged blob, so that the next backup stores its content anew."""
        with reached(self.location):
            if self._fs.exists(self.blob_path(digest)):
                self._fs.mv(self.blob_path(digest), f"{self.blob_path(digest)}.damaged")

    # ---- backups ---------------------------------------------------------------------------------------------------

    def backups(self) -> list[str]:
        """Return the ids of the complete backups, sorted: ids begin with the time."""
        with reached(self.location):
            self._fs.invalidate_cache()
            found = self._fs.glob(f"{self._root}/*/{MANIFEST}")
        names = (path.split("/")[-2] for path in found)
        return sorted(name for name in names if ID.fullmatch(name))

    def write_manifest(self, backup: str, content: bytes) -> str:
        """Make a backup exist. Returns its path."""
        import io

        with reached(self.location):
            self._write(f"{self._root}/{backup}/{MANIFEST}", io.BytesIO(content))
        if self.local:
            sync_path(Path(self._root))
        return f"{self.location}/{backup}"

    def read_manifest(self, backup: str) -> bytes:
        """Return the manifest as it was written.

        Raises:
            FileNotFoundError: there is no such backup.
        """
        with reached(self.location):
            content: bytes = self._fs.cat_file(f"{self._root}/{backup}/{MANIFEST}")
        return content

    def read_note(self, name: str) -> bytes:
        """Return a small file beside the backups.

        Raises:
            FileNotFoundError: there is none.
        """
        with reached(self.location):
            self._fs.invalidate_cache()
            content: bytes = self._fs.cat_file(f"{self._root}/{name}")
        return content

    def write_note(self, name: str, content: bytes) -> None:
        """Write a small file beside the backups."""
        import io

        with reached(self.location):
            self._write(f"{self._root}/{name}", io.BytesIO(content))

    def remove_backup(self, backup: str) -> None:
        """Remove a backup; the manifest goes first, so that a half-removed one is not listed."""
        with reached(self.location):
            self._fs.rm_file(f"{self._root}/{backup}/{MANIFEST}")
        remove_tree(f"{self.location}/{backup}")

    def sweep(self) -> None:
        """Remove what killed jobs left: half-written files, folders without a manifest. Only for the holder of the
        backup lane.
        """
        if not self.local or not Path(self._root).is_dir():
            return
        for beside in Path(self._root).glob("data/*/.*"):
            if BESIDE.fullmatch(beside.name):
                beside.unlink(missing_ok=True)
        for folder in Path(self._root).iterdir():
            # by the very names that we give: a user may keep other things in the same place
            half = ID.fullmatch(folder.name) and not (folder / MANIFEST).exists()
            if folder.is_dir() and (half or DRILL.fullmatch(folder.name)):
                shutil.rmtree(folder)


@contextmanager
def _reading(source: str) -> Iterator[IO[bytes]]:
    if is_url(source):
        fs, inner = filesystem(source)
        with fs.open(inner, "rb") as file:
            yield file
    else:
        with Path(source).open("rb") as file:
            yield file


def _hashed(source: str) -> tuple[str, int]:
    with reached(source), _reading(source) as file:
        return _copied(file, None)


def _copied(source: IO[bytes], target: Path | None) -> tuple[str, int]:
    """Return SHA-256 and bytes of a stream, written to `target` on the way where there is one."""
    digest, count = hashlib.sha256(), 0
    with (target or Path(os.devnull)).open("wb") as file:
        while block := source.read(BLOCK):
            digest.update(block)
            count += len(block)
            file.write(block)
        if target:
            file.flush()
            os.fsync(file.fileno())
    return digest.hexdigest(), count


def _linked(blob: str, target: Path) -> bool:
    try:
        os.link(blob, target)
    except OSError:
        return False  # another file system, or one without links: it is copied
    return True
