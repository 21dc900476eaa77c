"""Papers made to harm: each is one document in quarantine with a reason (or read within the limits), and its neighbours are read."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from envelopes import der
from infra.lake import Lake
from infra.settings import Settings
from samples.make.binder import FILES
from tasks.collection import ledger
from tasks.index.run import index

GB = 1 << 30
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE p:FatturaElettronica [<!ENTITY a0 "lol">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12))
    + b']><p:FatturaElettronica xmlns:p="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2" versione="FPR12">&a11;'
    + b"</p:FatturaElettronica>"
)


def nested(content: bytes, layers: int) -> bytes:
    for _ in range(layers):
        content = der(content)
    return content


def instalments(invoice: bytes, number: int) -> bytes:
    """An invoice with so many instalments of a cent."""
    one = (
        b"<DettaglioPagamento><ModalitaPagamento>MP05</ModalitaPagamento><DataScadenzaPagamento>2026-04-30"
        b"</DataScadenzaPagamento><ImportoPagamento>0.01</ImportoPagamento></DettaglioPagamento>"
    )
    head, _, tail = invoice.partition(b"<DettaglioPagamento>")
    return head + one * number + b"<DettaglioPagamento>" + tail


def zip_of_zeros(size: int) -> bytes:
    """A ZIP with one member of so many zero bytes, in a thousandth of it; sizes and checksum are right."""
    packer, packed, crc, block = zlib.compressobj(9, zlib.DEFLATED, -15), [], 0, bytes(1 << 24)
    for _ in range(size // len(block)):
        packed.append(packer.compress(block))
        crc = zlib.crc32(block, crc)
    data = b"".join([*packed, packer.flush()])
    name = b"fatture.xml"
    fields = struct.pack("<HHHHHIII", 20, 0, 8, 0, 0, crc, len(data), size)
    local = b"PK\3\4" + fields + struct.pack("<HH", len(name), 0) + name
    central = b"PK\1\2" + struct.pack("<H", 20) + fields + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local) + len(data), 0)
    return local + data + central + end


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_what_is_made_to_harm_costs_one_document_each(settings: Settings, lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    FILES["IT98000019996_00001.xml"](folder / "good.xml")
    good = (folder / "good.xml").read_bytes()
    hostile = {
        "bomb.xml": BOMB,
        "bomb.xml.p7m": der(BOMB),
        "layers.xml.p7m": nested(good, 50),
        "instalments.xml": instalments(good, 1_000_000),
        "zeros.zip": zip_of_zeros(2 * GB),
    }
    for name, data in hostile.items():
        (folder / name).write_bytes(data)
    settings = settings.model_copy(update={"limits": settings.limits.model_copy(update={"seconds": 6.0})})
    result = index(settings, [str(folder)], "c")
    rows = {
        row["path"].removeprefix(f"{folder}/"): row
        for row in ledger.read(lake, "c", ["path", "state", "kind", "message", "parent_id"]).to_pylist()
    }
    assert rows["good.xml"]["state"] == "indexed"
    assert result["documents"]["found"] == 6
    told = {name: (row["state"], row["kind"], row["message"]) for name, row in rows.items()}
    assert rows["instalments.xml"]["kind"] == "too_large" and "limits.cells" in rows["instalments.xml"]["message"]
    for name in hostile:
        inside = [row for path, row in rows.items() if path.partition("!/")[0] == name]
        assert inside, (name, told)
        assert any(row["state"] == "quarantined" and row["message"] for row in inside), (name, told)
        assert len(inside) <= 2, "the file, and at most the one document in it"
