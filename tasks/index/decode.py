"""Bytes to text when nobody says in which encoding: byte order mark, UTF-8, UTF-16/32 by their zeros, then a vote.

Office files of Italian and English houses that are not Unicode are nearly always Windows (cp1252), old Mac or DOS
text. A general detector mistakes short ones for Chinese or Baltic, so these three are tried first, by how many of their
high bytes become letters and signs that such texts use; only when none convinces is charset-normalizer asked.
"""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that one's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MEANT = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "iso-8859-9": "cp1254",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "iso-8859-8-i": "iso-8859-8",
    "utf8mb4": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "ansi": "cp1252",
    "x-ansi": "cp1252",
}
"""Names of charsets as mails and pages write them, with the larger set that is meant (as the WHATWG's table has it)."""

_USUAL = frozenset("àèéìíòóùúÀÈÉÌÒÓÙçÇñÑäöüÄÖÜßêâîôûëïáãõåøæœ’‘“”–—•…€£§°«»©®™½¼¾²³ªº·´¿¡×\u00a0\u00ad")
_WESTERN = ("cp1252", "mac_roman", "cp850")
_DECLARED = re.compile(rb"""(?:encoding|charset)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_ODD_CAPITAL = re.compile("(?<=[a-z])[À-ÖØ-Þ]")
_SAMPLE = 65_536
_FEW_STRANGE = 3
"""Control characters that even a short text may have, if they are no more than a tenth of it."""


def _windows_page(name: str) -> codecs.CodecInfo | None:
    """Return a code page as Python knows it: `cp950`, not the `windows-950` that mails and web pages write."""
    found = re.fullmatch(r"windows[-_](\d+)", name)
    return codecs.lookup(f"cp{found.group(1)}") if found else None


codecs.register(_windows_page)


def decode(data: bytes, declared: bool = False) -> str:
    """Return the text of `data`, line ends made "\n".

    Args:
        data: the whole file.
        declared: whether the text may name its own encoding, as HTML and XML do in their first 2 kB.
    """
    return _to_text(data, declared).replace("\r\n", "\n").replace("\r", "\n")


def _to_text(data: bytes, declared: bool) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, errors="replace")
    if wide := _without_mark(data[:_SAMPLE]):
        return data.decode(wide, errors="replace")
    named = _DECLARED.search(data[:2048]) if declared else None
    name = named.group(1).decode("ascii").lower() if named else ""
    # a declaration that can be read byte by byte cannot mean UTF-16 or UTF-32, whatever it says
    if name and not name.startswith(("utf-16", "utf-32", "ucs")) and (text := _as_declared(data, name)) is not None:
        return text
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start > 0.99 * len(data) and len(data) > 400:  # a file cut in the middle of its last character
            return data.decode("utf-8", errors="replace")
    return data.decode(_vote(data[:_SAMPLE]), errors="replace")


def decode_as(data: bytes, charset: str | None) -> str:
    """Return the text of a part of a mail that names its charset, as it was meant; the likeliest one where the name is wrong.

    Who writes `us-ascii` or `iso-8859-1` has seldom looked: bytes that are UTF-8 are read so, others as cp1252.
    """
    name = (charset or "").strip().strip("\"'").lower()
    if _known(name) in {"ascii", "iso8859-1", "cp1252", ""}:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            pass
    if name and _known(name) != "ascii" and (text := _as_declared(data, name)) is not None:
        return text
    return _to_text(data, declared=True)


def _known(name: str) -> str:
    try:
        return codecs.lookup(_MEANT.get(name, name)).name if name else ""
    except (LookupError, ValueError):
        return ""


def _as_declared(data: bytes, name: str) -> str | None:
    """Decode as the text itself says, None when it does not hold. Browsers read latin-1 as cp1252, and so do we."""
    known = _known(name)
    try:
        return data.decode("cp1252" if known in {"iso8859-1", "ascii"} else known, errors="strict") if known else None
    except (LookupError, UnicodeDecodeError, ValueError):
        return None


def _without_mark(sample: bytes) -> str:
    """Decode UTF-16 or UTF-32 without a mark, by where the zero bytes stand; "" when it is neither."""
    if sample.count(0) < len(sample) // 4 or len(sample) < 8:
        return ""
    zeros = [sample[start::4].count(0) / max(1, len(sample[start::4])) for start in range(4)]
    if zeros[1] > 0.6 and zeros[2] > 0.6 and zeros[3] > 0.6 and zeros[0] < 0.1:
        return "utf-32-le"
    if zeros[0] > 0.6 and zeros[1] > 0.6 and zeros[2] > 0.6 and zeros[3] < 0.1:
        return "utf-32-be"
    if min(zeros[1], zeros[3]) > 0.4 and max(zeros[0], zeros[2]) < 0.1:
        return "utf-16-le"
    if min(zeros[0], zeros[2]) > 0.4 and max(zeros[1], zeros[3]) < 0.1:
        return "utf-16-be"
    return ""


def _vote(sample: bytes) -> str:
    """Return the likeliest one-byte encoding of a text that is not UTF-8."""
    shares = {name: _share(sample, name) for name in _WESTERN}
    best = max(_WESTERN, key=lambda name: shares[name])
    if shares[best] >= 0.9:
        return best
    from charset_normalizer import from_bytes

    guess = from_bytes(sample).best()
    return guess.encoding if guess else best


def _share(sample: bytes, name: str) -> float:
    """Return how many of the high bytes become usual letters and signs of western European prose.

    A capital right after a small letter is not prose: DOS text read as Mac text turns "società" into "societÖ".
    """
    text = sample.decode(name, errors="replace")
    high = sum(character > "\x7f" for character in text)
    odd = len(_ODD_CAPITAL.findall(text))
    return (sum(character in _USUAL for character in text) - odd) / max(1, high)


def is_text(data: bytes) -> bool:
    """Tell whether a file of unknown type can be shown as text: hardly any control characters once it is decoded.

    A stray NUL byte (a database wrote its empty field so) makes no binary file of a table.
    """
    text = _to_text(data[:_SAMPLE], False)
    strange = sum(
        (character < " " and character not in "\n\r\t\f\v\x1b\b\x1a") or character == "\ufffd" for character in text
    )
    return strange <= max(0.02 * len(text), min(_FEW_STRANGE, 0.1 * len(text)))
