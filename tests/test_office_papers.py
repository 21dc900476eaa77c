"""A folder of an office's papers with the right values of each, compared value by value.

The folder is no part of the repository: `OFFICE_PAPERS=FOLDER pytest tests/test_office_papers.py` names one that holds `expected.json` with
the sections below beside the files. Without it these tests are skipped; `tests/tasks/query` has papers of its own.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from infra.lake import Lake
from infra.settings import load
from tasks.analyse.run import analyse
from tasks.collection.elements import read_documents
from tasks.index.run import index
from tasks.query.office import Office
from tasks.query.views import view
from tasks.records import Document

FOLDER = Path(os.environ.get("OFFICE_PAPERS", "/nonexistent"))
EXPECTED: dict[str, Any] = (
    json.loads((FOLDER / "expected.json").read_text()) if (FOLDER / "expected.json").exists() else {}
)
OWNER = "IT91000029990"

pytestmark = [
    pytest.mark.skipif(not EXPECTED, reason="set OFFICE_PAPERS to a folder with papers and expected.json"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
]


class Binder:
    """The folder, indexed once."""

    def __init__(self, home: Path) -> None:
        self.settings = load().model_copy(update={"home": str(home)})
        papers = [str(part) for part in sorted(FOLDER.iterdir()) if part.is_dir()]  # not the answers beside them
        self.receipt = index(self.settings, papers, "c")
        self.lake = Lake(self.settings.root)
        folder = f"{FOLDER / '05-bilanci'}/"
        self.accounts = analyse(self.settings, "c", "financial", [folder], None)
        self.office = Office(self.lake, "c", (OWNER,))
        self.documents = {d.path.removeprefix(f"{FOLDER}/"): d for d in read_documents(self.lake, "c")}

    def rows(self, table: str, path: str = "") -> list[dict[str, Any]]:
        """Rows of a file and of what is inside it."""
        found = view(self.office, table, self.lake).rows
        return [
            row
            for row in found
            if f"{row['path']}!/".startswith(f"{FOLDER}/{path}" if not path else f"{FOLDER}/{path}!/")
        ]

    def one(self, path: str) -> Document:
        return self.documents[path]


@pytest.fixture(scope="module")
def binder(tmp_path_factory: pytest.TempPathFactory) -> Binder:
    return Binder(tmp_path_factory.mktemp("binder") / "home")


def values(section: str) -> Iterator[Any]:
    for path, wanted in EXPECTED.get(section, {}).items():
        for name, value in wanted.items():
            yield pytest.param(path, name, value, id=f"{path}-{name}")


def money(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


SIMPLE = {
    "format": "format",
    "body": "body",
    "type": "type",
    "number": "number",
    "supplier_vat": "supplier_vat",
    "supplier": "supplier",
    "customer_vat": "customer_vat",
    "taxable": "taxable",
    "tax": "tax",
    "total": "total",
    "signed_total": "signed_total",
    "self_billed": "self_billed",
    "split_payment": "split",
    "to_pay": "to_pay",
    "stamp": "stamp",
    "cig": "cig",
    "cup": "cup",
    "gross": "total",
    "syntax": "syntax",
    "linked_self_invoice": "self_invoice",
    "signer": "signed_by",
}


@pytest.mark.parametrize(("path", "name", "wanted"), list(values("invoices")))
def test_invoices(binder: Binder, path: str, name: str, wanted: Any) -> None:
    rows = binder.rows("invoices", path)
    assert rows, f"no invoice of {path}"
    _check_invoice(binder, path, rows, name, wanted)


def _check_invoice(binder: Binder, path: str, rows: list[dict[str, Any]], name: str, wanted: Any) -> None:
    row = rows[0]
    dues = binder.rows("dues", path)
    if name in SIMPLE:
        assert row[SIMPLE[name]] == (pytest.approx(wanted) if isinstance(wanted, float) else wanted)
    elif name == "date":
        assert row["date"] == date.fromisoformat(wanted)
    elif name == "lines":
        assert len(binder.rows("invoice_lines", path)) == wanted
    elif name == "vat":
        assert [[r["rate"], r["taxable"], r["tax"]] for r in binder.rows("invoice_vat", path)] == wanted
    elif name == "payments":
        stated = [d for d in dues if d["source"] == "stated"]
        found = [
            [d["due"].isoformat(), d["amount"], d["method"], d["iban"]][: len(w)]
            for d, w in zip(stated, wanted, strict=True)
        ]
        assert found == wanted
    elif name == "bodies":
        assert len(rows) == wanted
    elif name == "numbers":
        assert [r["number"] for r in rows] == wanted
    elif name == "totals":
        assert [r["total"] for r in rows] == wanted
    elif name == "due":
        assert [d["due"].isoformat() for d in dues] == (wanted if isinstance(wanted, list) else [wanted])
    elif name == "sign":
        assert (row["signed_total"] < 0) == (wanted < 0)
    elif name == "refers_to":
        assert [[row["refers_to"], row["refers_to_date"].isoformat()]] == wanted
    elif name == "in_due_schedule":
        assert bool(dues) == wanted
    elif name == "nature":
        assert [r["nature"] for r in binder.rows("invoice_vat", path)] == wanted
    elif name == "vat_summary_total":
        assert money(row["taxable"] + row["tax"]) == wanted
    elif name in ("withholding", "fund"):
        _withheld(binder.one(path), name, wanted)
    elif name == "attachments":
        assert row["attachments"].split(", ") == wanted
        assert all(f"{path}!/{attached}" in binder.documents for attached in wanted)
    elif name == "findings":
        _findings(binder, path, wanted)
    elif name == "search":
        _found(binder, path, wanted)
    elif name == "state":
        assert path in binder.documents
    elif name == "warning":
        assert "repaired" in wanted and any(
            "repaired" in w and "not a valid URI" in w for w in binder.one(path).parsed.warnings
        )
    elif name == "container":
        assert binder.one(path).parsed.format == "p7m"
    elif name == "signatures":
        assert wanted == 2 and row["signed_by"]
    elif name == "documents":
        inside = sum(other.startswith(f"{path}!/") for other in binder.documents)
        assert inside + EXPECTED["invoices"][path]["ignored_as_metadata"] == wanted
    elif name == "invoices":
        assert [r["number"] for r in rows] == wanted
    elif name == "ignored_as_metadata":
        assert not [other for other in binder.documents if other.startswith(path) and "metaDato" in other]
    else:
        pytest.fail(f"nobody compares {name}")


def _withheld(document: Document, name: str, wanted: list[list[Any]]) -> None:
    from tasks.office.invoice import Invoice
    from tasks.office.records import from_data

    (invoice,) = [r for r in from_data(document.parsed.records) if isinstance(r, Invoice)]
    if name == "withholding":
        assert [[w.type, float(w.rate or 0), float(w.amount or 0), w.reason] for w in invoice.withholdings] == wanted
    else:
        assert [[f.type, float(f.rate or 0), float(f.amount or 0)] for f in invoice.funds] == wanted


RULES = {
    "duplicate of": "duplicate",
    "total exceeds the VAT summary by the stamp": "total_explained",
    "tax ": "tax_of_taxable",
    "total ": "total_and_summary",
    "IBAN ": "iban_mod97",
}


def _findings(binder: Binder, path: str, wanted: list[str]) -> None:
    rows = {row["rule"]: row for row in binder.rows("findings", path)}
    for text in wanted:
        rule = next(rule for start, rule in RULES.items() if text.startswith(start))
        assert rule in rows, text
        assert rows[rule]["level"] == ("note" if "no error" in text else "error")
        shown = " ".join(json.loads(rows[rule]["values"]).values())
        assert all(
            number in shown for number in re.findall(r"\d+\.\d\d|[A-Z]{2}\d\dX\w+", text) if "exceeds" not in text
        ), text


def _found(binder: Binder, path: str, wanted: Any) -> None:
    """Every document that holds a word, looked up word by word."""
    pairs = (
        wanted.items()
        if isinstance(wanted, dict)
        else [(w, path) for w in ([wanted] if isinstance(wanted, str) else wanted)]
    )
    for word, place in pairs:
        holders = [p for p, d in binder.documents.items() if any(word in e.text for e in d.parsed.elements)]
        assert any(p.endswith(place.removeprefix("…")) or p.startswith(path) for p in holders), (word, holders)


@pytest.mark.parametrize(("path", "name", "wanted"), list(values("foreign")))
def test_foreign_invoices(binder: Binder, path: str, name: str, wanted: Any) -> None:
    _check_invoice(binder, path, binder.rows("invoices", path), name, wanted)


@pytest.mark.parametrize(("path", "name", "wanted"), list(values("sdi")))
def test_messages_of_the_exchange_system(binder: Binder, path: str, name: str, wanted: Any) -> None:
    (row,) = binder.rows("receipts", path)
    if name == "errors":
        assert re.findall(r"\b\d{5}\b", row["errors"]) == wanted
    elif name in ("state_of_invoice", "belongs_to"):
        stem = re.sub(r"\.xml(\.p7m)?$", "", row["file"])
        named = [i for i in binder.rows("invoices") if stem in i["path"]]
        assert named
        state = {"belongs_to": "received"}.get(name, wanted)
        assert any(i["sdi_state"] == state and i["sdi_id"] == row["sdi_id"] for i in named)
        assert row["file"] == wanted or name != "belongs_to"
    else:
        assert row[name] == wanted


@pytest.mark.parametrize(("path", "name", "wanted"), list(values("bank")))
def test_bank(binder: Binder, path: str, name: str, wanted: Any) -> None:
    (balance,) = binder.rows("balances", path)
    moves = binder.rows("movements", path)
    if name == "iban":
        assert balance["account"] == wanted
    elif name in ("opening", "closing"):
        assert balance[name] == pytest.approx(wanted)
    elif name in ("movements", "transactions"):
        found = len(moves) if isinstance(wanted, int) else [[m["date"].isoformat(), m["amount"]] for m in moves]
        assert found == wanted
    elif name == "control_sum":
        assert abs(sum(m["amount"] for m in moves)) == pytest.approx(wanted)
    elif name == "matches":
        assert [[f"FT {m['matched']}", abs(m["amount"])] for m in moves] == wanted
    elif name == "checks":
        assert balance["difference"] == 0
    elif name == "kind":
        assert balance["format"] == wanted
    elif name == "receivables":
        assert [[m["date"].isoformat(), m["amount"]] for m in moves] == wanted
    elif name == "wrong_today":
        assert not [
            f for f in amounts("\n".join(e.text for e in binder.one(path).parsed.elements)) if f in (2026, 2025)
        ]
    else:
        pytest.fail(f"nobody compares {name}")


@pytest.mark.parametrize(("path", "name", "wanted"), list(values("tax")))
def test_taxes_and_registers(binder: Binder, path: str, name: str, wanted: Any) -> None:
    taxes, register = binder.rows("taxes", path), binder.rows("register", path)
    if name == "codes":
        assert {row["code"]: row["amount"] for row in taxes} == wanted
    elif name == "balance":
        assert {row["form_balance"] for row in taxes} == {wanted}
        assert sum(row["amount"] for row in taxes) == pytest.approx(wanted)
    elif name == "date":
        assert {row["date"].isoformat() for row in taxes} == {wanted}
    elif name == "months":
        found = {str(row["month"]): {"vat_due": row["due"]} for row in binder.rows("vat_periods", path)}
        assert found == wanted
    elif name == "rows":
        assert len(register) == wanted
    elif name in ("taxable", "tax"):
        assert sum(row[name] for row in register) == pytest.approx(wanted)
    elif name == "missing_invoices":
        missing = [r for r in binder.rows("findings", path) if r["rule"] == "registered_without_invoice"]
        assert [f"{r['number']} of {json.loads(r['values'])['vat']}" for r in missing] == wanted
    elif name == "invoices_not_in_register_march":
        invoices = {row["path"]: row for row in binder.rows("invoices")}
        found = [
            r for r in binder.rows("findings") if r["rule"] == "invoice_not_registered" and "/01-fatture/" in r["path"]
        ]
        assert [invoices[r["path"]]["number"] for r in found] == wanted
    else:
        pytest.fail(f"nobody compares {name}")


BOOKS = [
    p
    for p in values("statements")
    if "bilanci" in str(p.id) and ("bilancino" in str(p.id) or "contrapposto" in str(p.id))
]


@pytest.mark.parametrize(("path", "name", "wanted"), BOOKS)
def test_books(binder: Binder, path: str, name: str, wanted: Any) -> None:
    rows = binder.rows("accounts", path)
    debit, credit = (round(sum(row[side] for row in rows), 2) for side in ("debit", "credit"))
    if name == "accounts":
        assert len(rows) == wanted
    elif name in ("debit", "assets"):
        assert debit == wanted
    elif name in ("credit", "liabilities"):
        assert credit == wanted
    elif name == "balanced":
        assert (debit == credit) == wanted
    elif name in ("result", "profit"):
        assert results(binder, path) == [wanted]
    elif name == "class_50_revenue":
        assert next(-row["balance"] for row in rows if row["code"].startswith("50.01")) == wanted
    elif name == "cash":
        assert round(sum(r["balance"] for r in rows if r["code"].startswith(("25.01", "25.03"))), 2) == wanted
    elif name == "as":
        other = binder.rows("accounts", path.rpartition(".")[0] + f".{wanted}")
        assert [(r["code"], r["debit"], r["credit"]) for r in rows] == [
            (r["code"], r["debit"], r["credit"]) for r in other
        ]
    elif name == "reconciles_with":
        checks = [r for r in binder.rows("findings", path) if r["rule"] == "trial_balance_and_accounts"]
        assert {r["level"] for r in checks} == {"note"}
        assert wanted in [json.loads(r["values"])["accounts"].rpartition("/")[2] for r in checks]
    else:
        pytest.fail(f"nobody compares {name}")


def results(binder: Binder, path: str) -> list[float]:
    from tasks.query.books import result

    rows = binder.rows("accounts", path)
    found = result(rows)
    return [found] if found is not None else []


ACCOUNTS = [p for p in values("statements") if p not in BOOKS and isinstance(p.values[2], dict | str)]


@pytest.mark.parametrize(("path", "name", "wanted"), ACCOUNTS)
def test_annual_accounts(binder: Binder, path: str, name: str, wanted: Any) -> None:
    if name in ("check", "entity_vat"):
        pytest.skip("compared with the analysis of accounts")
    pattern = re.sub(r" \(.*", "", path).replace("*", "")
    paths = [
        p for p in binder.documents if p.startswith(pattern.partition("*")[0].removesuffix(".pdf")) and "!/" not in p
    ]
    assert paths
    for one in paths:
        result = next(r for r in binder.accounts["results"] if r["path"] == f"{FOLDER}/{one}")
        found = {(f["item"], f["period"]): f["value"] for f in [*result["figures"], *_as_items(result["metrics"])]}
        assert {period: found.get((name, period)) for period in wanted} == wanted, one


def _as_items(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"item": m["metric"], "period": m["period"], "value": m["value"]} for m in metrics]


@pytest.mark.parametrize(("path", "name", "wanted"), list(values("signed")))
def test_signed_files(binder: Binder, path: str, name: str, wanted: Any) -> None:
    inside = {p: d for p, d in binder.documents.items() if p == path or p.startswith(f"{path}!/")}
    text = [e.text for p, d in inside.items() if d.parsed.format == "pdf" for e in d.parsed.elements]
    if name == "inner":
        assert wanted in {d.parsed.format for d in inside.values()}
    elif name == "equals":
        same = binder.one(str(Path(path).parent / wanted))
        assert text == [e.text for e in same.parsed.elements]
    elif name == "signature":
        assert binder.one(path).parsed.metadata["signature_covers_content"] == "yes"
    elif name == "no_control_characters":
        assert not re.search(r"[\x00-\x08\x0e-\x1f]", "".join(text))
    elif name == "characters_by_page":
        same = binder.one(path.replace("_ber.pdf.p7m", ".pdf"))
        assert len(wanted) == same.parsed.pages and text == [e.text for e in same.parsed.elements]
    elif name == "signatures":
        metadata = binder.one(path).parsed.metadata
        assert (metadata["signature"], metadata["signed_by"]) == (wanted[0]["kind"], wanted[0]["signer"])
        assert metadata["signature_covers_content"] == "yes"
    elif name == "documents":
        assert any("verbale.pdf.p7m" in p and d.parsed.format == "pdf" for p, d in inside.items())
    elif name == "timestamp":
        assert any(d.parsed.metadata.get("timestamp") == wanted for d in inside.values())
    elif name == "search":
        assert any(wanted in line for line in text)
    else:
        pytest.fail(f"nobody compares {name}")


@pytest.mark.parametrize(("path", "name", "wanted"), list(values("pec")))
def test_certified_mail(binder: Binder, path: str, name: str, wanted: Any) -> None:
    mails = {p: d for p, d in binder.documents.items() if re.fullmatch(r"04-pec/[^/!]+\.eml", p)}
    assert mails
    if name == "quarantined":
        assert binder.receipt["documents"]["quarantined"] == wanted
    elif name == "all_attachments_searchable_in_each_mail":
        inner = [p for p in binder.documents if p.startswith("04-pec/") and p.endswith("IT91000019991_00011.xml")]
        assert len(inner) == 2
    else:
        found = [d.parsed.metadata for d in mails.values()]
        assert {m["pec_kind"] for m in found} == set(wanted["pec_kind"])
        assert wanted["certified_at"] in {m["certified_at"] for m in found}
        assert wanted["sender"] in {address for m in found for address in re.findall(r"[\w.]+@[\w.]+", m["sender"])}


def amounts(text: str) -> list[float]:
    from tasks.analyse.entities import Style, find

    return [float(e.value) for e in find(text, Style(",", "day")) if e.kind == "amount"]


@pytest.mark.parametrize(("text", "wanted"), [tuple(pair) for pair in EXPECTED.get("amount_entities", [])])
def test_amounts_in_a_text(text: str, wanted: float) -> None:
    from tasks.analyse.entities import Style, find

    style = Style("." if "12,500.00" in text else ",", "day")
    assert [float(e.value) for e in find(text, style) if e.kind == "amount"] == [wanted]


@pytest.mark.parametrize(("query", "wanted"), list(EXPECTED.get("search_first_hit", {}).items()))
def test_the_first_hit(binder: Binder, query: str, wanted: Any) -> None:
    from infra.encoders import load_encoders
    from tasks.search import Searcher

    searcher = Searcher(binder.lake, load_encoders(binder.settings), "c")

    def hits(text: str) -> list[str]:
        return [Path(hit.path).name for hit in searcher.search(text, 10).hits]

    if isinstance(wanted, str):
        others = re.findall(r"\d[\d.,]*\d", wanted)
        assert len({tuple(hits(text)) for text in [query, *others]}) == 1
    else:
        assert hits(query)[0] in wanted
