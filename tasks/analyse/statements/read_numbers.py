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
LONGEST = 40  # characters of a cell that can be a number

_DASHES = "‐‑‒–—−﹣-"
_NIL = re.compile(rf"^[{_DASHES}]{{1,3}}$")
_MINUS = re.compile(rf"^[{_DASHES}] *| *[{_DASHES}]$")
_CURRENCY = re.compile(r"US\$|A\$|C\$|[$€£¥]|(?:EUR|USD|GBP|CHF|JPY|Euro|euro)\b\.?")
_FOOTNOTE = re.compile(r"(?<=[\d)%])\s*(?:\*+|[†‡§¹²³⁴⁵⁶⁷⁸⁹⁰]+|\[\w{1,2}\]|\([a-z]\)(?:\([a-z]\))*|\(\d\))+$")
_SPACES = re.compile(r"\s+")
_SHAPE = re.compile(r"^([1-9]\d{0,2}([.,'’ ])\d{3}(?:\2\d{3})*|\d+)?(?:[.,](\d+))?$")  # nothing groups after a naught
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
    signs = re.findall("[.,]", number)
    if not signs:
        return
    last: Mark = signs[-1]
    other = _other(last)
    head, *groups = number.split(last)
    if signs.count(other):
        proof[last if signs.count(last) == 1 else other] += 1
    elif len(signs) > 1:
        proof[other] += all(len(group) == 3 for group in groups)
    elif len(groups[0]) != 3 or head == "0" or len(head) > 3:
        proof[last] += 1
    else:
        hints[other] += 1


def _other(mark: Mark) -> Mark:
    return "." if mark == "," else ","


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
    if len(text) > LONGEST:
        return None
    text = _CURRENCY.sub("", text).strip()
    if _NIL.match(text):
        return Number(Decimal(0), nil=True)
    if not any(char.isdigit() for char in text):  # most cells are words: the rest would say the same, later
        return None
    twice = _TWICE.match(text)
    if twice and twice[2] == twice[3]:
        text = f"{twice[1]}{twice[2]}" + ("%" if "%" in text else "")
    return _signed(_UNITS.sub("", _FOOTNOTE.sub("", text)), mark)


def _signed(text: str, mark: Mark) -> Number | None:
    bare = text.replace("%", "").strip()
    inner = bare.lstrip("( ").rstrip(") ")  # one of the two may be lost with its own cell
    unsigned = _MINUS.sub("", inner, count=1)
    value = _magnitude(unsigned.lstrip("+"), mark)
    if value is None:
        return None
    return Number(value if unsigned == bare else -value, percent="%" in text)


def _magnitude(text: str, mark: Mark) -> Decimal | None:
    text = re.sub(r" ?([.,]) ?", r"\1", text)
    match = _SHAPE.match(text)
    if not match or not text:
        return None
    whole, group, fraction = match.groups()
    if group == mark:
        return _against_style(whole, mark) if fraction is None else None
    digits = re.sub(r"\D", "", whole or "0")
    return Decimal(f"{digits}.{fraction}" if fraction else digits)


def _against_style(whole: str, mark: Mark) -> Decimal:
    """Return a number in groups of three by the document's decimal sign."""
    head, *groups = whole.split(mark)
    # twice, it groups here; once, the other reading would make it a thousand times as much
    return Decimal(f"{head}.{groups[0]}" if len(groups) == 1 else "".join([head, *groups]))
