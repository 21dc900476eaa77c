"""Text files and what pandoc makes of Markdown: ODT, RTF, EPUB, MD and TXT."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from samples.make import texts
from samples.make.office import freeze


def converted(path: Path, markdown: str, kind: str) -> None:
    import pypandoc

    os.environ["SOURCE_DATE_EPOCH"] = "1743148800"  # 28 March 2025: pandoc's dates
    arguments = ["--standalone"] if kind != "epub" else ["--epub-title-page=false"]
    pypandoc.convert_text(markdown, kind, "markdown", outputfile=str(path), extra_args=arguments)
    if kind != "rtf":
        freeze(path)


def minutes_odt(path: Path) -> None:
    converted(path, f"---\nlang: it\n---\n\n{texts.assembly_minutes()}", "odt")


def plain(path: Path, text: str, encoding: str = "utf-8") -> None:
    path.write_bytes(text.encode(encoding))


FILES = {
    "montescaro-verbale-assemblea.odt": minutes_odt,
    "aurenga-verbale-cda.rtf": partial(converted, markdown=texts.BOARD_MINUTES, kind="rtf"),
    "quillmere-supplier-handbook.epub": partial(converted, markdown=texts.HANDBOOK, kind="epub"),
    "montescaro-note-spese.md": partial(plain, text=texts.EXPENSES),
    "trebbio-promemoria.txt": partial(plain, text=texts.MEMO.replace("\n", "\r\n"), encoding="cp1252"),
    "quillmere-call-notes.txt": partial(plain, text=texts.MEETING),
}
