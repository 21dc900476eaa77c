"""Find the known documents that are no longer under the roots of a run.

Roots are matched against the sorted column of paths: a folder's documents are one stretch of it, found by two binary searches, so the cost is
roots × log(ledger), not roots × ledger. What is missing is gathered part by part in a file (`absent`), since only all of it together says
which roots were found empty (`gone`): of a disk that is not mounted that may be the whole ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from infra.roots import Root, expression
from tasks.index.spool import stream

FEWEST = 2  # documents of a root that a run may find empty: the only file of a folder is deleted every day
GLOBS_AT_ONCE = 50  # patterns of one expression
PATHS_AT_ONCE = 50_000


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


def absent(known: pl.DataFrame, found: pl.DataFrame, roots: Sequence[Root]) -> pl.DataFrame:
    """Return `document_id` and `path` of a part's known documents that were not listed and lie near one of the roots.

    Args:
        known: of the collection's documents, attachments not among them.
        found: the part's share of the manifest.
        roots: whatever may say that a document is gone; of a glob, the folder above its first pattern counts.
    """
    missing = known.select("document_id", "path").join(found.select("document_id"), on="document_id", how="anti")
    if missing.is_empty():
        return missing
    missing = missing.sort("path")
    folders = [Root("folder", root.prefix) if root.kind == "glob" else root for root in roots]
    return missing.filter(pl.Series(under(missing["path"], folders)))


def gone(
    missing: Path,
    manifest: str,
    roots: Sequence[Root],
    hidden: Sequence[str],
    forgotten: Sequence[Root] = (),
    believe: bool = False,
) -> tuple[tuple[str, ...], tuple[Emptied, ...]]:
    """Return the ids of documents that are to go, and the roots that were found empty, whose documents are not among them.

    Args:
        missing: the file of what is `absent` in all parts.
        roots: what was listed.
        hidden: places that could not be listed: nothing under them is gone.
        forgotten: roots that moved: all that is known under them goes, unless it was listed too.
        believe: take a root that was found empty for emptied on purpose.
    """
    places = [Root("folder", place) for place in hidden] + [Root("file", place) for place in hidden]

    def lost() -> Iterator[tuple[pl.DataFrame, npt.NDArray[np.bool_]]]:
        for rows in stream(missing, rows=PATHS_AT_ONCE):
            rows = rows.sort("path")
            yield rows, under(rows["path"], roots) & ~under(rows["path"], places)

    emptied = (
        () if believe else _emptied((rows["path"].filter(pl.Series(held)) for rows, held in lost()), manifest, roots)
    )
    empty = {one.location for one in emptied}
    spared = [root for root in roots if root.location in empty]
    by_name = named(forgotten)
    ids: list[str] = []
    for rows, held in lost():
        kept = held & ~under(rows["path"], spared) | under(rows["path"], by_name)
        ids += rows["document_id"].filter(pl.Series(kept)).to_list()
    return tuple(ids), emptied


def named(forgotten: Sequence[Root]) -> list[Root]:
    """Return the roots that moved, each as what it was and as a single file: nobody can look any more which it is."""
    return [*forgotten, *(Root("file", root.location) for root in forgotten)]


def under(paths: pl.Series, roots: Sequence[Root]) -> npt.NDArray[np.bool_]:
    """Say of each of the sorted paths whether one of the roots holds it."""
    held = paths.is_in([root.location for root in roots if root.kind == "file"]).to_numpy(writable=True)
    for first, end in _joined(spans(paths, [root.prefix for root in roots if root.kind == "folder"])):
        held[first:end] = True
    globs = sorted((root for root in roots if root.kind == "glob"), key=lambda root: root.prefix)
    for prefix, same in groupby(globs, key=lambda root: root.prefix):
        first, end = spans(paths, [prefix])[0]
        part = paths[first:end]
        if part.is_empty():
            continue
        patterns = [expression(root.location) for root in same]
        for start in range(0, len(patterns), GLOBS_AT_ONCE):
            either = "|".join(f"(?:{one})" for one in patterns[start : start + GLOBS_AT_ONCE])
            held[first:end] |= part.str.contains(f"(?s)^(?:{either})$").to_numpy()
    return held


def spans(paths: pl.Series, prefixes: Sequence[str]) -> list[tuple[int, int]]:
    """Return where the paths that begin with each prefix, which ends in `/`, begin and end in the sorted column."""
    after = [prefix[:-1] + chr(ord("/") + 1) for prefix in prefixes]
    first, end = (paths.search_sorted(pl.Series(edges, dtype=pl.String), "left") for edges in (prefixes, after))
    return list(zip(first.to_list(), end.to_list(), strict=True))


def _joined(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the spans without overlaps and without empty ones."""
    end = 0
    for first, last in sorted(spans):
        if last > max(first, end):
            yield max(first, end), last
            end = last


def _emptied(lost: Iterable[pl.Series], manifest: str, roots: Sequence[Root]) -> tuple[Emptied, ...]:
    """Return the folders and globs that lose all that was known under them.

    Args:
        lost: sorted paths, in pieces.
    """
    candidates = [root for root in roots if root.kind != "file"]
    known = sum((_counts(paths, candidates) for paths in lost), np.zeros(len(candidates), np.int64))
    left = [(root, int(count)) for root, count in zip(candidates, known, strict=True) if count >= FEWEST]
    if left:
        for found in stream(manifest, ["path"], PATHS_AT_ONCE):
            there = _counts(found["path"].sort(), [root for root, _ in left])
            left = [one for one, count in zip(left, there, strict=True) if not count]
            if not left:
                break
    return tuple(Emptied(root.location, count) for root, count in left)


def _counts(paths: pl.Series, roots: Sequence[Root]) -> npt.NDArray[np.int64]:
    """Return how many of the sorted paths each folder or glob holds."""
    counts = np.zeros(len(roots), np.int64)
    for number, (root, (first, end)) in enumerate(
        zip(roots, spans(paths, [root.prefix for root in roots]), strict=True)
    ):
        whole = root.kind == "folder" or first == end
        counts[number] = end - first if whole else under(paths[first:end], [root]).sum()
    return counts
