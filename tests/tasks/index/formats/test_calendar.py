"""Calendars: appointments with their times, places and people."""

from infra.settings import Limits
from tasks.index.formats.base import Context
from tasks.index.read import read

CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VTIMEZONE
TZID:Europe/Rome
BEGIN:STANDARD
DTSTART:16010101T030000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
SUMMARY:Assemblea dei soci\\, seconda
  convocazione
DTSTART;TZID=Europe/Rome:20250410T090000
DTEND:20250410T100000Z
LOCATION:Sala Verdi
ORGANIZER;CN="Studio Neri":mailto:neri@esempio.it
ATTENDEE;CN=Anna;RSVP=TRUE:MAILTO:anna@esempio.it
ATTENDEE:mailto:bruno@esempio.it
DESCRIPTION:Ordine del giorno:\\n1) bilancio\\; 2) nomine
BEGIN:VALARM
DESCRIPTION:Promemoria
END:VALARM
END:VEVENT
BEGIN:VTODO
SUMMARY:Deposito del bilancio
DUE;VALUE=DATE:20250530
END:VTODO
END:VCALENDAR
"""


def test_entries_are_titles_with_their_lines() -> None:
    parsed = read(CALENDAR.replace("\n", "\r\n").encode(), Context("x", Limits()))
    assert (parsed.format, parsed.title) == ("ics", "Assemblea dei soci, seconda convocazione")
    assert [e.text for e in parsed.elements] == [
        "Assemblea dei soci, seconda convocazione",
        "Start: 2025-04-10 09:00 Europe/Rome\nEnd: 2025-04-10 10:00 UTC\nLocation: Sala Verdi\n"
        "Organizer: Studio Neri <neri@esempio.it>\nAttendees: Anna <anna@esempio.it>, bruno@esempio.it",
        "Ordine del giorno:\n1) bilancio; 2) nomine",
        "Deposito del bilancio",
        "Due: 2025-05-30",
    ]
    assert parsed.elements[3].kind == "title"
