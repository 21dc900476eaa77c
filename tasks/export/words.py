"""The words of the reports in English and Italian, and the one object that templates take them from.

A phrase is a row of `wordings/phrases.csv`, found by its key; `{name}` in it is filled in. `wordings/kinds.csv` names
failures, entities, checks and statistics. A key that is missing raises, and a test checks that every key used in the
templates is there in both languages.
"""

from __future__ import annotations

import re
from typing import Final

from infra.errors import UsageError
from tasks.export.format import LANGUAGES, Format
from tasks.wordings import load_table

_SLOT = re.compile(r"\{(\w+)\}")
_PACKAGE = "tasks.export"

PHRASES: Final[dict[str, tuple[str, str]]] = {
    row["key"]: (row["en"], row["it"]) for row in load_table(_PACKAGE, "phrases.csv", ("key", "en", "it"))
}
KINDS: Final[dict[str, tuple[str, str]]] = {
    row["kind"]: (row["en"], row["it"]) for row in load_table(_PACKAGE, "kinds.csv", ("kind", "en", "it"))
}


class Words:
    """Phrases and formats of one language: `words("key", name=value)` and `words.format`."""

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise UsageError(f"no reports in {language!r}: choose one of {', '.join(LANGUAGES)}")
        self.language = language
        self.format = Format(language)
        self._index = LANGUAGES.index(language)

    def __call__(self, key: str, **values: str) -> str:
        phrase = PHRASES[key][self._index]
        # one pass and not str.format: a value from a document may itself hold braces
        return _SLOT.sub(lambda slot: values[slot[1]], phrase) if values else phrase

    def kind(self, name: str) -> str:
        """Return a failure, entity or statistic by its name, in words."""
        pair = KINDS.get(name)
        return pair[self._index] if pair else name.replace("_", " ")
