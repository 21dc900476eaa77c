"""Every template in both languages: on rich material, on none, on hostile text; nothing leaves its page or its box."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import invented
import pypdf
import pypdfium2 as pdfium
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pages import collisions, glyphs, outside, text_of, written

from infra.errors import UsageError
from tasks.export.format import LANGUAGES
from tasks.export.records import Analysed, Material, Week
from tasks.export.templates import MODULES, template
from tasks.figures import Financial
from tasks.readings import Entity

DOCS = Path(__file__).parents[3] / "docs" / "reports.md"


def replace_texts(value: Any, change: Callable[[str], str]) -> Any:
    """The same records with every text in them changed; periods and paths too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, tuple):
        return tuple(replace_texts(one, change) for one in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: replace_texts(getattr(value, field.name), change) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value


def small() -> Material:
    """Little of everything, for tests that make many reports."""
    entries = (*(invented.entry(number) for number in range(3)), invented.quarantined(7, "corrupt", "It ends early."))
    years = invented.YEARS[-2:]
    analysed = (
        Analysed(entries[0], invented.financial("Firma", 0.01, years), invented.sentiment(5), None, invented.reading()),
        Analysed(entries[1], Financial(reason="No statement."), failures=(("sentiment", "No text."),)),
    )
    return Material("default", invented.NOW, entries, analysed, invented.week())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", MODULES)
def test_nothing_leaves_its_page_or_covers_another(name: str, language: str, tmp_path: Path) -> None:
    path = written(name, small(), tmp_path, language)
    for number, found in glyphs(path):
        assert found, f"page {number} is empty"
        assert not outside(found), number
        assert not collisions(found), number


@pytest.mark.parametrize("name", MODULES)
def test_pages_render_with_clean_margins(name: str, tmp_path: Path) -> None:
    """As a picture: ink within the margins only, and enough of it."""
    import numpy as np

    document = pdfium.PdfDocument(written(name, invented.material(30), tmp_path))
    for page in document:
        picture = page.render(scale=1).to_numpy()
        dark = np.asarray(picture[..., :3].min(axis=2) < 200)
        assert dark[:, :54].sum() == 0 and dark[:, -54:].sum() == 0
        assert dark.mean() > 0.002
    document.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", MODULES)
def test_an_empty_collection_says_so(name: str, language: str, tmp_path: Path) -> None:
    path = written(name, Material("vuota", invented.NOW), tmp_path, language)
    text = text_of(path)
    assert len(pypdf.PdfReader(path).pages) == 1
    assert (
        ("Nothing is known" if language == "en" else "non si sa nulla") in text if name == "weekly" else "vuota" in text
    )
    assert len(text) > 100


def test_entries_without_analyses_say_so(tmp_path: Path) -> None:
    material = Material("default", invented.NOW, invented.ledger(3))
    assert "no financial analysis" not in text_of(written("executive", material, tmp_path))
    assert "has a financial analysis yet" in text_of(written("financial", material, tmp_path))
    assert "has been analysed yet" in text_of(written("analysis", material, tmp_path))


def test_an_empty_week_says_what_is_not_known(tmp_path: Path) -> None:
    days = invented.week()
    material = Material("default", invented.NOW, week=Week(days.first, days.last))
    text = text_of(written("weekly", material, tmp_path))
    assert "No run was recorded." in text
    assert "Nothing needs a person." in text
    assert "0%" not in text


HOSTILE = (
    '<b>x</b> & <a href="javascript:1">y</a></para> \x00\x1b[31m \u202egnp.exe\u202c العربية 中文 😀 {page} %s '
    + "W" * 300
)


@pytest.mark.parametrize("name", MODULES)
def test_hostile_text_is_printed_as_text(name: str, tmp_path: Path) -> None:
    path = written(name, replace_texts(small(), lambda text: HOSTILE), tmp_path)
    assert not any(outside(found) for _, found in glyphs(path))
    reader = pypdf.PdfReader(path)
    actions = [
        annotation.get_object()["/A"]["/URI"]
        for page in reader.pages
        for annotation in page.get("/Annots", ())
        if "/A" in annotation.get_object()
    ]
    assert not [uri for uri in actions if "javascript" in uri]
    assert "<b>x</b> &" in text_of(path).replace("\r\n", " ")


@pytest.mark.parametrize("name", MODULES)
@given(texts=st.lists(st.text(max_size=80), min_size=1, max_size=6))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.slow
def test_arbitrary_text_never_breaks_a_report(name: str, tmp_path: Path, texts: list[str]) -> None:
    position = iter(range(10**9))
    material = replace_texts(small(), lambda text: texts[next(position) % len(texts)])
    path = written(name, material, tmp_path, LANGUAGES[len(texts) % 2])
    assert len(pypdf.PdfReader(path).pages) >= 1


@pytest.mark.parametrize("name", MODULES)
def test_real_structure_survives_arbitrary_labels(name: str, tmp_path: Path) -> None:
    """Only the words change, not items and periods: all tables and charts of a full report are made."""
    long = {"S.p.A.": "Società per azioni " * 20}
    material = replace_texts(
        invented.material(8), lambda text: next((new for old, new in long.items() if old in text), text)
    )
    assert not any(outside(found) for _, found in glyphs(written(name, material, tmp_path)))


@pytest.mark.parametrize("size", [0, 5, 400])
def test_the_executive_summary_is_one_page(size: int, tmp_path: Path) -> None:
    whole = invented.material(size)
    many = tuple(
        dataclasses.replace(
            whole.analysed[0], financial=invented.financial(f"Firma {number} con un nome piuttosto lungo", 0.03)
        )
        for number in range(12)
    )
    for analysed in (whole.analysed, many):
        for language in LANGUAGES:
            path = written("executive", dataclasses.replace(whole, analysed=analysed), tmp_path, language)
            assert len(pypdf.PdfReader(path).pages) == 1


def test_every_figure_stands_with_its_page_and_label(tmp_path: Path) -> None:
    text = text_of(written("financial", invented.material(), tmp_path))
    found = invented.financial("x", 0.01).figures
    for figure in found:
        assert figure.label in text
        assert f"{figure.value / 1000:,.0f}" in text


def test_a_failed_check_is_shown(tmp_path: Path) -> None:
    text = text_of(written("financial", invented.material(), tmp_path))
    assert "fails by −1,250" in text


def test_many_years_are_split_into_tables(tmp_path: Path) -> None:
    years = tuple(f"FY{year}" for year in range(2008, 2026))
    material = Material(
        "default",
        invented.NOW,
        (invented.entry(1),),
        (Analysed(invented.entry(1), invented.financial("Lunga", 0.01, years)),),
    )
    path = written("financial", material, tmp_path)
    assert all(year in text_of(path) for year in years)
    assert not any(outside(found) or collisions(found) for _, found in glyphs(path))


def test_a_template_is_in_the_registry_the_command_line_and_the_manual() -> None:
    folder = Path(__file__).parents[3] / "tasks" / "export" / "templates"
    files = {
        path.stem.replace("_", "-") for path in folder.glob("*.py") if "NAME =" in path.read_text(encoding="utf-8")
    }
    wrong = sorted(files ^ set(MODULES))
    assert not wrong, f"TemplateName in tasks/names.py and the files of tasks/export/templates differ by {wrong}"
    assert len(MODULES) == len(set(MODULES))
    manual = DOCS.read_text(encoding="utf-8")
    for name in MODULES:
        assert template(name).name == name
        assert template(name).description
        assert f"`{name}`" in manual, f"docs/reports.md does not mention the template {name}"


def test_an_unknown_template_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="financial, analysis"):
        template("balance")


def test_ten_entities_a_kind_with_what_they_are_about(tmp_path: Path) -> None:
    entities = tuple(
        Entity("amount", number, f"{number},00 €", 2, "EUR", 40 - number, f"la rata {number} del mutuo")
        for number in range(1, 25)
    )
    base = small().analysed[0]
    assert base.reading is not None
    one = dataclasses.replace(base, reading=dataclasses.replace(base.reading, entities=entities))
    text = " ".join(text_of(written("analysis", dataclasses.replace(small(), analysed=(one,)), tmp_path)).split())
    assert "la rata 10 del mutuo" in text and "la rata 11 del mutuo" not in text
    assert "14 more" in text
