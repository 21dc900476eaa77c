"""Word and PowerPoint files of the old kind for tests: the few structures that hold texts, written by hand."""

import struct
from collections.abc import Sequence
from itertools import pairwise

from containers import ole2

MAIN_97 = 0xC1
HEADING, IN_TABLE, ROW_END, LISTED = 1, 2, 4, 8


def doc(
    paragraphs: list[tuple[str, int]],
    notes: list[str] = (),
    deleted: tuple[str, ...] = (),
    hidden: tuple[str, ...] = (),
    packed: bool = False,
    version: int = MAIN_97,
) -> bytes:
    """A Word file; a paragraph is its text with its mark, and its kind.

    Args:
        notes: footnotes.
        deleted: texts that are marked as deleted.
        hidden: texts that are marked as hidden.
        packed: one byte a character; else two.
        version: nFib; below 0xC1 a file of Word 6, which has one byte and no piece table.
    """
    main = "".join(text for text, _ in paragraphs)
    foot = "".join(f"{note}\r" for note in notes)
    text = main + foot
    modern = version >= MAIN_97
    width = 1 if packed or not modern else 2
    start = 2048
    body = text.encode("cp1252" if width == 1 else "utf-16-le")
    stream = bytearray(start) + body
    stream += b"\0" * (-len(stream) % 512)
    papx_page, chpx_page = len(stream) // 512, len(stream) // 512 + 1
    stream += _paragraph_page(paragraphs, len(foot), start, width, modern) + _run_page(
        text, deleted, hidden, start, width, modern
    )
    bins = [
        struct.pack("<II", start, start + len(body)) + struct.pack("<I" if modern else "<H", page)
        for page in (chpx_page, papx_page)
    ]
    pieces = struct.pack("<II", 0, len(text)) + struct.pack(
        "<HIH", 0, start * 2 | 0x40000000 if width == 1 else start, 0
    )
    clx = b"\x01" + struct.pack("<h", 2) + b"\0\0" + b"\x02" + struct.pack("<I", len(pieces)) + pieces
    tables = bytearray(b"\0" * 16)
    places = []
    for part in (*bins, clx):
        places.append((len(tables), len(part)))
        tables += part
    if not modern:
        shift = len(stream)
        stream += tables
        places = [(place + shift, size) for place, size in places]
    struct.pack_into("<HH", stream, 0, 0xA5EC, version)
    struct.pack_into("<HH", stream, 6, 0x0410, 0)
    struct.pack_into("<H", stream, 10, 0x200 if modern else 0)
    struct.pack_into("<II", stream, 0x18, start, start + len(body))
    struct.pack_into("<ii", stream, 0x4C if modern else 0x34, len(main), len(foot))
    for at, (place, size) in zip((0xFA, 0x102, 0x1A2) if modern else (0xB8, 0xC0, 0x160), places, strict=True):
        struct.pack_into("<II", stream, at, place, size if modern or at != 0x160 else 0)
    return ole2({"WordDocument": bytes(stream)} | ({"1Table": bytes(tables)} if modern else {}))


def _paragraph_page(paragraphs: list[tuple[str, int]], rest: int, start: int, width: int, modern: bool) -> bytes:
    ends, kinds = [0], []
    for text, kind in paragraphs:
        ends.append(ends[-1] + len(text))
        kinds.append(kind)
    if rest:
        ends.append(ends[-1] + rest)
        kinds.append(0)
    page, offset = bytearray(512), 510
    entry = 13 if modern else 7
    for index, kind in enumerate(kinds):
        style = 1 if kind & HEADING else 0
        sprms = b""
        for flag, new, old in ((IN_TABLE, 0x2416, 24), (ROW_END, 0x2417, 25)):
            if kind & flag:
                sprms += struct.pack("<HB", new, 1) if modern else bytes([old, 1])
        if kind & LISTED and modern:
            sprms += struct.pack("<HH", 0x460B, 1)
        data = struct.pack("<H", style) + sprms
        data += b"\0" * ((len(data) + 1) % 2)
        size = (len(data) + 1) // 2
        whole = bytes([size]) + data
        offset = (offset - len(whole)) // 2 * 2
        page[offset : offset + len(whole)] = whole
        page[4 * len(ends) + entry * index] = offset // 2
    struct.pack_into(f"<{len(ends)}I", page, 0, *(start + width * end for end in ends))
    page[511] = len(kinds)
    return bytes(page)


