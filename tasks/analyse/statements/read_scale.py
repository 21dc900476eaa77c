"""In which unit and currency a table counts: `(in millions, except per share)`, `€/000`, `migliaia di euro`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from tasks.analyse.statements.match_labels import plain

_WORDS = (
    (
        1_000,
        re.compile(
            r"\b(?:in |of )?thousands?\b|migliaia|\b000'?s\b|[€$£]\s?/?'?\s?000\b|[€$£]\s?'?000|"
            r"\beuro?\s?/\s?(?:000|mgl)|\beur\s?/?\s?000|[€$£]\s?k\b|\bkeuro\b|\bk€|\(000 omitted\)|"
            r"\(000\)|000 omitted"
        ),
    ),
    (
        1_000_000,
        re.compile(
            r"\b(?:in |of )?millions?\b|milioni|\b(?:euro?|eur|[€$£])\s?(?:mln|mil|m|mm)\b|\bmln\b|"
            r"[€$£]\s?/?m(?:n|m)?\b|\beuro\s?/\s?mln|\bmn\b"
        ),
    ),
    (1_000_000_000, re.compile(r"\b(?:in |of )?billions?\b|miliardi|\bmld\b|[€$£]\s?bn\b")),
    (
        1,
        re.compile(
            r"unita di euro|in euro\b|importi espressi in (?:unita|euro)|valori espressi in euro|"
            r"in (?:whole )?dollars|amounts in euros?\b|valori in euro\b|in unita"
        ),
    ),
)
_OF_SHARES = re.compile(r"\b(?:except|shares?|share data|per share|azioni)\b")
_CLAUSE = re.compile(r"[,(;]|\band\b")
_CURRENCIES = (
    ("EUR", re.compile(r"€|\beuro?s?\b|\beur\b")),
    ("USD", re.compile(r"us\$|\busd\b|\bu\.?s\.? dollars?|\$|\bdollars?\b")),
    ("GBP", re.compile(r"£|\bgbp\b|pounds sterling")),
    ("CHF", re.compile(r"\bchf\b|swiss francs|franchi svizzeri")),
    ("JPY", re.compile(r"¥|\bjpy\b|\byen\b")),
)


def scale_in(text: str) -> int | None:
    """Return the factor that a text near a table states for its amounts; None when it states none.

    `(shares in thousands, dollars in millions)` counts in millions: a clause about shares is not about amounts.
    """
    text = plain(text)
    stated = [(match.start(), factor) for factor, pattern in _WORDS for match in pattern.finditer(text)]
    about_amounts = [
        (start, factor) for start, factor in stated if not _OF_SHARES.search(_CLAUSE.split(text[:start])[-1])
    ]
    for _, factor in sorted(about_amounts or stated):
        return factor
    return None


def statement_scale(near: str, far: str = "") -> int | None:
    """Return the scale stated nearest to a table: in its head or just above, else in the top lines of its page."""
    for text in (near, far):
        candidates = [scale_in(piece) for piece in _stating_pieces(text)]
        found = [factor for factor in candidates if factor]
        if found:
            return found[-1]
    return None


def _stating_pieces(text: str) -> list[str]:
    """Return the pieces of a text that state a unit (parentheses, short lines), not sentences such as `rose $3 million`."""
    pieces = re.findall(r"\([^()]{3,160}\)", text)
    lines = [
        line
        for line in text.split("\n")
        if 0 < len(line) <= 140 and not re.search(r"\d+([.,]\d+)?\s+(million|billion|thousand|mil|mld|mln)", line, re.I)
    ]
    return [
        piece
        for piece in [*lines, *pieces]
        if not re.search(r"\d+([.,]\d+)?\s+(million|billion|thousand)", piece, re.I)
    ]


def currency_of(texts: Iterable[str], language: str) -> str | None:
    """Return ISO code of the currency that is named most often; the euro for an Italian document that names none."""
    votes: Counter[str] = Counter()
    for text in texts:
        lower = text.lower()
        for code, pattern in _CURRENCIES:
            votes[code] += len(pattern.findall(lower))
    best = votes.most_common(1)
    if best and best[0][1]:
        return best[0][0]
    return "EUR" if language == "it" else None
