"""RTF as Word opens it: text in the code page of its font, tables, notes, heads and feet, text boxes, embedded files.

pandoc, which read RTF before, takes every text for cp1252, leaves out heads and feet and refuses what Word opens (an
`{\\rtf1` within another, stray braces). RTF is a stream of control words, so a walk over it, with a state for each open
group, loses nothing: what is unknown is passed over, and only destinations marked as optional are left out with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context, clean, corrupt, hidden_text, load, title_of, with_sections
from tasks.index.formats.embedded import object_of_rtf
from tasks.index.formats.pictures import unread_pictures
from tasks.index.formats.rtf_story import FormField, Paragraph, Story
from tasks.index.formats.rtf_tables import Characters, FontTable, StyleSheet, codec
from tasks.index.formats.rtf_words import (
    BOXES,
    COPIES,
    ESCAPES,
    FEET,
    GATHERED,
    HEADS,
    KNOWN,
    LEFT_OUT,
    SIGNS,
    TARGETS,
)
from tasks.records import Element, ElementKind, Parsed

NAMES = ("rtf",)
VERSION = "3"
SIGNATURES = {b"{\\rtf": "rtf"}
SAMPLES = {"rtf": b"{\\rtf1 ciao}"}

_TOKEN = re.compile(
    rb"\\([A-Za-z]{1,40})(-?\d{1,10})? ?|\\'([0-9A-Fa-f]{2})|\\([^A-Za-z'])|([{}])|([\r\n\0]+)|([^\\{}\r\n\0]+)|\\'?"
)
_ABOUT = {"title": "title", "author": "author", "subject": "subject", "keywords": "keywords"}


@dataclass(slots=True)
class _Group:
    """The state within a pair of braces; a group inherits it from the one around."""

    target: str = "body"
    codec: str = ""
    stand_ins: int = 1
    raised: bool = False
    deleted: bool = False
    hidden: bool = False
    copy: bool = False  # of a picture that stands elsewhere, or of a bullet
    paragraph: Paragraph = field(default_factory=Paragraph)
    story: Story = field(default_factory=Story)


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read an RTF text. A page is what a hard page break ends.

    Raises:
        DocumentError: CORRUPT.
    """
    reader = _Reader(load(source))
    elements = reader.read()
    attachments, left_out = held(reader.files, context.limits)
    title = title_of(elements, reader.about.pop("title", None))
    pages = max((element.page for element in elements), default=1)
    warnings = (*dict.fromkeys(reader.warnings), *left_out)
    return Parsed("rtf", title, "", pages, with_sections(elements), reader.about, attachments, warnings)


def elements_of_rtf(data: bytes) -> list[Element]:
    """Return the elements of an RTF text.

    Raises:
        DocumentError: CORRUPT.
    """
    return _Reader(data).read()


