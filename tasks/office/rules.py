"""Findings in words, English and Italian; the sentences are data: `wordings/rules.csv`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from tasks.wordings import load_table

_SLOT = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=1)
def _sentences() -> dict[str, dict[str, str]]:
    rows = load_table("tasks.office", "rules.csv", ("rule", "en", "it"))
    return {row["rule"]: {"en": row["en"], "it": row["it"]} for row in rows}


def sentence(rule: str, values: Mapping[str, str], language: str = "en") -> str:
    """Return what a finding says; a value that it does not have leaves nothing, paths are shortened to their last part."""
    text = _sentences().get(rule, {}).get(language) or rule.replace("_", " ")
    return " ".join(_SLOT.sub(lambda slot: _short(values.get(slot[1], "")), text).split())


def _short(value: str) -> str:
    return ", ".join(
        part.rsplit("/", 1)[-1] if part.startswith("/") or "://" in part else part for part in value.split(", ")
    )


def known_rules() -> frozenset[str]:
    return frozenset(_sentences())
