"""The verb query, and --where of search and of documents list, as a person types them."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from deployments.cli import app
from infra.settings import load
from samples.make import einvoices as make
from tests.tasks.query.binder import OWNER, filled

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("binder")
    filled(load().model_copy(update={"home": str(top / "home")}), top / "papers")
    return top / "home"


@pytest.fixture(autouse=True)
def _binder(home: Path, _own_home: None) -> None:
    os.environ["FALDONE_HOME"] = str(home)
    os.environ["FALDONE_OFFICE"] = OWNER


def faldone(*line: str) -> Any:
    return CliRunner().invoke(app, [*line, "--collection", "c"])


def test_due_dates_of_a_month_without_duplicates() -> None:
    done = faldone("query", "dues", "--where", "due=2026-05", "--json")
    rows = json.loads(done.stdout)["rows"]
    assert [(row["number"], row["amount"], row["due"], row["state"]) for row in rows] == [
        ("2026/9", 61.0, "2026-05-31", "open")
    ]
    assert "1 instalments of duplicates are left out" in done.stderr
    every = json.loads(faldone("query", "dues", "--where", "due=2026-05", "--where", "duplicate=yes", "--json").stdout)
    assert len(every["rows"]) == 1


def test_the_same_rows_in_every_format(tmp_path: Path) -> None:
    line = ("query", "invoices", "--where", "supplier_vat=98000019996", "--where", "total>100")
    rows = json.loads(faldone(*line, "--json").stdout)["rows"]
    assert len(rows) == 3
    plain = list(csv.DictReader(io.StringIO(faldone(*line, "--csv").stdout)))
    assert [row["number"] for row in plain] == [row["number"] for row in rows]
    for ending in ("xlsx", "parquet", "csv", "json"):
        done = faldone(*line, "--output", str(tmp_path / f"x.{ending}"))
        assert done.exit_code == 0, done.stderr
    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx").active
    assert sheet is not None
    head = [cell.value for cell in sheet[1]]
    assert [row[head.index("total")].value for row in sheet.iter_rows(min_row=2)] == [row["total"] for row in rows]
    table = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert [(row["date"].isoformat(), row["total"]) for row in table] == [(row["date"], row["total"]) for row in rows]


def test_a_workbook_has_no_formulas_from_papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.query.output import as_bytes, as_csv
    from tasks.query.views import View

    found = View("invoices", [{"supplier": '=cmd|"x"!A1'}], {"supplier": "text"})
    (tmp_path / "x.xlsx").write_bytes(as_bytes(found, "xlsx"))
    cell = openpyxl.load_workbook(tmp_path / "x.xlsx").active["A2"]  # type: ignore[index]
    assert (cell.value, cell.data_type) == ('=cmd|"x"!A1', "s")
    assert as_csv(found).splitlines()[1].startswith("\"'=cmd")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (("query", "fatture"), "there is no table 'fatture': choose among invoices"),
        (("query", "dues", "--where", "iva=1"), "table dues has no column 'iva': choose among document_id"),
        (("query", "dues", "--where", "due=presto"), "'presto' is no date"),
        (("query", "dues", "--where", "due"), "is no condition"),
        (("query", "dues", "--xlsx"), "--xlsx needs --output"),
        (("query", "dues", "--csv", "--parquet"), "choose one of"),
        (("query", "dues", "--output", "x.doc"), "end the name in .csv"),
        (("search", "x", "--where", "iva=1"), "there is no column 'iva': choose among document_id"),
    ],
)
def test_what_is_refused_says_what_to_write(line: tuple[str, ...], words: str) -> None:
    done = faldone(*line)
    assert done.exit_code == 2
    assert words in " ".join(done.stderr.split())


def test_documents_are_listed_by_what_is_in_them() -> None:
    def names(*where: str) -> set[str]:
        options = [part for condition in where for part in ("--where", condition)]
        return {
            Path(r["path"]).name
            for r in json.loads(faldone("documents", "list", *options, "--json").stdout)["documents"]
        }

    assert names("document_kind=credit_note") == {f"IT{make.FORGE.vat}_00002.xml"}
    assert names("supplier~ginepraio", "due=2026-03") == {"parcella.xml"}
    assert names("sdi_state=rejected") == {f"IT{make.FORGE.vat}_00004.xml"}
    assert names("document_kind=bank_statement", "format=csv") == {"banca.csv"}
    assert names("supplier=nobody") == set()


def test_search_within_what_conditions_leave() -> None:
    def paths(*where: str) -> set[str]:
        options = [part for condition in where for part in ("--where", condition)]
        hits = json.loads(faldone("search", "fattura fonderia", *options, "--json").stdout)["hits"]
        return {Path(hit["path"]).name for hit in hits}

    assert paths("customer_vat=" + OWNER, "type=TD04") == {f"IT{make.FORGE.vat}_00002.xml"}
    assert paths("supplier=nobody") == set()
    assert "banca.csv" not in paths("format!=csv")
    assert paths("path~parcella") == {"parcella.xml"}
    assert paths("page_first>=2") == set()
