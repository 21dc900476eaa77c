"""Entities that rules find surely: what has check digits, a currency, a calendar or a format of its own.

VAT numbers, codici fiscali and IBANs are taken only when their check digits are right (python-stdnum), amounts only
with a currency, dates only when there is such a day and its order of day and month is beyond doubt. Names of persons
and firms are left to models. Each entity has its normalised value, the text as first found, its first page and how
often it occurs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from tasks.analyse.statements.document import document_mark
from tasks.analyse.statements.numbers import Mark, parse_number
from tasks.records import Parsed

NEAR = 40  # characters from a number that has a label to the next one, which then needs none
MOST = 200  # entities of one kind in a result, the most frequent ones; the counts say how many there are

Value = str | float


@dataclass(frozen=True, slots=True)
class Entity:
    """One value: `kind` is vat_number, tax_code, iban, ein, date, amount, percentage, email or domain.

    `value` is an ISO date, a number (of an amount in whole currency units, of a percentage in percent) or the compact
    identifier; `currency` an ISO 4217 code.
    """

    kind: str
    value: Value
    text: str
    page: int = 1
    currency: str = ""
    count: int = 1

    def as_json(self) -> dict[str, Any]:
        row: dict[str, Any] = {
            "kind": self.kind,
            "value": self.value,
            "text": self.text,
            "page": self.page,
            "count": self.count,
        }
        return row | {"currency": self.currency} if self.currency else row


@dataclass(frozen=True, slots=True)
class Style:
    """How a document writes: its decimal sign, and whether its numeric dates put "day" or "month" first, or ""."""

    mark: Mark
    first: str


def entities(parsed: Parsed) -> tuple[list[Entity], dict[str, int]]:
    """The entities of a document by first appearance, at most MOST a kind, and how many different ones a kind has."""
    texts = [(element.text, element.page) for element in parsed.elements if element.text]
    how = Style(document_mark(parsed.elements, parsed.language), _first((text for text, _ in texts), parsed.language))
    firsts: dict[tuple[str, Value, str], Entity] = {}
    counts: Counter[tuple[str, Value, str]] = Counter()
    for text, page in texts:
        for found in find(text, how):
            key = (found.kind, found.value, found.currency)
            counts[key] += 1
            firsts.setdefault(key, Entity(found.kind, found.value, found.text, page, found.currency))
    totals = Counter(kind for kind, _, _ in counts)
    kept = {key for kind in totals for key in _most_frequent(counts, kind)}
    rows = [
        Entity(e.kind, e.value, e.text, e.page, e.currency, counts[key]) for key, e in firsts.items() if key in kept
    ]
    return rows, dict(totals)


def _most_frequent(counts: Counter[tuple[str, Value, str]], kind: str) -> list[tuple[str, Value, str]]:
    return sorted((key for key in counts if key[0] == kind), key=lambda key: -counts[key])[:MOST]


def find(text: str, how: Style) -> Iterator[Entity]:
    """The entities of one text, each occurrence."""
    for finder in (_emails, _domains, _ibans, _tax_codes, _vat_numbers, _eins):
        yield from finder(text)
    yield from _dates(text, how.first)
    yield from _amounts(text, how.mark)
    yield from _percentages(text, how.mark)


# ---- identifiers ---------------------------------------------------------------------------------------------------

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
)  # fmt: skip
_ELEVEN = re.compile(r"(?<![\d.,/-])(IT ?)?(\d{11})(?![\d/-]|[.,]\d)")
_FOREIGN_VAT = re.compile(
    r"(?<![A-Z0-9])((?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK)"
    r"[ ]?[A-Z0-9]{8,12})"
    r"(?![A-Za-z0-9])"
)
_EIN = re.compile(
    r"(?:employer[’' ]*s? ?identification|\bein\b|\bI\.?R\.?S\.?)[^\d]{0,80}?(\d{2}-\d{7})(?!\d)", re.IGNORECASE
)


def _emails(text: str) -> Iterator[Entity]:
    if "@" not in text:
        return
    for match in _EMAIL.finditer(text):
        yield Entity("email", match[0].lower().strip("."), match[0])
        yield Entity("domain", match[1].lower(), match[1])


def _domains(text: str) -> Iterator[Entity]:
    for match in _URL.finditer(text):
        yield Entity("domain", match[1].lower().removeprefix("www."), match[0])


def _ibans(text: str) -> Iterator[Entity]:
    """A country's IBAN has one length and its bank part one form, so of all endings of a run at most one is valid."""
    for match in _IBAN.finditer(text):
        run = match[0]
        for end in range(len(run), 14, -1):
            compact = run[:end].replace(" ", "")
            if run[end - 1] != " " and run[end : end + 1] in {"", " "} and is_iban(compact):
                yield Entity("iban", compact, run[:end])
                break


