"""The indexes that a collection's chunks should have: this list alone says so, to index runs and to optimise.

terms        full-text index, from the first chunk on
vector       from the size on where scanning every vector is slower than an index
document_id, language, format
             from the size on where finding a document's rows by a scan takes noticeably long
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from infra import lake_upkeep as upkeep
from infra.lake import Lake
from tasks.collection.chunks import CHUNKS, VECTOR

SCALAR_ROWS = 50_000  # below, a scan finds a document's rows as quickly
SCALARS = (("document_id", False), ("language", True), ("format", True))
TEXT = "terms"
GROWTH = 2  # a vector index is trained anew when it should have so many times its partitions


def missing(lake: Lake, collection: str) -> list[Callable[[], str]]:
    """List what is to be done so that the chunks have every wanted index; cheap where nothing is.

    Rows that came after an index was made are not a reason: they are still found, by a scan; optimise takes them in.
    """
    name = CHUNKS.name(collection)
    rows = lake.count(name)
    if not rows:
        return []
    wanted = [] if lake.has_index(name, TEXT) else [text_index]
    if rows >= upkeep.FLAT_ROWS and not lake.has_index(name, VECTOR):
        wanted.append(vector_index)
    if rows >= SCALAR_ROWS and not all(lake.has_index(name, column) for column, _ in SCALARS):
        wanted.append(scalar_indexes)
    return [partial(work, lake, name) for work in wanted]


def refresh_text(lake: Lake, collection: str) -> None:
    """Take new rows into the full-text index where so many are out of it that searches become slow."""
    name = CHUNKS.name(collection)
    if lake.count(name) and lake.index_text(name):
        upkeep.refresh_indexes(lake, name)


def text_index(lake: Lake, name: str) -> str:
    """Make the full-text index unless there is one. Returns what was done."""
    if not lake.count(name) or lake.has_index(name, TEXT):
        return ""
    lake.index_text(name, TEXT)
    return "full-text index made"


def scalar_indexes(lake: Lake, name: str) -> str:
    """Make the scalar indexes that a large table should have. Returns what was done."""
    if lake.count(name) < SCALAR_ROWS:
        return ""
    made = [column for column, few_values in SCALARS if upkeep.index_column(lake, name, column, few_values)]
    return f"indexed {', '.join(made)}" if made else ""


def vector_index(lake: Lake, name: str) -> str:
    """Make, train anew or drop the vector index: it is there where it gains, and finds what a flat scan finds. Returns what was done."""
    now = upkeep.vector_partitions(lake, name)
    rows = lake.count(name)
    if rows < upkeep.FLAT_ROWS:
        if now is not None and rows < upkeep.FLAT_ROWS // 2:
            upkeep.drop_vector_index(lake, name)
            return "dropped: the collection is small enough for the exact scan"
        return "" if now is None else f"kept: {now} partitions"
    if now is not None and upkeep.partitions(rows) < GROWTH * now:
        recall = upkeep.vector_recall(lake, name)
        if recall >= upkeep.RECALL:
            return f"kept: {now} partitions, recall@10 {recall:.3f}"
    return _train(lake, name)


def _train(lake: Lake, name: str) -> str:
    recall = upkeep.train_vectors(lake, name)
    if recall >= upkeep.RECALL:
        return f"trained: {upkeep.vector_partitions(lake, name)} partitions, recall@10 {recall:.3f}"
    kept = upkeep.vector_partitions(lake, name)
    if kept is None:
        return f"none: recall@10 {recall:.3f} is below {upkeep.RECALL}, the exact scan stays"
    former = upkeep.vector_recall(lake, name)
    if former >= upkeep.RECALL:
        return f"kept the old: a new one has recall@10 {recall:.3f}, the old {former:.3f}"
    upkeep.drop_vector_index(lake, name)
    return f"dropped: recall@10 {former:.3f}, and a new one {recall:.3f}, are below {upkeep.RECALL}"


WANTED: tuple[Callable[[Lake, str], str], ...] = (text_index, vector_index, scalar_indexes)
