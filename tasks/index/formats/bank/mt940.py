"""SWIFT MT940 statements, by the library `mt-940`; a file may hold several messages, and each is a statement with its own balances."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from infra.errors import first_line
from tasks.office.records import Movement, Statement

_MESSAGE = re.compile(r"^:20:", re.MULTILINE)
_CONTROL = re.compile(
    r"[\x01-\x08\x0b\x0c\x0e-\x1f]+"
)  # block marks of SWIFT, the end of a DOS file within a joined one
_UNNEEDED = re.compile(r"^:((?:64|65|34|90|13)[A-Z]?):.*\n?(?:^(?!:|-).*\n?)*", re.MULTILINE)
"""Fields that say nothing of movements and balances: available balances, sums, limits, the time of the file."""
_DETAIL = re.compile(r"(?ms)^:86:\d{3}\?.*?(?=^:|^-|\Z)")
_PART = re.compile(r"\?(2\d|3[23]|6[0-3])([^?]*)(?=\?)")
_FULL = 27
"""Characters of a part of a structured :86: field; a text that is longer goes on in the next part."""
_SIGN = re.compile(r"(?ms)^:20:.*^:(?:60[FM]|61|62[FM]):")
_DETAILS = (
    "posting_text",
    "transaction_details",
    "purpose",
    "additional_purpose",
    "end_to_end_reference",
    "extra_details",
)


def is_mt940(text: str) -> bool:
    return bool(_SIGN.search(text))


def statements(text: str, problems: list[str] | None = None) -> list[Statement]:
    """Return the statements of a file, a message each; messages of nothing but a reference are left out.

    Args:
        text: the file.
        problems: takes a line for each field that cannot be read and is not needed.

    Raises:
        ValueError: a message that the library cannot read; its words say which tag.
    """
    text = _DETAIL.sub(lambda field: _PART.sub(_set_apart, field.group()), _CONTROL.sub("\n", text))
    starts = [match.start() for match in _MESSAGE.finditer(text)]
    messages = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    found = [_statement(message, [] if problems is None else problems) for message in messages]
    return [s for s in found if s.movements or s.closing is not None]


def _set_apart(part: re.Match[str]) -> str:
    """Return a part of a text with a blank behind it, unless it is full: the library joins parts as if all were."""
    number, text = part.groups()
    return part.group() if len(text.replace("\n", "")) >= _FULL else f"?{number}{text.rstrip()} "


def _parsed(message: str, problems: list[str]) -> Any:
    """Return the library's transactions.

    A message that fails is tried with the field of a Dutch dialect, which has longer references, and without the fields that are not
    needed, of which some banks write nonsense.
    """
    import logging

    import mt940

    logging.getLogger("mt940").setLevel(logging.CRITICAL)  # it prints the pattern that failed; the error says it
    dialect = mt940.tags.StatementASNB()
    tries = ((message, None), (message, {dialect.id: dialect}), (_UNNEEDED.sub("", message), None))
    failure = ""
    for attempt, tags in tries:
        try:  # all corrections of the library: without them a reversed credit counts as money in
            transactions = mt940.models.Transactions(tags=tags, options=mt940.Options.all())
            transactions.parse(attempt)
        except RuntimeError as error:  # an unknown tag or a field that does not fit its pattern
            failure = failure or first_line(error, 200)
            continue
        if attempt != message:
            left = ", ".join(f":{tag}:" for tag in dict.fromkeys(_UNNEEDED.findall(message)))
            problems.append(f"fields that cannot be read were left out: {left}")
        return transactions
    raise ValueError(failure)


def _statement(message: str, problems: list[str]) -> Statement:
    parsed = _parsed(message, problems)
    data = parsed.data
    opening, closing = _balance(data, "opening"), _balance(data, "closing")
    currency = next((str(b.amount.currency) for b in (opening, closing) if b and b.amount.currency), "EUR")
    return Statement(
        kind="statement",
        format="MT940",
        account=str(data.get("account_identification") or "").strip(),
        currency=currency,
        opening=_amount(opening),
        opening_day=_day(opening),
        closing=_amount(closing),
        closing_day=_day(closing),
        movements=tuple(_movement(line, t.data) for line, t in enumerate(parsed, 1) if t.data.get("amount")),
        number=str(data.get("statement_number") or data.get("transaction_reference") or ""),
    )


def _balance(data: Any, which: str) -> Any:
    return data.get(f"final_{which}_balance") or data.get(f"intermediate_{which}_balance")


def _amount(balance: Any) -> Decimal | None:
    return Decimal(balance.amount.amount) if balance else None


def _day(balance: Any) -> Any:
    return _plain(balance.date) if balance else None


def _plain(value: Any) -> Any:
    """Return a plain date of the library's own."""
    from datetime import date

    return date(value.year, value.month, value.day) if value else None


def _movement(line: int, data: Any) -> Movement:
    parts = [" ".join(str(data[name]).split()) for name in _DETAILS if data.get(name)]
    counterpart = " ".join(str(data.get("applicant_name") or data.get("recipient_name") or "").split())
    references = (str(data.get(name) or "").strip() for name in ("customer_reference", "bank_reference"))
    return Movement(
        line=line,
        day=_plain(data.get("entry_date") or data.get("date")),
        value_day=_plain(data.get("date")),
        amount=Decimal(data["amount"].amount),
        text=" ".join(dict.fromkeys(parts)),
        counterpart=counterpart,
        iban=str(data.get("applicant_iban") or "").strip(),
        reference=next((r for r in references if r and r != "NONREF"), ""),
    )