@lru_cache(maxsize=10_000)
def is_iban(compact: str) -> bool:
    """ISO 13616: mod 97 is 1, and length and form are the country's."""
    from stdnum import iban

    return bool(iban.is_valid(compact))


def _tax_codes(text: str) -> Iterator[Entity]:
    from stdnum.it import codicefiscale

    for match in _TAX_CODE.finditer(text):
        if codicefiscale.is_valid(match[0]):
            yield Entity("tax_code", match[0].upper(), match[0])


def _vat_numbers(text: str) -> Iterator[Entity]:
    """Italian ones behind IT or a label: eleven digits alone pass the check digit by chance one time in ten."""
    from stdnum.eu import vat
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
            yield Entity("vat_number", f"IT{match[2]}", match[0])
    for match in _FOREIGN_VAT.finditer(text):
        if any(char.isdigit() for char in match[1][2:]) and vat.is_valid(match[1]):
            yield Entity("vat_number", vat.compact(match[1]).upper(), match[1])


def _eins(text: str) -> Iterator[Entity]:
    """Employer identification numbers (US) have no check digit: only behind their label, with a known prefix."""
    from stdnum.us import ein

    for match in _EIN.finditer(text):
        if ein.is_valid(match[1]):
            yield Entity("ein", match[1], match[1])


# ---- dates ---------------------------------------------------------------------------------------------------------

_MONTHS = (
    "january|gennaio|jan|gen", "february|febbraio|feb", "march|marzo|mar", "april|aprile|apr", "may|maggio|mag",
    "june|giugno|jun|giu", "july|luglio|jul|lug", "august|agosto|aug|ago", "september|settembre|sept|sep|set",
    "october|ottobre|oct|ott", "november|novembre|nov", "december|dicembre|dec|dic",
)  # fmt: skip
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split("|")}
_NAMES = "|".join(sorted(_MONTH, key=len, reverse=True))
_DAY_MONTH = re.compile(
    rf"(?<![\d.,/])(\d{{1,2}})(?:°|º|st|nd|rd|th)?[ -](?:of )?({_NAMES})\b\.?,?[ -](\d{{4}})(?!\d)", re.IGNORECASE
)
_MONTH_DAY = re.compile(rf"\b({_NAMES})\b\.? (\d{{1,2}})(?:st|nd|rd|th)?, ?(\d{{4}})(?!\d)", re.IGNORECASE)
_ISO = re.compile(r"(?<![\d-])(\d{4})-(\d{2})-(\d{2})(?![\d-])")
_NUMERIC = re.compile(r"(?<![\d./-])(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?![\d/-]|[.,]\d)")


def _first(texts: Iterable[str], language: str) -> str:
    """Which of day and month a document's numeric dates put first: by those that can only be one of the two."""
    votes = Counter(order for text in texts for match in _NUMERIC.finditer(text) if (order := _order(match)))
    if votes:
        return "day" if votes["day"] >= votes["month"] else "month"
    return "day" if language == "it" else ""


def _order(match: re.Match[str]) -> str:
    one, two = int(match[1]), int(match[3])
    return "day" if one > 12 >= two else "month" if two > 12 >= one else ""


