"""Findings in words, English and Italian; the sentences are data: `rules.csv`."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

_SLOT = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=1)
def _sentences() -> dict[str, dict[str, str]]:
    with (Path(__file__).parent / "rules.csv").open(encoding="utf-8", newline="") as file:
        return {row["rule"]: {"en": row["en"], "it": row["it"]} for row in csv.DictReader(file)}


def sentence(rule: str, values: Mapping[str, str], language: str = "en") -> str:
    """What a finding says; a value that it does not have leaves nothing, paths are shortened to their last part."""
    text = _sentences().get(rule, {}).get(language) or rule.replace("_", " ")
    return " ".join(_SLOT.sub(lambda slot: _short(values.get(slot[1], "")), text).split())


def _short(value: str) -> str:
    return ", ".join(
        part.rsplit("/", 1)[-1] if part.startswith("/") or "://" in part else part for part in value.split(", ")
    )


def known_rules() -> frozenset[str]:
    return frozenset(_sentences())
