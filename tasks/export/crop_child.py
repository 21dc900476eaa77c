"""The process that cuts pictures of numbers out of a PDF: it draws foreign files, so it has no network and no secrets.

Started by `crops.py`. The request is a line of JSON on standard input (`folder`, `scale`, `cuts`: page, left, top, right,
bottom in points), followed by the bytes of the PDF; the answer is a JSON list of PNG pictures in base64, null for a cut
that cannot be made.
"""

from __future__ import annotations

import base64
import io
import json
import sys
from typing import Any

from infra import sandbox

MARGIN = 4.0  # points around a number
BEFORE = 46.0  # more at its left: what stands before a number says whose it is


def main() -> None:
    """Answer one request."""
    request = json.loads(sys.stdin.buffer.readline())
    sandbox.enter(request["folder"])
    import pypdfium2

    document = pypdfium2.PdfDocument(sys.stdin.buffer.read())
    cuts = [_cut(document, *cut, scale=request["scale"]) for cut in request["cuts"]]
    json.dump(cuts, sys.stdout)


def _cut(document: Any, page: int, left: float, top: float, right: float, bottom: float, *, scale: float) -> str | None:
    if not 0 < page <= len(document):
        return None
    sheet = document[page - 1]
    width, height = sheet.get_size()
    edges = (left - BEFORE, height - bottom - MARGIN, width - right - MARGIN, top - MARGIN)
    crop = tuple(max(0.0, edge) for edge in edges)
    if crop[0] + crop[2] >= width or crop[1] + crop[3] >= height:
        return None
    stream = io.BytesIO()
    sheet.render(scale=scale, crop=crop, grayscale=True).to_pil().save(stream, "PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode()


if __name__ == "__main__":
    main()