def _dates(text: str, first: str) -> Iterator[Entity]:
    for match in _DAY_MONTH.finditer(text):
        yield from _day(match[0], match[3], _MONTH[match[2].lower()], match[1])
    for match in _MONTH_DAY.finditer(text):
        yield from _day(match[0], match[3], _MONTH[match[1].lower()], match[2])
    for match in _ISO.finditer(text):
        yield from _day(match[0], *match.groups())
    for match in _NUMERIC.finditer(text):
        order = _order(match) or first or ("day" if match[1] == match[3] else "")
        if order:
            day, month = (match[1], match[3]) if order == "day" else (match[3], match[1])
            yield from _day(match[0], match[4], month, day)


def _day(text: str, year: str | int, month: str | int, day: str | int) -> Iterator[Entity]:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return  # there is no such day, so it is no date
    if 1800 <= found.year <= 2200:
        yield Entity("date", found.isoformat(), text)


# ---- amounts and percentages ---------------------------------------------------------------------------------------

_NUMBER = r"-?\(?\d{1,3}(?:(?:[.,'’ ]\d{3})+(?!\d))?(?:[.,]\d{1,6})?\)?|-?\(?\d+(?:[.,]\d{1,6})?\)?"
_SCALE_WORDS = (
    "thousand|mila|migliaia|millions?|milion[ei]|mln|mio|billions?|miliard[oi]|mld|bn|trillions?|[kmb](?![\\w])"
)
_CODES = ("EUR", "USD", "GBP", "CHF", "JPY", "CNY", "SEK", "NOK", "DKK", "PLN", "AUD", "CAD", "INR", "BRL")
_SIGNS = {
    "US$": "USD", "A$": "AUD", "C$": "CAD", "HK$": "HKD", "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "EURO": "EUR",
    "EUROS": "EUR", "DOLLARS": "USD", "DOLLARI": "USD", "STERLINE": "GBP",
    **dict(zip(_CODES, _CODES, strict=True)),
}  # fmt: skip
_SIGN = "|".join(re.escape(sign) for sign in sorted(_SIGNS, key=len, reverse=True))
_BEFORE = re.compile(rf"(?<![\w$€£])({_SIGN})\s?({_NUMBER})(?![\d])(?:\s?({_SCALE_WORDS})\b)?", re.IGNORECASE)
_AFTER = re.compile(
    rf"(?<![\w$€£.,])({_NUMBER})\s?(?:({_SCALE_WORDS})\s(?:di |of |d[’'])?|({_SCALE_WORDS})?\s?)({_SIGN})(?![\w$€£])",
    re.IGNORECASE,
)
_PERCENT = re.compile(rf"(?<![\w.,])({_NUMBER})\s?(?:%|percent\b|per cent\b|per cento\b)", re.IGNORECASE)


def _amounts(text: str, mark: Mark) -> Iterator[Entity]:
    taken: list[tuple[int, int]] = []
    for match in _AFTER.finditer(text):
        taken.append(match.span())
        yield from _amount(match[0], match[1], match[2] or match[3], match[4], mark)
    for match in _BEFORE.finditer(text):
        if not any(start < match.end() and match.start() < end for start, end in taken):
            yield from _amount(match[0], match[2], match[3], match[1], mark)


def _amount(text: str, number: str, scale: str | None, sign: str, mark: Mark) -> Iterator[Entity]:
    parsed = parse_number(number.strip(), mark)
    if parsed is None or parsed.nil:
        return
    value = parsed.value * Decimal(_times(scale))
    yield Entity("amount", _plain(value), " ".join(text.split()), currency=_SIGNS[sign.upper()])


def _times(scale: str | None) -> int:
    """What a word such as `million`, `mln` or `miliardi` multiplies by."""
    if not scale:
        return 1
    word = scale.lower()
    if word in {"thousand", "mila", "migliaia", "k"}:
        return 10**3
    if word.startswith(("billion", "miliard")) or word in {"mld", "bn", "b"}:
        return 10**9
    return 10**12 if word.startswith("trillion") else 10**6


def _percentages(text: str, mark: Mark) -> Iterator[Entity]:
    for match in _PERCENT.finditer(text):
        parsed = parse_number(match[1].strip(), mark)
        if parsed is not None and not parsed.nil:
            yield Entity("percentage", _plain(parsed.value), match[0])


def _plain(value: Decimal) -> float:
    return int(value) if value == value.to_integral_value() else float(value)
