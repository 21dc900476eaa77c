"""Whose accounts they are: by facts, by the cover of a filing, by running headers; never by the program that printed."""

from __future__ import annotations

from tasks.analyse.find_company import company_of
from tasks.records import Document, Element, Parsed


def name(*elements: Element, title: str = "") -> str:
    return company_of(Document("0" * 32, "test", "/in/x.pdf", "hash", Parsed("pdf", title, "it", 3, elements)))


def test_running_headers_name_the_firm_and_the_metadata_do_not() -> None:
    headers = [Element("header", "v.2.14.2 TESSITURA DELL'ORTICA S.P.A.", page) for page in (1, 2, 3)]
    audit = Element("text", "Relazione della società di revisione Conti Chiari S.p.A. ai soci", 9)
    assert name(*headers, audit, title="Studio Bianchi e Associati") == "TESSITURA DELL'ORTICA S.P.A."


def test_the_cover_of_a_filing_names_the_registrant() -> None:
    cover = [
        Element("title", "FORM 10-K"),
        Element("text", "Harbor & Finch Incorporated"),
        Element("text", "(Exact name of registrant as specified in its charter)"),
    ]
    assert name(*cover) == "Harbor & Finch Incorporated"
    assert name(Element("text", "Harbor plc\n(Exact name of Registrant as specified)")) == "Harbor plc"


def test_facts_win() -> None:
    facts = (("concept", "value"), ("itcc-ci:DatiAnagraficiDenominazione", "FRANTOIO VERDE S.R.L."))
    table = Element("table", "", rows=facts, section="XBRL facts")
    assert name(Element("title", "Studio Rossi S.r.l."), table) == "FRANTOIO VERDE S.R.L."


def test_what_is_no_name() -> None:
    assert name(Element("text", "The Company sells paper. 31-12-2024 31-12-2023")) == ""
    assert name(Element("text", "31-12-2024 31-12-2023 OFFICINA BLU S.R.L. - Sede in Lodi")) == "OFFICINA BLU S.R.L."
