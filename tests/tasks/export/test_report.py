"""The frame: numbers of pages, contents, bookmarks, metadata, fonts, links, and an atomic file."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import invented
import pypdf
import pytest
from pages import text_of, written

from infra.errors import UsageError
from tasks.export.layout import Heading, Prose, bullets
from tasks.export.report import Report, render

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def financial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written("financial", invented.material(), tmp_path_factory.mktemp("report"), "it")


def quiet(stage: str, done: int, total: int) -> None:
    """Nobody looks."""


@pytest.mark.slow
def test_each_page_says_which_of_how_many(financial: Path) -> None:
    pages = pypdf.PdfReader(financial).pages
    for number, page in enumerate(pages, 1):
        assert f"Pagina {number} di {len(pages)}" in " ".join(page.extract_text().split())


def test_contents_name_the_pages_where_chapters_stand(financial: Path) -> None:
    reader = pypdf.PdfReader(financial)
    texts = [[line.strip() for line in page.extract_text().splitlines()] for page in reader.pages]
    for title in ("Cartiera del Lago S.r.l.", "Officine Meridiane S.p.A.", "Documenti senza valori"):
        listed = int(texts[0][texts[0].index(title) + 1])
        assert listed > 1
        assert [number for number, lines in enumerate(texts[1:], 2) if title in lines] == [listed]


def test_bookmarks_follow_the_headings(financial: Path) -> None:
    reader = pypdf.PdfReader(financial)
    top = [entry.title for entry in reader.outline if not isinstance(entry, list)]
    assert top == [
        "Quadro d’insieme",
        "Cartiera del Lago S.r.l.",
        "Officine Meridiane S.p.A.",
        "Documenti senza valori",
    ]
    below = [entry.title for entry in reader.outline if isinstance(entry, list) for entry in entry]
    assert below.count("Valori principali") == 2
    page = reader.get_destination_page_number(reader.outline[1])
    assert "Cartiera del Lago" in reader.pages[page].extract_text()


def test_bookmarks_without_chapters_stand_side_by_side(tmp_path: Path) -> None:
    outline = pypdf.PdfReader(written("weekly", invented.material(), tmp_path)).outline
    assert len(outline) >= 9
    assert not any(isinstance(entry, list) for entry in outline)


def test_metadata_and_language(financial: Path) -> None:
    reader = pypdf.PdfReader(financial)
    assert reader.metadata is not None
    assert reader.metadata.title == "Rapporto finanziario"
    assert reader.metadata.author == reader.metadata.creator == "Faldone"
    assert "default" in (reader.metadata.subject or "")
    assert reader.trailer["/Root"]["/Lang"] == "it"


def test_fonts_are_embedded_subsets(financial: Path) -> None:
    reader = pypdf.PdfReader(financial)
    used: set[str] = set()
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            face = font.get_object()
            if face["/Subtype"] == "/TrueType":
                assert "/FontFile2" in face["/FontDescriptor"]
                used.add(str(face["/BaseFont"]))
    assert len(used) >= 3
    assert all(re.match(r"/[A-Z]{6}\+SourceSans", name) for name in used)


def test_figures_link_to_their_page(financial: Path) -> None:
    links = [
        annotation.get_object()["/A"]["/URI"]
        for page in pypdf.PdfReader(financial).pages
        for annotation in page.get("/Annots", ())
        if "/A" in annotation.get_object()
    ]
    assert "file:///archive/2020/Relazione%200000.pdf#page=40" in links
    assert all(link.startswith(("file:///archive/", "https://")) for link in links)


@pytest.mark.skipif(not shutil.which("qpdf"), reason="qpdf is not installed")
def test_qpdf_finds_no_fault(financial: Path) -> None:
    checked = subprocess.run(["qpdf", "--check", str(financial)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="pdftotext is not installed")
def test_another_reader_extracts_the_same_words(financial: Path) -> None:
    text = subprocess.run(
        ["pdftotext", "-layout", str(financial), "-"], capture_output=True, text=True, check=True
    ).stdout
    assert "Officine Meridiane S.p.A." in text
    assert "Risultato operativo (EBIT)" in text
    assert re.search(r"Ricavi +404\.103 +433\.132", text)


@pytest.mark.slow
def test_a_heading_never_ends_a_page(tmp_path: Path) -> None:
    for lines in range(38, 60):
        story = [*bullets(["riga"] * lines), Heading("Il titolo"), Prose("Il testo che segue. " * 40)]
        render(Report("T", "s", story, "it", NOW), tmp_path / "h.pdf", quiet)
        for page in pypdf.PdfReader(tmp_path / "h.pdf").pages:
            body = [line for line in page.extract_text().splitlines() if line.strip()]
            after = body[body.index("Il titolo") + 1 :] if "Il titolo" in body else ["x"] * 3
            assert len([line for line in after if "Il testo" in line or "segue" in line or line == "x"]) >= 2


def test_a_long_paragraph_runs_over_pages_and_loses_nothing(tmp_path: Path) -> None:
    words = [f"parola{number}" for number in range(10_000)]
    pages = render(Report("T", "s", [Prose(" ".join(words))], "it", NOW), tmp_path / "p.pdf", quiet)
    assert pages > 10
    assert re.findall(r"parola\d+", text_of(tmp_path / "p.pdf")) == words


def test_only_chapters_are_listed_when_there_are_many(tmp_path: Path) -> None:
    story = [Heading(f"Parte {number // 10}", 1 if number % 10 == 0 else 2) for number in range(200)]
    render(Report("T", "s", story, "it", NOW), tmp_path / "c.pdf", quiet)
    first = pypdf.PdfReader(tmp_path / "c.pdf").pages[0].extract_text().splitlines()
    assert sum(line.startswith("Parte") for line in first[: first.index("Parte 19") + 1]) == 20


def test_progress_reaches_the_end(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    render(
        Report("T", "s", [Prose("x") for _ in range(120)], "en", NOW),
        tmp_path / "p.pdf",
        lambda *call: seen.append(call),
    )
    assert seen[0][:2] == ("render", 0)
    assert seen[-1][1] == seen[-1][2]
    assert [call[1] for call in seen] == sorted(call[1] for call in seen)


def test_a_failure_leaves_the_old_report_and_no_scrap(tmp_path: Path) -> None:
    target = tmp_path / "r.pdf"
    target.write_bytes(b"old")

    class Broken(Prose):
        def draw(self) -> None:
            raise RuntimeError("broken piece")

    with pytest.raises(RuntimeError, match="broken piece"):
        render(Report("T", "s", [Broken("x")], "en", NOW), target, quiet)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["r.pdf"]


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="cannot write the report"):
        render(Report("T", "s", [Prose("x")], "en", NOW), tmp_path / "file" / "r.pdf", quiet)
