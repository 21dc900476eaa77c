"""Typed rows of papers: written with their document, replaced with it, gone with it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from infra.lake import Lake
from infra.settings import Settings
from samples.make import einvoices as make
from tasks.collection.papers import BY_KIND, PAPERS
from tasks.index.run import index
from tasks.office.rows import COLUMNS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path / "fatture"
    where.mkdir()
    first = make.Body("1", "2026-03-12", dues=(("2026-04-30", "61.00"), ("2026-05-31", "61.00")))
    (where / "a.xml").write_bytes(make.fatturapa([first]))
    (where / "b.xml").write_bytes(
        make.fatturapa([make.Body("2", "2026-03-13"), make.Body("NC/3", "2026-03-14", type="TD04")])
    )
    (where / "c.txt").write_text("Una lettera senza importi, che non è un documento contabile.")
    return where


def rows(lake: Lake, kind: str, *columns: str) -> list[tuple[Any, ...]]:
    found = BY_KIND[kind].read(lake, "c", columns).to_pylist()
    return sorted(tuple(row[name] for name in columns) for row in found)


def test_rows_come_change_and_go_with_their_document(settings: Settings, lake: Lake, folder: Path) -> None:
    index(settings, [str(folder)], "c")
    assert rows(lake, "invoices", "number", "signed_total", "year") == [
        ("1", 122.0, 2026),
        ("2", 122.0, 2026),
        ("NC/3", -122.0, 2026),
    ]
    assert rows(lake, "dues", "number", "instalment", "amount", "due", "iban_ok")[:2] == [
        ("1", 1, 61.0, date(2026, 4, 30), True),
        ("1", 2, 61.0, date(2026, 5, 31), True),
    ]
    (folder / "a.xml").write_bytes(make.fatturapa([make.Body("1", "2026-03-12", dues=(("2026-06-30", "122.00"),))]))
    (folder / "b.xml").unlink()
    index(settings, [str(folder)], "c")
    assert rows(lake, "invoices", "number") == [("1",)]
    assert rows(lake, "dues", "due", "amount") == [(date(2026, 6, 30), 122.0)]
    (folder / "a.xml").write_text("Non più una fattura, ma una lettera con le stesse pretese di prima.")
    index(settings, [str(folder)], "c")
    assert [rows(lake, table.kind, "row_id") for table in PAPERS] == [[] for _ in PAPERS]


def test_records_are_kept_beside_the_elements_so_that_nothing_is_parsed_again(
    settings: Settings, lake: Lake, folder: Path
) -> None:
    from tasks.collection.elements import read_documents
    from tasks.office.invoice import Invoice
    from tasks.office.records import from_data

    index(settings, [str(folder)], "c")
    found = [from_data(d.parsed.records) for d in read_documents(lake, "c")]
    assert [[r.number for r in records if isinstance(r, Invoice)] for records in found] == [["1"], ["2", "NC/3"], []]


def test_every_column_of_every_table_is_filled_by_somebody() -> None:
    """A column that no row maker knows would be empty for ever; a name that no table has would be lost without a word."""
    from tasks.office import rows as module

    source = Path(module.__file__).read_text()
    missing = [(kind, name) for kind, columns in COLUMNS.items() for name in columns if f'"{name}"' not in source]
    assert missing == []
