"""Planning at size: so many listed files against a ledger of as many rows, under one root and under many.

    python benchmarks/plan.py [--documents 100000 1000000] [--roots 500] [--state mixed new unchanged] [--part-rows 25000]

Each case runs in a process of its own and tells its seconds by the clock and of the processor, and its peak memory. The manifest and the
ledger are written before and not measured; reading them is. Files are spread over folders; a tenth has changed and a twentieth is gone
(`mixed`), or nothing is known (`new`), or all is (`unchanged`).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
from common import machine, table

from infra.roots import Root
from tasks.collection.table import BATCH_ROWS
from tasks.index.partition import PART_ROWS, Known
from tasks.index.plan import LEDGER_COLUMNS, Fingerprints, plan
from tasks.records import document_id

FOLDERS = 1_000


def write(folder: Path, documents: int, state: str = "mixed") -> None:
    """Write `manifest.parquet` and `ledger.parquet`."""
    paths = [
        f"/archive/{number % FOLDERS:04}/2024-{number % 12 + 1:02}/documento numero {number}.pdf"
        for number in range(documents)
    ]
    ids = [document_id("default", path) for path in paths]
    found = pl.DataFrame({"path": paths, "document_id": ids})
    rows = pl.int_range(documents, eager=True)
    known = found.with_columns(
        parent_id=pl.lit(""),
        state=pl.lit("indexed"),
        kind=pl.lit(""),
        attempts=pl.lit(1, pl.Int32),
        format=pl.lit("pdf"),
        stamp=pl.lit("1700000000000000000:1700000000123456789"),
        size=pl.lit(100_000, pl.Int64),
        content_hash=pl.col("document_id").str.reverse(),
        parser=pl.lit("p1"),
        chunker=pl.lit("c1"),
        encoder=pl.lit("0123456789abcdef"),
    )
    stamps = (
        pl.when(rows % 10 == 3)
        .then(pl.lit("1800000000000000000:1800000000123456789"))
        .otherwise(pl.lit("1700000000000000000:1700000000123456789"))
    )
    found = found.with_columns(size=pl.lit(100_000, pl.Int64)).with_columns(
        stamp=stamps if state == "mixed" else pl.lit("1700000000000000000:1700000000123456789")
    )
    if state == "mixed":
        found = found.filter(rows // FOLDERS % 20 != 0)
    if state == "new":
        known = known.clear()
    found.write_parquet(folder / "manifest.parquet", row_group_size=10_000)
    known.select(LEDGER_COLUMNS).write_parquet(folder / "ledger.parquet", row_group_size=100_000)


def measure(folder: Path, kind: str, roots: int, part_rows: int) -> dict[str, float | str]:
    """Plan once in this process."""
    started, before = time.monotonic(), time.process_time()
    file = pq.ParquetFile(folder / "ledger.parquet")
    known = Known(file.metadata.num_rows, file.iter_batches(BATCH_ROWS))
    paths = pl.read_parquet(folder / "manifest.parquet", columns=["path"], n_rows=roots)["path"].to_list()
    under = {
        "one folder": [Root("folder", "/archive")],
        "folders": [Root("folder", f"/archive/{number:04}") for number in range(roots)],
        "files": [Root("file", path) for path in paths],
        "globs": [Root("glob", f"/archive/{number:04}/**/*.pdf") for number in range(roots)],
    }[kind]
    made = plan(
        str(folder / "manifest.parquet"),
        known,
        under,
        Fingerprints({"pdf": "p1", "": "x"}, "c1", "0123456789abcdef"),
        folder,
        part_rows=part_rows,
    )
    return {
        "roots": f"{len(under)} {kind}" if len(under) > 1 else kind,
        "to do": made.to_do,
        "gone": len(made.gone),
        "seconds": round(time.monotonic() - started, 2),
        "processor s": round(time.process_time() - before, 2),
        "peak GiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def main() -> None:
    """Run every case, or one of them as its own process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--roots", type=int, default=500)
    parser.add_argument("--state", nargs="+", choices=["mixed", "new", "unchanged"], default=["mixed"])
    parser.add_argument("--part-rows", type=int, default=PART_ROWS)
    parser.add_argument("--case", nargs=2, metavar=("FOLDER", "KIND"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(Path(options.case[0]), options.case[1], options.roots, options.part_rows)))
        return
    rows = []
    for documents, state in product(options.documents, options.state):
        with tempfile.TemporaryDirectory() as name:
            write(Path(name), documents, state)
            for kind in ("one folder", "folders", "files", "globs") if state == "mixed" else ("one folder",):
                sizes = ["--roots", str(options.roots), "--part-rows", str(options.part_rows)]
                command = [sys.executable, __file__, *sizes, "--case", name, kind]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                rows.append({"documents": documents, "state": state, **json.loads(done.stdout)})
    print(machine())
    table(list(rows[0]), [list(row.values()) for row in rows])


if __name__ == "__main__":
    main()
