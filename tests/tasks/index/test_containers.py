"""Files within files through a whole run: each is a document with what its container knows of it, and the limits are told."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

import envelopes
from infra.lake import Lake
from infra.settings import Limits, Settings
from tasks.collection import elements, ledger
from tasks.index import drafts
from tasks.index.run import index

CONTRACT = b"Il canone di locazione del capannone di Treviso e' di 640 euro al mese."


def run(settings: Settings, source: Path) -> dict[str, Any]:
    return index(settings, [str(source)], "c", force=True)


def rows(lake: Lake, folder: Path) -> dict[str, dict[str, Any]]:
    found = ledger.read(lake, "c").to_pylist()
    return {row["path"].removeprefix(f"{folder}/"): row for row in found}


def mail(subject: str, *files: tuple[str, bytes], **heads: str) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "a@esempio.it", "b@esempio.it", subject
    for name, value in heads.items():
        made[name.replace("_", "-")] = value
    made.set_content(f"In allegato: {subject}.")
    for name, data in files:
        if name.endswith(".eml"):
            made.add_attachment(
                email.message_from_bytes(data, _class=EmailMessage, policy=email.policy.default), filename=name
            )
        else:
            made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "posta"
    made.mkdir()
    return made


def test_a_signed_file_in_certified_mails_is_a_document_of_each(settings: Settings, lake: Lake, folder: Path) -> None:
    inner = mail("Contratto", ("contratto.txt.p7m", envelopes.der(CONTRACT)))
    for name, head in (
        ("trasporto", {"X_Trasporto": "posta-certificata"}),
        ("consegna", {"X_Ricevuta": "avvenuta-consegna"}),
    ):
        (folder / f"{name}.eml").write_bytes(mail(name, ("postacert.eml", inner), ("smime.p7s", b"0\x80"), **head))
    result = run(settings, folder)
    assert (result["status"], result["failures"]) == ("completed", [])
    found = rows(lake, folder)
    for name, wrapper in (("trasporto", []), ("consegna", ["postacert.eml"])):
        inside = [*wrapper, "contratto.txt.p7m", "contratto.txt"]
        paths = [f"{name}.eml" + "!/".join(["", *inside[:depth]]) for depth in range(len(inside) + 1)]
        assert set(paths) <= set(found)
        assert {found[path]["state"] for path in paths} == {"indexed"}
        assert found[paths[-1]]["chunks"] == 1
        parsed = elements.parsed_by_id(lake, "c", [found[paths[-1]]["document_id"]])[found[paths[-1]]["document_id"]]
        assert parsed.metadata["signed_by"] == envelopes.SIGNER
    assert found["trasporto.eml"]["chunks"] == found["consegna.eml"]["chunks"] == 1
    assert len(found) == 7


@pytest.mark.slow
def test_what_is_nested_too_deep_or_too_many_is_told(
    settings: Settings, lake: Lake, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "DEPTH", 2)
    deep = mail("3", ("ultimo.txt", CONTRACT))
    for level in "210":
        deep = mail(level, ("in.eml", deep))
    (folder / "a.eml").write_bytes(deep)
    (folder / "b.eml").write_bytes(mail("molti", *[(f"{n}.txt", CONTRACT) for n in range(4)]))
    result = run(settings.model_copy(update={"limits": Limits(members=3)}), folder)
    found = rows(lake, folder)
    assert result["status"] == "completed"
    assert sorted(path for path in found if path.startswith("a")) == ["a.eml", "a.eml!/in.eml", "a.eml!/in.eml!/in.eml"]
    assert "nested deeper than 2" in found["a.eml!/in.eml!/in.eml"]["warnings"][-1]
    assert len([path for path in found if path.startswith("b")]) == 4
    assert "1 of 4 files within were left out: more than 3" in found["b.eml"]["warnings"][-1]
