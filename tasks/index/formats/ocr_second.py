"""The second engine of text recognition: RapidOCR's PP-OCR models on OpenVINO.

It finds lines by a network and reads each with another one: on bad scans it misses half as many words as tesseract, at
some five times the time. Models are files of the package, so nothing is fetched. One engine a process, one thread.
Needs rapidocr and openvino; without them the first engine stands alone, which the metadata tell.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from tasks.index.formats.ocr_vote import Seen
from tasks.index.formats.pdf_words import Word, clean

if TYPE_CHECKING:
    from PIL.Image import Image

NAME = "rapidocr"
_DPI = 200.0
"""More pixels take time and add nothing: the finder shrinks a page to 2,000 of them."""


@cache
def available() -> bool:
    """Tell whether the engine is installed."""
    return find_spec("rapidocr") is not None and find_spec("openvino") is not None


@cache
def _engine() -> Any:
    from rapidocr import EngineType, RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_cls": False,  # pictures come upright
            "Det.engine_type": EngineType.OPENVINO,
            "Cls.engine_type": EngineType.OPENVINO,
            "Rec.engine_type": EngineType.OPENVINO,
            "EngineConfig.openvino.inference_num_threads": 1,
        }
    )


def read(image: Image, dpi: float) -> list[Seen]:
    """Return the words of a grey picture, in points at `dpi`."""
    import numpy as np

    factor = min(1.0, _DPI / dpi)
    small = image.resize((round(image.width * factor), round(image.height * factor))) if factor < 1 else image
    result = _engine()(np.asarray(small.convert("RGB")), return_word_box=True)
    scale = 72.0 / (dpi * factor)
    if not result.txts:
        return []
    lines = zip(result.word_results, result.txts, result.scores, result.boxes, strict=True)
    return [seen for words, *whole in lines for seen in _line([w for w in words if len(w) == 3] or [whole], scale)]


def _line(line: Any, scale: float) -> list[Seen]:
    """Return the words of a line, (text, score, corners) each, on one baseline."""
    words = [(clean(text).strip(), score, corners) for text, score, corners in line]
    words = [word for word in words if word[0]]
    if not words:
        return []
    tops = [min(y for _, y in corners) * scale for _, _, corners in words]
    bottoms = [max(y for _, y in corners) * scale for _, _, corners in words]
    top, bottom = sum(tops) / len(tops), sum(bottoms) / len(bottoms)
    base, size = bottom - 0.24 * (bottom - top), 0.95 * (bottom - top)
    return [
        Seen(
            Word(text, min(x for x, _ in corners) * scale, max(x for x, _ in corners) * scale, base, size, False),
            100.0 * float(score),
        )
        for text, score, corners in words
    ]
