"""Pictures of the numbers as they are printed, for the report: cut out of the documents by a process of their own.

Only local PDFs that are still those that were indexed are opened; a figure without a picture shows a dash.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from infra.errors import UsageError
from infra.files import on_disk
from infra.lake import Lake
from tasks.collection import ledger
from tasks.export.records import Analysed, Entry, Material
from tasks.figures import Box, Figure

Crops = Mapping[tuple[str, int, Box], bytes]
"""(path, page, box): a picture as PNG."""

SCALE = 3.0  # pixels a point
MOST_FIGURES, MOST_DOCUMENTS = 40, 40
SECONDS = 60.0


def crops_of(material: Material) -> Crops:
    """Cut out the figures of the newest period of each document."""
    found: dict[tuple[str, int, Box], bytes] = {}
    documents = [one for one in material.analysed if one.financial and _is_same_file(one.entry)]
    for one in documents[:MOST_DOCUMENTS]:
        placed = _newest(one)
        pictures = cut(Path(one.entry.path), [(figure.page, figure.box) for figure in placed if figure.box])
        found |= {
            (one.entry.path, figure.page, figure.box): picture
            for figure, picture in zip(placed, pictures, strict=False)
            if figure.box and picture
        }
    return found


def _newest(one: Analysed) -> list[Figure]:
    figures = one.financial.figures if one.financial else ()
    years = sorted({figure.period for figure in figures if figure.period.startswith("FY")})
    return [figure for figure in figures if years and figure.period == years[-1] and figure.box][:MOST_FIGURES]


def _is_same_file(entry: Entry) -> bool:
    return not why_not(entry.path, entry.modified_at)


def why_not(path: str, modified_at: datetime | None) -> str:
    """Say why nothing can be cut out of a file; "" for a local PDF with the time that it had when it was indexed."""
    file = Path(on_disk(path))
    if file.suffix.lower() != ".pdf":
        return f"{path} is no PDF, so its figures have no place on a page"
    if not file.is_absolute() or not file.is_file():
        return f"{path} is not on this machine"
    if modified_at is None or abs(file.stat().st_mtime - modified_at.timestamp()) >= 2:
        return f"{path} changed since it was indexed: index and analyse it again"
    return ""


def cut_one(lake: Lake, collection: str, document_id: str, page: int, box: Sequence[int] | None) -> bytes:
    """Cut one place out of an indexed document, as PNG.

    Raises:
        UsageError: there is no place, or the file is no PDF, not here, changed, or cannot be drawn; the message says which.
    """
    rows = ledger.read(lake, collection, ["path", "modified_at"], {"document_id": document_id}).to_pylist()
    if not rows:
        raise UsageError(f"document {document_id} left the collection {collection}")
    path = rows[0]["path"]
    if reason := why_not(path, rows[0]["modified_at"]):
        raise UsageError(reason)
    if not box:
        raise UsageError(f"the place of this figure in {path} is not known: it was calculated, or read without one")
    left, top, right, bottom = box
    picture = cut(Path(path), [(page, (left, top, right, bottom))])[0]
    if picture is None:
        raise UsageError(f"{path}, page {page}, cannot be drawn")
    return picture


def cut(path: Path, places: Sequence[tuple[int, Box]]) -> list[bytes | None]:
    """Cut places out of a PDF, as PNG; None for one that cannot be, all None when the child fails."""
    if not places:
        return []
    with tempfile.TemporaryDirectory(prefix="faldone-crops-") as folder:
        request = {"folder": folder, "scale": SCALE, "cuts": [(page, *box) for page, box in places]}
        try:
            child = subprocess.run(
                [sys.executable, "-P", "-m", "tasks.export.crop_child"],
                input=json.dumps(request).encode() + b"\n" + Path(on_disk(str(path))).read_bytes(),
                capture_output=True,
                timeout=SECONDS,
                cwd=folder,
                env={"PYTHONPATH": ":".join(str(Path(entry).absolute()) for entry in sys.path), "HOME": folder},
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return [None] * len(places)
        answers = json.loads(child.stdout)
    return [base64.b64decode(answer) if answer else None for answer in answers]
