"""Parse one file: look at it, open it with the reader of its format, check what comes out, name its language.

`parse_file` runs in this process; `tasks/index/parse.py` runs it in children that may be killed. Whatever goes
wrong ends as a DocumentError with a kind and a line in plain words: what a reader did not foresee becomes INTERNAL
with the exception's class and message.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import DocumentError, FailureKind
from tasks import languages
from tasks.index.detect import detect
from tasks.index.formats import parser
from tasks.index.formats.base import Context
from tasks.index.formats.facts import FACTS_SECTION
from tasks.index.guard import check_archive, check_size
from tasks.index.look import bare_zip, is_ole2, is_zip, read_head
from tasks.office.recognise import recognise
from tasks.office.records import as_data
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from infra.settings import Settings

_FIXED_PASSWORD = "VelvetSweatshop"  # noqa: S105
"""What Excel and PowerPoint encrypt "protected" files with, and open again without asking ([MS-OFFCRYPTO] 2.2.1)."""

_MAY_BE_EMPTY = frozenset("docx pptx xlsx xls xls2003 xlsb doc doc2003 ppt odt ods odp odg".split())
"""Formats whose files tell for sure that nothing is in them, as a new workbook does; a scan or a text never does."""


def parse_file(source: Path | bytes, name: str, settings: Settings) -> Parsed:
    """Parse a file in this process.

    Args:
        source: a local path, or the bytes of a file inside another one.
        name: the file's own name.
        settings: limits, OCR mode and OCR languages count.

    Raises:
        DocumentError: for every reason why it cannot be read.
    """
    return read(source, Context(name, settings.limits, settings.ocr, settings.languages))


def read(source: Path | bytes, context: Context) -> Parsed:
    """Return as `parse_file`, with the context made.

    Raises:
        DocumentError: for every reason why it cannot be read.
    """
    try:
        check_size(source, context.limits)
        source = bare_zip(_unlocked(source))
        kind = detect(source, context.name)
        if is_zip(read_head(source, 8)) and kind != "zip":  # the reader of archives bounds each file by itself
            check_archive(source, context.limits)
        return _checked(parser(kind)(source, context), context)
    except DocumentError:
        raise
    except Exception as error:
        raise explained(error) from error


_DISK = {
    errno.EFBIG: (FailureKind.TOO_LARGE, "reading writes a file larger than FALDONE_LIMITS__UNPACKED"),
    errno.ENOSPC: (FailureKind.INTERNAL, "the disk of the temporary folder (TMPDIR) is full: the next run tries again"),
    errno.EDQUOT: (
        FailureKind.INTERNAL,
        "the quota of the temporary folder (TMPDIR) is used up: the next run tries again",
    ),
}


def explained(error: Exception) -> DocumentError:
    """Return the DocumentError for an exception that a reader did not foresee."""
    if isinstance(error, MemoryError):
        return DocumentError(FailureKind.MEMORY, "reading the file needs more memory than limits.memory grants")
    if isinstance(error, RecursionError):
        return DocumentError(FailureKind.CORRUPT, "the file nests deeper than any real document")
    if isinstance(error, PermissionError):  # of the document itself read_head has said so before
        return DocumentError(FailureKind.INTERNAL, f"the reader may not open a file that it needs: {error}")
    if isinstance(error, FileNotFoundError):
        return DocumentError(FailureKind.NOT_FOUND, f"a file is gone: {error}")
    if isinstance(error, OSError) and error.errno in _DISK:
        kind, words = _DISK[error.errno]
        return DocumentError(kind, words)
    line = (str(error).strip().splitlines() or [""])[0][:300]
    return DocumentError(FailureKind.INTERNAL, f"the reader failed unexpectedly: {type(error).__name__}: {line}")


def _unlocked(source: Path | bytes) -> Path | bytes:
    """Return the file itself, or its decrypted bytes when only the fixed password of Excel protects it.

    Raises:
        DocumentError: ENCRYPTED, another password is needed.
    """
    if not is_ole2(read_head(source, 8)):
        return source
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(source) if isinstance(source, bytes) else str(source)) as container:
            if not container.exists("EncryptedPackage"):
                return source
    except (OSError, ValueError, IndexError, OverflowError, AttributeError):
        return source  # a broken container: detection says so
    return _decrypted(source)


def _decrypted(source: Path | bytes) -> bytes:
    import msoffcrypto

    target = io.BytesIO()
    data = source if isinstance(source, bytes) else source.read_bytes()
    try:
        locked: Any = msoffcrypto.OfficeFile(io.BytesIO(data))
        locked.load_key(password=_FIXED_PASSWORD, verify_password=True)
        locked.decrypt(target)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  a wrong password and an unknown cipher raise all sorts; both mean the same to the owner
        raise DocumentError(FailureKind.ENCRYPTED, "the document is encrypted: a password is needed") from None
    return target.getvalue()


def _checked(parsed: Parsed, context: Context) -> Parsed:
    """Return what was parsed, with its language and, failing a title of its own, none; nothing at all is a failure.

    A workbook, slides or a text of an office program without a word, of which nothing was left out, is an empty document.
    """
    if parsed.pages > context.limits.pages:
        raise DocumentError(
            FailureKind.TOO_LARGE, f"{parsed.pages:,} pages; the limit is {context.limits.pages:,} (limits.pages)"
        )
    if not parsed.elements and not parsed.attachments:
        words = f"the {parsed.format.upper()} file opens, but no text is in it"
        if parsed.warnings or parsed.format not in _MAY_BE_EMPTY:
            raise DocumentError(FailureKind.NO_TEXT, "; ".join([words, *parsed.warnings[:2]]))
        parsed = replace(parsed, warnings=(words,))
    language = parsed.language or language_of(parsed.elements)
    return replace(parsed, language=language, records=parsed.records or as_data(recognise(parsed)))


def language_of(elements: Iterable[Element]) -> str:
    """Return the two-letter code of a document's language, "" when fewer than five words tell."""
    return languages.of_texts(element.text for element in elements if element.section != FACTS_SECTION)
