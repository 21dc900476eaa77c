"""Search: how long a warm query takes, and how well it finds.

    python benchmarks/search.py COLLECTION QUERIES.jsonl [--qrels QRELS.tsv] [--rounds 5]      (with FALDONE_HOME set)

QUERIES has {"id", "query"} a line. Milliseconds are those of one open collection, each query new to it, then all of them again. With
--qrels (columns query_id, doc_id, relevance; a document is a file's name without its extension) nDCG@10 and hit@1 follow, of what
`faldone search --queries` prints.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common import FALDONE, machine, median, table, watch

from infra.encoders import load_encoders
from infra.lake import Lake
from infra.settings import load
from tasks.search import Searcher


def read(path: Path) -> list[dict[str, Any]]:
    """Rows of queries; `question` and `text`, `query_id` are taken too."""
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return [
        {"id": str(r.get("id", r.get("query_id"))), "query": r.get("query") or r.get("question") or r["text"]}
        for r in rows
    ]


def latencies(collection: str, queries: Sequence[Mapping[str, Any]], rounds: int) -> list[list[float]]:
    """Milliseconds of each query, by round."""
    searcher = Searcher(Lake(load().root), load_encoders(load()), collection)
    searcher.search("warm up")
    return [[searcher.search(row["query"]).milliseconds for row in queries] for _ in range(rounds)]


def ndcg(found: Sequence[str], relevance: Mapping[str, float], k: int = 10) -> float:
    """Normalised discounted cumulative gain (Järvelin & Kekäläinen 2002), linear gains."""
    gain = sum(relevance.get(name, 0.0) / math.log2(rank + 2) for rank, name in enumerate(found[:k]))
    best = sorted(relevance.values(), reverse=True)[:k]
    ideal = sum(value / math.log2(rank + 2) for rank, value in enumerate(best))
    return gain / ideal if ideal else 0.0


def judged(collection: str, queries: Sequence[Mapping[str, Any]], qrels: Path, mode: str) -> list[object]:
    """nDCG@10 and hit@1 of a mode, by documents."""
    wanted: dict[str, dict[str, float]] = defaultdict(dict)
    with qrels.open() as file:
        for row in csv.DictReader(file, delimiter="\t"):
            wanted[row["query_id"]][row["doc_id"]] = float(row["relevance"])
    asked = [row for row in queries if row["id"] in wanted]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("\n".join(json.dumps(row) for row in asked))
        file.flush()
        command = [FALDONE, "search", "--queries", file.name, "--collection", collection, "--mode", mode, "-k", "30"]
        lines = watch(command, Path(os.environ["FALDONE_HOME"])).output.splitlines()
    scores, firsts = [], []
    for answer in map(json.loads, lines):
        found = list(dict.fromkeys(Path(hit["path"]).stem for hit in answer["hits"]))
        scores.append(ndcg(found, wanted[answer["id"]]))
        firsts.append(bool(found) and wanted[answer["id"]].get(found[0], 0) > 0)
    return [mode, len(scores), f"{sum(scores) / len(scores):.3f}", f"{sum(firsts) / len(firsts):.3f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collection")
    parser.add_argument("queries", type=Path)
    parser.add_argument("--qrels", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    queries = read(given.queries)
    print(machine())
    if given.qrels:
        rows = [judged(given.collection, queries, given.qrels, mode) for mode in ("hybrid", "text", "vector")]
        table(["mode", "queries", "nDCG@10", "hit@1"], rows)
        return
    rounds = latencies(given.collection, queries, given.rounds)
    rest = [value for one in rounds[1:] for value in one]
    table(
        ["warm search", "median ms", "slowest tenth from ms"],
        [
            [
                "each query for the first time",
                f"{median(rounds[0]):.0f}",
                f"{sorted(rounds[0])[int(0.9 * len(rounds[0]))]:.0f}",
            ],
            ["asked again", f"{median(rest):.0f}", f"{sorted(rest)[int(0.9 * len(rest))]:.0f}"],
        ],
    )


if __name__ == "__main__":
    main()
