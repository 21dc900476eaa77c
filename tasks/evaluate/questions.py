"""Queries with the documents, and where known the pages, that answer them.

Two forms are read: JSON lines that carry their own relevance (`document`, `documents`, `relevant`, with or without `pages`), and
queries beside a relevance file: TREC qrels (`query 0 document grade`) or the same in three columns with a head line, as BEIR has it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from infra.errors import UsageError

Half = Literal["first", "second"]

IDS = ("id", "query_id", "_id")
TEXTS = ("query", "question", "text")


@dataclass(frozen=True, slots=True)
class Question:
    """One query and what answers it.

    `grades` maps a document (its id, path, file name or file name without extension) to its relevance, at least 1. `pages` are
    the 1-based pages of these documents that hold the answer; empty when any page will do.
    """

    id: str
    query: str
    grades: Mapping[str, int]
    pages: frozenset[int] = field(default_factory=frozenset)

    @property
    def half(self) -> Half:
        """The half to which the question belongs for ever, by a hash of its id."""
        return "first" if hashlib.blake2b(self.id.encode(), digest_size=1).digest()[0] < 128 else "second"


def load_questions(path: Path, relevant: Path | None = None, half: Half | None = None) -> list[Question]:
    """Read questions, with their relevance from the same file or from `relevant`; those without any are left out.

    Raises:
        UsageError: a line that cannot be read (named by its number), an id that stands twice, or no question with relevance.
    """
    judged = _qrels(relevant) if relevant else {}
    questions: dict[str, Question] = {}
    for place, row in _rows(path):
        question = _question(place, row, judged)
        if question.id in questions:
            raise UsageError(f"{place}: the id {question.id} stands twice")
        questions[question.id] = question
    found = [q for q in questions.values() if q.grades and (half is None or q.half == half)]
    if not found:
        raise UsageError(f"{path}: no question names a relevant document (add `document` or give --relevant FILE)")
    return found


def as_rows(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """Turn questions into rows that `from_rows` reads back."""
    return [
        {"id": q.id, "query": q.query, "grades": json.dumps(dict(q.grades)), "pages": sorted(q.pages)}
        for q in questions
    ]


def from_rows(rows: Sequence[Mapping[str, Any]]) -> list[Question]:
    """Read stored questions."""
    return [Question(r["id"], r["query"], json.loads(r["grades"]), frozenset(r["pages"])) for r in rows]


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(_text(path).splitlines(), 1):
        place = f"{path}, line {number}"
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            raise UsageError(f"{place}: not a JSON object") from None
        if not isinstance(row, dict):
            raise UsageError(f"{place}: not a JSON object")
        yield place, row


def _question(place: str, row: Mapping[str, Any], judged: Mapping[str, Mapping[str, int]]) -> Question:
    name = next((str(row[key]) for key in IDS if key in row), None)
    query = next((str(row[key]) for key in TEXTS if row.get(key)), "").strip()
    if name is None or not query:
        raise UsageError(f"{place}: an id ({', '.join(IDS)}) and a query ({', '.join(TEXTS)}) are needed")
    named = row.get("documents") or row.get("relevant") or row.get("document") or []
    documents = [named] if isinstance(named, str) else named
    pages = row.get("pages") or []
    if not all(isinstance(d, str) for d in documents) or not all(isinstance(p, int) and p > 0 for p in pages):
        raise UsageError(f"{place}: documents are names and pages are numbers from 1")
    return Question(name, query, dict.fromkeys(documents, 1) | dict(judged.get(name, {})), frozenset(pages))


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    judged: dict[str, dict[str, int]] = {}
    for number, line in enumerate(_text(path).splitlines(), 1):
        cells = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or (number == 1 and not cells[-1].strip().lstrip("-").isdigit()):
            continue
        if len(cells) not in (3, 4) or not cells[-1].strip().lstrip("-").isdigit():
            raise UsageError(f"{path}, line {number}: write `query 0 document grade`, or query, document and grade")
        if (grade := int(cells[-1])) > 0:
            judged.setdefault(cells[0].strip(), {})[cells[-2].strip()] = grade
    return judged


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None
