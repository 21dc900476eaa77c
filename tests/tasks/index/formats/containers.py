"""Small containers for tests: ZIP files from their parts, OLE2 files from their streams (olefile reads, but cannot write)."""

import io
import struct
import zipfile
from collections.abc import Mapping

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_SECTOR = 512
_CUTOFF = 4096


def zipped(parts: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return target.getvalue()


def ole2(streams: Mapping[str, bytes]) -> bytes:
    """A compound file of version 3 ([MS-CFB]); streams are padded to 4,096 bytes, so that none needs the mini stream.

    `folder/name` puts a stream into a storage.
    """
    tree: dict[str, list[str]] = {"": []}
    for path in streams:
        folder = ""
        for piece in path.split("/"):
            child = f"{folder}/{piece}".lstrip("/")
            if child not in tree[folder]:
                tree[folder].append(child)
            folder = child
            tree.setdefault(child, [])
    order = [""] + [child for folder in tree for child in tree[folder]]
    number = {path: index for index, path in enumerate(order)}
    body, fat, starts = bytearray(), [], {}
    for path, data in streams.items():
        if not data:
            continue
        padded = data.ljust(_CUTOFF, b"\0") if len(data) < _CUTOFF else data
        count = -(-len(padded) // _SECTOR)
        starts[path] = (len(fat), max(len(data), _CUTOFF))
        fat += [*range(len(fat) + 1, len(fat) + count), _END]
        body += padded.ljust(count * _SECTOR, b"\0")
    entries = bytearray()
    siblings = {child: kids[place + 1] for kids in tree.values() for place, child in enumerate(kids[:-1])}
    for path in order:
        name = (path.rsplit("/", 1)[-1] if path else "Root Entry").encode("utf-16-le") + b"\0\0"
        kind = 5 if not path else 2 if path in streams else 1
        start, size = starts.get(path, (_END, 0))
        right = number[siblings[path]] if path in siblings else _FREE
        child = number[tree[path][0]] if tree[path] else _FREE
        entries += name.ljust(64, b"\0") + struct.pack("<HBBIII", len(name), kind, 1, _FREE, right, child)
        entries += b"\0" * 36 + struct.pack("<IQ", start, size)
    blank = b"\0" * 64 + struct.pack("<HBBIII", 0, 0, 0, _FREE, _FREE, _FREE) + b"\0" * 48
    entries += blank * (-(len(entries) // 128) % 4)
    directory = len(fat)
    count = len(entries) // _SECTOR
    fat += [*range(directory + 1, directory + count), _END]
    tables = 1
    while (len(fat) + tables) * 4 > tables * _SECTOR:
        tables += 1
    places = list(range(len(fat), len(fat) + tables))
    assert tables <= 109, "a test's container is small"
    fat += [_FAT] * tables
    fat += [_FREE] * (tables * _SECTOR // 4 - len(fat))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    head += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    head += struct.pack("<IIIIIIIII", 0, tables, directory, 0, _CUTOFF, _END, 0, _END, 0)
    head += struct.pack("<109I", *places, *[_FREE] * (109 - tables))
    return bytes(head + body + entries + struct.pack(f"<{len(fat)}I", *fat))
