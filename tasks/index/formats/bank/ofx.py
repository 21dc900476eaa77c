"""OFX 1 (SGML without closing tags) and OFX 2 (XML): the same tags, each value behind its opening tag, so one pass reads both."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation

from tasks.office.records import Movement, Statement

_START = re.compile(
    r"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--(?:(?!-->).){0,2000}-->\s*)?(?:OFXHEADER:|<\?OFX|<OFX>)",
    re.IGNORECASE | re.DOTALL,
)
_TOKEN = re.compile(r"<(/?)([A-Za-z0-9._]+)>([^<]*)")
_STATEMENTS = {"STMTRS", "CCSTMTRS", "INVSTMTRS"}


def is_ofx(text: str) -> bool:
    return bool(_START.match(text))


def statements(text: str, problems: list[str]) -> list[Statement]:
    """Return the statements of a file; OFX states no opening balance.

    A statement of investments gives its movements of cash; trades of securities are counted in `problems`.
    """
    found: list[Statement] = []
    for body in _blocks(text):
        account, movements, closing = _read(body)
        if trades := sum(tag == "INVTRAN" and not slash for slash, tag, _ in body):
            problems.append(f"{trades} trades of securities are no movements of cash: they stand in the text alone")
        day = _day(closing.get("DTASOF", ""))
        found.append(
            Statement(
                kind="statement",
                format="OFX",
                account=account.get("ACCTID", ""),
                currency=account.get("CURDEF", "") or "EUR",
                closing=_amount(closing.get("BALAMT", "")),
                closing_day=day,
                movements=tuple(_movement(line, row) for line, row in enumerate(movements, 1)),
            )
        )
    return found


def as_lines(text: str) -> str:
    """Return every value of a file with its tag, a line each: what a file without movements, or with more than these, says."""
    return "\n".join(f"{tag}: {value.strip()}" for _, tag, value in _TOKEN.findall(text) if value.strip())


def _blocks(text: str) -> Iterator[list[tuple[str, str, str]]]:
    """Yield the tokens (slash, tag, value) of each statement."""
    block: list[tuple[str, str, str]] | None = None
    for slash, tag, value in _TOKEN.findall(text):
        name = tag.upper()
        if name in _STATEMENTS:
            if not slash:
                block = []
            elif block is not None:
                yield block
                block = None
        elif block is not None:
            block.append((slash, name, html.unescape(value).strip()))
    if block:
        yield block


def _read(tokens: list[tuple[str, str, str]]) -> tuple[dict[str, str], list[dict[str, str]], dict[str, str]]:
    account: dict[str, str] = {}
    movements: list[dict[str, str]] = []
    closing: dict[str, str] = {}
    here = account
    for slash, tag, value in tokens:
        if tag == "STMTTRN":
            here = account if slash else {}
            if not slash:
                movements.append(here)
        elif tag in ("LEDGERBAL", "AVAILBAL"):
            here = account if slash else closing if tag == "LEDGERBAL" else {}
        elif not slash and value:
            here.setdefault(tag, value)
    return account, movements, closing


def _movement(line: int, row: dict[str, str]) -> Movement:
    return Movement(
        line=line,
        day=_day(row.get("DTPOSTED", "")),
        value_day=_day(row.get("DTAVAIL", "")),
        amount=_amount(row.get("TRNAMT", "")) or Decimal(0),
        text=" ".join(filter(None, (row.get("MEMO", ""), row.get("CHECKNUM", "")))),
        counterpart=row.get("NAME", "") or row.get("PAYEE", ""),
        reference=row.get("FITID", ""),
    )


def _day(value: str) -> date | None:
    """Read a date such as `20260402120000.000[-5:EST]`: the first eight digits are the day."""
    try:
        return date(int(value[:4]), int(value[4:6]), int(value[6:8]))
    except ValueError:
        return None


def _amount(value: str) -> Decimal | None:
    try:
        return Decimal(value.replace(",", ".")) if value else None
    except InvalidOperation:
        return None
