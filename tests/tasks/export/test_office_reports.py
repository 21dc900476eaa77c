"""The reports on an office's papers: the numbers of a small office, as PDF and as workbook, in both languages."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import collisions, glyphs, outside, text_of

from infra.errors import UsageError
from infra.settings import Settings, load
from tasks.export.papers import collect_papers
from tasks.export.records import Papers
from tasks.export.run import export
from tasks.export.sheets import Tables
from tasks.export.templates import MODULES, due_dates, spend, template, vat
from tasks.export.words import Words
from tasks.office.rules import known_rules, sentence
from tests.tasks.query.binder import OWNER, filled

pytestmark = pytest.mark.slow

ON = date(2026, 4, 8)
REPORTS = [name for name in MODULES if template(name).tables]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("office")
    made = load().model_copy(update={"home": str(folder / "home")})
    filled(made, folder / "papers")
    return made


@pytest.fixture(scope="module")
def papers(office: Settings) -> Papers:
    from infra.lake import Lake

    return collect_papers(Lake(office.root), "c", (OWNER,), ON)


def lines(tables: Tables, sheet: int) -> list[tuple[Any, ...]]:
    return [line.values for line in tables.sheets[sheet].lines]


def test_due_dates_on_a_day(papers: Papers) -> None:
    """The first instalment was paid the day before, the fee is overdue, the copy and the rejected one do not count."""
    made = due_dates.tables(papers, Words("it"))
    assert lines(made, 0) == [
        ("Scaduto", 500.0, 0.0),
        ("apr 26", 1500.0, 0.0),
        ("mag 26", 61.0, 0.0),
        ("Totale", 2061.0, 0.0),
    ]
    due = [(v[0], v[1], v[3], v[5], v[7]) for v in lines(made, 2) if len(v) > 1 and v[3]]
    assert due == [
        (date(2026, 3, 31), 8, "7/P", 500.0, ""),
        (date(2026, 4, 19), None, "BW-2026-77", 1500.0, ""),
        (date(2026, 5, 31), None, "2026/9", 61.0, ""),
    ]
    assert [v[2:5] for v in lines(made, 4)] == [("NC/1", date(2026, 3, 28), -12.2)]
    notes = " ".join(made.notes)
    assert "1 duplicati sono esclusi: 2026/9" in notes and "1 fatture scartate" in notes and "1 autofatture" in notes


def test_a_payment_after_the_day_has_not_happened(office: Settings) -> None:
    from infra.lake import Lake

    before = collect_papers(Lake(office.root), "c", (OWNER,), date(2026, 4, 1))
    first = next(v for v in lines(due_dates.tables(before, Words("it")), 2) if len(v) > 1 and v[3] == "2026/9")
    assert (first[0], first[5], first[7]) == (date(2026, 4, 30), 61.0, "nota di credito NC/1 −12,20")


def test_vat_by_month_with_reverse_charge_apart(papers: Papers) -> None:
    made = vat.tables(papers, Words("en"))
    assert lines(made, 1)[:2] == [("Mar 26", "22%", 499.84, 109.96), ("Mar 26", "AE reverse charge", 1500.0, 0.0)]
    assert [v[2:] for v in lines(made, 4)][-1] == (100.0, 22.0)
    assert lines(made, 0) == [("Mar 26", 0.0, 109.96, -109.96, None, None), ("Apr 26", 22.0, 22.0, 0.0, None, None)]


def test_spend_by_supplier(papers: Papers) -> None:
    made = spend.tables(papers, Words("en"))
    assert [(v[0], v[1], v[2]) for v in lines(made, 0)] == [
        ("Beispielwerk GmbH", 1, 1500.0),
        ("Studio Ginepraio e Associati", 1, 409.84),
        ("Fonderia Tassello S.r.l.", 2, 90.0),
        ("Total", 4, 1999.84),
    ]


@pytest.mark.parametrize("language", ["en", "it"])
@pytest.mark.parametrize("name", REPORTS)
def test_the_pdf_and_the_workbook_say_the_same(office: Settings, name: str, language: str, tmp_path: Path) -> None:
    pdf, book = tmp_path / "x.pdf", tmp_path / "x.xlsx"
    for target in (pdf, book):
        export(office, "c", (), name, str(target), language, on=ON.isoformat(), office=(OWNER,))
    for number, found in glyphs(pdf):
        assert not outside(found) and not collisions(found), number
    text = text_of(pdf)
    words, sheets = Words(language), openpyxl.load_workbook(book).worksheets
    amounts = [
        c.value
        for sheet in sheets
        for row in sheet
        for c in row
        if isinstance(c.value, float) and c.number_format == "#,##0.00"
    ]
    assert amounts or name == "findings"
    assert not [value for value in amounts if words.format.decimal(value) not in text]


def test_without_a_named_office_the_report_says_whom_it_took(office: Settings) -> None:
    from infra.lake import Lake

    found = collect_papers(Lake(office.root), "c", (), ON)
    assert (found.guessed, found.owner) == (True, (OWNER,))
    assert "Nobody named the office" in due_dates.tables(found, Words("en")).notes[0]


def test_what_a_report_cannot_be(office: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ending in \.pdf$"):
        export(office, "c", (), "collection", str(tmp_path / "x.xlsx"))
    with pytest.raises(UsageError, match=r"\.pdf or \.xlsx"):
        export(office, "c", (), "vat", str(tmp_path / "x.ods"))
    with pytest.raises(UsageError, match="write a day as"):
        export(office, "c", (), "due-dates", "", on="tomorrow")


def test_every_rule_has_words() -> None:
    import re

    root = Path(__file__).parents[3] / "tasks"
    source = "".join((root / name).read_text() for name in ("office/checks.py", "query/crosschecks.py"))
    rules = set(re.findall(r'(?:Finding|_finding\(\w+(?:\[0\])?, )\(?"(\w+)"', source))
    assert len(rules) > 15
    assert rules <= known_rules(), rules - known_rules()
    assert {"iban_mod97", "iban_cin", "iban_form", "rejected_but_kept", "registered_tax"} <= known_rules()
    assert sentence("iban_cin", {"iban": "IT1"}, "it") == "L'IBAN IT1 ha il CIN errato"


DUES = st.lists(
    st.tuples(
        st.dates(date(2025, 1, 1), date(2027, 12, 31)) | st.none(),
        st.integers(1, 10**7),
        st.sampled_from(["open", "paid"]),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(DUES)
def test_months_and_the_list_sum_to_what_is_open(rows: list[tuple[date | None, int, str]]) -> None:
    """Whatever the instalments: the months, the list and the tiles are three views of one sum."""
    dues = [
        {
            "direction": "purchase",
            "state": state,
            "duplicate": False,
            "rejected": False,
            "amount": cents / 100,
            "currency": "EUR",
            "due": due,
            "number": str(i),
            "date": ON,
            "supplier": "S",
            "supplier_vat": "",
            "method_words": "",
            "method": "",
            "ordered_on": None,
            "iban_ok": None,
            "instalment": 1,
            "document_id": "d",
            "body": 1,
            "path": "p",
            "iban": "",
        }
        for i, (due, cents, state) in enumerate(rows)
    ]
    made = due_dates.tables(Papers(ON, (OWNER,), "x", False, (), dues, (), (), (), ()), Words("en"))
    open_sum = round(sum(d["amount"] for d in dues if d["state"] == "open"), 2)  # type: ignore[misc]
    months = [v for v in lines(made, 0) if v[0] != "Total"]
    assert round(sum(v[1] for v in months), 2) == open_sum
    assert round(sum(v[5] for v in lines(made, 2) if len(v) > 1 and v[3]), 2) == open_sum
