"""Files embedded in Office documents: they become documents of their own, as the attachments of a mail do.

An embedded file stands in the package as itself (`embeddings/Sheet1.xlsx`) or within an OLE2 container
(`oleObject1.bin`): as a document of an old program, as the stream of a new one, or as any file that somebody dropped
into the page (`Ole10Native`, which keeps its name). What no other program than its own can read is named in a warning.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from infra.errors import DocumentError
from tasks.index.formats.ooxml import Package
from tasks.index.look import is_ole2

_KINDS = frozenset({"package", "oleObject", "embeddedObject"})
_DOCUMENTS = (("WordDocument", "doc"), ("Workbook", "xls"), ("Book", "xls"), ("PowerPoint Document", "ppt"))
_STREAMS = ("Package", "CONTENTS", "EmbeddedOdf", "package_stream")
_NATIVE = "\x01Ole10Native"
_ASIDE = frozenset({"\x01Ole", "\x01CompObj", "\x03ObjInfo", "\x03LinkInfo", "\x03PRINT", "\x03EPRINT"})
"""Streams of an object that hold nothing of its contents but a picture."""


def embedded_files(package: Package) -> Iterator[tuple[str, bytes]]:
    """Yield (name, data) of each embedded file; `package.warnings` names those that cannot be read."""
    seen: set[str] = set()
    for part in _owners(package):
        for relation in package.relations(part).values():
            if relation.kind not in _KINDS or relation.external or relation.target in seen:
                continue
            seen.add(relation.target)
            try:
                data = package.read(relation.target)
            except DocumentError as error:
                package.warnings.append(f"an embedded file was left out: {error.message}")
                continue
            name = PurePosixPath(relation.target).name
            if (found := unpacked(name, data)) is None:
                package.warnings.append(f"the embedded object {name} ({program_of(data)}) was not read")
            else:
                yield found


def _owners(package: Package) -> list[str]:
    """Return the parts that point to others, but charts: the workbook behind a chart is the chart's."""
    rels = (re.fullmatch(r"(.*?)_rels/([^/]+)\.rels", name) for name in package.names)
    parts = sorted(match.group(1) + match.group(2) for match in rels if match)
    return [part for part in parts if "/charts/" not in part]


def unpacked(name: str, data: bytes) -> tuple[str, bytes] | None:
    """Return the file in an embedded object, None when it is an object of another program."""
    if not is_ole2(data):
        return name, data
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            return _in_container(PurePosixPath(name).stem, data, container)
    except (OSError, ValueError, IndexError, OverflowError, AttributeError, struct.error):
        return None


def _in_container(stem: str, data: bytes, container: Any) -> tuple[str, bytes] | None:
    if container.exists(_NATIVE):
        return native_file(container.openstream(_NATIVE).read(), stem)
    for stream in _STREAMS:
        if container.exists(stream) and (inner := container.openstream(stream).read()):
            return (f"{stem}{_suffix(inner)}", inner) if stream != "CONTENTS" or _suffix(inner) else None
    return next(((f"{stem}.{suffix}", data) for stream, suffix in _DOCUMENTS if container.exists(stream)), None)


def files_within(data: bytes) -> tuple[list[tuple[str, bytes]], list[str]]:
    """Return the files embedded in a document of the old kind (DOC, XLS, PPT), and a warning of the objects that are not read.

    Each object has a storage of its own (`MBD…` in a workbook, `ObjectPool/…` in a text).
    """
    import olefile

    files: list[tuple[str, bytes]] = []
    warnings: list[str] = []
    unread: list[str] = []
    if not is_ole2(data):  # Excel before version 5: nothing could be embedded
        return files, warnings
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            streams = container.listdir()
            storages = {"/".join(path[:-1]) for path in streams if re.match(r"MBD|ObjectPool/_", "/".join(path))}
            for storage in sorted(storage for storage in storages if storage.count("/") < 2):
                names = {path[-1] for path in streams if "/".join(path[:-1]) == storage}
                try:
                    found = _in_storage(container, storage, names)
                except (ValueError, struct.error):  # a damaged object costs only itself
                    found = None
                if found is not None:
                    files.append(found)
                elif names - _ASIDE:
                    unread.append(storage)
    except (OSError, ValueError, IndexError, OverflowError, AttributeError, struct.error) as error:
        warnings.append(f"embedded objects were not read: {error}")
    if unread:
        warnings.append(f"{len(unread)} embedded object(s) of other programs were not read: {', '.join(unread[:3])}")
    return files, warnings


