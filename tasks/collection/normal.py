"""One form for what people write in several: amounts, dates, numbers of papers.

Both sides of the full-text index pass through here, so that `1.882,00`, `1882.00` and `1 882,00` are one term, that
`30/04/2026` meets `30 aprile 2026`, and that `RE-2026-881` is a term of its own and not three that many papers share.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from tasks.months import WITH_SHORT
from tasks.office import identifiers

_MONTHS = WITH_SHORT | {"sett": 9}
_YEAR = r"(?P<y>(?:19|20)\d\d)"
_DATES = [
    re.compile(rf"(?<![\w/.-]){_YEAR}-(?P<m>\d\d)-(?P<d>\d\d)(?![\d/-])"),
    re.compile(rf"(?<![\w/.-])(?P<d>\d{{1,2}})(?P<s>[/.-])(?P<m>\d{{1,2}})(?P=s){_YEAR}(?![\d/-])"),
    re.compile(
        rf"(?<![\w.,])(?P<d>\d{{1,2}})(?:°|º|st|nd|rd|th)?\s+(?:of\s+)?(?P<w>[^\W\d_]{{3,9}})\.?,?\s+{_YEAR}(?!\w)"
    ),
]
_DAY_FIRST = re.compile(rf"(?<![\w.,])(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+{_YEAR}(?!\w)")  # … of `April 30, 2026`
_DAY_WORDS = (
    "primo due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette diciotto "
    "diciannove venti ventuno ventidue ventitre ventiquattro venticinque ventisei ventisette ventotto ventinove trenta trentuno"
).split()
_DAYS = {word: number for number, word in enumerate(_DAY_WORDS, 1)} | {"uno": 1, "ventitré": 23}
_DAY_IN_WORDS = re.compile(rf"(?<!\w)(?P<d>{'|'.join(_DAYS)})\s+(?P<w>[^\W\d_]{{3,9}})\s+{_YEAR}(?!\w)", re.IGNORECASE)
_WORD_BEFORE = re.compile(r"(?<!\w)(?P<w>[^\W\d_]{3,9})\.?\s+$")
_GROUPED = re.compile(r"(?<![\w.,])\d{1,3}(?:[ \u00a0\u2009\u202f'’]\d{3})+(?=(?:[.,]\d\d)?(?![\w]))")
_APART = re.compile(r"[ \u00a0\u2009\u202f'’]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)+")
_CODE = re.compile(r"(?<!\w)(?<!\d[.,])[^\W_]+(?:[-/._][^\W_]+){0,4}(?!\w|[.,]\d)")
_NO_DIGIT = re.compile(r"\D+")
_PART = re.compile(r"[-/._]")
_RUN = re.compile(r"[^\W\d_]+|\d+")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d\d(?:[ \u00a0][A-Z0-9]{1,4}){3,8}(?!\w)", re.IGNORECASE)  # in groups
_CENTS = re.compile(r"\d+[.,]\d\d")
_DAY = re.compile(r"\d{1,4}/\d{1,2}/\d{1,4}")
YEAR = re.compile(r"[a-z]{0,2}(?:19|20)\d\d")
PADDED = (4, 5, 6)  # digits to which programs fill up the numbers of papers
LONGEST = 40  # characters of a code: longer runs are addresses, keys and hashes


def grouped(text: str) -> str:
    """Close the gaps of amounts that are grouped by blanks or apostrophes: `1 882,00` → `1882,00`."""
    return _GROUPED.sub(lambda match: _APART.sub("", match[0]), text)


def plain(text: str) -> str:
    """Write the amounts of a text as their values, so that a question reads the same in every form of them."""
    return _NUMBER.sub(lambda match: number(match[0]), grouped(text))


def number(word: str) -> str:
    """Write a number of digits, points and commas as its value: `1.882,00` and `1,882.00` → `1882`; others as they are.

    A single point or comma before three digits groups thousands, as in most amounts of both languages.
    """
    if not _NUMBER.fullmatch(word):
        return word
    last = max(word.rfind("."), word.rfind(","))
    whole, decimals = word[:last], word[last + 1 :]
    signs = {sign for sign in ".," if sign in word}
    groups = re.split(r"[.,]", word)
    is_grouped = all(len(group) == 3 for group in groups[1:]) and 1 <= len(groups[0]) <= 3 and groups[0] != "0"
    if len(signs) == 1 and (len(groups) > 2 or is_grouped):
        return "".join(groups) if is_grouped else word  # 1.2.3 is a version, 30.04.2026 a date
    if len(signs) == 2 and any(len(group) != 3 for group in groups[1:-1]):
        return word
    decimals = decimals.rstrip("0")
    digits = re.sub(r"[.,]", "", whole)
    return f"{digits}.{decimals}" if decimals else digits


def dates(text: str) -> list[str]:
    """Find the dates of a text, as `2026-04-30`; where both orders are possible the day stands first."""
    found = [match.groupdict() for pattern in (*_DATES, _DAY_IN_WORDS) for match in pattern.finditer(text)]
    found += [
        match.groupdict() | word.groupdict()
        for match in _DAY_FIRST.finditer(text)
        if (word := _WORD_BEFORE.search(text, max(0, match.start() - 14), match.start()))
    ]
    return [day for parts in found if (day := _date(parts))]


def without_dates(text: str) -> str:
    """Leave of each date of a question its year: its day and month alone are in many texts and names."""
    for pattern in (*_DATES, _DAY_IN_WORDS):
        text = pattern.sub(lambda match: f" {match['y']} " if _date(match.groupdict()) else match[0], text)
    return text


def _date(parts: Mapping[str, str]) -> str:
    """Return a day of its parts; "" where they are none, as 31/02/2026."""
    month = _MONTHS.get(parts["w"].casefold(), 0) if "w" in parts else int(parts["m"])
    day = _DAYS.get(parts["d"].casefold()) or int(parts["d"])
    if month > 12 >= day:
        day, month = month, day
    try:
        return date(int(parts["y"]), month, day).isoformat()
    except ValueError:
        return ""


def codes(text: str) -> list[str]:
    """Find numbers of papers, each as one term: `RE-2026-881` → `re/2026/881`, `IT01234567890` → `01234567890`.

    A code has a digit, and several parts or letters beside its digits, or five digits and more. A year is none. An IBAN
    in groups of four is one code.
    """
    groups = [(iban, written) for match in _IBAN.finditer(text) for iban, written in _iban(match[0])]
    for _, written in groups:
        text = text.replace(written, " ")
    found = (_code(match[0]) for match in _CODE.finditer(text))
    return [code for code in found if code and not _DAY.fullmatch(code)] + [iban for iban, _ in groups]


def ibans(text: str) -> list[str]:
    """Find the IBANs that are written in groups, each as one term."""
    return [iban for match in _IBAN.finditer(text) for iban, _ in _iban(match[0])]


def _iban(run: str) -> Iterator[tuple[str, str]]:
    """Yield the IBAN that a run of groups begins with, and how it is written; a short word after it is no part of it."""
    groups = re.split(r"[ \u00a0]", run)
    for end in range(len(groups), 3, -1):
        compact = "".join(groups[:end])
        if identifiers.looks_like_iban(compact) and identifiers.iban(compact.upper()) in {"right", "cin"}:
            yield compact.casefold(), run[: sum(map(len, groups[:end])) + end - 1]
            return


def variants(found: frozenset[str]) -> frozenset[str]:
    """Return other ways of writing numbers of papers: `58a` for `58/a`, `re/2026/881` for `re/2026/0881`, and back."""
    return frozenset(variant for mark in found if not _amount_or_date(mark) for variant in _variants(mark)) - found


def _amount_or_date(mark: str) -> bool:
    return bool(re.fullmatch(r"[\d.]+|\d{4}-\d\d-\d\d", mark))


def _variants(code: str) -> Iterator[str]:
    parts = code.split("/")
    ways = [parts]
    if len(parts) == 1 and len(runs := _RUN.findall(code)) == 2:
        ways.append(runs)
    elif len(parts) == 2 and parts[0].isalpha() != parts[1].isalpha():
        ways.append(["".join(parts)])
    for way in ways:
        yield "/".join(way)
        numbers = [place for place, part in enumerate(way) if part.isdecimal() and not YEAR.fullmatch(part)]
        for last in numbers[-1:]:
            least = way[last].lstrip("0") or "0"
            for number in (least, *(least.zfill(size) for size in PADDED if len(way) > 1)):
                yield "/".join([*way[:last], number, *way[last + 1 :]])


def _code(word: str) -> str:
    if word.isalpha() or len(word) > LONGEST or not any(c.isdigit() for c in word):
        return ""
    folded = unicodedata.normalize("NFKC", word).casefold()
    parts = [part for part in _PART.split(folded) if part]
    if len(parts) > 1:
        plain = all(part.isdecimal() for part in parts) and set(word) & set("-/_") == set()
        return "" if plain else "/".join(parts)  # 1.234 is an amount
    if YEAR.fullmatch(folded) or len(folded) < (5 if folded.isdecimal() else 4):
        return ""
    return folded[2:] if re.fullmatch(r"it\d{11}", folded) else folded


def marks(text: str) -> frozenset[str]:
    """Find what in a text can be meant exactly: codes, dates, and amounts with decimals."""
    closed = grouped(text)
    amounts = {number(word) for word in _NUMBER.findall(closed) if number(word) != word or _CENTS.fullmatch(word)}
    return frozenset(amounts.union(dates(closed), codes(closed)))


def long_parts(found: frozenset[str]) -> frozenset[str]:
    """Return the parts of numbers of papers that are themselves long enough to mean one: of `pd/999123` the `999123`."""
    return frozenset(
        part for mark in found for part in mark.split("/") if part != mark and len(part) >= 5 and part.isdecimal()
    )


def unmarked(text: str) -> str:
    """Take out of a text what can be meant exactly, so that its words are left."""
    return " ".join(word for word in without_dates(grouped(text)).split() if not any(c.isdecimal() for c in word))


def lines_with(asked: frozenset[str], text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the lines of a text that hold some of these marks, each with those that it holds."""
    hints = [_hint(mark) for mark in asked]
    for line in text.split("\n") if _may_hold(hints, text) else ():
        if _may_hold(hints, line) and (held := asked & marks(line)):
            yield line, held


def _hint(mark: str) -> tuple[str, ...]:
    """Return the digits that a text must have if it holds a mark: of a date its year, else all runs."""
    return (mark[:4],) if re.fullmatch(r"\d{4}-\d\d-\d\d", mark) else tuple(re.findall(r"\d+", mark))


def _may_hold(hints: Iterable[tuple[str, ...]], text: str) -> bool:
    """Say whether a text has the digits of any mark: a look that costs a hundredth of `marks`."""
    digits = _NO_DIGIT.sub("", text)
    return any(all(run in digits for run in hint) for hint in hints)
