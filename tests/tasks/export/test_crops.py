"""Pictures of figures: cut by a process of their own from files that did not change, and shown in the report."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import invented
import pypdf
from pages import written
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from tasks.export.crops import crops_of, cut
from tasks.export.records import Analysed, Material
from tasks.figures import Figure, Financial

BOX = (300, 100, 360, 110)


def document(folder: Path) -> Path:
    path = folder / "accounts.pdf"
    canvas = Canvas(str(path), pagesize=(595, 842))
    canvas.rect(300, 842 - 110, 60, 10, fill=1)
    canvas.save()
    return path


def material(path: Path) -> Material:
    figure = Figure("revenue", "FY2025", Decimal(1000), "Ricavi", 1, "income_statement", box=BOX)
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    entry = invented.entry(0, path=str(path), modified_at=changed)
    one = Analysed(entry, Financial("EUR", ("FY2025",), (figure,), company="Alfa S.p.A."))
    return Material("default", invented.NOW, (entry,), (one,))


def test_a_picture_shows_what_stands_in_the_box(tmp_path: Path) -> None:
    picture, beyond = cut(document(tmp_path), [(1, BOX), (9, BOX)])
    assert picture is not None and beyond is None
    image = Image.open(io.BytesIO(picture)).convert("L")
    assert image.getpixel((image.width - 30, image.height // 2)) == 0  # the black box at the right
    assert image.getpixel((10, image.height // 2)) == 255


def test_a_file_that_is_no_pdf_gives_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.7 broken")
    assert cut(path, [(1, BOX)]) == [None]


def test_only_the_file_that_was_indexed_is_opened(tmp_path: Path) -> None:
    path = document(tmp_path)
    known = material(path)
    assert list(crops_of(known)) == [(str(path), 1, BOX)]
    os.utime(path, (1, 1))
    assert crops_of(known) == {}


def test_the_report_shows_the_picture_beside_the_figure(tmp_path: Path) -> None:
    known = material(document(tmp_path))
    path = written("financial", replace(known, crops=crops_of(known)), tmp_path)
    pages = pypdf.PdfReader(path).pages
    assert sum(len(page.images) for page in pages) == 1
    assert "As they are printed" in "".join(page.extract_text() for page in pages)
