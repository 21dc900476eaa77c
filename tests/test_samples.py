"""The sample corpus: the script makes what is in the repository, and the numbers of the documents tie together."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from stdnum.it import iva

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"
DOCUMENTS = SAMPLES / "documents"
SCANS = {"montescaro-autorizzazione-scarico.pdf", "trebbio-bolla-conferimento.png", "quillmere-delivery-note.tiff"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    subprocess.run([sys.executable, "-m", "samples.make", str(folder)], cwd=ROOT, check=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / "figures.json").read_text("utf-8"))
    return found


def files(folder: Path) -> set[str]:
    kept = (path for part in ("documents", "broken", "office") for path in (folder / part).iterdir())
    return {str(path.relative_to(folder)) for path in kept} | {"figures.json", "questions.jsonl"}


@pytest.mark.slow
def test_the_script_makes_the_files_of_the_repository(made: Path) -> None:
    assert files(made) == files(SAMPLES)
    different = [
        name
        for name in sorted(files(made))
        if Path(name).name not in SCANS and (made / name).read_bytes() != (SAMPLES / name).read_bytes()
    ]
    assert not different, "run `python -m samples.make` and commit what it writes"


@pytest.mark.slow
def test_scans_come_out_alike_whatever_renders_them(made: Path) -> None:
    for name in SCANS:
        size = (DOCUMENTS / name).stat().st_size
        assert (made / "documents" / name).stat().st_size == pytest.approx(size, rel=0.2)


def test_every_file_is_described_and_the_whole_is_small() -> None:
    readme = (SAMPLES / "README.md").read_text("utf-8")
    undescribed = {name for name in files(SAMPLES) if f"`{Path(name).name}`" not in readme}
    assert undescribed == {"broken/expected.json"}  # named there with its folder
    assert sum((SAMPLES / name).stat().st_size for name in files(SAMPLES)) < 3 * 2**20


def test_figures_have_documents_and_satisfy_the_identities(known: dict[str, Any]) -> None:
    checked = 0
    for path, entry in known.items():
        assert (SAMPLES / path).is_file()
        for period, items in entry["figures"].items():
            if "gross_profit" in items:
                assert items["revenue"] - items["cost_of_goods_sold"] == items["gross_profit"], (path, period)
            assert items["pretax_income"] - items["income_tax"] >= items["net_income"], (path, period)
            if "total_liabilities" in items:
                minorities = items["total_assets"] - items["total_liabilities"] - items["shareholders_equity"]
                assert minorities >= 0 if entry["currency"] == "EUR" else minorities == 0, (path, period)
                checked += 1
    assert checked >= 14


def workbook_rows(sheet: str) -> list[tuple[str, float]]:
    book = openpyxl.load_workbook(DOCUMENTS / "montescaro-bilancio-2024.xlsx", data_only=True)
    rows = book[sheet].iter_rows(min_row=4, values_only=True)
    return [(str(row[0]), float(row[1])) for row in rows if isinstance(row[1], int | float)]


def test_the_balance_sheet_of_the_workbook_balances_and_adds_up() -> None:
    rows = dict(workbook_rows("Stato patrimoniale"))
    assert rows["Totale attivo"] == rows["Totale passivo"]
    parts = ("Totale immobilizzazioni (B)", "Totale attivo circolante (C)", "D) Ratei e risconti")
    assert rows["Totale attivo"] == sum(rows[part] for part in parts)
    equity_and_debts = (
        "Totale patrimonio netto",
        "Totale fondi per rischi ed oneri (B)",
        "Totale debiti (D)",
        "C) Trattamento di fine rapporto di lavoro subordinato",
        "E) Ratei e risconti",
    )
    assert rows["Totale passivo"] == sum(rows[part] for part in equity_and_debts)


def test_the_income_statement_of_the_workbook_adds_up() -> None:
    rows = dict(workbook_rows("Conto economico"))
    margin = rows["Totale valore della produzione (A)"] - rows["Totale costi della produzione (B)"]
    assert rows["Differenza tra valore e costi della produzione (A - B)"] == margin
    pretax = margin + rows["Totale proventi e oneri finanziari (C) (15 + 16 - 17 +- 17-bis)"]
    taxes = rows["Totale delle imposte sul reddito dell'esercizio, correnti, differite e anticipate"]
    assert rows["21) Utile (perdita) dell'esercizio"] == pretax - taxes


def test_the_cash_flow_of_the_workbook_reconciles() -> None:
    listed = workbook_rows("Rendiconto finanziario")
    rows = dict(listed)
    net = rows["Incremento (decremento) delle disponibilità liquide (A ± B ± C)"]
    assert net == sum(value for label, value in listed if label.startswith("Flusso finanziario dell'attività"))
    start, end = rows["Disponibilità liquide a inizio esercizio"], rows["Disponibilità liquide a fine esercizio"]
    assert end - start == net
    assert end == dict(workbook_rows("Stato patrimoniale"))["Totale disponibilità liquide"]


def test_the_xbrl_instance_states_the_known_figures(known: dict[str, Any]) -> None:
    names = {
        "TotaleAttivo": "total_assets",
        "UtilePerditaEsercizio": "net_income",
        "TotalePatrimonioNetto": "shareholders_equity",
        "ValoreProduzioneRicaviVenditePrestazioni": "revenue",
    }
    figures = known["documents/trebbio-bilancio-2024.xbrl"]["figures"]
    seen = 0
    for fact in ElementTree.parse(DOCUMENTS / "trebbio-bilancio-2024.xbrl").getroot():
        if item := names.get(fact.tag.split("}")[1]):
            assert float(fact.text or "") == figures[f"FY{fact.attrib['contextRef'][-4:]}"][item]
            seen += 1
    assert seen == 2 * len(names)


def test_invoices_add_up() -> None:
    with (DOCUMENTS / "montescaro-registro-fatture-2024.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    cents = [[int(row[name].replace(",", "")) for name in ("Imponibile", "IVA", "Totale")] for row in rows]
    assert len(rows) == 300
    assert all(net + vat == total for net, vat, total in cents)
    invoice = ElementTree.parse(DOCUMENTS / "trebbio-fattura-214.xml").getroot()
    lines = sum(float(line.text or 0) for line in invoice.iter("PrezzoTotale"))
    total = float(invoice.findtext(".//ImportoTotaleDocumento") or 0)
    assert total == pytest.approx(lines * 1.04, abs=0.005)
    assert all(iva.is_valid(code.text) for code in invoice.iter("IdCodice"))


def test_broken_files_are_broken_as_described() -> None:
    expected = json.loads((SAMPLES / "broken" / "expected.json").read_text("utf-8"))
    assert set(expected) == {path.name for path in (SAMPLES / "broken").iterdir()} - {"expected.json"}
    with zipfile.ZipFile(SAMPLES / "broken" / "bomba.xlsx") as bomb:
        assert sum(member.file_size for member in bomb.infolist()) > 2**30
        with bomb.open("xl/worksheets/sheet18.xml") as sheet:
            assert sheet.read(10) == b"<worksheet"


def test_questions_point_to_documents() -> None:
    rows = [json.loads(line) for line in (SAMPLES / "questions.jsonl").read_text("utf-8").splitlines()]
    assert len({row["id"] for row in rows}) == len(rows) >= 25
    assert all((DOCUMENTS / name).is_file() for row in rows for name in row["documents"])
    assert all(page >= 1 for row in rows for page in row["pages"])
