"""PDF: the text layer by pdfium, what is only a picture by text recognition.

A document of which nothing can be read is an error that says why. Embedded files come out as attachments (Italian filed
accounts carry their XBRL instance so), those pinned to a page too. Needs pypdfium2; tesseract only for scans.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import DocumentError, FailureKind
from tasks.index.formats.attachments import held
from tasks.index.formats.base import Context
from tasks.index.formats.cms import tampered
from tasks.index.formats.pdf_info import best_title, read_metadata
from tasks.index.formats.pdf_pages import to_blocks
from tasks.index.formats.pdf_sheet import Notes, read_pages
from tasks.index.formats.pdf_signatures import signature_metadata
from tasks.index.formats.pdf_titles import to_elements
from tasks.records import Element, Parsed

if TYPE_CHECKING:
    from tasks.index.look import Look

NAMES = ("pdf",)
VERSION = "4"
SAMPLES = {"pdf": b"%PDF-1.7\n"}


def sniff(look: Look) -> str:
    """Know a PDF by its mark, which may stand behind some foreign bytes."""
    return "pdf" if b"%PDF-" in look.head[:1024] else ""


def parse(source: Path | bytes, context: Context) -> Parsed:
    """Read a PDF.

    Raises:
        DocumentError: ENCRYPTED (a password is needed), CORRUPT, TOO_LARGE (pages), NO_TEXT (no page has text, with
            the reason), MISSING_PROGRAM (all pages are scans and tesseract is absent), TIMEOUT.
    """
    document = _open(source)
    try:
        count = len(document)
        _check_count(count, context)
        notes = Notes(context)
        elements = to_elements(list(to_blocks(read_pages(document, notes))))
        attachments, left_out = held(_files(document, notes), context.limits)
        elements = (*elements, *(Element("text", text, page, section="Comments") for page, text in notes.comments))
        if not elements:
            error = _no_text(count, notes)
            if not attachments:
                raise error
            notes.warnings.append(error.message)
        metadata = read_metadata(document)
        title = best_title(metadata.pop("title", ""), elements)
        signed = signature_metadata(source)
        metadata |= signed | notes.tally.metadata()
        warnings = (*notes.told(), *left_out, *tampered(signed))
        return Parsed("pdf", title, "", count, elements, metadata, attachments, warnings)
    finally:
        document.close()


def _open(source: Path | bytes) -> Any:
    """Return the pdfium document; an encrypted one opens when its user password is empty."""
    import pypdfium2
    import pypdfium2.raw as raw

    try:
        return pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as error:
        code = getattr(error, "err_code", None)
        if code == raw.FPDF_ERR_PASSWORD:
            raise DocumentError(
                FailureKind.ENCRYPTED, "the PDF is encrypted and a password is needed to open it"
            ) from None
        if code == raw.FPDF_ERR_SECURITY:
            raise DocumentError(
                FailureKind.ENCRYPTED, "the PDF is encrypted by a scheme that cannot be opened"
            ) from None
        raise DocumentError(
            FailureKind.CORRUPT, f"the PDF is damaged or cut off and cannot be opened ({error})"
        ) from None


def _check_count(count: int, context: Context) -> None:
    if count == 0:
        raise DocumentError(FailureKind.CORRUPT, "the PDF has no pages that can be found")
    if count > context.limits.pages:
        raise DocumentError(
            FailureKind.TOO_LARGE, f"{count} pages, the limit is {context.limits.pages} (FALDONE_LIMITS__PAGES)"
        )


def _no_text(count: int, notes: Notes) -> DocumentError:
    """Say why a document without a single element has none."""
    pages = "1 page" if count == 1 else f"{count} pages"
    if notes.unread:
        kind = FailureKind.NO_TEXT if notes.context.ocr == "off" else FailureKind.MISSING_PROGRAM
        return DocumentError(kind, f"0 elements from {pages}: {notes.missing()}")
    if len(notes.warnings) >= count:
        kind = FailureKind.TIMEOUT if notes.slow else FailureKind.CORRUPT
        return DocumentError(kind, f"none of {pages} can be read; {notes.warnings[0]}")
    reason = "text recognition saw nothing" if notes.blank else "the pages are empty"
    return DocumentError(FailureKind.NO_TEXT, "; ".join([f"0 elements from {pages}: {reason}", *notes.warnings[:2]]))


def _files(document: Any, notes: Notes) -> Iterator[tuple[str, bytes]]:
    """Yield embedded files, then those that are pinned to pages; one that cannot be taken out is a warning."""
    import pypdfium2

    for index in range(document.count_attachments()):
        try:
            attached = document.get_attachment(index)
            yield attached.get_name() or f"attachment-{index + 1}", bytes(attached.get_data())
        except (pypdfium2.PdfiumError, ValueError) as error:
            notes.warnings.append(f"attachment {index + 1}: cannot be taken out ({error})")
    yield from notes.files
