"""Pictures made ready for text recognition: grey, dark on light, upright, and large enough; frames of a file.

What is turned is remembered as a frame, so that words are placed on the picture as it came. Needs Pillow and NumPy.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import DocumentError, FailureKind
from tasks.index.formats.base import Context
from tasks.index.formats.pdf_places import SHOWN, Frame

if TYPE_CHECKING:
    from PIL.Image import Image

DPI = 300
"""Resolution at which pages are rendered: tesseract is trained on letters of some 30 pixels, which is 10 pt here."""

MAX_PIXELS = 40_000_000
"""No page needs more: an A3 sheet at 300 dots per inch has 17 million."""

_CROOKED = 0.4  # degrees from which a picture is turned straight
_STEEPEST = 10.0  # degrees that are looked for


@dataclass(frozen=True, slots=True)
class Picture:
    """A grey picture, its resolution in dots per inch, and the frame from its points to those of the page as shown."""

    image: Image
    dpi: float
    frame: Frame = SHOWN

    def turned(self, degrees: float) -> Picture:
        """Return the picture turned clockwise."""
        from PIL import Image

        if degrees % 360 == 0:
            return self
        smooth = Image.Resampling.NEAREST if degrees % 90 == 0 else Image.Resampling.BICUBIC
        image = self.image.rotate(-degrees, resample=smooth, expand=True, fillcolor=255)
        scale = 72.0 / self.dpi
        x, y = image.width * scale / 2, image.height * scale / 2
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        if degrees % 90 == 0:
            cos, sin = round(cos), round(sin)
        e = self.image.width * scale / 2 - (cos * x + sin * y)
        f = self.image.height * scale / 2 - (-sin * x + cos * y)
        return Picture(image, self.dpi, self.frame.of(Frame(cos, sin, -sin, cos, e, f)))

    def straight(self) -> Picture:
        """Return the picture with its lines level."""
        degrees = _slant(self.image)
        return self if abs(degrees) < _CROOKED else self.turned(degrees)


def ready(image: Image, dpi: float) -> Picture:
    """Return a picture in grey, with dark letters on light paper."""
    from PIL import ImageOps

    grey = _grey(image)
    histogram = grey.histogram()
    if sum(histogram[:100]) > 0.6 * sum(histogram):  # light letters on dark
        grey = ImageOps.invert(grey)
    return Picture(grey, dpi)


def _grey(image: Image) -> Image:
    """Return the picture in 256 greys; scanners write 16 bits, which Pillow would cut off at white."""
    import numpy as np
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        values: Any = np.asarray(image, dtype=np.float32)
        low, high = float(values.min()), float(values.max())
        return Image.fromarray(((values - low) * (255.0 / max(high - low, 1.0))).astype(np.uint8))
    return image.convert("L")


def _slant(image: Image) -> float:
    """Return by how many degrees clockwise the lines must be turned to be level; 0 where that is not known.

    Level lines make the profile of ink by rows jump the most (Postl 1986): tried in steps on the ink of a small copy.
    """
    import numpy as np

    small = image.reduce(max(1, round(max(image.size) / 1000)))
    values: Any = np.asarray(small)
    y, x = np.nonzero(values < min(values.mean() - 25.0, 160.0))
    if not 200 < len(x) < 0.35 * values.size:
        return 0.0

    def jumps(degrees: float) -> float:
        rows = np.round(y + x * math.tan(math.radians(degrees))).astype(np.int64)
        profile = np.bincount(rows - rows.min()).astype(np.float64)
        return float((np.diff(profile) ** 2).sum())

    coarse = max(np.arange(-_STEEPEST, _STEEPEST + 0.1, 0.5), key=jumps)
    best = max(np.arange(coarse - 0.5, coarse + 0.51, 0.1), key=jumps)
    return float(best) if jumps(best) > 1.15 * jumps(0.0) else 0.0


def frames(source: Path | bytes, context: Context) -> Iterator[Picture]:
    """Yield each frame of a picture file, as its EXIF orientation shows it; small ones are enlarged to letters that can be read.

    Raises:
        DocumentError: CORRUPT, TOO_LARGE (pixels, frames).
    """
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
    """Make transparent parts white: as black they would swallow the letters."""
    from PIL import Image

    if frame.mode not in {"RGBA", "LA", "PA"} and "transparency" not in frame.info:
        return frame
    layer = frame.convert("RGBA")
    paper = Image.new("RGBA", layer.size, "white")
    paper.alpha_composite(layer)
    paper.info["exif"] = frame.info.get("exif", b"")
    return paper


def _fit(image: Image) -> Picture:
    """Return the picture with its resolution in dots per inch, assumed from an A4 width where it says none."""
    told = image.info.get("dpi", (0, 0))[0]
    ready_made = ready(image, float(told) if 100 <= told <= 1200 else max(min(image.size) / 8.27, 72.0))
    grey, dpi = ready_made.image, ready_made.dpi
    factor = min(DPI / dpi, (MAX_PIXELS / (grey.width * grey.height)) ** 0.5, 4.0)
    if 0.9 < factor < 1.34:
        return ready_made
    size = max(1, round(grey.width * factor)), max(1, round(grey.height * factor))
    return Picture(grey.resize(size), dpi * factor)
