"""XML of any vocabulary, and XBRL instances."""

import base64

import pytest

from infra.errors import DocumentError, FailureKind
from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.formats.markup import repaired
from tasks.index.read import read


def test_values_records_and_prose() -> None:
    page = """<?xml version="1.0"?><fattura valuta="EUR"><cedente><nome>Rossi</nome><iva>123</iva></cedente>
    <riga><n>1</n><voce>Olio</voce></riga><riga><n>2</n><voce>Vino</voce><sconto>5</sconto></riga>
    <nota>Merce <b>fragile</b> da maneggiare con cura</nota></fattura>"""
    elements = read(page.encode(), Context("x.xml", Limits())).elements
    found = {element.section: element for element in elements}
    assert found["fattura > cedente"].text == "nome: Rossi\niva: 123"
    assert found["fattura > riga"].rows == (("n", "voce", "sconto"), ("1", "Olio", ""), ("2", "Vino", "5"))
    assert "valuta: EUR" in elements[0].text
    assert elements[-1].text == "Merce fragile da maneggiare con cura"


def test_broken_xml_names_the_line() -> None:
    with pytest.raises(DocumentError) as caught:
        read(b"<?xml version='1.0'?>\n<a>\n<b></a>", Context("x.xml", Limits()))
    assert caught.value.kind == FailureKind.CORRUPT
    assert "line" in caught.value.message


INSTANCE = """<?xml version="1.0" encoding="UTF-8"?>
<xbrl xmlns="http://www.xbrl.org/2003/instance" xmlns:ci="http://x/itcc-ci"
xmlns:iso4217="http://www.xbrl.org/2003/iso4217">
<context id="i"><entity><identifier scheme="s">1</identifier></entity>
<period><instant>2024-12-31</instant></period></context>
<context id="d"><entity><identifier scheme="s">1</identifier></entity>
<period><startDate>2024-01-01</startDate><endDate>2024-12-31</endDate></period></context>
<unit id="eur"><measure>iso4217:EUR</measure></unit>
<ci:DatiAnagraficiDenominazione contextRef="i">ACME S.R.L.</ci:DatiAnagraficiDenominazione>
<ci:TotaleAttivo contextRef="i" unitRef="eur" decimals="0">1500</ci:TotaleAttivo>
<ci:Ricavi contextRef="d" unitRef="eur" decimals="0">-20</ci:Ricavi>
<ci:NotaIntegrativa contextRef="d">&lt;h2&gt;Criteri&lt;/h2&gt;&lt;p&gt;LONG&lt;/p&gt;</ci:NotaIntegrativa></xbrl>"""


def test_an_instance_is_a_table_of_facts_and_its_notes() -> None:
    note = "I criteri di valutazione non sono cambiati rispetto all'esercizio precedente. " * 6
    parsed = read(INSTANCE.replace("LONG", note).encode(), Context("x.xbrl", Limits()))
    assert (parsed.format, parsed.title, parsed.language) == ("xbrl", "ACME S.R.L.", "it")
    facts = parsed.elements[0]
    assert facts.rows[2:] == (  # type: ignore[index]
        ("ci:TotaleAttivo", "2024-12-31", "EUR", "0", "1500", ""),
        ("ci:Ricavi", "2024-01-01/2024-12-31", "EUR", "0", "-20", ""),
    )
    assert [e.kind for e in parsed.elements[1:]] == ["title", "text"]
    assert parsed.elements[2].section.startswith("ci:NotaIntegrativa")


@pytest.mark.parametrize(
    ("text", "value", "told"),
    [
        ("<o><d>Rossi&nbsp;Filati&euro;</d></o>", "d: Rossi Filati€", "entities of HTML"),
        ("<o><d>Neri & Figli</d></o>", "d: Neri & Figli", "a bare &"),
        ("<o><d>Neri&Figli; srl</d></o>", "d: Neri&Figli; srl", "entities that nobody declares"),
        ("<o><d>perdita < 5 %</d></o>", "d: perdita < 5 %", "a bare <"),
        ("<o><d>riga\x0bdue\x02</d></o>", "d: rigadue", "control characters"),
        ("<o><d>riga&#2;due&#xB;</d></o>", "d: rigadue", "control characters"),
    ],
)
def test_what_programs_get_wrong_is_repaired_and_told(text: str, value: str, told: str) -> None:
    parsed = read(text.encode(), Context("x.xml", Limits()))
    assert parsed.elements[0].text == value
    assert len(parsed.warnings) == 1
    assert told in parsed.warnings[0]


def test_repair_leaves_alone_what_is_right() -> None:
    text = '<!DOCTYPE o [<!ENTITY ditta "Neri">]><o a="&amp;"><![CDATA[a & b < c &nbsp;]]><!-- & < --><d>&ditta; &#233; &lt;</d></o>'
    assert repaired(text) == (text, ())


@pytest.mark.parametrize("namespace", ["http://www.w3.org/1999/XSL/Transform", "http://www.w3.org/2001/XMLSchema"])
def test_style_sheets_and_schemas_are_no_documents(namespace: str) -> None:
    text = f'<x:root xmlns:x="{namespace}"><x:a>scadenza pagamento bollo</x:a></x:root>'
    parsed = read(text.encode(), Context("x.xsl", Limits()))
    assert "scadenza" not in " ".join(e.text for e in parsed.elements)
    assert "no document" in parsed.warnings[0]


def test_files_in_an_xml_are_documents() -> None:
    page = b"%PDF-1.4\n" + bytes(range(256)) * 4
    coded = base64.encodebytes(page).decode()
    text = f"<o><voce>Olio</voce><file><nome>listino 2025.pdf</nome><dati>{coded}</dati></file><img>{coded}</img></o>"
    parsed = read(text.encode(), Context("x.xml", Limits()))
    assert [(one.name, one.data) for one in parsed.attachments] == [("listino 2025.pdf", page), ("img", page)]
    assert " ".join(e.text for e in parsed.elements) == "voce: Olio nome: listino 2025.pdf"
