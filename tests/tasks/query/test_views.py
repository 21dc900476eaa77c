"""What papers say together: duplicates, states, credit notes, payments, and findings across papers."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from envelopes import SIGNER, der, tampered
from infra.errors import UsageError
from infra.lake import Lake
from infra.settings import Settings, load
from samples.make import einvoices as make
from tasks.collection.tables import BY_KIND
from tasks.index.run import index
from tasks.office.rows import COLUMNS
from tasks.query.office import Office
from tasks.query.views import DERIVED, TABLES, view
from tests.tasks.query.binder import OWNER, filled


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    folder = tmp_path_factory.mktemp("office")
    return filled(load().model_copy(update={"home": str(folder / "home")}), folder / "papers")


def rows(office: Office, table: str) -> dict[str, dict[str, Any]]:
    """Rows by file name, the last of a file."""
    return {Path(row["path"]).name: row for row in view(office, table, office._lake).rows}


def test_directions_states_and_copies(office: Office) -> None:
    found = rows(office, "invoices")
    first, copy = found[f"IT{make.FORGE.vat}_00001.xml"], found["copia.xml"]
    assert (first["direction"], first["sdi_state"], first["sdi_id"]) == ("purchase", "delivered", "901")
    assert (first["duplicate_of"], Path(copy["duplicate_of"]).name, copy["same_bytes"]) == (
        "",
        Path(first["path"]).name,
        False,
    )
    assert copy["sdi_state"] == ""
    assert (found[f"IT{make.FORGE.vat}_00004.xml"]["sdi_state"], found[f"IT{make.FORGE.vat}_00004.xml"]["open"]) == (
        "rejected",
        0,
    )


def test_a_credit_note_and_a_self_invoice_know_their_invoices(office: Office) -> None:
    found = rows(office, "invoices")
    note, first = found[f"IT{make.FORGE.vat}_00002.xml"], found[f"IT{make.FORGE.vat}_00001.xml"]
    assert (note["credits"], note["signed_total"], first["credited"]) == (first["path"], -12.2, -12.2)
    assert (found["autofattura.xml"]["direction"], found["estera.xml"]["self_invoice"]) == ("self", "AF/1")


def test_movements_pay_by_amount_and_number_or_party_never_by_amount_alone(office: Office) -> None:
    dues = view(office, "dues", office._lake).rows
    by_due = {(d["number"], d["due"], d["duplicate"]): d for d in dues}
    assert by_due["2026/9", date(2026, 4, 30), False]["state"] == "paid"
    assert by_due["2026/9", date(2026, 5, 31), False]["state"] == "open"
    assert by_due["7/P", date(2026, 3, 31), False]["paid_on"] == date(2026, 4, 9)
    assert not [d for d in dues if d["type"] == "TD17"]
    assert {d["state"] for d in dues if d["number"] == "2026/11"} == {"rejected"}
    assert {d["state"] for d in dues if d["duplicate"]} == {"duplicate"}
    moves = [(m["amount"], m["matched"]) for m in view(office, "movements", office._lake).rows]
    assert moves == [(-61.0, "2026/9"), (-500.0, "7/P"), (-99.0, "")]
    first = rows(office, "invoices")[f"IT{make.FORGE.vat}_00001.xml"]
    assert (first["paid"], first["open"]) == (61.0, 61.0)


def test_findings_across_papers(office: Office) -> None:
    found = [(r["rule"], Path(r["path"]).name, r["number"]) for r in view(office, "findings", office._lake).rows]
    assert ("duplicate", "copia.xml", "2026/9") in found
    assert ("rejected_but_kept", f"IT{make.FORGE.vat}_00004.xml", "2026/11") in found
    assert ("registered_without_invoice", "registro.csv", "771") in found
    (taxable,) = [r for r in view(office, "findings", office._lake).rows if r["rule"] == "registered_taxable"]
    assert (taxable["number"], taxable["difference"], json.loads(taxable["values"])["invoice"]) == (
        "7/P",
        0.16,
        "409.84",
    )
    missing = {number for rule, _, number in found if rule == "invoice_not_registered"}
    assert missing == {"NC/1", "BW-2026-77"}


def test_every_table_can_be_asked_and_no_column_is_named_twice(office: Office) -> None:
    for table in TABLES:
        found = view(office, table, office._lake)
        assert all(row.keys() == found.kinds.keys() for row in found.rows)
    with pytest.raises(UsageError, match="there is no table 'invoice': choose among invoices, invoice_lines"):
        view(office, "invoice", office._lake)
    assert not [t for t, names in DERIVED.items() if t != "parties" and names.keys() & COLUMNS[t].keys()]
    assert set(COLUMNS) <= set(BY_KIND)


def test_without_the_offices_number_nothing_is_bought_or_sold(office: Office) -> None:
    unnamed = Office(office._lake, "c")
    assert {row["direction"] for row in unnamed.invoices} == {"", "self"}
    assert OWNER not in {row["direction"] for row in unnamed.invoices}


def test_an_unknown_collection_is_said(office: Office) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        Office(Lake(office._lake._root), "nowhere")


def test_nobody_signed_an_invoice_that_was_changed_after_signing(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "signed"
    folder.mkdir()
    sound, other = (make.fatturapa([make.Body(number, "2026-03-12")]) for number in ("1/A", "2/B"))
    (folder / "sound.xml.p7m").write_bytes(der(sound))
    (folder / "changed.xml.p7m").write_bytes(tampered(sound, other))
    index(settings, [str(folder)], "c")
    office = Office(Lake(settings.root), "c", (OWNER,))
    assert {row["number"]: row["signed_by"] for row in office.invoices} == {"1/A": SIGNER, "2/B": ""}
    papers = {Path(row["path"]).name: row for row in office.stored("papers")}
    stated = [papers[name]["signature_covers_content"] for name in ("sound.xml", "changed.xml")]
    assert (stated, papers["changed.xml"]["signed_by"]) == (["yes", "no"], SIGNER)
