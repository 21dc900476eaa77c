"""Writes OLE2 compound files (the container of MSG), version 3, because no maintained library does.

Every stream of at least 4,096 bytes lies in sectors of 512, shorter ones in the mini stream in sectors of 64 bytes.
Source: [MS-CFB]. Enough for files below 6.8 MB (109 FAT sectors).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

FREE, END, FAT_SECTOR = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SECTOR, MINI, CUTOFF = 512, 64, 4096


@dataclass
class Storage:
    """A folder of the compound file: streams (bytes) and storages by name."""

    entries: dict[str, bytes | Storage] = field(default_factory=dict)


@dataclass
class _Node:
    name: str
    kind: int  # 1 storage, 2 stream, 5 root
    data: bytes = b""
    left: int = FREE
    right: int = FREE
    child: int = FREE
    start: int = END


def _flatten(root: Storage) -> list[_Node]:
    nodes = [_Node("Root Entry", 5)]

    def add(storage: Storage, parent: int) -> None:
        numbers = []
        for name in sorted(storage.entries, key=lambda text: (len(text), text.upper())):
            value = storage.entries[name]
            nodes.append(_Node(name, 1) if isinstance(value, Storage) else _Node(name, 2, value))
            numbers.append(len(nodes) - 1)
            if isinstance(value, Storage):
                add(value, len(nodes) - 1)
        nodes[parent].child = _balance(nodes, numbers)

    add(root, 0)
    return nodes


def _balance(nodes: list[_Node], numbers: list[int]) -> int:
    """Make a search tree of siblings that are in order; the number of its top, or FREE."""
    if not numbers:
        return FREE
    middle = len(numbers) // 2
    top = numbers[middle]
    nodes[top].left, nodes[top].right = _balance(nodes, numbers[:middle]), _balance(nodes, numbers[middle + 1 :])
    return top


def _entry(node: _Node, size: int) -> bytes:
    name = node.name.encode("utf-16-le")
    head = name.ljust(64, b"\0") + struct.pack("<HBB3I", len(name) + 2, node.kind, 1, node.left, node.right, node.child)
    return head + bytes(16) + bytes(4) + bytes(16) + struct.pack("<IQ", node.start, size)


class _Sectors:
    """Allocates chains of sectors of one size."""

    def __init__(self, size: int) -> None:
        self.size, self.table, self.data = size, list[int](), bytearray()

    def put(self, data: bytes) -> int:
        if not data:
            return END
        first, count = len(self.table), -(-len(data) // self.size)
        self.table += [*range(first + 1, first + count), END]
        self.data += data.ljust(count * self.size, b"\0")
        return first


def _words(numbers: list[int]) -> bytes:
    """A table of sector numbers, filled up to whole sectors."""
    return struct.pack(f"<{len(numbers)}I", *numbers) + b"\xff" * (-4 * len(numbers) % SECTOR)


def write(root: Storage) -> bytes:
    """The bytes of a compound file."""
    nodes, big, small = _flatten(root), _Sectors(SECTOR), _Sectors(MINI)
    for node in nodes[1:]:
        if node.kind == 2:
            node.start = (big if len(node.data) >= CUTOFF else small).put(node.data)
    nodes[0].start = big.put(bytes(small.data))
    mini_fat = big.put(_words(small.table))
    sizes = [len(small.data), *(len(node.data) for node in nodes[1:])]
    directory = b"".join(_entry(node, size) for node, size in zip(nodes, sizes, strict=True))
    empty = bytes(64) + struct.pack("<HBB3I", 0, 0, 0, FREE, FREE, FREE) + bytes(48)
    directory_start = big.put(directory + empty * (-len(nodes) % 4))
    used, fat_count = len(big.table), 1
    while fat_count * 128 < used + fat_count:
        fat_count += 1
    fat = _words([*big.table, *[FAT_SECTOR] * fat_count])
    mini_count = -(-len(small.table) // 128)
    header = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<9I", 0, fat_count, directory_start, 0, CUTOFF, mini_fat, mini_count, END, 0)
    places = [*range(used, used + fat_count), *[FREE] * (109 - fat_count)]
    return header + struct.pack("<109I", *places) + bytes(big.data) + fat
