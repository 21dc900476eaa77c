"""Entities: check digits against their published rules, and what must not be taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.analyse.entities import MOST, Style, entities, find
from tasks.readings import Entity
from tasks.records import Element, Parsed

# examples of the IBAN registry (SWIFT), of the decree on the codice fiscale, and of python-stdnum
IBANS = [
    "IT60X0542811101000000123456",
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "FR1420041010050500013M02606",
]
TAX_CODE = "RSSMRA85T10A562S"
VAT = "00743110157"


def values(text: str, kind: str, mark: str = ",", first: str = "day") -> list[object]:
    return [e.value for e in find(text, Style(mark, first)) if e.kind == kind]  # type: ignore[arg-type]


@pytest.mark.parametrize("iban", IBANS)
def test_ibans_in_one_piece_and_in_groups(iban: str) -> None:
    groups = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
    assert values(f"Pagare su {iban}.", "iban") == [iban]
    assert values(f"IBAN: {groups} presso Banca", "iban") == [iban]
    assert values(f"{groups} BANCA DI PROVA 22", "iban") == [iban]


@given(st.sampled_from(IBANS), st.data())
def test_one_wrong_digit_makes_no_iban(iban: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([i for i, char in enumerate(iban) if char.isdigit()]))
    wrong = data.draw(st.sampled_from([d for d in "0123456789" if d != iban[place]]))
    assert values(iban[:place] + wrong + iban[place + 1 :], "iban") == []


def test_codice_fiscale_and_its_check_letter() -> None:
    assert values(f"C.F. {TAX_CODE.lower()},", "tax_code") == [TAX_CODE]
    for letter in "ABCDEFGHIJKLMNOPQRTUVWXYZ":
        assert values(f"C.F. {TAX_CODE[:-1]}{letter}", "tax_code") == []


def test_italian_vat_numbers_need_a_label_or_their_country() -> None:
    assert values(f"Partita IVA {VAT}", "vat_number") == [f"IT{VAT}"]
    assert values(f"P.IVA IT{VAT}", "vat_number") == [f"IT{VAT}"]
    assert values(f"Codice fiscale e n. iscrizione al Registro Imprese {VAT}", "vat_number") == [f"IT{VAT}"]
    assert values(f"protocollo {VAT}", "vat_number") == []
    assert values("Partita IVA 00743110158", "vat_number") == []


def test_other_vat_numbers_and_employer_numbers() -> None:
    assert values("VAT: DE 136 695 976 or DE136695976", "vat_number") == ["DE136695976"] * 2
    assert values("VAT Reg. No GB 980 7806 84 of Acme", "vat_number") == ["GB980780684"]
    assert values("USt-IdNr. ATU13585627 und CHE-107.787.577 IVA", "vat_number")[:1] == ["ATU13585627"]
    assert values("DE136695977", "vat_number") == []
    assert values("I.R.S. Employer Identification No. 41-0417775", "ein") == ["41-0417775"]
    assert values("part 41-0417775", "ein") == []


def test_mail_addresses_and_domains() -> None:
    text = "Scrivere a Crediti@Montescaro.example o vedere https://www.trebbio.example/olio e www.aurenga.example."
    assert values(text, "email") == ["crediti@montescaro.example"]
    assert values(text, "domain") == ["montescaro.example", "trebbio.example", "aurenga.example"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("31 dicembre 2024", "2024-12-31"),
        ("1° marzo 2025", "2025-03-01"),
        ("December 31, 2018", "2018-12-31"),
        ("6th of February 2025", "2025-02-06"),
        ("2025-03-14", "2025-03-14"),
        ("31/12/2024", "2024-12-31"),
        ("16 Sep 2024", "2024-09-16"),
    ],
)
def test_dates(text: str, day: str) -> None:
    assert values(f"il {text} x", "date") == [day]


def test_days_that_are_none_and_orders_in_doubt() -> None:
    assert values("31/02/2024 e 30 febbraio 2024", "date") == []
    assert values("03/04/2024", "date", first="day") == ["2024-04-03"]
    assert values("03/04/2024", "date", first="month") == ["2024-03-04"]
    assert values("03/04/2024", "date", first="") == []
    assert values("versione 1.2.2024.7", "date") == []


@pytest.mark.parametrize(
    ("text", "mark", "value", "currency"),
    [
        ("€ 6.000.000,00", ",", 6_000_000, "EUR"),
        ("42.454.913 euro", ",", 42_454_913, "EUR"),
        ("600,6 milioni di euro", ",", 600_600_000, "EUR"),
        ("$14,694 million", ".", 14_694_000_000, "USD"),
        ("US$ 1.2 billion", ".", 1_200_000_000, "USD"),
        ("EUR 61.240 migliaia", ",", 61_240_000, "EUR"),
        ("18,000 dollars", ".", 18_000, "USD"),
        ("1,5 mld di euro", ",", 1_500_000_000, "EUR"),
        ("£3.75", ".", 3.75, "GBP"),
        ("0,95 euro", ",", 0.95, "EUR"),
    ],
)
def test_amounts(text: str, mark: str, value: float, currency: str) -> None:
    found = [e for e in find(f"pari a {text} nel", Style(mark, "day")) if e.kind == "amount"]  # type: ignore[arg-type]
    assert [(e.value, e.currency) for e in found] == [(value, currency)]


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("Fattura n. 35/2025 EUR 1.220,00", [1220]),
        ("fattura 35/25 EUR 1.220,00 del 3 marzo 2025 EUR 40,00", [1220, 40]),
        ("saldo al 31.12.2025 EUR 7.310,44", [7310.44]),
        ("scade il 30 aprile 2026 EUR 90", [90]),
        ("dicembre 2025 EUR", []),
        ("EUR 31/12/2025", []),
        ("rata 4 € 815,50", [815.5]),
        ("815,50 € 4 rate", [815.5]),
        ("12 EUR 15 EUR", [12, 15]),
        ("EUR 12 EUR 15", [12, 15]),
        ("paga 500 euro 3 volte", [500]),
        ("prot. 18/2026", []),
        ("storno 1.250,00- EUR", [-1250]),
        ("EUR 1.250,00-", [-1250]),
        ("-1.250,00 €", [-1250]),
        ("da 10-20 euro", [20]),
    ],
)
def test_a_currency_between_two_numbers_and_numbers_that_are_none(text: str, amounts: list[float]) -> None:
    assert values(text, "amount") == amounts


def test_an_iban_of_italy_needs_its_check_letter() -> None:
    """A wrong CIN with a right mod 97: the second check finds what the first one lets through."""
    candidates = [f"IT{digits:02d}Y0542811101000000123456" for digits in range(2, 99)]
    wrong = next(candidate for candidate in candidates if is_mod97(candidate))
    assert values(f"IBAN {wrong}", "iban") == []
    assert values(f"IBAN {IBANS[0]}", "iban") == [IBANS[0]]


def is_mod97(value: str) -> bool:
    from stdnum import iban

    return bool(iban.is_valid(value, check_country=False))


def table(*rows: tuple[str, ...]) -> Parsed:
    text = "\n".join(" | ".join(row) for row in rows)
    return Parsed("xlsx", "", "it", 1, (Element("table", text, 3, rows=rows),))


def test_amounts_alone_in_cells_are_figures_and_no_entities() -> None:
    parsed = table(("Voce", "2025"), ("Ricavi", "€ 1.200,00"), ("Margine", "12 %"))
    assert entities(parsed) == ([], {})
    found, _ = entities(table(("Data", "Descrizione"), ("30/04/2026", "Saldo finale EUR 48.310,20 a debito")))
    assert [(e.value, e.page) for e in found if e.kind == "amount"] == [(48310.2, 3)]


def test_a_vat_number_whose_label_stands_in_another_cell() -> None:
    assert [e.value for e in entities(table(("Fornitore", "P.IVA"), ("Alfa", VAT)))[0]] == [f"IT{VAT}"]
    assert [e.value for e in entities(table(("DatiAnagraficiPartitaIva", "2025-12-31", VAT)))[0][-1:]] == [f"IT{VAT}"]
    assert entities(table(("Conto", VAT)))[0] == []


def test_an_entity_stands_with_what_it_is_about() -> None:
    text = "Premessa. La rata di mutuo della sede è di 815,50 € al mese. Altro."
    found, _ = entities(Parsed("txt", "", "it", 1, (Element("text", text),)))
    assert found[0].about == "La rata di mutuo della sede è di 815,50 € al mese"


def test_a_number_without_currency_is_no_amount() -> None:
    assert values("nel 2024 le 1.200 unità vendute", "amount") == []


def test_percentages() -> None:
    assert values("in calo del 3,1% e del 12 per cento", "percentage") == [3.1, 12]
    assert values("22.4 percent", "percentage", mark=".") == [22.4]


def test_a_document_says_by_its_own_dates_which_order_it_uses() -> None:
    def dates(language: str, *texts: str) -> list[object]:
        parsed = Parsed("txt", "", language, 1, tuple(Element("text", text) for text in texts))
        return [e.value for e in entities(parsed)[0]]

    assert dates("en", "due 04/05/2024", "paid 12/31/2024") == ["2024-04-05", "2024-12-31"]
    assert dates("it", "scade il 04/05/2024") == ["2024-05-04"]
    assert dates("en", "due 04/05/2024") == []


def test_equal_values_are_one_entity_with_a_count_and_the_first_page() -> None:
    many = tuple(Element("text", f"versati {n} euro", n) for n in range(1, MOST + 50))
    parsed = Parsed("txt", "", "it", 1, (*many, Element("text", "ancora 7 euro", 900)))
    found, totals = entities(parsed)
    seven = next(e for e in found if e.value == 7)
    assert seven == Entity("amount", 7, "7 euro", 7, "EUR", 2, "versati 7 euro")
    assert (len(found), totals) == (MOST, {"amount": MOST + 49})


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    list(find(text, Style(".", "")))
