"""Upkeep of LanceDB tables: compaction, indexes, versions, tags, and which files a version is made of.

Everything here works on one table of a `Lake`, and everything that writes wants the collection's writer's lane. Each
step is a commit of its own, so a kill in the middle leaves the table as it was after the step before; readers go on
with the version that they opened.

Memory: LanceDB compacts towards 1,048,576 rows a fragment by default, which for rows of some kilobytes is several
gigabytes in one go. Here the target follows from the bytes of a row, and what one step may read is bounded.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from infra import lake_folder
from infra.errors import first_line
from infra.files import reached
from infra.lake import Lake
from infra.object_store import guarded, raise_trouble

FRAGMENT_BYTES = 256 * 2**20  # of a compacted fragment
STEP_BYTES = 1024 * 2**20  # of source files that one compaction step reads
BATCH_BYTES = 8 * 2**20  # decoded at a time
CACHE_BYTES = 128 * 2**20  # of LanceDB's own caches, which else may grow to gigabytes
READ_AHEAD = 128 * 2**20  # bytes that a scan may have read and not yet decoded
MANIFESTS = 2**64 - 1  # a manifest is named by this minus its version, so that the newest sorts first
SMALL = 1_024  # rows: fragments are never made smaller than this on purpose

FLAT_ROWS = 50_000  # below, scanning every vector is as quick as an index and exact
PARTITION_ROWS = 8_192  # of a vector index; the search looks into 32 partitions
COARSE_ROWS = 32_768  # the same where recall asks for it
RECALL = 0.98  # of the ten nearest, against the flat scan
TRAINING_ROWS = 200_000  # most vectors that training holds: 300 MB at 384 dimensions in float32
SAMPLE = 40  # queries of a recall measurement
NEAREST = 10
TIE = 1e-4  # distances closer than this are equal: float16 vectors know no better


@dataclass(frozen=True, slots=True)
class TableState:
    """A table as it is now. `bytes` are of the current version, `disk` of all that lies in its folder."""

    version: int
    versions: int
    rows: int
    fragments: int
    bytes: int
    disk: int
    indexed: int
    unindexed: int


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file that a version of a table is made of; `path` is relative to the table's folder."""

    path: str
    kind: str  # manifest | data file | deletion file | transaction file | index file


class FrugalLake(Lake):
    """A lake whose connection caches little, for jobs that touch every table once."""

    def __init__(self, root: str) -> None:
        os.environ.setdefault("LANCE_DEFAULT_IO_BUFFER_SIZE", str(READ_AHEAD))  # Lance's own is 2 GiB
        import lancedb

        super().__init__(root)
        session = lancedb.Session(index_cache_size_bytes=CACHE_BYTES, metadata_cache_size_bytes=CACHE_BYTES)
        self._db = lancedb.connect(self.location, read_consistency_interval=timedelta(0), session=session)


def _dataset(lake: Lake, name: str, version: int | None = None) -> Any:
    import lance

    return lance.dataset(
        f"{lake.location}/{name}.lance",
        version=version,
        index_cache_size_bytes=CACHE_BYTES,
        metadata_cache_size_bytes=CACHE_BYTES,
    )


@guarded
def state(lake: Lake, name: str) -> TableState:
    """Return what a table consists of."""
    table = lake.table(name)
    dataset = _dataset(lake, name)
    rows = int(table.count_rows())
    behind = [_unindexed(table, index.name) for index in table.list_indices()]
    late = max(behind, default=0)
    return TableState(
        version=int(dataset.version),
        versions=len(dataset.version_refs()),
        rows=rows,
        fragments=len(dataset.get_fragments()),
        bytes=int(table.stats()["total_bytes"]),
        disk=sum(size or 0 for batch in dataset.all_files() for size in batch["size_bytes"].to_pylist()),
        indexed=rows - late if behind else 0,
        unindexed=late if behind else rows,
    )


