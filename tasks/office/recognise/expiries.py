"""Papers that expire: certificates, contracts, leases, offices. A day counts only beside words that say that something ends on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from tasks.months import ITALIAN_ENGLISH
from tasks.office.kinds import kind_of_text
from tasks.office.records import Expiry
from tasks.records import Parsed

_NAMES = "|".join(ITALIAN_ENGLISH)
DAY = (
    rf"(?:(?P<d>\d{{1,2}})(?:[°º]|st|nd|rd|th)?\s+(?:di\s+|of\s+)?(?P<name>{_NAMES}),?\s+(?P<y>\d{{4}})"
    rf"|(?P<n>\d{{1,2}})[/.\-](?P<m>\d{{1,2}})[/.\-](?P<yy>\d{{4}})|(?P<iso>\d{{4}}-\d\d-\d\d))"
)
_ENDS = re.compile(
    r"(?:scadenza(?:\s+(?:validit[aà]|della validit[aà]|contratto|del contratto))?|scade(?:nte)?|valid[oa] (?:fino|sino) al|"
    r"validit[aà] (?:fino|sino) al|in carica fino al|fino al|sino al|termina|con termine|expires?(?: on)?|expiry(?: date)?|"
    r"valid until|ends on|terminat(?:es|ing) on|until)"
    rf"\s*:?\s*(?:il|l['’]|in data|al|on|the)?\s*:?\s*{DAY}",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r"(?:disdetta|recesso|preavviso|notice|terminat\w+)[^.]{0,90}?(?:entro(?: e non oltre)?|by|before|no later than)"
    rf"\s*(?:il|l['’]|the)?\s*{DAY}",
    re.IGNORECASE,
)
_PARTY = re.compile(
    r"(?:denominazione(?:/ragione sociale)?|ragione sociale|locatore|fornitore|somministrante)\s*:?\s*"
    r"([A-Z][^\n:]{2,60}?)(?=\s+[A-Z][a-z]+\s*:|\n|$|\s*\()",
    re.IGNORECASE,
)
_KINDS = {"durc", "contract", "lease", "company_register", "quote", "minutes", "order"}


def find(parsed: Parsed) -> Iterator[Expiry]:
    """Yield the days on which a paper ends, each once; only papers of kinds that end, a letter with a date is not one."""
    head = "\n".join((parsed.title, *(element.text for element in parsed.elements[:12])))
    kind = kind_of_text(head, parsed.metadata)
    if kind not in _KINDS:
        return
    text_of = [(e.text, e.page) for e in parsed.elements]
    notice = next((day_of(m) for text, _ in text_of if (m := _NOTICE.search(text))), None)
    party = next((m.group(1).strip() for text, _ in text_of if (m := _PARTY.search(text))), "")
    seen: set[date] = set()
    for text, page in text_of:
        for match in _ENDS.finditer(text):
            when = day_of(match)
            if when and when not in seen:
                seen.add(when)
                yield Expiry(_what(kind, text[: match.start()]), when, _sentence(text, match), party, notice, page)


def day_of(match: re.Match[str]) -> date | None:
    """Return the day that `DAY` found; None for one that the calendar does not have."""
    try:
        if match["iso"]:
            return date.fromisoformat(match["iso"])
        if match["name"]:
            return date(int(match["y"]), ITALIAN_ENGLISH[match["name"].lower()], int(match["d"]))
        return date(int(match["yy"]), int(match["m"]), int(match["n"]))
    except ValueError:
        return None


def _what(kind: str, before: str) -> str:
    """Name what ends: an office in a company register, not the register."""
    return (
        "office"
        if kind == "company_register" and re.search(r"amministrator|sindac|procurator|nominat", before, re.IGNORECASE)
        else kind
    )


def _sentence(text: str, match: re.Match[str]) -> str:
    start = max(text.rfind(". ", 0, match.start()) + 1, match.start() - 120, 0)
    return " ".join(text[start : match.end() + 80].split())[:240]
