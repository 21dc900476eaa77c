"""Amounts with a currency, and percentages, in running text.

A currency may stand before its number or after it, and between two numbers that both could be its own: the number of
an invoice and the amount (`Fattura n. 117/2026 EUR 500,00`). Numbers inside dates and in `117/2026` are never amounts;
of two candidates the one with decimals counts, else the one after a sign or code and the one before a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from tasks.analyse.find_dates import date_spans
from tasks.analyse.statements.read_numbers import Mark, parse_number
from tasks.figures import plain_number
from tasks.readings import Entity

_NUMBER = (
    r"[-–—−]?\(?\d{1,3}(?:(?:[.,'’ ]\d{3})+(?!\d))?(?:[.,]\d{1,6})?\)?(?:-(?!\w))?"
    r"|[-–—−]?\(?\d+(?:[.,]\d{1,6})?\)?(?:-(?!\w))?"
)
_SCALE_WORDS = (
    "thousand|mila|migliaia|millions?|milion[ei]|mln|mio|billions?|miliard[oi]|mld|bn|trillions?|[kmb](?![\\w])"
)
_CODES = ("EUR", "USD", "GBP", "CHF", "JPY", "CNY", "SEK", "NOK", "DKK", "PLN", "AUD", "CAD", "INR", "BRL")
_WORDS = {"EURO": "EUR", "EUROS": "EUR", "DOLLARS": "USD", "DOLLARI": "USD", "STERLINE": "GBP"}
_SIGNS = {"US$": "USD", "A$": "AUD", "C$": "CAD", "HK$": "HKD", "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_CURRENCY = {**_SIGNS, **_WORDS, **dict(zip(_CODES, _CODES, strict=True))}
_SIGN = "|".join(re.escape(sign) for sign in sorted(_CURRENCY, key=len, reverse=True))
_SIGN_ALONE = re.compile(rf"(?<![^\W\d_])(?<![$€£])({_SIGN})(?![^\W\d_]|[$€£])", re.IGNORECASE)
_FOLLOWING = re.compile(rf"\s?({_NUMBER})(?!\d)(?:\s?({_SCALE_WORDS})\b)?", re.IGNORECASE)
_PRECEDING = re.compile(
    rf"(?<![\w$€£.,])({_NUMBER})(?:\s?(?:({_SCALE_WORDS})\s(?:di |of |d[’'])?|({_SCALE_WORDS})?\s?))$", re.IGNORECASE
)
_SIGN_NEXT = re.compile(rf"\s?(?:{_SIGN})(?![^\W\d_]|[$€£])", re.IGNORECASE)
_OF_A_YEAR = re.compile(r"(?<!\w)\d{1,7}\s?/\s?(?:\d{4}|\d\d)(?![\d,.]\d|\d)")
_DECIMALS = re.compile(r"[.,]\d{1,2}\D*$")
_PERCENT = re.compile(rf"(?<![\w.,])({_NUMBER})\s?(?:%|percent\b|per cent\b|per cento\b)", re.IGNORECASE)
_LOOK_BACK = 40  # characters before a currency that its number and words such as `milioni di` take at most


def find_amounts(text: str, mark: Mark) -> Iterator[Entity]:
    """Find the amounts of a text, each occurrence once."""
    signs = list(_SIGN_ALONE.finditer(text))
    if not signs:
        return
    barred = [*date_spans(text), *(match.span() for match in _OF_A_YEAR.finditer(text))]
    taken = 0
    for sign in signs:
        before, after = _before(text, sign, taken, barred), _after(text, sign, barred)
        if not before and not after:
            continue
        chosen = _chosen(text, sign[1], before, after)
        found = _entity(text, sign, chosen, after=chosen is after, mark=mark)
        if found:
            taken = max(sign.end(), chosen.end())
            yield found


def _before(text: str, sign: re.Match[str], taken: int, barred: Sequence[tuple[int, int]]) -> re.Match[str] | None:
    """Return the number that ends where a currency begins, unless it is another amount's or no amount."""
    match = _PRECEDING.search(text, max(taken, sign.start() - _LOOK_BACK), sign.start())
    return None if match is None or _inside(match.span(1), barred) else match


def _after(text: str, sign: re.Match[str], barred: Sequence[tuple[int, int]]) -> re.Match[str] | None:
    match = _FOLLOWING.match(text, sign.end())
    return None if match is None or _inside(match.span(1), barred) else match


def _inside(span: tuple[int, int], barred: Sequence[tuple[int, int]]) -> bool:
    return any(start < span[1] and span[0] < end for start, end in barred)


def _chosen(text: str, sign: str, before: re.Match[str] | None, after: re.Match[str] | None) -> re.Match[str]:
    """Return which of the numbers beside a currency is its amount; one of them is there."""
    if before is None or after is None:
        found = before or after
        assert found is not None
        return found
    decimals = bool(_DECIMALS.search(before[1])), bool(_DECIMALS.search(after[1]))
    if decimals[0] != decimals[1]:
        return before if decimals[0] else after
    next_sign = _SIGN_NEXT.match(text, after.end())
    return before if next_sign or sign.upper() in _WORDS or before[2] or before[3] else after


def _entity(text: str, sign: re.Match[str], number: re.Match[str], *, after: bool, mark: Mark) -> Entity | None:
    parsed = parse_number(number[1].strip(), mark)
    if parsed is None or parsed.nil:
        return None
    value = parsed.value * Decimal(_times(number[2] if after else number[2] or number[3]))
    start, end = (sign.start(), number.end()) if after else (number.start(), sign.end())
    shown = " ".join(text[start:end].split())
    return Entity("amount", plain_number(value), shown, currency=_CURRENCY[sign[1].upper()], start=start)


def _times(scale: str | None) -> int:
    """Return what a word such as `million`, `mln` or `miliardi` multiplies by."""
    if not scale:
        return 1
    word = scale.lower()
    if word in {"thousand", "mila", "migliaia", "k"}:
        return 10**3
    if word.startswith(("billion", "miliard")) or word in {"mld", "bn", "b"}:
        return 10**9
    return 10**12 if word.startswith("trillion") else 10**6


def find_percentages(text: str, mark: Mark) -> Iterator[Entity]:
    """Find the percentages of a text."""
    for match in _PERCENT.finditer(text):
        parsed = parse_number(match[1].strip(), mark)
        if parsed is not None and not parsed.nil:
            yield Entity("percentage", plain_number(parsed.value), match[0], start=match.start())
