"""Long tables: every row once, in order, under a repeated head, in time that grows with the rows."""

from __future__ import annotations

import time
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest
from pages import glyphs, outside, text_of

from tasks.export.report import Report, render
from tasks.export.table import Cell, Column, Row, Table

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def report(table: Table) -> Report:
    return Report("Table", "test", [table], "en", NOW)


def quiet(stage: str, done: int, total: int) -> None:
    """Nobody looks."""


def test_every_row_once_in_order_under_its_head(tmp_path: Path) -> None:
    rows = [Row((f"row-{number:04d}", f"{number * 7:,}")) for number in range(300)]
    pages = render(report(Table([Column("The name"), Column("The value", "number")], rows)), tmp_path / "t.pdf", quiet)
    texts = [page.extract_text() for page in pypdf.PdfReader(tmp_path / "t.pdf").pages]
    assert pages == len(texts) > 4
    assert all(text.count("The name") == 1 for text in texts)
    found = [word for text in texts for word in text.split() if word.startswith("row-")]
    assert found == [f"row-{number:04d}" for number in range(300)]


def test_numbers_end_at_one_edge(tmp_path: Path) -> None:
    rows = [Row(("a", str(10**number))) for number in range(8)]
    render(report(Table([Column("x"), Column("n", "number")], rows)), tmp_path / "t.pdf", quiet)
    _, found = next(glyphs(tmp_path / "t.pdf"))
    digits = [one for one in found if one.text in "01" and 200 < one.bottom < 720]
    lasts = {max(one.right for one in digits if abs(one.bottom - base) < 1) for base in {d.bottom for d in digits}}
    assert max(lasts) - min(lasts) < 0.8  # a 1 is a little narrower than a 0


@pytest.mark.slow
def test_ten_thousand_rows_in_time_that_grows_with_the_rows(tmp_path: Path) -> None:
    rows, columns = long_table(10_000)
    quarter = _seconds(rows[:2_500], columns, tmp_path)
    whole = _seconds(rows, columns, tmp_path)
    assert whole < 4 * quarter * 1.9  # linear, with room for a busy machine
    assert len(pypdf.PdfReader(tmp_path / "timed.pdf").pages) > 150


@pytest.mark.slow
def test_a_long_table_is_never_laid_out_whole(tmp_path: Path) -> None:
    rows, columns = long_table(2_000)
    tracemalloc.start()
    render(report(Table(columns, rows)), tmp_path / "long.pdf", quiet)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12e6  # the pages' streams, which reportlab keeps until the file is written


def long_table(size: int) -> tuple[list[Row], list[Column]]:
    rows = [Row((f"Document {number}", "kind", f"{number:,}", f"{number * 3:,}")) for number in range(size)]
    return rows, [Column("Document"), Column("Kind"), Column("A", "number"), Column("B", "number")]


def _seconds(rows: list[Row], columns: list[Column], folder: Path) -> float:
    began = time.process_time()
    render(report(Table(columns, rows)), folder / "timed.pdf", quiet)
    return time.process_time() - began


def test_crowded_columns_stay_in_their_place(tmp_path: Path) -> None:
    wide = "incomprehensibilities " * 30
    rows = [
        Row((wide, "W" * 500, "9" * 60, Cell("x" * 300, link="https://example.org", mark="good"))) for _ in range(9)
    ]
    columns = [Column("First"), Column("Second " * 9), Column("Number", "number"), Column("Last")]
    render(report(Table(columns, rows)), tmp_path / "t.pdf", quiet)
    assert not any(outside(found) for _, found in glyphs(tmp_path / "t.pdf"))


def test_a_group_never_ends_a_page_and_two_rows_never_begin_the_last(tmp_path: Path) -> None:
    for size in range(36, 46):
        rows = [
            Row(("Group", ""), group=True) if number % 6 == 0 else Row((f"row-{number}", "1")) for number in range(size)
        ]
        render(report(Table([Column("x"), Column("n", "number")], rows)), tmp_path / "t.pdf", quiet)
        pages = [page.extract_text() for page in pypdf.PdfReader(tmp_path / "t.pdf").pages]
        for text in pages[:-1]:
            body = [line for line in text.splitlines() if line.startswith(("Group", "row-"))]
            assert body[-1].startswith("row-")
        assert pages[-1].count("row-") >= 2


def test_long_cells_are_cut_with_an_ellipsis(tmp_path: Path) -> None:
    render(report(Table([Column("x")], [Row(("parola " * 4_000,))], most=3)), tmp_path / "t.pdf", quiet)
    assert "…" in text_of(tmp_path / "t.pdf")
