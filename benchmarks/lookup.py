"""One look-up by meaning among very many chunks: how long it takes, and what of the exact answer it finds.

    python benchmarks/lookup.py FOLDER [--chunks 1000000] [--queries 200]

Vectors are those of `benchmarks/optimise.py`: around 4,000 centres, so that neighbours mean something. The table is made once in FOLDER, with
the indexes that an index run would make, and the look-up is the one of search (`Lake.nearest`, 100 rows with their texts and vectors).
Queries are vectors of the same centres that the table does not hold; recall is of the ten nearest by a scan of all vectors.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from common import machine, median, table
from optimise import MARK, Maker

from infra.lake import Lake
from tasks.collection import indexes
from tasks.collection.chunks import CHUNKS, VECTOR, chunk_table
from tasks.search import CANDIDATES, COLUMNS

COLLECTION = "many"
PART = 50_000  # rows of one commit
SCANNED = 50  # queries whose recall is taken


def build(lake: Lake, maker: Maker, chunks: int) -> None:
    """Make the table and its indexes; texts are short, since a look-up by meaning reads only those that it returns."""
    name = CHUNKS.name(COLLECTION)
    row = {"title": "invented", "section": "", "kind": "text", "page_first": 1, "page_last": 1, "format": "txt"}
    for start in range(0, chunks, PART):
        rows = [
            {**row, "chunk_id": f"{n:032x}-000000", "document_id": f"{n:032x}", "path": f"/invented/{n}.txt"}
            | {"text": f"passage {n}", "terms": f"passage {n}", "content_hash": str(n), "language": "en"}
            for n in range(start, min(start + PART, chunks))
        ]
        lake.append(name, chunk_table(rows, maker.vectors(len(rows)), MARK), CHUNKS.key)
    began = time.process_time()
    done = [work(lake, name) for work in indexes.WANTED]
    print(f"indexes, {time.process_time() - began:.0f} s of processor time: {'; '.join(filter(None, done))}")


def nearest(lake: Lake, vector: np.ndarray) -> tuple[list[str], float]:
    """Return the ids found, nearest first, and the milliseconds."""
    began = time.perf_counter()
    found = lake.nearest(CHUNKS.name(COLLECTION), vector, CANDIDATES, [*COLUMNS, VECTOR])
    return found["chunk_id"].to_pylist(), 1000 * (time.perf_counter() - began)


def exact(lake: Lake, queries: np.ndarray) -> list[set[str]]:
    """Return the ids of the ten nearest of each query, by a scan of every vector."""
    best: list[list[tuple[float, str]]] = [[] for _ in queries]
    for batch in lake.batches(CHUNKS.name(COLLECTION), ["chunk_id", "vector"]):
        ids = batch["chunk_id"].to_pylist()
        vectors = np.asarray(batch["vector"].flatten()).reshape(len(ids), -1).astype(np.float32)
        scores = queries @ vectors.T
        for kept, row in zip(best, scores, strict=True):
            top = np.argpartition(-row, min(10, len(row) - 1))[:10]
            kept[:] = sorted([*kept, *((float(row[i]), ids[i]) for i in top)], reverse=True)[:10]
    return [{chunk for _, chunk in kept} for kept in best]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--chunks", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=200)
    given = parser.parse_args()
    lake, maker = Lake(str(given.folder)), Maker()
    if not lake.exists(CHUNKS.name(COLLECTION)):
        build(lake, maker, given.chunks)
    maker.random = np.random.default_rng(11)
    queries = maker.vectors(given.queries).astype(np.float32)
    first = [nearest(lake, query) for query in queries]
    again = [nearest(lake, query) for query in queries]
    wanted = exact(lake, queries[:SCANNED])
    recall = np.mean([len(ids & set(found[:10])) / 10 for ids, (found, _) in zip(wanted, again, strict=False)])
    print(machine())
    rows = [
        [name, f"{median([ms for _, ms in part]):.1f}", f"{sorted(ms for _, ms in part)[int(0.9 * len(part))]:.1f}"]
        for name, part in (("first", first), ("again", again))
    ]
    table([f"look-up among {lake.count(CHUNKS.name(COLLECTION)):,} chunks", "median ms", "slowest tenth from ms"], rows)
    print(f"recall@10 {recall:.3f} over {len(wanted)} queries")


if __name__ == "__main__":
    main()
