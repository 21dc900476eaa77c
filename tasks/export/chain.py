"""The result of the chain index → analyse → export: each part's own result, and the failures of all in one list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the chain by its name, with the result of its flow."""

    name: str
    result: Mapping[str, Any]


def failed_part(name: str, error: Exception) -> Part:
    """Return a part that failed as a whole."""
    return Part(name, {"status": "failed", "error": str(error) or type(error).__name__})


def combine(collection: str, parts: Sequence[Part]) -> dict[str, Any]:
    """Return the result of the whole: `completed`, or `completed_with_failures` when any part has some.

    The results of single documents stay in the lake: the chain returns counts and failures, not the analyses.
    """
    failures = [failure for part in parts for failure in _failures(part)]
    seconds = sum(float(part.result.get("seconds") or 0.0) for part in parts)
    result: dict[str, Any] = {
        "status": "completed_with_failures" if failures else "completed",
        "collection": collection,
        "seconds": round(seconds, 3),
        "failures": failures,
    }
    for part in parts:
        result[part.name] = {key: value for key, value in part.result.items() if key not in {"results", "failures"}}
    exported = next((part.result for part in parts if part.name == "export"), {})
    return {**result, "path": exported.get("path"), "pages": exported.get("pages")}


def _failures(part: Part) -> list[dict[str, Any]]:
    """Return failures in one shape: the part, the document if one is concerned, and the reason."""
    result = part.result
    if result.get("status") == "failed" and "error" in result:
        return [{"part": part.name, "path": "", "message": result["error"]}]
    found = [
        {"part": part.name, "path": row.get("path", ""), "message": row.get("message") or row.get("error") or ""}
        for row in result.get("failures") or ()
    ]
    found += [
        {"part": part.name, "path": row.get("path", ""), "message": row.get("error") or ""}
        for row in result.get("results") or ()
        if row.get("status") == "failed" or row.get("error")
    ]
    return found
