"""Memory of the flow process and of Dask's scheduler over an index run of so many documents.

    python benchmarks/flow_memory.py [--documents 1000 10000 100000]

The real planner, batch stream and engine over a real scheduler with two workers; the workers read nothing and hand back the receipts of a
batch, and commits write nothing. Each size has processes of its own; peaks are those of the kernel (VmHWM).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from common import machine, table
from workers import cluster

from infra.cluster import workers
from infra.errors import DocumentError
from infra.roots import Root
from infra.settings import Settings
from tasks import shards
from tasks.collection import ledger
from tasks.collection.commit import Staged
from tasks.index import plan as planning
from tasks.index.plan import LEDGER_COLUMNS, Fingerprints, Work
from tasks.index.reporter import batch_name, weight
from tasks.index.rows import Receipt, fullness
from tasks.progress import Progress
from tasks.records import document_id

CHUNKS_EACH = 4


def write(folder: Path, documents: int) -> None:
    """Write the manifest of so many documents, none of which is known."""
    paths = [f"/archive/{number // 1000:04}/documento numero {number}.pdf" for number in range(documents)]
    ids = [document_id("default", path) for path in paths]
    stamp = "1700000000000000000:1700000000123456789"
    made = pl.DataFrame({"path": paths, "document_id": ids}).with_columns(
        size=pl.lit(100_000, pl.Int64), stamp=pl.lit(stamp)
    )
    made.write_parquet(folder / "manifest.parquet", row_group_size=10_000)


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
    before = peak("self")
    known = ledger.SCHEMA.empty_table().select(list(LEDGER_COLUMNS))
    made = planning.plan(
        str(folder / "manifest.parquet"),
        known,
        [Root("folder", "/archive")],
        Fingerprints({"pdf": "p1", "": "x"}, "c1", "0123456789abcdef"),
        folder,
    )
    planned = peak("self")
    progress = Progress("index", made.to_do, made.weight)
    engine = shards.Engine(Job(), planning.batches(made), progress, Receipt())
    with workers(Settings(home=str(folder), dask=address), made.bytes, 1) as pool:
        done = engine.run(pool)
    assert done.documents == made.to_do == progress.status().done
    return {"documents": done.documents, "start": before, "planned": planned, "end": peak("self")}


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
    for documents in given.documents:
        with tempfile.TemporaryDirectory() as name, cluster(2) as (made, settings):
            write(Path(name), documents)
            command = [sys.executable, __file__, "--case", name, settings.dask]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            row = json.loads(done.stdout)
            rows.append([*row.values(), peak(made.scheduler)])
            print(rows[-1], file=sys.stderr, flush=True)
    print(machine())
    head = ["documents", "flow process begins MiB", "… has planned", "… ends", "scheduler"]
    table(head, [[f"{row[0]:,}", *(f"{one:.0f}" for one in row[1:])] for row in rows])


if __name__ == "__main__":
    main()
