"""Text recognition: words with places out of a picture, by the tesseract program.

The program is called with the picture on its standard input and answers a table of words, so nothing is written to
disk; one thread each, since documents are already read in parallel. The words go through the same layout as those of
a text layer: a scanned statement gives rows and columns too. Needs the tesseract program and language data
(`apt-get install tesseract-ocr tesseract-ocr-ita`) and Pillow.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, NamedTuple

from infra.errors import DocumentError, FailureKind
from infra.processor import run
from tasks.index.formats.base import Context, title_of
from tasks.index.formats.pdf_pages import to_blocks
from tasks.index.formats.pdf_titles import to_elements
from tasks.index.formats.pdf_words import PageWords, Word, clean
from tasks.records import Parsed

if TYPE_CHECKING:
    from PIL.Image import Image

DPI = 300
"""Resolution at which pages are rendered: tesseract is trained on letters of some 30 pixels, which is 10 pt here."""

MAX_PIXELS = 40_000_000
"""No page needs more: an A3 sheet at 300 dots per inch has 17 million."""

_WEAK = 50.0  # mean confidence in per cent below which the picture may lie on its side
_DESCENDERS = frozenset("gjpqy,;()[]{}$Qç/|@")


@dataclass(frozen=True, slots=True)
class Tesseract:
    """An installed tesseract: its path and the language argument, e.g. `ita+eng`."""

    program: str
    languages: str


class _Box(NamedTuple):
    """A recognised word in points: its edges, its baseline, its height and tesseract's confidence in per cent."""

    text: str
    x0: float
    x1: float
    base: float
    height: float
    confidence: float


@dataclass(frozen=True, slots=True)
class _Seen:
    words: tuple[Word, ...]
    confidence: float


def find_tesseract(languages: Sequence[str]) -> Tesseract | str:
    """The program with those of the wanted languages that are installed, or one sentence on what to install."""
    program = shutil.which("tesseract")
    if program is None:
        packages = " ".join(["tesseract-ocr", *(f"tesseract-ocr-{name}" for name in languages if name != "eng")])
        return f"tesseract is not installed: apt-get install {packages}"
    known = _installed(program)
    usable = [name for name in languages if name in known]
    if not usable:
        packages = " ".join(f"tesseract-ocr-{name}" for name in languages)
        return f"tesseract has no data for {', '.join(languages)}: apt-get install {packages}"
    return Tesseract(program, "+".join(usable))


@lru_cache(maxsize=4)
def _installed(program: str) -> frozenset[str]:
    listed = subprocess.run([program, "--list-langs"], capture_output=True, text=True, check=False, timeout=60)
    return frozenset(line.strip() for line in listed.stdout.splitlines()[1:])


def recognise(image: Image, tesseract: Tesseract, seconds: float, dpi: float = DPI) -> PageWords:
    """The words of a picture, in points at `dpi`; a picture that lies on its side is turned first.

    Raises:
        DocumentError: tesseract failed (INTERNAL) or needed more than `seconds` of processor time (TIMEOUT).
    """
    grey = image.convert("L")
    seen = _words(grey, tesseract, seconds, dpi)
    if seen.confidence < _WEAK or len(seen.words) < 3:
        turn = _orientation(grey, tesseract, seconds)
        turned = _words(grey.rotate(-turn, expand=True, fillcolor=255), tesseract, seconds, dpi) if turn else seen
        seen = max(seen, turned, key=lambda result: result.confidence * len(result.words))
    return PageWords(seen.words, "", False)


def _run(image: Image, tesseract: Tesseract, seconds: float, *options: str) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PPM")  # grey: one byte a pixel, no time lost on compression
    command = [tesseract.program, "stdin", "stdout", *options]
    try:
        done = run(command, buffer.getvalue(), seconds, OMP_THREAD_LIMIT="1")
    except TimeoutError as error:
        raise DocumentError(FailureKind.TIMEOUT, f"text recognition {error}") from None
    if done.returncode:
        reason = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"])[-1]
        raise DocumentError(FailureKind.INTERNAL, f"tesseract failed: {reason}")
    return done.stdout.decode("utf-8", "replace")


def _orientation(image: Image, tesseract: Tesseract, seconds: float) -> int:
    """By how many degrees clockwise the picture must be turned to stand upright; 0 when that is not to be told."""
    try:
        report = _run(image, tesseract, seconds, "--psm", "0", "--dpi", str(DPI))
    except DocumentError:
        return 0  # too few letters to tell, or no orientation data installed: the picture is read as it is
    turns = [line.split(":")[1] for line in report.splitlines() if line.startswith("Rotate:")]
    return int(turns[0]) % 360 if turns else 0


