"""Memory of the flow process and of Dask's scheduler over an index run of so many documents.

    python benchmarks/flow_memory.py [--documents 1000 10000 100000]

The real planner, batch stream and engine over a real scheduler with two workers; the workers read nothing and hand back the receipts of a
batch, and commits write nothing. Each size is measured twice: none of the documents is known, and all are, unchanged, in a ledger in the
lake. Each case has processes of its own; peaks are those of the kernel (VmHWM).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
from common import machine, table
from workers import cluster

from infra.cluster import workers
from infra.errors import DocumentError
from infra.lake import Lake
from infra.roots import Root
from infra.settings import Settings
from tasks import shards
from tasks.collection import ledger
from tasks.collection.commit import Staged
from tasks.collection.ledger import LEDGER
from tasks.index import plan as planning
from tasks.index.partition import Known
from tasks.index.plan import Fingerprints, Work
from tasks.index.reporter import batch_name, weight
from tasks.index.rows import Receipt, fullness
from tasks.progress import Progress
from tasks.records import document_id

CHUNKS_EACH = 4
COMMITTED = 10_000  # documents in a fragment of the ledger
ROW = {"parent_id": "", "state": "indexed", "kind": "", "attempts": 1, "format": "pdf", "chunks": CHUNKS_EACH}
ROW |= {"parser": "p1", "chunker": "c1", "encoder": "0123456789abcdef"}


def write(folder: Path, documents: int, known: bool) -> None:
    """Write the manifest of so many documents, and the ledger that has them all where they are known."""
    paths = [f"/archive/{number // 1000:04}/documento numero {number}.pdf" for number in range(documents)]
    ids = [document_id("default", path) for path in paths]
    stamp = "1700000000000000000:1700000000123456789"
    made = pl.DataFrame({"path": paths, "document_id": ids}).with_columns(
        size=pl.lit(100_000, pl.Int64), stamp=pl.lit(stamp)
    )
    made.write_parquet(folder / "manifest.parquet", row_group_size=10_000)
    if known:
        lake = Lake(Settings(home=str(folder)).root)
        for rows in made.iter_slices(COMMITTED):
            read = rows.with_columns(content_hash=pl.col("document_id").str.reverse()).to_dicts()
            lake.append(LEDGER.name("default"), ledger.rows([ROW | row for row in read]), LEDGER.key)


def peak(process: int | str) -> float:
    """Return the most MiB that a process has had."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 2**10


def hand_back(batch: tuple[Work, ...]) -> Receipt:
    """Do a batch's work in name."""
    staged = (Staged(f"s3://office/home/staging/0123456789ab/{batch_name(batch)}", len(batch)),)
    return Receipt(indexed=len(batch), chunks=CHUNKS_EACH * len(batch), bytes=100_000 * len(batch), staged=staged)


class Job:
    """An index run as the engine sees it; nothing fails and nothing is written."""

    name, weight, fullness = staticmethod(batch_name), staticmethod(weight), staticmethod(fullness)

    def process(self) -> Callable[[tuple[Work, ...]], Receipt]:
        return hand_back

    def current(self, batch: tuple[Work, ...]) -> str:
        return batch[-1].path

    def commit(self, receipts: Sequence[Receipt]) -> None:
        """Write nothing."""

    def lost(self, work: Work, error: DocumentError) -> Receipt:
        raise AssertionError("nothing is lost here") from error


def measure(folder: Path, address: str) -> dict[str, Any]:
    """Plan and run in this process; its peak before the plan, after it and at the end."""
    settings = Settings(home=str(folder), dask=address or "threads")
    lake = Lake(settings.root)
    known = Known(LEDGER.count(lake, "default"), LEDGER.batches(lake, "default", planning.LEDGER_COLUMNS))
    before = peak("self")
    made = planning.plan(
        str(folder / "manifest.parquet"),
        known,
        [Root("folder", "/archive")],
        Fingerprints({"pdf": "p1", "": "x"}, "c1", "0123456789abcdef"),
        folder,
    )
    assert made.to_do == (0 if known.rows else made.found), "all is new, or nothing is"
    peaks = {"start": before, "planned": peak("self")}
    if made.to_do:
        progress = Progress("index", made.to_do, made.weight)
        engine = shards.Engine(Job(), planning.batches(made), progress, Receipt())
        with workers(settings, made.bytes, 1) as pool:
            done = engine.run(pool)
        assert done.documents == made.to_do == progress.status().done
    return {"documents": made.found, "in the ledger": known.rows, **peaks, "end": peak("self")}


def case(documents: int, known: bool) -> list[Any]:
    """Measure one size in a process of its own, with a scheduler and its peak where there is something to do."""
    with tempfile.TemporaryDirectory() as name, nullcontext(None) if known else cluster(2) as made:
        write(Path(name), documents, known)
        command = [sys.executable, __file__, "--case", name, made[1].dask if made else ""]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return [*json.loads(done.stdout).values(), *([peak(made[0].scheduler)] if made else [])]


def main() -> None:
    """Measure each size, or one of them as its own process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--case", nargs=2, metavar=("FOLDER", "ADDRESS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        print(json.dumps(measure(Path(given.case[0]), given.case[1])))
        return
    rows = []
    for known, documents in product((False, True), given.documents):
        rows.append(case(documents, known))
        print(rows[-1], file=sys.stderr, flush=True)
    print(machine())
    head = ["documents", "in the ledger", "flow process begins MiB", "… has planned", "… ends", "scheduler"]
    body = [[f"{row[0]:,}", f"{row[1]:,}", *(f"{one:.0f}" for one in row[2:])] for row in rows]
    table(head, [line + [""] * (len(head) - len(line)) for line in body])


if __name__ == "__main__":
    main()
