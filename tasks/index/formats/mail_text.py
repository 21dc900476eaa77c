"""The words of a mail as they were meant: heads and names in raw bytes or encoded words, parts in the charset they name.

Shared by the readers of mails (EML, MSG, mbox). Python's own decoding turns raw bytes of a head into replacement
characters and takes latin-1 at its word.
"""

from __future__ import annotations

import base64
import binascii
import io
import quopri
import re
from email._policybase import Compat32
from email.generator import BytesGenerator
from email.message import Message
from email.utils import collapse_rfc2231_value

from tasks.index.decode import decode, decode_as
from tasks.index.formats.base import clean

_WORD = re.compile(r"=\?([^?\s]+)\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(=\?[^?\s]+\?[bBqQ]\?)")
_TOKEN = re.compile(r"\w{2,}")
_FIGURE = re.compile(r"\d[\d.,]*\d|\d")
_ADDRESS = re.compile(r"\S*(?:://|@|www\.|\[image|cid:)\S*", re.IGNORECASE)
_UUENCODED = re.compile(r"^begin [0-7]{3,4} (\S.*)\n((?:[ -`]{1,62}\n)*?)(?:[ `]?\n)?end[ \t]*$", re.MULTILINE)
_COVERED = 0.9
"""Share of one version's distinct words that the other must have to say the same: signatures and links may differ."""
_STUB_WORDS = 30
"""Distinct words below which a plain part that the HTML part does not have is a note of the mail program."""


class MeantPolicy(Compat32):
    """Python's old policy, which keeps every mail as it is, but gives raw bytes of heads as text.

    That of the type stays raw: it names the boundary of the parts, which is looked for among raw lines.
    """

    def header_fetch_parse(self, name: str, value: str) -> str:
        return value if name.lower() == "content-type" else as_meant(value)


def as_meant(value: str) -> str:
    """Return the text of a head whose raw bytes Python keeps as surrogates."""
    if value.isascii():
        return value
    try:
        return decode(value.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return value


def head(mail: Message, name: str) -> str:
    """Return a head, decoded, on one line; "" when it is absent."""
    return one_line(decoded_words(str(mail.get(name) or "")))


def one_line(text: str) -> str:
    return " ".join(clean(text).split())


def decoded_words(value: str) -> str:
    """Return a text with its encoded words (RFC 2047) decoded; characters that two words share are put together."""
    joined = _BETWEEN_WORDS.sub(r"\1\2", value)
    pieces: list[str] = []
    pending: tuple[str, bytes] = ("", b"")
    end = 0
    for word in _WORD.finditer(joined):
        charset = word.group(1).partition("*")[0].lower()
        data = _word_bytes(word.group(2), word.group(3))
        if word.start() == end and charset == pending[0]:
            pending = (charset, pending[1] + data)
        else:
            pieces += [_text_of(pending), joined[end : word.start()]]
            pending = (charset, data)
        end = word.end()
    return "".join([*pieces, _text_of(pending), joined[end:]])


def _text_of(pending: tuple[str, bytes]) -> str:
    charset, data = pending
    return decode_as(data, charset) if data else ""


def _word_bytes(encoding: str, text: str) -> bytes:
    raw = text.encode("ascii", "ignore")
    if encoding in "qQ":
        return quopri.decodestring(raw.replace(b"_", b" "), header=False)
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4))
    except binascii.Error:
        return raw


def file_name(part: Message) -> str:
    """Return the name of an attached file, whichever way it is written; "" when it has none."""
    value = part.get_param("filename", None, "content-disposition") or part.get_param("name", None, "content-type")
    if isinstance(value, tuple):  # RFC 2231, with a charset of its own
        charset, _, text = value
        raw = text.encode("latin-1", "replace") if text.isascii() or charset else text.encode()
        return one_line(decode_as(raw, charset) if charset else collapse_rfc2231_value(value))
    return one_line(decoded_words(as_meant(value))) if value else ""


def payload(part: Message) -> bytes:
    """Return the bytes of a part, its transfer encoding undone."""
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


class _Writer(BytesGenerator):
    """Python's own, but for parts that should have parts and have no boundary: it would replace the raw bytes in these."""

    def _handle_multipart(self, msg: Message) -> None:
        if isinstance(msg._payload, str):  # type: ignore[attr-defined]
            self.write(msg._payload)  # type: ignore[attr-defined]
        else:
            super()._handle_multipart(msg)  # type: ignore[misc]


def written_out(mail: Message) -> bytes:
    """Return a mail as it was sent."""
    target = io.BytesIO()
    _Writer(target, mangle_from_=False).flatten(mail)
    return target.getvalue()


def transferred(data: bytes, encoding: str) -> bytes:
    """Return a mail within a mail as it was before it was encoded as a whole; as it stands when it was not."""
    encoding = encoding.strip().lower()
    if encoding == "base64" and not re.match(rb"[A-Za-z-]+:", data.lstrip()):
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
        whole = letters[: len(letters) - (len(letters) % 4 == 1)]
        return base64.b64decode(whole + b"=" * (-len(whole) % 4))
    return quopri.decodestring(data) if encoding == "quoted-printable" else data


def text_of(part: Message) -> str:
    """Return the text of a part, line ends made "\n"."""
    text = decode_as(payload(part), part.get_content_charset())
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def without_uuencoded(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Return a plain text without the files that old programs write into it (`begin 644 name` … `end`), and these.

    A block that cannot be decoded stays where it is.
    """
    files: list[tuple[str, bytes]] = []

    def taken(block: re.Match[str]) -> str:
        try:
            data = b"".join(binascii.a2b_uu(line.encode("ascii")) for line in block.group(2).split("\n") if line)
        except (binascii.Error, UnicodeEncodeError):
            return block.group(0)
        files.append((one_line(block.group(1)), data))
        return ""

    return _UUENCODED.sub(taken, text), files


def versions_to_read(plain: str, rich: str, rich_has_table: bool) -> tuple[bool, bool]:
    """Return which of two versions of a body to read: (plain, rich).

    The plain one has no layout to go wrong, so it is read when it says all that the rich one does; but a table keeps its
    columns only in the rich one, and a plain part that is a stub («your program shows no HTML») is not a version of it.
    Two that say different things are both read, and so are two of which each has a figure that the other lacks.
    """
    ours, theirs = set(_TOKEN.findall(plain.lower())), set(_TOKEN.findall(rich.lower()))
    if not theirs:
        return True, False
    if not ours:
        return False, True
    same = len(ours & theirs)
    if same >= _COVERED * len(theirs) and not rich_has_table and not _figures(rich) - _figures(plain):
        return True, False
    return (len(ours) >= _STUB_WORDS and same < len(ours) / 2) or bool(_figures(plain) - _figures(rich)), True


def _figures(text: str) -> set[str]:
    """Return the figures of a text; those within addresses are none."""
    return set(_FIGURE.findall(_ADDRESS.sub(" ", text)))