def _run_page(
    text: str, deleted: tuple[str, ...], hidden: tuple[str, ...], start: int, width: int, modern: bool
) -> bytes:
    cuts = {0, len(text)}
    for one in (*deleted, *hidden):
        cuts |= {text.index(one), text.index(one) + len(one)}
    ends = sorted(cuts)
    page = bytearray(512)
    for at, code, old in ((400, 0x0800, 65), (420, 0x083C, 92)):
        sprm = struct.pack("<HB", code, 1) if modern else bytes([old, 1])
        page[at : at + 1 + len(sprm)] = bytes([len(sprm)]) + sprm
    for index, (first, last) in enumerate(pairwise(ends)):
        run = text[first:last]
        page[4 * len(ends) + index] = 200 if run in deleted else 210 if run in hidden else 0
    struct.pack_into(f"<{len(ends)}I", page, 0, *(start + width * end for end in ends))
    page[511] = len(ends) - 1
    return bytes(page)


def record(kind: int, data: bytes, instance: int = 0, holds: bool = False) -> bytes:
    return struct.pack("<HHI", instance << 4 | (0xF if holds else 0), kind, len(data)) + data


def text(words: str, kind: int = 4, wide: bool = True) -> bytes:
    atom = record(0x0FA0, words.encode("utf-16-le")) if wide else record(0x0FA8, words.encode("latin-1"))
    return record(0x0F9F, struct.pack("<I", kind)) + atom


def shape(inside: bytes, anchor: tuple[int, int] | None = None) -> bytes:
    at = record(0xF00F, struct.pack("<iiii", anchor[0], anchor[1], 0, 0)) if anchor else b""
    return record(0xF004, at + record(0xF00D, inside), holds=True)


def grid(rows: list[list[str]]) -> bytes:
    head = record(0xF004, record(0xF122, struct.pack("<HI", 0x03A0, 0), instance=1), holds=True)
    cells = [shape(text(cell), (100 * x, 50 * y)) for y, row in enumerate(rows) for x, cell in enumerate(row) if cell]
    return record(0xF003, head + b"".join(reversed(cells)), holds=True)


def ppt(
    slides: list[tuple[bytes, bytes, str]],
    old: str = "",
    margins: bytes = b"",
    *,
    beside: bytes = b"",
    objects: Sequence[tuple[int, bytes]] = (),
    pictures: bytes = b"",
) -> bytes:
    """A presentation; a slide is its outline texts, its drawing, and its notes.

    Args:
        old: a text of an earlier saving, which is still in the stream.
        margins: heads and feet of all slides.
        beside: records that stand in each slide beside its drawing.
        objects: embedded objects: 1 for one that is packed or 0, and its bytes.
        pictures: the stream of the pictures.
    """
    stream = bytearray(record(0x03EE, shape(text(old)), holds=True) if old else b"")
    persistent: list[bytes] = [b""]
    outline, notes = b"", b""
    for number, (texts, drawing, note) in enumerate(slides, start=256):
        persistent.append(record(0x03EE, record(0x040C, drawing, holds=True) + beside, holds=True))
        outline += record(0x03F3, struct.pack("<IIIII", len(persistent), 0, 0, number, 0)) + texts
        if note:
            page = record(0x03F1, struct.pack("<II", number, 0)) + record(0x040C, shape(text(note, 2)), holds=True)
            persistent.append(record(0x03F0, page, holds=True))
            notes += record(0x03F3, struct.pack("<IIIII", len(persistent), 0, 0, 9000 + number, 0))
    persistent[0] = record(
        0x03E8, record(0x0FF0, outline, 0, True) + record(0x0FF0, notes, 2, True) + margins, holds=True
    )
    persistent += [record(0x1011, data, instance) for instance, data in objects]
    places = []
    for one in persistent:
        places.append(len(stream))
        stream += one
    directory = len(stream)
    stream += record(0x1772, struct.pack(f"<{len(places) + 1}I", len(places) << 20 | 1, *places))
    edit = len(stream)
    stream += record(0x0FF5, struct.pack("<IIIIIII", 0, 0, 0, directory, 1, len(places), 0))
    user = struct.pack("<HHIII", 0, 0x0FF6, 20, 20, 0xE391C05F) + struct.pack("<IHHBB", edit, 0, 0x03F4, 3, 0)
    streams = {"PowerPoint Document": bytes(stream), "Current User": user}
    return ole2(streams | ({"Pictures": pictures} if pictures else {}))
