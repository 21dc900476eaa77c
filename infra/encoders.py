"""The encoders of an installation: one, or by default one for English and one for every other language.

Neither of the two models that come with Faldone serves both: the English one is best on English filings, the multilingual one on Italian
(docs/decisions.md has the figures). Their vectors have one length, so they share a column; each is compared only with a query of its own
encoder. The second encoder is loaded when a text or a query first needs it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping

from infra import multilingual
from infra.encoder import Encoder, load_encoder
from infra.errors import UsageError
from infra.settings import Settings

log = logging.getLogger("faldone.encoders")

AUTO = "auto"
ENGLISH, ENGLISH_MODEL = "en", "bundled"  # every other language, an unknown one too, is read by the multilingual model


class Encoders:
    """Encoders by language. Build it with `load_encoders`.

    Attributes:
        name: of the setting that chose them.
        parts: each encoder once.
        fingerprint: of the one encoder, or 16 hexadecimal digits over all and the languages that they read.
        dimension: length of every vector.
        max_tokens: most tokens of one text that each of them reads.
    """

    def __init__(self, name: str, default: Encoder, by_language: Mapping[str, Encoder] | None = None) -> None:
        """Take an encoder for each language, and one for all others.

        Raises:
            UsageError: their vectors differ in length.
        """
        self.name = name
        self._default, self._by_language = default, dict(by_language or {})
        self.parts = tuple({e.fingerprint: e for e in (*self._by_language.values(), default)}.values())
        if len({encoder.dimension for encoder in self.parts}) > 1:
            raise UsageError(f"FALDONE_EMBEDDING_MODEL={name}: the vectors of its models differ in length")
        self.dimension = default.dimension
        self.max_tokens = min(encoder.max_tokens for encoder in self.parts)
        self.fingerprint = self._fingerprint()

    def _fingerprint(self) -> str:
        if len(self.parts) == 1:
            return self._default.fingerprint
        pairs = [f"{language} {encoder.fingerprint}" for language, encoder in sorted(self._by_language.items())]
        return hashlib.sha256("\0".join([*pairs, self._default.fingerprint]).encode()).hexdigest()[:16]

    @property
    def first(self) -> Encoder:
        """Return the one for what does not depend on the language: analyses, whose thresholds are of its cosines, and checks."""
        return self.parts[0]

    def of(self, language: str) -> Encoder:
        """Return the encoder of a language, a two-letter code or "" where it is not known."""
        return self._by_language.get(language, self._default)


def load_encoders(settings: Settings) -> Encoders:
    """Return the encoders that the settings name; their files are checked here, and read when they are first used.

    `auto` is the English one alone, with a warning, on a machine for which there is no wheel of the multilingual one.

    Raises:
        UsageError: as for `load_encoder`.
    """
    if settings.embedding_model != AUTO:
        return Encoders(settings.embedding_model, load_encoder(settings))
    english = load_encoder(settings.model_copy(update={"embedding_model": ENGLISH_MODEL}))
    if not multilingual.installed():
        log.warning(
            "%s is not installed: texts of every language are encoded by the English model", multilingual.PACKAGE
        )
        return Encoders(AUTO, english)
    others = load_encoder(settings.model_copy(update={"embedding_model": multilingual.NAME}))
    return Encoders(AUTO, others, {ENGLISH: english})