def _in_storage(container: Any, storage: str, names: set[str]) -> tuple[str, bytes] | None:
    stem = storage.rpartition("/")[2].strip("_")
    if _NATIVE in names:
        return native_file(container.openstream(f"{storage}/{_NATIVE}").read(), stem)
    for stream in (*_STREAMS, "Workbook"):  # a workbook is read from its bare stream too
        if stream in names and (inner := container.openstream(f"{storage}/{stream}").read()):
            suffix = ".xls" if stream == "Workbook" else _suffix(inner)
            return (f"{stem}{suffix}", inner) if suffix or stream != "CONTENTS" else None
    return None


def _suffix(data: bytes) -> str:
    """Return a likely extension; the content decides later in any case."""
    if data.startswith(b"%PDF"):
        return ".pdf"
    if data.startswith(b"PK"):
        return next((s for mark, s in ((b"word/", ".docx"), (b"xl/", ".xlsx"), (b"ppt/", ".pptx")) if mark in data), "")
    return ""


def native_file(data: bytes, stem: str) -> tuple[str, bytes] | None:
    """Return the file of an `Ole10Native` stream ([MS-OLEDS] 2.3.6): label, path, temporary path, then size and bytes."""
    place = 6
    texts = []
    for _ in range(2):
        end = data.index(b"\0", place)
        texts.append(data[place:end])
        place = end + 1
    place += 4
    (length,) = struct.unpack_from("<I", data, place)
    place += 4 + length
    (size,) = struct.unpack_from("<I", data, place)
    inner = data[place + 4 : place + 4 + size]
    names = [*_wide_names(data, place + 4 + size), *(text.decode("cp1252", "replace") for text in texts)]
    label = next((plain for name in names if (plain := PurePosixPath(name.replace("\\", "/")).name)), stem)
    return (label, inner) if inner else None


def _wide_names(data: bytes, place: int) -> Iterator[str]:
    """Yield the label and the path once more, in UTF-16, as newer programs add them behind the file; the temporary path comes first."""
    found = []
    for _ in range(3):
        if place + 4 > len(data):
            return
        (length,) = struct.unpack_from("<I", data, place)
        found.append(data[place + 4 : place + 4 + length * 2].decode("utf-16-le", "replace"))
        place += 4 + length * 2
    yield from found[1:]


def program_of(data: bytes) -> str:
    """Return the program that an OLE2 object belongs to, as the object itself names it."""
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            words = container.openstream("\x01CompObj").read() if container.exists("\x01CompObj") else b""
    except (OSError, ValueError, IndexError, OverflowError, AttributeError):
        return "damaged"
    found = re.findall(rb"[A-Za-z][\w. -]{3,60}(?=\0)", words)
    return found[0].decode("ascii") if found else "of an unknown program"


def object_of_rtf(digits: str) -> tuple[str, bytes] | None:
    """Return the file in an object of RTF: hexadecimal digits of an OLE 1 stream ([MS-OLEDS] 2.2.5)."""
    try:
        data = bytes.fromhex(re.sub(r"[^0-9A-Fa-f]", "", digits))
        place = 8
        names = []
        for _ in range(3):
            (length,) = struct.unpack_from("<I", data, place)
            names.append(data[place + 4 : place + 4 + length].rstrip(b"\0").decode("latin-1"))
            place += 4 + length
        (size,) = struct.unpack_from("<I", data, place)
        inner = data[place + 4 : place + 4 + size]
        return native_file(b"\0\0\0\0" + inner, "object") if names[0] == "Package" else unpacked("object.bin", inner)
    except (ValueError, struct.error):
        return None