def _words(image: Image, tesseract: Tesseract, seconds: float, dpi: float) -> _Seen:
    table = _run(image, tesseract, seconds, "-l", tesseract.languages, "--psm", "3", "--dpi", str(round(dpi)), "tsv")
    lines: dict[tuple[str, ...], list[_Box]] = {}
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["level"] == "5" and (text := clean((row["text"] or "").strip())):
            place = (row["block_num"], row["par_num"], row["line_num"])
            lines.setdefault(place, []).append(_box(row, text, 72.0 / dpi))
    boxes = list(lines.values())
    slope = _slope(boxes)
    words = tuple(word for line in boxes for word in _line_words(line, slope))
    confidence = fmean(box.confidence for line in boxes for box in line) if boxes else 0.0
    return _Seen(words, confidence)


def _box(row: dict[str, str], text: str, scale: float) -> _Box:
    """A word's box in points. It ends below the baseline where the word has letters that hang: that is taken off."""
    left, top, width, height = (float(row[key]) * scale for key in ("left", "top", "width", "height"))
    hanging = 0.22 * height if not _DESCENDERS.isdisjoint(text) else 0.0
    return _Box(text, left, left + width, top + height - hanging, height, float(row["conf"]))


def _slope(lines: Sequence[Sequence[_Box]]) -> float:
    """How much the lines of a crooked scan fall from left to right: the median over all longer lines."""
    slopes = [
        (line[-1].base - line[0].base) / (line[-1].x0 - line[0].x0)
        for line in lines
        if len(line) > 3 and line[-1].x0 - line[0].x0 > 60.0
    ]
    return median(slopes) if len(slopes) > 2 else 0.0


def _line_words(line: Sequence[_Box], slope: float) -> list[Word]:
    """The words of one line, straightened, on one baseline and of one size: single boxes vary with their letters."""
    base = median(box.base - slope * box.x0 for box in line)
    size = 1.3 * median(box.height for box in line)
    return [Word(box.text, box.x0, box.x1, base, size, False) for box in line]


def read_image(source: Path | bytes, context: Context, name: str) -> Parsed:
    """Read a picture file, one page a frame; `name` is its format (`png`, `tiff`, …).

    Raises:
        DocumentError: CORRUPT, TOO_LARGE (pixels, pages), MISSING_PROGRAM, or NO_TEXT when nothing is recognised.
    """
    if context.ocr == "off":
        raise DocumentError(
            FailureKind.NO_TEXT, "a picture has no text of its own and text recognition is off (FALDONE_OCR)"
        )
    tesseract = find_tesseract(context.languages)
    if isinstance(tesseract, str):
        raise DocumentError(FailureKind.MISSING_PROGRAM, f"a picture needs text recognition and {tesseract}")
    pages = [
        (number, recognise(frame, tesseract, 3 * context.limits.seconds_per_page, dpi))
        for number, (frame, dpi) in enumerate(_frames(source, context), start=1)
    ]
    elements = to_elements(list(to_blocks(pages)))
    if not elements:
        raise DocumentError(FailureKind.NO_TEXT, f"no text was recognised in {len(pages)} picture(s)")
    return Parsed(name, title_of(elements), "", len(pages), elements)


def _frames(source: Path | bytes, context: Context) -> Iterator[tuple[Image, float]]:
    """Each frame upright and in grey, with its resolution; small pictures are enlarged to letters that can be read."""
    from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            count = getattr(image, "n_frames", 1)
            if count > context.limits.pages:
                raise DocumentError(FailureKind.TOO_LARGE, f"{count} frames, the limit is {context.limits.pages}")
            for frame in ImageSequence.Iterator(image):
                if frame.width * frame.height > context.limits.pixels:
                    size = f"{frame.width} × {frame.height} pixels"
                    raise DocumentError(FailureKind.TOO_LARGE, f"{size}, the limit is {context.limits.pixels}")
                context.extend()
                yield _fit(ImageOps.exif_transpose(_opaque(frame)))
    except Image.DecompressionBombError as error:
        raise DocumentError(FailureKind.TOO_LARGE, str(error)) from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise DocumentError(FailureKind.CORRUPT, f"the picture cannot be read: {error}") from None


def _opaque(frame: Image) -> Image:
    """Transparent parts made white: as black they would swallow the letters."""
    from PIL import Image

    if frame.mode not in {"RGBA", "LA", "PA"} and "transparency" not in frame.info:
        return frame
    layer = frame.convert("RGBA")
    paper = Image.new("RGBA", layer.size, "white")
    paper.alpha_composite(layer)
    paper.info["exif"] = frame.info.get("exif", b"")
    return paper


def _fit(image: Image) -> tuple[Image, float]:
    """The picture in grey and its resolution in dots per inch, assumed from an A4 width where it says none."""
    grey = image.convert("L")
    told = image.info.get("dpi", (0, 0))[0]
    dpi = float(told) if 100 <= told <= 1200 else max(grey.width / 8.27, 72.0)
    factor = min(DPI / dpi, (MAX_PIXELS / (grey.width * grey.height)) ** 0.5, 4.0)
    if 0.9 < factor < 1.34:
        return grey, dpi
    return grey.resize((max(1, round(grey.width * factor)), max(1, round(grey.height * factor)))), dpi * factor
