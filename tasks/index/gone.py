"""Find the known documents that are no longer under the roots of a run.

Roots are matched against the sorted column of paths: a folder's documents are one stretch of it, found by two binary searches, so the cost is
roots × log(ledger), not roots × ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
import polars as pl

from infra.roots import Root, expression

FEWEST = 2  # documents of a root that a run may find empty: the only file of a folder is deleted every day
GLOBS_AT_ONCE = 50  # patterns of one expression


@dataclass(frozen=True, slots=True)
class Emptied:
    """A root under which documents are known and none was listed: most likely a disk that is not mounted."""

    location: str
    documents: int

    @property
    def message(self) -> str:
        """One line that says what was seen and what to do."""
        return (
            f"{self.location}: {self.documents} documents are known under it and none was found. Is the disk mounted? They stay in the "
            "index; to remove them run again with --force"
        )


def gone(
    known: pl.DataFrame,
    found: pl.DataFrame,
    roots: Sequence[Root],
    hidden: Sequence[str],
    forgotten: Sequence[Root] = (),
    believe: bool = False,
) -> tuple[pl.Series, tuple[Emptied, ...]]:
    """Return the ids of documents that are to go, and the roots that were found empty, whose documents are not among them.

    Args:
        known: `document_id` and `path` of the collection's documents, attachments not among them.
        found: the manifest.
        roots: what was listed.
        hidden: places that could not be listed: nothing under them is gone.
        forgotten: roots that moved: all that is known under them goes, unless it was listed too.
        believe: take a root that was found empty for emptied on purpose.
    """
    missing = known.join(found.select("document_id"), on="document_id", how="anti").sort("path")
    places = [Root("folder", place) for place in hidden] + [Root("file", place) for place in hidden]
    paths = missing["path"]
    lost = under(paths, roots) & ~under(paths, places)
    emptied = () if believe else _emptied(paths.filter(lost), found, roots)
    spared = [root for root in roots if any(root.location == one.location for one in emptied)]
    by_name = under(paths, [*forgotten, *(Root("file", root.location) for root in forgotten)])
    return missing["document_id"].filter(lost & ~under(paths, spared) | by_name), emptied


def under(paths: pl.Series, roots: Sequence[Root]) -> npt.NDArray[np.bool_]:
    """Say of each of the sorted paths whether one of the roots holds it."""
    held = paths.is_in([root.location for root in roots if root.kind == "file"]).to_numpy(writable=True)
    spans = [span(paths, root.prefix) for root in roots if root.kind == "folder"]
    for first, end in _joined(spans):
        held[first:end] = True
    globs = sorted((root for root in roots if root.kind == "glob"), key=lambda root: root.prefix)
    for prefix, same in groupby(globs, key=lambda root: root.prefix):
        first, end = span(paths, prefix)
        part = paths[first:end]
        if part.is_empty():
            continue
        patterns = [expression(root.location) for root in same]
        for start in range(0, len(patterns), GLOBS_AT_ONCE):
            either = "|".join(f"(?:{one})" for one in patterns[start : start + GLOBS_AT_ONCE])
            held[first:end] |= part.str.contains(f"(?s)^(?:{either})$").to_numpy()
    return held


def span(paths: pl.Series, prefix: str) -> tuple[int, int]:
    """Return where the paths that begin with a prefix, which ends in `/`, begin and end in the sorted column."""
    after = prefix[:-1] + chr(ord("/") + 1)
    return int(paths.search_sorted(prefix, "left")), int(paths.search_sorted(after, "left"))


def _joined(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the spans without overlaps and without empty ones."""
    end = 0
    for first, last in sorted(spans):
        if last > max(first, end):
            yield max(first, end), last
            end = last


def _emptied(lost: pl.Series, found: pl.DataFrame, roots: Sequence[Root]) -> tuple[Emptied, ...]:
    """Return the folders and globs that lose all that was known under them."""
    candidates = [root for root in roots if root.kind != "file"]
    if lost.is_empty() or not candidates:
        return ()
    there = found["path"].sort()
    counts = ((root, _count(lost, root)) for root in candidates)
    return tuple(Emptied(root.location, count) for root, count in counts if count >= FEWEST and not _count(there, root))


def _count(paths: pl.Series, root: Root) -> int:
    """Return how many of the sorted paths a folder or a glob holds."""
    first, end = span(paths, root.prefix)
    if root.kind == "folder" or first == end:
        return end - first
    return int(under(paths[first:end], [root]).sum())
