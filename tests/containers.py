"""Small containers for tests: ZIP files from their parts, OLE2 files from their streams (olefile reads, but cannot write)."""

import io
import struct
import zipfile
from collections.abc import Mapping

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_SECTOR, _MINI, _CUTOFF = 512, 64, 4096


def zipped(parts: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return target.getvalue()


class _Area:
    """Sectors of one size, and the table that chains them."""

    def __init__(self, size: int) -> None:
        self.size, self.body, self.table = size, bytearray(), list[int]()

    def add(self, data: bytes) -> int:
        """Store a stream; the number of its first sector."""
        start, count = len(self.table), -(-len(data) // self.size)
        self.table += [*range(start + 1, start + count), _END][:count]
        self.body += data.ljust(count * self.size, b"\0")
        return start if count else _END


def ole2(streams: Mapping[str, bytes]) -> bytes:
    """A compound file of version 3 ([MS-CFB]); `folder/name` puts a stream into a storage."""
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
    area, mini = _Area(_SECTOR), _Area(_MINI)
    starts = {path: (area if len(data) >= _CUTOFF else mini).add(data) for path, data in streams.items()}
    mini_start = area.add(bytes(mini.body))
    mini_table = struct.pack(f"<{len(mini.table)}I", *mini.table)
    padded = mini_table + b"\xff" * (-len(mini_table) % _SECTOR)
    mini_fat, mini_sectors = area.add(padded), len(padded) // _SECTOR
    entries = _directory(tree, order, streams, starts, (mini_start, len(mini.body)))
    directory = area.add(entries)
    tables = 1
    while (len(area.table) + tables) * 4 > tables * _SECTOR:
        tables += 1
    assert tables <= 109, "a test's container is small"
    places = list(range(len(area.table), len(area.table) + tables))
    fat = area.table + [_FAT] * tables
    fat += [_FREE] * (tables * _SECTOR // 4 - len(fat))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    head += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    head += struct.pack("<9I", 0, tables, directory, 0, _CUTOFF, mini_fat, mini_sectors, _END, 0)
    head += struct.pack("<109I", *places, *[_FREE] * (109 - tables))
    return bytes(head + area.body + struct.pack(f"<{len(fat)}I", *fat))


def _directory(
    tree: Mapping[str, list[str]],
    order: list[str],
    streams: Mapping[str, bytes],
    starts: Mapping[str, int],
    root: tuple[int, int],
) -> bytes:
    number = {path: index for index, path in enumerate(order)}
    siblings = {child: kids[place + 1] for kids in tree.values() for place, child in enumerate(kids[:-1])}
    entries = bytearray()
    for path in order:
        name = (path.rsplit("/", 1)[-1] if path else "Root Entry").encode("utf-16-le") + b"\0\0"
        kind = 5 if not path else 2 if path in streams else 1
        start, size = root if not path else (starts.get(path, 0), len(streams.get(path, b"")))
        right = number[siblings[path]] if path in siblings else _FREE
        child = number[tree[path][0]] if tree[path] else _FREE
        entries += name.ljust(64, b"\0") + struct.pack("<HBBIII", len(name), kind, 1, _FREE, right, child)
        entries += b"\0" * 36 + struct.pack("<IQ", start, size)
    blank = b"\0" * 64 + struct.pack("<HBBIII", 0, 0, 0, _FREE, _FREE, _FREE) + b"\0" * 48
    return bytes(entries + blank * (-(len(entries) // 128) % 4))
