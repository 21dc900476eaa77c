"""What a PDF says of itself: title, author, subject, producer, date of making."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from tasks.index.formats.base import clean, title_of
from tasks.records import Element

_DATE = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([+-])(\d\d)'?(\d\d)?)?")
_POOR_TITLE = re.compile(
    r"^(?:microsoft (?:word|powerpoint|excel) -|untitled|senza titolo|document\d*$|documento\d*$|layout ?\d"
    r"|presentazione standard|powerpoint presentation|slide 1|print|none$|[\W\d_]+$)"
    r"|[\\/].*\.|\.(?:docx?|pdf|xlsx?|pptx?|indd|qxd|html?|rtf|odt)$",
    re.IGNORECASE,
)
_FIRST = 60  # elements in which a title must occur


def read_metadata(document: Any) -> dict[str, str]:
    """Return title, author, subject, producer as plain text, created in ISO 8601."""
    found = document.get_metadata_dict(skip_empty=True)
    names = {"Title": "title", "Author": "author", "Subject": "subject", "Keywords": "keywords", "Producer": "producer"}
    metadata = {ours: text for theirs, ours in names.items() if _is_told(text := clean(found.get(theirs, "")))}
    created = _iso(found.get("CreationDate", ""))
    return {**metadata, "created": created} if created else metadata


def _is_told(text: str) -> bool:
    """Tell whether a field says something: some programs write `(anonymous)` or `unknown` for nothing."""
    return bool(text) and text.strip("()").lower() not in {"anonymous", "unspecified", "untitled", "unknown"}


def _iso(text: str) -> str:
    """Return a PDF date (`D:20190207153000+01'00'`) in ISO 8601; "" when it is not one."""
    match = _DATE.search(text)
    if not match:
        return ""
    year, month, day, hour, minute, second = (
        int(part or default) for part, default in zip(match.groups()[:6], "011000", strict=True)
    )
    zulu, sign, hours, minutes = match.groups()[6:]
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    zone = timezone(offset) if zulu or sign else None
    try:
        return datetime(year, max(month, 1), max(day, 1), hour, minute, second, tzinfo=zone).isoformat()
    except ValueError:
        return ""


def best_title(told: str, elements: Sequence[Element]) -> str:
    """Return the title of the metadata where the document says it too, else its first heading.

    Programs fill in the name of a template, of the file it was made from, or of the office that printed it.
    """
    poor = _POOR_TITLE.search(told) or len(told) < 4 or not _occurs(told, elements)
    return title_of(elements, "" if poor else told)


def _occurs(title: str, elements: Sequence[Element]) -> bool:
    """Tell whether most of a title's words stand at the beginning of the document."""
    words = set(re.findall(r"\w{3,}", title.casefold()))
    text = " ".join(element.text for element in elements[:_FIRST]).casefold()
    return bool(words) and len(words & set(re.findall(r"\w{3,}", text))) >= 0.75 * len(words)
