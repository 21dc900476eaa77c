"""Check digits of VAT numbers, Italian tax codes and IBANs (python-stdnum; the Italian CIN letter is ours)."""

from __future__ import annotations

import importlib
import re
from functools import lru_cache
from typing import Any, Literal

Verdict = Literal["right", "wrong", "unknown"]

_VAT_MODULES = {
    "GB": "stdnum.gb.vat",
    "XI": "stdnum.gb.vat",
    "CH": "stdnum.ch.vat",
    "NO": "stdnum.no.mva",
    "SM": "stdnum.sm.coe",
}
_ODD = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)
_ODD |= {str(digit): _ODD[letter] for digit, letter in enumerate("ABCDEFGHIJ")}
_IT_BBAN = re.compile(r"(?:IT|SM)\d\d([A-Z])(\d{5}\d{5}[A-Z0-9]{12})")


@lru_cache(maxsize=10_000)
def vat_number(value: str) -> Verdict:
    """Judge a VAT number with its country's prefix; unknown for a country whose rule is not known here."""
    country, number = value[:2].upper(), value[2:].strip()
    if not country.isalpha() or not number:
        return "unknown"
    module = _vat_module("EL" if country == "GR" else country)
    if module is None:
        return "unknown"
    prefixed = f"CHE{number.removeprefix('E')}" if country == "CH" else number
    return "right" if module.is_valid(prefixed) or module.is_valid(value) else "wrong"


@lru_cache(maxsize=64)
def _vat_module(country: str) -> Any:
    if name := _VAT_MODULES.get(country):
        return importlib.import_module(name)
    from stdnum.eu import vat

    return vat._get_cc_module(country.lower()) if country.lower() in vat.MEMBER_STATES | {"el"} else None


@lru_cache(maxsize=10_000)
def tax_code(value: str) -> Verdict:
    """Judge an Italian tax code: 16 characters of a person, 11 digits of a firm."""
    from stdnum.it import codicefiscale, iva

    if value.isdigit():
        return "right" if iva.is_valid(value) else "wrong"
    return "right" if codicefiscale.is_valid(value) else "wrong"


def looks_like_iban(value: str) -> bool:
    """Tell an account in the form of an IBAN, right or wrong, from a number of one country's own banks."""
    return len(value) >= 15 and value[:2].isalpha() and value[2:4].isdigit()


@lru_cache(maxsize=10_000)
def iban(value: str) -> Literal["right", "mod97", "cin", "form"]:
    """Judge an IBAN: `form` (length or country), `mod97`, `cin` (Italian check letter), or right."""
    from stdnum import iban as numbers
    from stdnum.exceptions import InvalidChecksum, ValidationError

    try:
        numbers.validate(value, check_country=False)
    except InvalidChecksum:
        return "mod97"
    except ValidationError:
        return "form"
    bban = _IT_BBAN.fullmatch(value.replace(" ", "").upper())
    if value[:2].upper() in ("IT", "SM") and not bban:
        return "form"
    return "cin" if bban and cin(bban.group(2)) != bban.group(1) else "right"


def cin(bban: str) -> str:
    """Return the check letter of ABI, CAB and account (22 characters): characters at odd places count by a table, at even places by rank."""
    total = 0
    for place, character in enumerate(bban):
        even = int(character) if character.isdigit() else ord(character) - ord("A")
        total += _ODD[character] if place % 2 == 0 else even
    return chr(ord("A") + total % 26)
