"""The language of running text."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

_LANGUAGES = ("it", "en", "fr", "de", "es", "pt", "nl")
_ITALIAN = "il di che della gli nel sono alla dei delle dalla anche nella degli dal dell nell all sull è più"
_ENGLISH = "the of and to that with for by are this from which have were has its"
_TELLTALES = {"it": frozenset(_ITALIAN.split()), "en": frozenset(_ENGLISH.split())}
"""Words that make up a tenth and more of any prose of their language, and hardly occur in the other six."""

_LETTERS = re.compile(r"[^\W\d_]+")
_SAMPLE_WORDS = 400
_FEWEST_WORDS = 5


def of_texts(texts: Iterable[str]) -> str:
    """Return the two-letter code of the language of texts that belong together, "" when fewer than five words tell.

    Plain Italian and English are told by their commonest words; only what is short, mixed or of another language is
    left to py3langid, whose model costs a process 0.7 s and 100 MB to load.
    """
    words: list[str] = []
    for text in texts:
        words += _LETTERS.findall(text[:20_000].lower())
        if len(words) >= _SAMPLE_WORDS:
            break
    words = words[:_SAMPLE_WORDS]
    if sum(len(word) > 1 for word in words) < _FEWEST_WORDS:
        return ""
    shares = {name: sum(word in telltales for word in words) / len(words) for name, telltales in _TELLTALES.items()}
    likely, other = sorted(shares, key=lambda name: shares[name], reverse=True)
    if len(words) >= 20 and shares[likely] >= 0.08 and shares[other] <= 0.02:
        return likely
    return str(_identifier().classify(" ".join(words))[0])


@functools.cache
def _identifier() -> Any:
    from py3langid import langid

    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    identifier.set_languages(list(_LANGUAGES))
    return identifier
