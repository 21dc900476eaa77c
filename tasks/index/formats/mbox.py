"""MBOX: a mailbox in one file, each mail a document of its own.

A mail begins at a line `From … Mar  3 10:00:00 2025` that follows an empty line, with its head or an empty line behind
it; the same words in a body are written `>From` and put right here. A file with a single mail is that mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.index.formats import mail
from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context, load
from tasks.index.formats.mail_text import head
from tasks.records import Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("mbox",)
VERSION = "1"
SAMPLES = {"mbox": b"From a@b.it Mon Mar  3 10:00:00 2025\nFrom: a@b.it\nSubject: Uno\n\nCiao"}

_START = re.compile(
    rb"(?:\A|\n\r?\n)From [^\r\n]{0,200}[A-Z][a-z]{2} +\d{1,2} \d\d?:\d\d[^\r\n]{0,80}\r?\n"
    rb"(?=[A-Za-z][A-Za-z0-9-]*:|>From |\r?\n)"
)
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


def sniff(look: Look) -> str:
    """Know a mailbox by its first line, a `From` with a time, and the head that follows."""
    return "mbox" if _START.match(look.head.removeprefix(b"\xef\xbb\xbf")) else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a mailbox: its mails become documents, itself has no text.

    Raises:
        DocumentError: as the reader of mails, for a single one.
    """
    mails = list(_mails(load(source).removeprefix(b"\xef\xbb\xbf")))
    if len(mails) == 1:
        return mail.parse(mails[0], context)
    items = ((_name(number, data), data) for number, data in enumerate(mails, start=1))
    attachments, warnings = held(items, context.limits, context.limits.members, "limits.members")
    return Parsed("mbox", "", "", 1, (), {"mails": str(len(mails))}, attachments, warnings)


def _mails(data: bytes) -> Iterator[bytes]:
    starts = list(_START.finditer(data))
    ends = [start.start() for start in starts[1:]] + [len(data)]
    for start, end in zip(starts, ends, strict=True):
        yield _QUOTED.sub(rb"\1", data[start.end() : end])


def _name(number: int, data: bytes) -> str:
    """Return the name of a mail in the box: its number, which makes it stable, and its subject."""
    subject = head(mail.message_of(data[:65_536].partition(b"\n\n")[0] + b"\n\n"), "Subject")
    return f"{number:04d} {subject.replace('/', '-')[:80].strip() or 'message'}.eml"
