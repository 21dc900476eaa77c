"""Workbooks of the old kind: times, merged cells, codes, and what stands beside the cells."""

import datetime as dt
import io
import struct
import time
from pathlib import Path

import xlwt

from containers import ole2
from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.formats.xls_text import beside_cells
from tasks.index.read import read

SAMPLES = Path(__file__).parents[4] / "samples" / "documents"


def test_old_workbooks() -> None:
    [path] = SAMPLES.glob("*.xls")
    result = read(path, Context(path.name, Limits()))
    assert result.format == "xls"
    assert result.pages == 2
    assert any(len(e.rows or ()) > 5 for e in result.elements)


def test_times_durations_codes_and_merged_amounts() -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Ore")
    cells = [
        (dt.time(8, 30), "hh:mm"),
        (26.5 / 24, "[h]:mm"),
        (dt.date(2025, 3, 4), "dd/mm/yyyy"),
        (dt.datetime(2025, 3, 4, 9, 5), "dd/mm/yyyy hh:mm"),
        (184, "00000"),
    ]
    sheet.write(0, 0, "Voce")
    for column, (value, code) in enumerate(cells, start=1):
        sheet.write(0, column, value, xlwt.easyxf(num_format_str=code))
    sheet.write(1, 0, "Quota")
    sheet.write_merge(1, 1, 1, 2, 81730)
    sheet.write_merge(1, 1, 3, 4, "stimata")
    target = io.BytesIO()
    book.save(target)
    [_, table] = read(target.getvalue(), Context("x.xls", Limits())).elements
    assert table.rows == (
        ("Voce", "08:30", "26:30", "2025-03-04", "2025-03-04 09:05:00", "00184"),
        ("Quota", "81730", "", "stimata", "stimata", ""),
    )


def test_a_hidden_sheet_is_read_and_said() -> None:
    book = xlwt.Workbook()
    for name, visibility in (("Dati", 0), ("Costi", 1)):
        sheet = book.add_sheet(name)
        sheet.write(0, 0, name)
        sheet.visibility = visibility
    target = io.BytesIO()
    book.save(target)
    found = read(target.getvalue(), Context("x.xls", Limits()))
    assert [(e.text, e.page) for e in found.elements if e.text == "Costi"][:1] == [("Costi", 2)]
    assert found.warnings == ("1 hidden sheet(s) were read like the rest: Costi",)


def test_a_formatted_cell_in_the_last_corner_does_not_fill_the_sheet() -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Dati")
    sheet.write(0, 0, "Saldo")
    sheet.write(0, 1, 61)
    sheet.write(65_535, 255, "", xlwt.easyxf("pattern: pattern solid"))
    target = io.BytesIO()
    book.save(target)
    began = time.process_time()
    assert read(target.getvalue(), Context("x.xls", Limits())).elements[-1].text == "Saldo | 61"
    assert time.process_time() - began < 10  # 16 million cells took more than 20 s


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def boxed(*pieces: tuple[bool, str]) -> bytes:
    """A text box whose text comes in pieces, wide or narrow."""
    length = sum(len(text) for _, text in pieces)
    told = record(0x1B6, b"\0" * 10 + struct.pack("<H", length) + b"\0" * 6)
    return told + b"".join(
        record(0x3C, bytes([wide]) + (text.encode("utf-16-le") if wide else text.encode("latin-1")))
        for wide, text in pieces
    )


def test_comments_boxes_charts_and_heads_beside_the_cells() -> None:
    start = record(0x809, b"\0\6\5\0" + b"\0" * 12)
    lists = 2 * len(record(0x85, b"\0" * 12))
    first = len(start) + lists + 4
    one = start + boxed((False, "Nota 12 "), (True, "è stimata €")) + record(0x0A, b"")
    places = [first, first + len(one)]
    bounds = b"".join(record(0x85, struct.pack("<I", place) + b"\0" * 8) for place in places)
    title = "Consumi"
    two = (
        start
        + record(0x14, struct.pack("<HB", 13, 0) + b"&LConti &P/&N")
        + record(0x100D, b"\0\0" + bytes([len(title), 0]) + title.encode())
        + boxed((False, "Nota 12 "))
    )
    data = ole2({"Workbook": start + bounds + record(0x0A, b"") + one + two})
    found = [(e.page, e.kind, e.text) for e in beside_cells(data)]
    assert found == [
        (1, "text", "Nota 12 è stimata €"),
        (2, "header", "Conti /"),
        (2, "caption", "Consumi"),
        (2, "text", "Nota 12"),
    ]