class _Reader:
    """Walks over one text."""

    def __init__(self, data: bytes) -> None:
        if not data.startswith(b"{\\rtf"):
            raise corrupt("the file does not begin as RTF does")
        self._data = data
        self._codec = "cp1252"
        self._fonts = FontTable()
        self._styles = StyleSheet()
        self._body = Story()
        self._margins: list[Element] = []
        self._aside: list[Element] = []
        self._group = _Group(story=self._body)
        self._open: list[_Group] = []
        self._characters = Characters()
        self._optional = self._fresh = False
        self._words: list[str] = []
        self._field = FormField()
        self.about: dict[str, str] = {}
        self.files: list[tuple[str, bytes]] = []
        self.warnings: list[str] = []
        self._drawn = 0
        self._passages = 0
        self._in_hidden = False

    def read(self) -> list[Element]:
        """Return the elements: heads, body, notes and comments, feet."""
        place = 0
        while (match := _TOKEN.match(self._data, place)) is not None:
            place = match.end()
            word, number, code, sign, brace, blank, text = match.groups()
            if word is not None:
                skipped = self._control(word.decode(), int(number) if number else None)
                place += skipped
            elif brace is not None:
                self._brace(brace)
            elif code is not None:
                self._take(bytes([int(code, 16)]))
            elif text is not None:
                self._take(text)
            elif sign is not None:
                self._sign(sign)
            elif place >= len(self._data):
                break
            self._fresh = brace == b"{" or (self._fresh and (blank is not None or sign == b"*"))
        while self._open:
            self._brace(b"}")
        self._flush()
        self._body.finish()
        if self._drawn:
            self.warnings.append(unread_pictures((), self._drawn))
        if self._passages:
            self.warnings.append(hidden_text(self._passages))
        if not self._ended():
            self.warnings.append("the RTF breaks off: what stands before is read")
        heads = [element for element in dict.fromkeys(self._margins) if element.kind != "footer"]
        feet = [element for element in dict.fromkeys(self._margins) if element.kind == "footer"]
        return [*heads, *self._body.elements, *self._aside, *feet]

    def _ended(self) -> bool:
        return self._data.rstrip(b"\0\r\n \t\x1a").endswith(b"}")

    # --- groups

    def _brace(self, brace: bytes) -> None:
        self._flush()
        self._characters.restart()
        if brace == b"{":
            self._open.append(self._group)
            self._group = replace(self._group)
            self._optional = False
        elif self._open:
            closed, self._group = self._group, self._open.pop()
            self._close(closed)

    def _close(self, closed: _Group) -> None:
        """End a group: what it gathered goes where it belongs."""
        if closed.target in GATHERED and (closed.target != self._group.target or closed.target == "stylesheet"):
            text, self._words = "".join(self._words), []
            self._gathered(closed.target, text)
        if closed.story is not self._group.story:
            closed.story.finish()
            self._deliver(closed.target, closed.story.elements)
        else:
            closed.story.paragraph = self._group.paragraph

    def _deliver(self, target: str, elements: list[Element]) -> None:
        above = self._group.story
        if target in HEADS or target in FEET:
            kind: ElementKind = "header" if target in HEADS else "footer"
            for element in elements:
                if element.kind == "table":
                    self._margins.append(element)
                elif any(map(str.isalpha, element.text)):
                    self._margins.append(replace(element, kind=kind, level=0))
        elif target in BOXES:
            above.anchored += elements
        else:
            section = "Comments" if target == "annotation" else "Footnotes"
            page = above.page
            self._aside += [
                replace(e, section=section, page=page, level=0, kind="text" if e.kind == "title" else e.kind)
                for e in elements
            ]

    def _begin(self, target: str) -> None:
        """Enter a destination."""
        self._flush()
        group = self._group
        group.target = target
        if target in HEADS or target in FEET or target in BOXES or target in {"footnote", "annotation"}:
            group.story = Story()
            group.paragraph = Paragraph()
        elif target in GATHERED:
            self._words = []

    # --- destinations whose text is no text of the document

    def _gathered(self, target: str, text: str) -> None:
        if target == "fonttbl":
            self._fonts.end()
        elif target == "stylesheet":
            self._styles.name(text)
        elif target in _ABOUT:
            self.about |= {_ABOUT[target]: clean(text)} if clean(text) else {}
        elif target == "objdata":
            self._embed(text)
        elif target == "ffl":
            self._field.choices.append(clean(text))
        elif target == "formfield":
            self._group.story.add(self._field.shown())
            self._field = FormField()
        else:
            self._group.story.label = clean(text)

    def _embed(self, digits: str) -> None:
        if (found := object_of_rtf(digits)) is not None:
            self.files.append(found)
        elif digits.strip():
            self.warnings.append("an embedded object of another program was not read")

    # --- text

    def _take(self, data: bytes) -> None:
        self._characters.take(data, keep=self._group.target != "gone")

    def _flush(self) -> None:
        """Say what the bytes so far mean in the code page of the font."""
        if text := self._characters.decoded(self._group.codec or self._codec):
            self._say(text)

    def _say(self, text: str) -> None:
        group = self._group
        if group.target == "gone" or group.deleted:
            return
        if group.target in GATHERED:
            self._words.append(text)
        elif group.target != "info":
            if text.strip():
                self._passages += group.hidden and not self._in_hidden
                self._in_hidden = group.hidden
            group.story.add(text, group.raised)

    def _sign(self, sign: bytes) -> None:
        if sign == b"*":
            self._optional = self._fresh  # anywhere but at the beginning of a group it says nothing
        elif sign in {b"\n", b"\r"}:
            self._control("par", None)
        elif sign in ESCAPES and not self._characters.passed():
            self._flush()
            self._say(ESCAPES[sign])

    # --- control words

    def _control(self, word: str, number: int | None) -> int:
        """Act on a control word; returns how many bytes of raw data follow it."""
        if word == "bin":
            return max(0, number or 0)
        optional, self._optional = self._optional, False
        if word == "u" and number is not None:
            self._flush()
            if character := self._characters.unit(number, self._group.stand_ins):
                self._say(character)
            return 0
        if word in SIGNS:
            if not self._characters.passed():
                self._flush()
                self._say(SIGNS[word])
            return 0
        self._flush()
        if word in COPIES:
            self._group.copy = True
        elif word == "pict" and not self._group.copy:
            self._drawn += 1
        if word in LEFT_OUT or (optional and word not in KNOWN):
            self._group.target = "gone"
        elif word == "ud" and len(self._open) > 1:
            self._group.target = self._open[-2].target  # the same text once more, after a copy that is left out
        elif self._group.target != "gone" or word == "formfield":
            self._act(word, number)
        return 0

    def _act(self, word: str, number: int | None) -> None:
        group, target = self._group, self._group.target
        if word in TARGETS or (word in _ABOUT and target == "info"):
            self._begin(word)
        elif word == "upr":
            group.target = "gone"
        elif target == "fonttbl":
            self._fonts.act(word, number)
        elif target == "stylesheet":
            self._styles.act(word, number)
        elif target == "formfield":
            self._field.act(word, number or 0)
        else:
            self._text_word(word, number)

    def _text_word(self, word: str, number: int | None) -> None:
        """Act on words that stand in the text: fonts, paragraphs, rows."""
        group = self._group
        on = number != 0
        if word == "f":
            group.codec = self._fonts.codec(number or 0)
        elif word == "uc":
            group.stand_ins = max(0, number or 0)
        elif word == "ansicpg" and number:
            self._codec = codec(number)
        elif word in {"mac", "pc", "pca"}:
            self._codec = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}[word]
        elif word == "deleted":
            group.deleted = on
        elif word == "super":
            group.raised = on
        elif word == "v":
            group.hidden = on
        elif word == "nosupersub":
            group.raised = False
        elif word == "plain":
            group.raised = group.deleted = group.hidden = False
        else:
            group.paragraph = self._paragraph_word(word, number, group.paragraph)
            group.story.paragraph = group.paragraph
            group.story.act(word, number)

    def _paragraph_word(self, word: str, number: int | None, now: Paragraph) -> Paragraph:
        if word == "pard":
            return Paragraph()
        if word == "s":
            return replace(now, level=self._styles.level(number or 0))
        if word == "outlinelevel" and number is not None:
            return replace(now, level=number + 1 if number < 9 else 0)
        if word == "intbl":
            return replace(now, in_table=number != 0)
        if word in {"ls", "pnlvlblt", "pnlvlbody"}:
            return replace(now, listed=True)
        return now
