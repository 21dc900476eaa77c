"""Text recognition: words with places out of a picture, by the tesseract program and a second engine where it doubts.

tesseract is called with the picture on its standard input and answers a table of words, so nothing is written to
disk; one thread each, since documents are already read in parallel. The words go through the same layout as those of
a text layer: a scanned statement gives rows and columns too. Where its confidence is low, or totals do not add up, the
second engine (`ocr_second`, five times as slow) reads the page too, and figures are voted on. Needs the tesseract program and
language data (`apt-get install tesseract-ocr tesseract-ocr-ita`) and Pillow.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from statistics import fmean, median
from typing import TYPE_CHECKING, NamedTuple

from infra.errors import DocumentError, FailureKind
from infra.processor import run
from tasks.index.formats import ocr_second
from tasks.index.formats.ocr_picture import Picture
from tasks.index.formats.ocr_sums import settled, wrong_totals
from tasks.index.formats.ocr_vote import Doubt, Seen, vote
from tasks.index.formats.pdf_words import PageWords, Word, clean

if TYPE_CHECKING:
    from PIL.Image import Image

_WEAK = 70.0  # mean confidence in per cent below which the picture may stand on its head or lie on its side
WORTHLESS = 45.0
"""Mean confidence in per cent below which what was seen in a picture is not text: leaves, faces, waves."""

_SURE = 88.0  # mean confidence in per cent from which the second engine is not asked
_UNSURE = 60.0  # confidence in per cent below which a word is in doubt
_FEW = 15  # words: fewer are a logo or a stamp, and not worth the time
_DOUBT = 0.06  # of the words: from this share in doubt on the second engine is asked
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
class Reading:
    """What was recognised in a picture.

    `page` has the words in the space of the picture as it was turned, and its frame; `confidences` in per cent, a word
    each. `engines` read it; `disputed` are the figures on which they differ.
    """

    page: PageWords
    confidences: tuple[float, ...]
    engines: tuple[str, ...] = ("tesseract",)
    disputed: tuple[str, ...] = ()

    @property
    def confidence(self) -> float:
        return fmean(self.confidences) if self.confidences else 0.0

    @property
    def weight(self) -> float:
        """Which of two readings of one picture says more."""
        return self.confidence * len(self.page.words)


@dataclass(slots=True)
class Tally:
    """What text recognition did in a document, for its metadata and warnings."""

    pages: int = 0
    words: int = 0
    confidence: float = 0.0  # summed over words, in per cent
    engines: set[str] = field(default_factory=set)
    twice: int = 0  # pages that the second engine read too
    doubted: list[int] = field(default_factory=list)
    disputed: list[str] = field(default_factory=list)

    def add(self, number: int, reading: Reading) -> None:
        self.pages += 1
        self.words += len(reading.confidences)
        self.confidence += sum(reading.confidences)
        self.engines |= set(reading.engines)
        self.twice += len(reading.engines) > 1
        if reading.confidences and in_doubt(reading):
            self.doubted.append(number)
        self.disputed += (f"page {number}: {pair}" for pair in reading.disputed)

    def metadata(self) -> dict[str, str]:
        """Return `ocr_…`: pages read, engines, mean confidence in per cent, pages read twice, pages and figures in doubt."""
        if not self.pages:
            return {}
        told = {
            "ocr_pages": str(self.pages),
            "ocr_engines": ", ".join(sorted(self.engines)),
            "ocr_confidence": f"{self.confidence / max(self.words, 1):.0f}",
            "ocr_pages_read_twice": str(self.twice),
            "ocr_pages_in_doubt": ", ".join(map(str, self.doubted)),
            "ocr_figures_in_doubt": str(len(self.disputed)),
        }
        return {name: text for name, text in told.items() if text not in {"", "0"}}

    def warnings(self) -> list[str]:
        """Return what a person should look at again."""
        found = []
        if self.doubted:
            pages = ", ".join(map(str, self.doubted[:20])) + (" …" if len(self.doubted) > 20 else "")
            found.append(f"text recognition is unsure of {len(self.doubted)} page(s): {pages}")
        if self.disputed:
            more = f" and {len(self.disputed) - 5} more" if len(self.disputed) > 5 else ""
            found.append(f"the engines of text recognition differ on figures: {'; '.join(self.disputed[:5])}{more}")
        return found


def in_doubt(reading: Reading) -> bool:
    """Tell whether a reading is worth a second look."""
    unsure = sum(confidence < _UNSURE for confidence in reading.confidences)
    return reading.confidence < _SURE or unsure > _DOUBT * len(reading.confidences)


def find_tesseract(languages: Sequence[str]) -> Tesseract | str:
    """Return the program with those of the wanted languages that are installed, or one sentence on what to install."""
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


def recognise(picture: Picture, tesseract: Tesseract, seconds: float) -> Reading:
    """Return the words of a picture; one that is crooked, lies on its side or stands on its head is turned first.

    Raises:
        DocumentError: tesseract failed (INTERNAL) or needed more than `seconds` of processor time (TIMEOUT).
    """
    straight = picture.straight()
    best, seen = straight, _words(straight, tesseract, seconds)
    lying = _is_lying(seen.page.words)
    if lying or seen.confidence < _WEAK or len(seen.page.words) < 3:
        degrees = _orientation(picture, tesseract, seconds)
        if degrees:
            turned = picture.turned(degrees).straight()
            again = _words(turned, tesseract, seconds)
            if lying or again.weight > seen.weight:
                best, seen = turned, again
    doubtful = len(seen.page.words) >= _FEW and (in_doubt(seen) or wrong_totals(seen.page.words) > 0)
    if doubtful and ocr_second.available():
        seen = _voted(seen, best)
    return seen


def _is_lying(words: Sequence[Word]) -> bool:
    """Tell whether most words are higher than wide: tesseract reads some lines that run down the page, which no layout can take."""
    long = [word for word in words if len(word.text) > 3]
    return 2 * sum(word.size / 1.3 > word.x1 - word.x0 for word in long) > max(len(long), 4)


def _voted(first: Reading, picture: Picture) -> Reading:
    """Return the reading of both engines."""
    pairs = zip(first.page.words, first.confidences, strict=True)
    others = ocr_second.read(picture.image, picture.dpi)
    if not others:
        return first
    words, doubts = vote([Seen(*pair) for pair in pairs], others)
    words = settled(words, doubts)
    disputed = [d if words[d.place].word.text == d.taken else Doubt(d.place, d.other, d.taken) for d in doubts]
    page = replace(first.page, words=tuple(seen.word for seen in words))
    return Reading(
        page, tuple(seen.confidence for seen in words), ("tesseract", ocr_second.NAME), tuple(map(str, disputed))
    )


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


def _orientation(picture: Picture, tesseract: Tesseract, seconds: float) -> int:
    """Return by how many degrees clockwise the picture must be turned to stand upright; 0 when that is not known."""
    try:
        report = _run(picture.image, tesseract, seconds, "--psm", "0", "--dpi", str(round(picture.dpi)))
    except DocumentError:
        return 0  # too few letters to tell, or no orientation data installed: the picture is read as it is
    turns = [line.split(":")[1] for line in report.splitlines() if line.startswith("Rotate:")]
    return int(turns[0]) % 360 if turns else 0


def _words(picture: Picture, tesseract: Tesseract, seconds: float) -> Reading:
    options = "-l", tesseract.languages, "--psm", "3", "--dpi", str(round(picture.dpi)), "tsv"
    table = _run(picture.image, tesseract, seconds, *options)
    lines: dict[tuple[str, ...], list[_Box]] = {}
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["level"] == "5" and (text := clean((row["text"] or "").strip())):
            place = (row["block_num"], row["par_num"], row["line_num"])
            lines.setdefault(place, []).append(_box(row, text, 72.0 / picture.dpi))
    boxes = list(lines.values())
    slope = _slope(boxes)
    words = tuple(word for line in boxes for word in _line_words(line, slope))
    confidences = tuple(box.confidence for line in boxes for box in line)
    return Reading(PageWords(words, frame=picture.frame), confidences)


def _box(row: dict[str, str], text: str, scale: float) -> _Box:
    """Return a word's box in points. It ends below the baseline where the word has letters that hang: that is taken off."""
    left, top, width, height = (float(row[key]) * scale for key in ("left", "top", "width", "height"))
    hanging = 0.22 * height if not _DESCENDERS.isdisjoint(text) else 0.0
    return _Box(text, left, left + width, top + height - hanging, height, float(row["conf"]))


def _slope(lines: Sequence[Sequence[_Box]]) -> float:
    """Return how much the lines of a crooked scan fall from left to right: the median over all longer lines."""
    slopes = [
        (line[-1].base - line[0].base) / (line[-1].x0 - line[0].x0)
        for line in lines
        if len(line) > 3 and line[-1].x0 - line[0].x0 > 60.0
    ]
    return median(slopes) if len(slopes) > 2 else 0.0


def _line_words(line: Sequence[_Box], slope: float) -> list[Word]:
    """Return the words of one line, straightened, on one baseline and of one size: single boxes vary with their letters."""
    base = median(box.base - slope * box.x0 for box in line)
    size = 1.3 * median(box.height for box in line)
    return [Word(box.text, box.x0, box.x1, base, size, False) for box in line]
