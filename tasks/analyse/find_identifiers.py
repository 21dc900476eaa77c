"""Identifiers with check digits or a form of their own: VAT numbers, tax codes, IBANs, mail addresses, domains."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tasks.office import identifiers
from tasks.readings import Entity

NEAR = 40  # characters from a number that has a label to the next one, which then needs none

_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24})(?![\w-])", re.IGNORECASE
)
_URL = re.compile(
    r"(?:https?://|(?<![\w@/.])www\.)((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24})(?![\w-])", re.IGNORECASE
)
_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?![a-z])")
_TAX_CODE = re.compile(
    r"(?<![A-Z0-9])[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z](?![A-Z0-9])",
    re.IGNORECASE,
)
_ITALIAN_LABEL = re.compile(
    r"(?:p(?:artita)?[. ]{0,2}i\.?v\.?a|c(?:od(?:ice)?)?[. ]{0,2}f(?:isc(?:ale)?)?|idcodice"
    r"|registro (?:delle )?imprese|c\.?c\.?i\.?a\.?a|vat)\b[^\d\n]{0,60}$",
    re.IGNORECASE,
)
_ELEVEN = re.compile(r"(?<![\d.,/-])(IT ?)?(\d{11})(?![\d/-]|[.,]\d)")
_FOREIGN_VAT = re.compile(
    r"(?<![A-Z0-9])(?:AT|BE|BG|CHE|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)"
    r"[ -]?[A-Z0-9](?:[ .-]?[A-Z0-9]){6,13}(?![A-Za-z0-9])"
)
_LABEL_CELL = re.compile(r"partita\s?iva|p\.?\s?iva\b|codice\s?fiscale|c\.f\.|vat (?:no|number|id)", re.IGNORECASE)
_EIN = re.compile(
    r"(?:employer[’' ]*s? ?identification|\bein\b|\bI\.?R\.?S\.?)[^\d]{0,80}?(\d{2}-\d{7})(?!\d)", re.IGNORECASE
)


def find_emails(text: str) -> Iterator[Entity]:
    if "@" not in text:
        return
    for match in _EMAIL.finditer(text):
        yield Entity("email", match[0].lower().strip("."), match[0], start=match.start())
        yield Entity("domain", match[1].lower(), match[1], start=match.start(1))


def find_domains(text: str) -> Iterator[Entity]:
    for match in _URL.finditer(text):
        yield Entity("domain", match[1].lower().removeprefix("www."), match[0], start=match.start())


def find_ibans(text: str) -> Iterator[Entity]:
    """Yield IBANs: a country has one length and one form of the bank part, so of all endings of a run at most one is valid."""
    for match in _IBAN.finditer(text):
        run = match[0]
        for end in range(len(run), 14, -1):
            compact = run[:end].replace(" ", "")
            if run[end - 1] != " " and run[end : end + 1] in {"", " "} and identifiers.iban(compact) == "right":
                yield Entity("iban", compact, run[:end], start=match.start())
                break


def find_tax_codes(text: str) -> Iterator[Entity]:
    from stdnum.it import codicefiscale

    for match in _TAX_CODE.finditer(text):
        if codicefiscale.is_valid(match[0]):
            yield Entity("tax_code", match[0].upper(), match[0], start=match.start())


def find_vat_numbers(text: str) -> Iterator[Entity]:
    """Find VAT numbers: Italian ones behind IT or a label, as one in ten numbers has the check digit by chance."""
    from stdnum.it import iva

    labelled_until = -NEAR
    for match in _ELEVEN.finditer(text):
        near = (
            match[1]
            or _ITALIAN_LABEL.search(text[max(0, match.start() - 90) : match.start()])
            or match.start() - labelled_until < NEAR
        )
        if near and iva.is_valid(match[2]):
            labelled_until = match.end()
            yield Entity("vat_number", f"IT{match[2]}", match[0], start=match.start())
    for match in _FOREIGN_VAT.finditer(text):
        yield from _foreign(match)


def _foreign(match: re.Match[str]) -> Iterator[Entity]:
    """Yield the longest beginning of a run that is a VAT number of its country: what follows it may be another word."""
    run = match[0]
    for end in range(len(run), 8, -1):
        compact = re.sub(r"[ .-]", "", run[:end])
        whole = run[end : end + 1] in {"", " ", ".", "-"} and run[end - 1].isalnum()
        if whole and sum(char.isdigit() for char in compact) >= 7 and identifiers.vat_number(compact) == "right":
            yield Entity("vat_number", compact, run[:end], start=match.start())
            return


def find_labelled(rows: Sequence[Sequence[str]]) -> Iterator[Entity]:
    """Find Italian VAT numbers in a table, whose label stands in another cell: of the row, or over the column."""
    from stdnum.it import iva

    heads = rows[0] if rows else ()
    for row in rows:
        named = any(_LABEL_CELL.search(cell) for cell in row)
        for column, cell in enumerate(row):
            over = column < len(heads) and _LABEL_CELL.search(heads[column])
            if (named or over) and re.fullmatch(r"(?:IT ?)?\d{11}", cell) and iva.is_valid(cell[-11:]):
                yield Entity("vat_number", f"IT{cell[-11:]}", cell)


def find_eins(text: str) -> Iterator[Entity]:
    """Yield employer identification numbers (US); they have no check digit: only behind their label, with a known prefix."""
    from stdnum.us import ein

    for match in _EIN.finditer(text):
        if ein.is_valid(match[1]):
            yield Entity("ein", match[1], match[1], start=match.start(1))
