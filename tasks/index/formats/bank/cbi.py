"""CBI text records of Italian banks: RH (movements of an account) and IB (RiBa, receivables to be collected).

Records have 120 characters at fixed places, counted from 1 with a blank at the first. Amounts of RH have a decimal comma, those of RiBa
are cents. A record whose fields are not where the standard has them is left out and named.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

from tasks.office.records import Movement, Statement

_START = re.compile(r" ?(RH|IB)[A-Z0-9 ]{5}\d{5}\d{6}")
_SECOND = re.compile(r"(?m)^ ?(?:14|61)\d{7}")
_RH_AMOUNT = re.compile(r"\d{12},\d\d")


def is_cbi(text: str) -> bool:
    return bool(_START.match(text.lstrip("\r\n")) and _SECOND.search(text))


def statements(text: str, problems: list[str]) -> list[Statement]:
    """Return the statements of a file; `problems` is told which records could not be read."""
    records = [line if line.startswith(" ") else f" {line}" for line in text.splitlines() if line.strip()]
    if records[0][1:3] == "IB":
        return [_riba(records, problems)]
    return _rh(records, problems)


def _field(record: str, first: int, last: int) -> str:
    return record[first - 1 : last].strip()


def _segments(record: str, first: int, middle: int, last: int) -> str:
    """Return two fields that are one text: a word that the end of the first cuts goes on in the second."""
    return (
        " ".join(record[first - 1 : last].split())
        if record[middle - 1 : middle].strip()
        else " ".join(f"{_field(record, first, middle)} {_field(record, middle + 1, last)}".split())
    )


def _day(text: str) -> date | None:
    """Read a date written `GGMMAA`."""
    try:
        return date(2000 + int(text[4:6]), int(text[2:4]), int(text[:2])) if len(text) == 6 and text.isdigit() else None
    except ValueError:
        return None


# ---- RH: movements of an account -------------------------------------------------------------------------------------


def _rh(records: list[str], problems: list[str]) -> list[Statement]:
    found: list[Statement] = []
    current: Statement | None = None
    for record in records[1:]:
        kind = record[1:3]
        if kind == "61":
            current = _opening(record, problems)
        elif current is None:
            continue
        elif kind == "62" and (movement := _rh_movement(record, len(current.movements) + 1, problems)):
            current = replace(current, movements=(*current.movements, movement))
        elif kind == "63" and current.movements:
            last = current.movements[-1]
            text = " ".join(f"{last.text} {_field(record, 14, 120)}".split())
            current = replace(current, movements=(*current.movements[:-1], replace(last, text=text)))
        elif kind == "64":
            found.append(_closing(record, current, problems))
            current = None
    return [*found, current] if current else found


def _opening(record: str, problems: list[str]) -> Statement:
    """Read record 61: account at 38 to 60 (CIN, ABI, CAB, number), currency, day, sign and opening balance behind it."""
    amount = _rh_amount(record, 70, 71, 85)
    if amount is None:
        problems.append("the opening balance (record 61) is not where the CBI standard has it and was left out")
        return Statement("statement", "CBI RH")
    country, digits, bban = _field(record, 86, 87), _field(record, 88, 89), _field(record, 38, 60)
    return Statement(
        "statement",
        "CBI RH",
        account=f"{country}{digits}{bban}" if country and digits else bban,
        currency=_field(record, 61, 63) or "EUR",
        opening=amount,
        opening_day=_day(_field(record, 64, 69)),
    )


def _rh_movement(record: str, line: int, problems: list[str]) -> Movement | None:
    """Read record 62: value day, booking day, sign and amount; the description follows in records 63."""
    amount = _rh_amount(record, 26, 27, 41)
    if amount is None:
        problems.append(f"movement {line} (record 62) has no amount where the CBI standard has it and was left out")
        return None
    return Movement(
        line,
        day=_day(_field(record, 20, 25)),
        value_day=_day(_field(record, 14, 19)),
        amount=amount,
        text=_field(record, 87, 120),
        reference=_field(record, 62, 77),
    )


def _rh_amount(record: str, sign: int, first: int, last: int) -> Decimal | None:
    text, mark = _field(record, first, last), _field(record, sign, sign)
    if mark not in ("C", "D") or not _RH_AMOUNT.fullmatch(text):
        return None
    value = Decimal(text.replace(",", "."))
    return -value if mark == "D" else value


def _closing(record: str, current: Statement, problems: list[str]) -> Statement:
    amount = _rh_amount(record, 20, 21, 35)
    if amount is None:
        problems.append("the closing balance (record 64) is not where the CBI standard has it and was left out")
    return replace(current, closing=amount, closing_day=_day(_field(record, 14, 19)))


# ---- IB: RiBa --------------------------------------------------------------------------------------------------------


def _riba(records: list[str], problems: list[str]) -> Statement:
    """Read a receivable: it begins with record 14 (due date, amount in cents); 30 names the debtor, 50 the invoice."""
    receivables: list[Movement] = []
    account, total, count = "", None, None
    for record in records:
        kind = record[1:3]
        if kind == "14":
            cents = _field(record, 34, 46)
            if not cents.isdigit():
                problems.append(
                    f"receivable {len(receivables) + 1} (record 14) has no amount where the CBI standard has it"
                )
                cents = "0"
            amount = Decimal(cents) / 100
            receivables.append(Movement(len(receivables) + 1, day=_day(_field(record, 23, 28)), amount=amount))
            account = account or "".join((_field(record, 48, 52), _field(record, 53, 57), _field(record, 58, 69)))
        elif kind == "30" and receivables:
            receivables[-1] = replace(
                receivables[-1], counterpart=_segments(record, 11, 40, 70), reference=_field(record, 71, 86)
            )
        elif kind == "50" and receivables:
            text = f"{receivables[-1].text} {_segments(record, 11, 50, 90)}".strip()
            receivables[-1] = replace(receivables[-1], text=text)
        elif kind == "EF":
            count, total = _field(record, 46, 52), _field(record, 53, 67)
    return Statement(
        "receivables",
        "CBI RiBa",
        account=account,
        stated_sum=Decimal(total) / 100 if total and total.isdigit() else None,
        stated_count=int(count) if count and count.isdigit() else None,
        movements=tuple(receivables),
        number=_field(records[0], 20, 39),
    )
