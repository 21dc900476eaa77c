"""QIF, Quicken's interchange format: a record of lines with a letter each, closed by `^`, under headers such as `!Type:Bank`.

The format states neither currency nor the order of day and month. The order is taken where the dates of a file allow only one, or come in
the file's order in only one; else days are left out, with a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise

from tasks.office.recognise.bank_columns import OPENING
from tasks.office.recognise.cells import Mark, amount, decimal_mark
from tasks.office.records import Movement, Statement

_START = re.compile(r"\s*!(?:Type|Account|Option|Clear)\b", re.IGNORECASE)
_ACCOUNTS = frozenset({"bank", "ccard", "cash", "oth a", "oth l"})
_DATE = re.compile(r"(\d{1,4})\s*[/.\-]\s*(\d{1,2})\s*([/.\-'])\s*(\d{1,4})")
_CENTURY = 70  # years of two digits from here on are of the last century
Record = dict[str, str]


@dataclass(slots=True)
class _Section:
    """The records under a header, with the account that the file names before it."""

    kind: str
    account: str
    records: list[tuple[int, Record]] = field(default_factory=list)


def is_qif(text: str) -> bool:
    return bool(_START.match(text))


def statements(text: str, problems: list[str]) -> list[Statement]:
    """Return a statement for each account of a file; what are no movements of an account is counted in `problems`."""
    sections = [section for section in _sections(text) if section.records]
    banks = [section for section in sections if section.kind in _ACCOUNTS]
    problems += [
        f"{len(section.records)} entries of !Type:{section.kind} are no movements of an account"
        for section in sections
        if section.kind not in _ACCOUNTS
    ]
    dates = [row["D"] for section in banks for _, row in section.records if "D" in row]
    order = _order(dates)
    if dates and not order:
        problems.append(
            "the dates do not tell whether day or month comes first: the days of the movements are left out"
        )
    mark = decimal_mark(row.get("T", row.get("U", "")) for section in banks for _, row in section.records)
    return [_statement(section, order, mark, problems) for section in banks]


def _sections(text: str) -> Iterator[_Section]:
    """Yield the records of each header; those of `!Account` name the account of the header that follows."""
    section, record, account = _Section("", ""), Record(), ""
    first = 1
    for number, line in enumerate([*text.lstrip("\ufeff").splitlines(), "^", "!"], 1):
        if line.startswith("!"):
            yield section
            section, record = _Section(_kind(line), account), {}
        elif line.startswith("^"):
            if section.kind == "account":
                account = record.get("N", account)
            elif record:
                section.records.append((first, record))
            record = {}
        elif line.strip():
            first = first if record else number
            letter, value = line[0].upper(), line[1:].strip()
            record[letter] = f"{record[letter]} · {value}" if letter in record and letter in "SAM" else value


def _kind(header: str) -> str:
    name = header[1:].strip()
    return name.partition(":")[2].strip().lower() if name.lower().startswith("type") else name.lower()


def _statement(section: _Section, order: str, mark: Mark, problems: list[str]) -> Statement:
    account, opening, opening_day, left_out = section.account, None, None, 0
    movements: list[Movement] = []
    for line, row in section.records:
        value, when = amount(row.get("T", row.get("U", "")), mark), _day(row.get("D", ""), order)
        if value is None:
            left_out += 1
        elif not movements and OPENING.search(row.get("P", "")):
            opening, opening_day = value, when
            account = account or row.get("L", "").strip("[]")
        else:
            movements.append(_movement(line, row, value, when))
    if left_out:
        problems.append(f"{left_out} entries without a readable amount were left out")
    return Statement(
        kind="statement",
        format="QIF",
        account=account,
        currency="",
        opening=opening,
        opening_day=opening_day,
        movements=tuple(movements),
        left_out=left_out,
    )


def _movement(line: int, row: Record, value: Decimal, when: date | None) -> Movement:
    words = (row.get("M", ""), row.get("L", ""), row.get("S", ""))
    return Movement(
        line=line,
        day=when,
        amount=value,
        text=" · ".join(dict.fromkeys(filter(None, words))),
        counterpart=row.get("P", ""),
        reference=row.get("N", ""),
    )


def _order(dates: Sequence[str]) -> str:
    """Return `month` or `day`, whichever must come first in some dates, or `year`; "" when that cannot be told."""
    dates = [text for text in dates if _DATE.fullmatch(text.strip())]
    if any(len(re.split(r"\D", text.strip())[0]) == 4 for text in dates):
        return "year"
    orders = []
    for order in ("month", "day"):
        days = [day for text in dates if (day := _day(text, order))]
        if dates and len(days) == len(dates):
            rising, falling = (any(b > a if up else b < a for a, b in pairwise(days)) for up in (True, False))
            orders.append((order, not (rising and falling) and len(set(days)) > 2))
    if len(orders) == 1:
        return orders[0][0]
    in_file_order = [order for order, sorted_ in orders if sorted_]
    return in_file_order[0] if len(in_file_order) == 1 else ""


def _day(text: str, order: str) -> date | None:
    found = _DATE.fullmatch(text.strip())
    if not found or not order:
        return None
    first, second, sign, last = found.groups()
    parts = (
        (last, second, first)
        if order == "year"
        else (second, first, last)
        if order == "month"
        else (first, second, last)
    )
    number, month, year = map(int, parts)
    if len(parts[2]) <= 2:
        year += 2000 if sign == "'" or year < _CENTURY else 1900
    try:
        return date(year, month, number)
    except ValueError:
        return None
