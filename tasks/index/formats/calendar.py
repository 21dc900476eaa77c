"""ICS: appointments and tasks of a calendar (RFC 5545), alone or beside a mail's text.

Each is a title with its lines: when, where, who, and what it is about. Times stay as the calendar has them, with the
name of their zone: which day a zone-less time means is the reader's affair. Alarms and time zone tables are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tasks.index.decode import decode
from tasks.index.formats.base import Context, clean, load, title_of, with_sections
from tasks.records import Element, Parsed

NAMES = ("ics",)
VERSION = "1"
SIGNATURES = {b"BEGIN:VCALENDAR": "ics"}
SAMPLES = {"ics": b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"}

_LINE = re.compile(r'([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^;:"]*))*):(.*)', re.DOTALL)
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?")
_KINDS = frozenset({"VEVENT", "VTODO", "VJOURNAL"})
_LINES = (
    ("DTSTART", "Start"),
    ("DTEND", "End"),
    ("DUE", "Due"),
    ("RRULE", "Repeats"),
    ("LOCATION", "Location"),
    ("ORGANIZER", "Organizer"),
    ("ATTENDEE", "Attendees"),
    ("STATUS", "Status"),
)


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a calendar."""
    elements = with_sections(_elements(decode(load(source))))
    return Parsed("ics", title_of(elements), "", 1, elements)


def _elements(text: str) -> Iterator[Element]:
    """Yield the entries in the order of the file."""
    inside: list[str] = []
    entry: dict[str, list[str]] = {}
    for line in re.sub(r"\n[ \t]", "", text).split("\n"):
        found = _LINE.fullmatch(line.strip())
        if not found:
            continue
        name, parameters, value = found.group(1).upper(), found.group(2), found.group(3)
        if name == "BEGIN":
            inside.append(value.strip().upper())
            entry = {} if inside[-1] in _KINDS else entry
        elif name == "END":
            if inside and inside.pop() in _KINDS:
                yield from _entry(entry)
        elif inside and inside[-1] in _KINDS:
            entry.setdefault(name, []).append(_value(name, parameters, value))


def _entry(entry: dict[str, list[str]]) -> Iterator[Element]:
    """Yield the title, the lines and the description of one entry."""
    if summary := " ".join(" ".join(entry.get("SUMMARY", ())).split()):
        yield Element("title", summary, level=1)
    lines = [f"{word}: {', '.join(entry[name])}" for name, word in _LINES if any(entry.get(name, ()))]
    if lines:
        yield Element("text", "\n".join(lines))
    for text in (*entry.get("DESCRIPTION", ()), *entry.get("COMMENT", ())):
        if text:
            yield Element("text", text)


def _value(name: str, parameters: str, value: str) -> str:
    """Return a value as people read it: escapes undone, times in ISO 8601, people by name and address."""
    value = clean(re.sub(r"\\([nN,;\\])", lambda m: "\n" if m.group(1) in "nN" else m.group(1), value))
    named = {key.upper(): text.strip('"') for key, text in re.findall(r';([\w-]+)=("[^"]*"|[^;]*)', parameters)}
    if name in {"ORGANIZER", "ATTENDEE"}:
        address = re.sub(r"(?i)^mailto:", "", value)
        return f"{named['CN']} <{address}>" if named.get("CN") and named["CN"] != address else address
    if found := _TIME.fullmatch(value):
        year, month, day, hour, minute, _, utc = found.groups()
        time = f" {hour}:{minute}" if hour else ""
        zone = " UTC" if utc else f" {named['TZID']}" if "TZID" in named else ""
        return f"{year}-{month}-{day}{time}{zone}"
    return value
