"""Optimise measured on a neglected collection: many small commits, as a year of single uploads would leave it.

    python benchmarks/optimise.py build  FOLDER [--chunks 300000] [--commits 3000]
    FALDONE_HOME=FOLDER /usr/bin/time -v faldone optimise --json      # its peak memory from outside
    python benchmarks/optimise.py search FOLDER                       # p50 of a vector and of a text search

Vectors are made around 4,000 centres with noise, so that neighbours mean something to an index; texts follow Zipf's
law.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from infra.lake import Lake
from tasks.collection import ledger
from tasks.collection.chunks import CHUNKS, EncoderMark, chunk_table
from tasks.collection.chunks import schema as chunks_schema
from tasks.collection.ledger import LEDGER

DIMENSION = 384
MARK = EncoderMark("bench", "bench", DIMENSION)
WORDS = 30_000
CENTRES = 4_000


class Maker:
    """Rows of an invented collection, the same for the same seed."""

    def __init__(self, seed: int = 7) -> None:
        self.random = np.random.default_rng(seed)
        self.centres = self.random.standard_normal((CENTRES, DIMENSION)).astype(np.float32)
        letters = np.array(list("abcdefghilmnopqrstuvz"))
        self.words = ["".join(self.random.choice(letters, self.random.integers(3, 10))) for _ in range(WORDS)]

    def vectors(self, rows: int) -> np.ndarray:
        """Unit vectors, float16 [rows, DIMENSION]."""
        picked = self.centres[self.random.integers(0, CENTRES, rows)]
        made = picked + 0.7 * self.random.standard_normal((rows, DIMENSION)).astype(np.float32)
        return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float16)

    def text(self, words: int = 160) -> str:
        ranks = np.minimum(self.random.zipf(1.3, words), WORDS) - 1
        return " ".join(self.words[i] for i in ranks)

    def rows(self, document: str, count: int) -> pa.Table:
        rows = []
        for ordinal in range(count):
            text = self.text()
            rows.append(
                {
                    "chunk_id": f"{document}-{ordinal:06d}",
                    "document_id": document,
                    "path": f"/invented/{document}.txt",
                    "ordinal": ordinal,
                    "title": "Invented",
                    "section": "",
                    "kind": "text",
                    "page_first": 1,
                    "page_last": 1,
                    "language": "en",
                    "format": "txt",
                    "tokens": 160,
                    "context": "Invented",
                    "text": text,
                    "terms": text,
                    "hash": f"{document}{ordinal}",
                }
            )
        return chunk_table(rows, self.vectors(count), MARK)


def build(folder: Path, chunks: int, commits: int) -> None:
    """Make the collection `bench` with one document and one commit at a time."""
    lake, maker = Lake(str(folder)), Maker()
    each = chunks // commits
    lake.ensure(CHUNKS.name("bench"), chunks_schema(MARK), "chunk_id")
    lake.ensure(LEDGER.name("bench"), ledger.SCHEMA, "document_id")
    table = lake.table(CHUNKS.name("bench"))
    rows = []
    for number in range(commits):
        document = f"{number:032x}"
        table.add(maker.rows(document, each).cast(table.schema))
        rows.append(
            {
                "document_id": document,
                "path": f"/invented/{document}.txt",
                "parent_id": "",
                "state": "indexed",
                "chunks": each,
                "pages": 1,
                "format": "txt",
                "indexed_at": ledger.now(),
            }
        )
        if number % 500 == 0:
            print(number, "commits", flush=True)
    ledger.write(lake, "bench", ledger.rows(rows))
    lake.index_text(CHUNKS.name("bench"))


def search(folder: Path, queries: int = 60) -> None:
    """Print the median milliseconds of both kinds of search."""
    lake, maker = Lake(str(folder)), Maker()
    name = CHUNKS.name("bench")
    vectors = maker.vectors(queries)
    words = [maker.text(3).split() for _ in range(queries)]
    for label, ask in (
        ("vector", lambda i: lake.nearest(name, vectors[i].astype(np.float32), 100, ["chunk_id", "text"])),
        ("text", lambda i: lake.matching(name, words[i], 100, ["chunk_id", "text"])),
    ):
        times = []
        for i in range(queries):
            began = time.perf_counter()
            ask(i)
            times.append((time.perf_counter() - began) * 1000)
        print(f"{label}: p50 {statistics.median(times[5:]):.1f} ms over {queries - 5} queries")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["build", "search"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--chunks", type=int, default=300_000)
    parser.add_argument("--commits", type=int, default=3_000)
    given = parser.parse_args()
    if given.what == "build":
        build(given.folder, given.chunks, given.commits)
    else:
        search(given.folder)


if __name__ == "__main__":
    main()