def _unindexed(table: Any, index: str) -> int:
    stats = table.index_stats(index)
    return int(stats.num_unindexed_rows) if stats is not None else 0


# ---- compaction ----------------------------------------------------------------------------------------------------


@guarded
def compact_step(lake: Lake, name: str) -> bool:
    """Merge some small fragments and drop their deleted rows, in bounded memory; False when there was nothing to do."""
    dataset = _dataset(lake, name)
    target = rows_per_fragment(dataset)
    with lake.writing():
        metrics = dataset.optimize.compact_files(
            target_rows_per_fragment=target,
            max_bytes_per_file=2 * FRAGMENT_BYTES,
            max_source_bytes=STEP_BYTES,
            batch_size=max(64, min(8192, target * BATCH_BYTES // FRAGMENT_BYTES)),
            num_threads=1,
        )
    return bool(metrics.fragments_removed)


def rows_per_fragment(dataset: Any) -> int:
    """Return how many rows make a fragment of FRAGMENT_BYTES, by the widest rows of the table."""
    widest = 1.0
    for fragment in dataset.get_fragments():
        about = fragment.metadata
        size = sum(file.file_size_bytes or 0 for file in about.files)
        # small files are mostly footer: their bytes a row say little
        if about.physical_rows >= SMALL or size >= 2**20:
            widest = max(widest, size / about.physical_rows)
    if widest == 1.0:
        rows = max(1, sum(f.metadata.physical_rows for f in dataset.get_fragments()))
        size = sum(file.file_size_bytes or 0 for f in dataset.get_fragments() for file in f.metadata.files)
        widest = max(1.0, size / rows)
    return max(SMALL, min(1_048_576, int(FRAGMENT_BYTES / widest)))


# ---- indexes -------------------------------------------------------------------------------------------------------


@guarded
def refresh_indexes(lake: Lake, name: str) -> None:
    """Take new rows into every index that the table has."""
    table = lake.table(name)
    if any(_unindexed(table, index.name) for index in table.list_indices()):
        with lake.writing():
            _dataset(lake, name).optimize.optimize_indices()


@guarded
def index_column(lake: Lake, name: str, column: str, few_values: bool = False) -> bool:
    """Make a scalar index (a bitmap for a column of few values) unless the column has one; whether it was made."""
    from lancedb.index import Bitmap, BTree

    if lake.has_index(name, column):
        return False
    with lake.writing():
        lake.table(name).create_index(column, config=Bitmap() if few_values else BTree(), replace=True)
    return True


def partitions(rows: int, each: int = PARTITION_ROWS) -> int:
    """Return partitions of a vector index with so many rows each, at least 16."""
    return max(16, math.ceil(rows / each))


@guarded
def vector_partitions(lake: Lake, name: str, column: str = "vector") -> int | None:
    """Return partitions of the vector index; None where there is none."""
    os.environ.setdefault("LANCE_INCLUDE_VECTOR_CENTROIDS", "false")  # they are not wanted here, and large
    table = lake.table(name)
    for index in table.list_indices():
        if column in index.columns:
            parts = _dataset(lake, name).stats.index_stats(index.name)["indices"]
            return max((int(part.get("num_partitions", 1)) for part in parts), default=1)
    return None


@guarded
def train_vectors(lake: Lake, name: str, column: str = "vector") -> float:
    """Train a new vector index and keep it only if it finds what a flat scan finds; its recall@10.

    IVF with scalar quantisation: one byte a dimension, trained in seconds, and the search looks at the best
    candidates again at full precision. Where recall is below RECALL fewer and larger partitions are tried, and at
    last the table is put back to the version before: it keeps the old index, or none.
    """
    from lancedb.index import IvfSq

    rows, recall = lake.count(name), 0.0
    before = lake.version(name)
    for count in dict.fromkeys((partitions(rows), partitions(rows, COARSE_ROWS))):
        rate = max(16, min(256, TRAINING_ROWS // count))
        config = IvfSq(distance_type="cosine", num_partitions=count, sample_rate=rate, max_iterations=30)
        with lake.writing():
            lake.table(name).create_index(column, config=config, replace=True)
        recall = vector_recall(lake, name, column)
        if recall >= RECALL:
            return recall
    roll_back(lake, name, before)
    return recall


@guarded
def drop_vector_index(lake: Lake, name: str, column: str = "vector") -> None:
    """Go back to the flat scan, which is exact."""
    table = lake.table(name)
    for index in table.list_indices():
        if column in index.columns:
            with lake.writing():
                table.drop_index(index.name)


@guarded
def vector_recall(lake: Lake, name: str, column: str = "vector", seed: int = 0) -> float:
    """Return the share of the ten nearest of a flat scan that the search by index finds too, over a sample of queries.

    A query is a stored vector with noise (cosine to it about 0.8), as a question is near its answer and not equal to
    it. A hit as near as the tenth of the flat scan counts, so that equal chunks do not spoil the count.
    """
    table = lake.table(name)
    found = wanted = 0
    for query in _queries(lake, name, column, seed):
        exact = _distances(table.search(query, vector_column_name=column).bypass_vector_index())
        near = _distances(table.search(query, vector_column_name=column).nprobes(32).refine_factor(5))
        wanted += len(exact)
        found += min(len(exact), int((near <= exact[-1] + TIE).sum())) if len(exact) else 0
    return found / wanted if wanted else 1.0


def _queries(lake: Lake, name: str, column: str, seed: int) -> npt.NDArray[np.float32]:
    """Return unit vectors, float32 [≤ SAMPLE, dimension]."""
    random = np.random.default_rng(seed)
    rows = lake.count(name)
    picked = sorted(random.choice(rows, min(SAMPLE, rows), replace=False).tolist())
    taken = _dataset(lake, name).take(picked, columns=[column])[column].combine_chunks()
    vectors = np.asarray(taken.flatten()).astype(np.float32).reshape(len(picked), -1)
    noise = random.standard_normal(vectors.shape).astype(np.float32)
    mixed = vectors + 0.75 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-12)
    return unit


def _distances(query: Any) -> npt.NDArray[np.float32]:
    rows = query.distance_type("cosine").limit(NEAREST).select(["_distance"]).to_arrow()
    distances: npt.NDArray[np.float32] = np.sort(np.asarray(rows["_distance"]))
    return distances


# ---- versions ------------------------------------------------------------------------------------------------------


@guarded
def roll_back(lake: Lake, name: str, version: int) -> int:
    """Make an older version the newest; the number of the new one."""
    table = lake.table(name)
    table.checkout(version)
    with lake.writing():
        table.restore()
    return int(table.version)


@guarded
def remove_versions(lake: Lake, name: str, older_than: timedelta) -> tuple[int, int]:
    """Remove versions older than that, except the newest and those with a tag; (versions, bytes) removed.

    Files that a killed writer left behind go when they are seven days old: before, they may belong to a writer at work.
    """
    with lake.writing():
        stats = _dataset(lake, name).cleanup_old_versions(older_than=older_than, error_if_tagged_old_versions=False)
    return int(stats.old_versions), int(stats.bytes_removed)


@guarded
def tag(lake: Lake, name: str, label: str) -> int:
    """Pin the newest version under a label, so that no cleanup removes its files; the version."""
    dataset = _dataset(lake, name)
    version = int(dataset.version)
    with lake.writing():
        dataset.tags.create(label, version)
    return version


@guarded
def tags(lake: Lake, name: str) -> dict[str, int]:
    """Return labels and their versions."""
    return {label: int(about["version"]) for label, about in _dataset(lake, name).tags.list().items()}


@guarded
def untag(lake: Lake, name: str, label: str) -> None:
    """Release a label; nothing happens where it is not there."""
    dataset = _dataset(lake, name)
    if label in dataset.tags.list():
        with lake.writing():
            dataset.tags.delete(label)


@guarded
def files_of(lake: Lake, name: str, version: int) -> list[TableFile]:
    """Return every file that a version needs: copied with these paths into an empty folder they are the table at that
    version.

    The record of its transaction is listed too, and nobody needs it to read: a drop that was killed may have removed it.
    """
    reader = _dataset(lake, name).tracked_files(min_version=version)
    rows = [row for row in reader.read_all().to_pylist() if row["version"] == version]
    there = lake_folder.transactions(f"{lake.location}/{name}.lance")
    return [
        TableFile(row["path"], row["type"]) for row in rows if row["type"] != "transaction file" or row["path"] in there
    ]


@guarded
def count_at(lake: Lake, name: str, version: int, condition: str | None = None) -> int:
    """Return rows of a version that meet an SQL condition."""
    return int(_dataset(lake, name, version).count_rows(filter=condition))


@guarded
def sample_at(lake: Lake, name: str, version: int, positions: Sequence[int]) -> pa.Table:
    """Return the rows of a version at these positions."""
    return _dataset(lake, name, version).take(list(positions))


def unreadable(lake: Lake, name: str) -> str:
    """Say why the newest version of a table cannot be read, or "" when it can.

    Opens every fragment and reads its first row, so that a file that is missing, empty or cut short is found.

    Raises:
        TransientError: the object store is away.
    """
    try:
        dataset = _dataset(lake, name)
        for fragment in dataset.get_fragments():
            fragment.head(1)
    except Exception as error:  # noqa: BLE001 - Lance raises many unrelated classes
        raise_trouble(lake.location, error)
        return first_line(error)
    return ""


def last_readable(lake: Lake, name: str) -> int | None:
    """Return the newest version all of whose fragments can be read; None where there is none."""
    for version in _manifests(lake, name):
        try:
            for fragment in _dataset(lake, name, version).get_fragments():
                fragment.head(1)
        except Exception as error:  # noqa: BLE001 - Lance raises many unrelated classes; the next older version is tried
            raise_trouble(lake.location, error)
            continue
        return version
    return None


def back_to(lake: Lake, name: str, version: int) -> None:
    """Make an older version the newest although the newest cannot even be opened.

    Manifests after it that cannot be read are renamed (…manifest.damaged) and kept for whoever wants to look.
    """
    for newer in (number for number in _manifests(lake, name) if number > version):
        try:
            _dataset(lake, name, newer)
        except Exception as error:  # noqa: BLE001 - Lance raises many unrelated classes
            raise_trouble(lake.location, error)
            _set_aside(lake, name, newer)
    roll_back(
        lake, name, version
    )  # also where it is the newest now: a late commit of another process would come on top


def _versions_folder(lake: Lake, name: str) -> tuple[Any, str]:
    import fsspec

    fs, inner = fsspec.core.url_to_fs(f"{lake.location}/{name}.lance/_versions")
    return fs, inner


def _manifests(lake: Lake, name: str) -> list[int]:
    """Return numbers of the versions by their manifests' names, the newest first: Lance writes 2⁶⁴ − 1 − version."""
    fs, inner = _versions_folder(lake, name)
    fs.invalidate_cache()
    with reached(lake.location):
        stems = [path.rsplit("/", 1)[-1].removesuffix(".manifest") for path in fs.glob(f"{inner}/*.manifest")]
    return sorted((MANIFESTS - int(stem) for stem in stems if stem.isdigit()), reverse=True)


def _set_aside(lake: Lake, name: str, version: int) -> None:
    fs, inner = _versions_folder(lake, name)
    manifest = f"{inner}/{MANIFESTS - version:020d}.manifest"
    with reached(lake.location):
        fs.mv(manifest, f"{manifest}.damaged")
