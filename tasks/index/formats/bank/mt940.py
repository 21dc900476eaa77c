"""SWIFT MT940 statements, by the library `mt-940`; a file may hold several messages, and each is a statement with its own balances."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from tasks.office.records import Movement, Statement

_MESSAGE = re.compile(r"^:20:", re.MULTILINE)
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


def statements(text: str) -> list[Statement]:
    """Return the statements of a file, a message each; messages of nothing but a reference are left out.

    Raises:
        ValueError: a message that the library cannot read; its words say which tag.
    """
    starts = [match.start() for match in _MESSAGE.finditer(text)]
    messages = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    found = [_statement(message) for message in messages]
    return [s for s in found if s.movements or s.closing is not None]


def _parsed(message: str) -> Any:
    """Return the library's transactions; a message that fails is tried with the field of a Dutch dialect, which has longer references."""
    import logging

    import mt940

    logging.getLogger("mt940").setLevel(logging.CRITICAL)  # it prints the pattern that failed; the error says it
    try:
        return mt940.parse(message)
    except RuntimeError as error:  # an unknown tag or a field that does not fit its pattern
        dialect = mt940.tags.StatementASNB()
        transactions = mt940.models.Transactions(tags={dialect.id: dialect})
        try:
            transactions.parse(message)
        except RuntimeError:
            raise ValueError(str(error).strip().splitlines()[0][:200]) from None
        return transactions


def _statement(message: str) -> Statement:
    parsed = _parsed(message)
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
    references = (str(data.get(name) or "") for name in ("customer_reference", "bank_reference"))
    return Movement(
        line=line,
        day=_plain(data.get("entry_date") or data.get("date")),
        value_day=_plain(data.get("date")),
        amount=Decimal(data["amount"].amount),
        text=" ".join(dict.fromkeys(parts)),
        counterpart=counterpart,
        reference=next((r for r in references if r and r != "NONREF"), ""),
    )
