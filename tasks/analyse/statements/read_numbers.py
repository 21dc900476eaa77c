"""Numbers as annual reports print them, read exactly.

A cell may hold `1.234.567,89`, `1,234,567.89`, `(1,234)`, `-1.234`, `1.234-`, `$ 12`, `12,5 %`, `1 234`, `—` or a
number with a footnote mark. Which sign is the decimal one cannot be told from `1,234` alone, so it is decided once a
document (`decimal_mark`) from the cells that leave no doubt. Values are `Decimal`: scaling by thousands must not round.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal

Mark = Literal[",", "."]

_DASHES = "‐‑‒–—−﹣-"
_NIL = re.compile(rf"^[{_DASHES}]{{1,3}}$")
_CURRENCY = r"US\$|A\$|C\$|[$€£¥]|(?:EUR|USD|GBP|CHF|JPY|Euro|euro)\b\.?"
_FOOTNOTE = re.compile(r"(?<=[\d)%])\s*(?:\*+|[†‡§¹²³⁴⁵⁶⁷⁸⁹⁰]+|\[\w{1,2}\]|\([a-z]\)(?:\([a-z]\))*|\(\d\))+$")
_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f]+")
_SHAPE = re.compile(r"^(\d{1,3}(?:([.,'’ ])\d{3})(?:\2\d{3})*|\d+)?(?:([.,])(\d+))?$")
_TWICE = re.compile(r"^(?:[$€£]\s?)?(-?)\s?([\d.,]+)\s?%?\s?\(\s?([\d.,]+)\s?%?\s?\)$")  # -25 ( 25 ) transcribes (25)
_UNITS = re.compile(r"\s*(?:x|times|volte|bps|pp|p\.p\.)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a cell; `percent` when the cell says so (the value stays as printed: `12%` is 12)."""

    value: Decimal
    percent: bool = False
    nil: bool = False
    """A lone dash: the line exists and is nil."""


def decimal_mark(cells: Iterable[str], default: Mark = ".") -> Mark:
    """Return which sign separates decimals in these cells.

    Both signs in one number, a repeated sign, or a group that has not three digits are proof; a single sign before
    three digits (`1,234`) is only a hint that the sign groups thousands. Proof outvotes hints, hints the default.
    """
    proof: dict[Mark, int] = {",": 0, ".": 0}
    hints: dict[Mark, int] = {",": 0, ".": 0}
    for cell in cells:
        for number in re.findall(r"\d[\d.,]*\d", cell):
            _vote(number, proof, hints)
    for votes in (proof, hints):
        if votes[","] != votes["."]:
            return "," if votes[","] > votes["."] else "."
    return default


def _vote(number: str, proof: dict[Mark, int], hints: dict[Mark, int]) -> None:
    signs = [char for char in number if char in ",."]
    if not signs:
        return
    last: Mark = "," if signs[-1] == "," else "."
    other: Mark = "." if last == "," else ","
    head, tail = number.rsplit(last, 1)
    if len(set(signs)) == 2:
        proof[last] += 1 if signs.count(last) == 1 else 0
        proof[other] += 1 if signs.count(last) > 1 else 0
    elif len(signs) > 1:
        proof[other] += 1 if all(len(group) == 3 for group in number.split(last)[1:]) else 0
    elif len(tail) != 3 or head == "0" or len(head) > 3:
        proof[last] += 1
    else:
        hints[other] += 1


@lru_cache(maxsize=65_536)
def parse_number(cell: str, mark: Mark = ".") -> Number | None:
    """Return the number that a cell holds, or None when it holds none or more than one.

    Args:
        cell: the text of the cell; currency signs, footnote marks and a percent sign are allowed around the number.
        mark: the decimal sign of the document.

    Returns:
        The value with its sign: parentheses, a leading or trailing minus make it negative. None for blanks and words
        (`n/a`, `n.s.`), and for a number that cannot be of this style (`1.23.4`).
    """
    text = _SPACES.sub(" ", cell).strip()
    if not text or len(text) > 40:
        return None
    if _NIL.match(_strip_currency(text)):
        return Number(Decimal(0), nil=True)
    if not any(char.isdigit() for char in text):
        return None
    twice = _TWICE.match(text)
    if twice and twice[2] == twice[3]:
        text = f"{twice[1]}{twice[2]}" + ("%" if "%" in text else "")
    return _signed(_UNITS.sub("", _FOOTNOTE.sub("", text)), mark)


def _strip_currency(text: str) -> str:
    return re.sub(rf"(?:{_CURRENCY})", "", text).strip()


def _signed(text: str, mark: Mark) -> Number | None:
    text = _strip_currency(text)
    percent = "%" in text
    text = text.replace("%", "").strip()
    negative = False
    if text.startswith("(") and (text.endswith(")") or ")" not in text):
        negative, text = True, text.strip("() ")
    elif text.endswith(")") and "(" not in text:  # the opening one was lost with its own cell
        negative, text = True, text.rstrip(") ")
    text = _strip_currency(text)
    if text[:1] in _DASHES and len(text) > 1:
        negative, text = not negative, text[1:].strip()
    elif text[-1:] in _DASHES and len(text) > 1:
        negative, text = True, text[:-1].strip()
    value = _magnitude(_strip_currency(text.lstrip("+")), mark)
    return None if value is None else Number(-value if negative else value, percent)


def _magnitude(text: str, mark: Mark) -> Decimal | None:
    text = re.sub(r" ?([.,]) ?", r"\1", text)
    match = _SHAPE.match(text)
    if not match or not text:
        return None
    whole, group, decimal, fraction = match.groups()
    if decimal and decimal != mark:
        return None if group else _other_style(text, mark)
    if group == mark:
        return _other_style(text, mark) if fraction is None else None
    digits = re.sub(r"\D", "", whole or "0")
    return Decimal(f"{digits}.{fraction}" if fraction else digits)


def _other_style(text: str, mark: Mark) -> Decimal | None:
    """Return a number that does not fit the document's style: its own style, when there is only one reading."""
    parts = text.split(mark)
    if mark in text and len(parts) > 2:  # the decimal sign twice: it groups here
        return Decimal("".join(parts))
    if mark in text and len(parts) == 2:  # 1,234 where the comma is decimal: three decimals
        return Decimal(f"{parts[0]}.{parts[1]}")
    other = "," if mark == "." else "."
    parts = text.split(other)
    if len(parts) == 2 and len(parts[1]) != 3 and parts[0].isdigit():  # 12,5 in a document with decimal points
        return Decimal(f"{parts[0]}.{parts[1]}")
    return None
