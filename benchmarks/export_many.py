"""Reports on a collection of very many analyses: peak memory and time of each template.

    python benchmarks/export_many.py FOLDER [--documents 100000] [--templates collection executive analysis financial weekly]

The collection is invented: half of the analyses are financial ones of 24 figures, half comprehensive ones of some 9 kB. It stays in FOLDER
for the next time. Each template runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from common import WORDS, machine, table

from infra.lake import Lake
from infra.settings import Settings
from tasks.collection import ledger
from tasks.collection.analyses import ANALYSES
from tasks.collection.ledger import LEDGER
from tasks.export.run import export

C = "many"
AT_ONCE = 5_000
ITEMS = ("revenue", "operating_income", "net_income", "total_assets", "shareholders_equity", "operating_cash_flow")


def fill(home: Path, documents: int) -> None:
    """Write ledger and analyses, unless they are there."""
    lake = Lake(str(home))
    if lake.count(ANALYSES.name(C)) == documents:
        return
    for table_ in (LEDGER, ANALYSES):
        lake.drop(table_.name(C))
    now = datetime.now(UTC)
    for start in range(0, documents, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, documents))
        rows = [_ledger_row(number, now) for number in numbers]
        lake.upsert(LEDGER.name(C), ledger.rows(rows), LEDGER.key)
        found = [_analysis(number, now) for number in numbers]
        lake.upsert(ANALYSES.name(C), pa.Table.from_pylist(found, schema=ANALYSES.schema), ANALYSES.key)


def _ledger_row(number: int, now: datetime) -> dict[str, Any]:
    return {
        "document_id": f"{number:032x}",
        "path": f"/archive/{number % 997:03}/relazione {number}.pdf",
        "parent_id": "",
        "state": ledger.INDEXED,
        "content_hash": f"{number:032x}",
        "format": "pdf",
        "language": "it",
        "title": f"Relazione {number}",
        "pages": 12,
        "chunks": 40,
        "size": 100_000,
        "indexed_at": now,
    }


def _analysis(number: int, now: datetime) -> dict[str, Any]:
    kind = "financial" if number % 2 else "comprehensive"
    return {
        "analysis_id": f"{number:032x}-{kind}",
        "document_id": f"{number:032x}",
        "type": kind,
        "content_hash": f"{number:032x}",
        "status": "ok",
        "result": json.dumps(_financial(number) if number % 2 else _comprehensive(number)),
        "created_at": now,
    }


def _financial(number: int) -> dict[str, Any]:
    figures = [
        {
            "item": item,
            "period": f"FY{2021 + year}",
            "value": (place + 3) * 10_000 + number * 7 + year,
            "label": item,
            "page": place + 1,
        }
        for place, item in enumerate(ITEMS)
        for year in range(4)
    ]
    return {"company": f"Ditta {number} S.r.l.", "currency": "EUR", "fiscal_periods": ["FY2024"], "figures": figures}


def _comprehensive(number: int) -> dict[str, Any]:
    def said(length: int) -> str:
        return " ".join(WORDS[(number + place * 7) % len(WORDS)] for place in range(length))

    passages = [{"text": said(30), "page": page, "label": "neutral", "score": 0.5} for page in range(1, 13)]
    entities = [
        {"kind": "date", "value": "2024-05-31", "text": said(3), "page": 2, "about": said(12)} for _ in range(20)
    ]
    return {
        "language": "it",
        "summary": [{"text": said(25), "page": page} for page in range(1, 6)],
        "keyphrases": [{"phrase": said(3), "page": 1, "score": 0.4, "count": 3} for _ in range(15)],
        "entities": entities,
        "sentiment": {"label": "neutral", "score": 0.5, "passages": passages},
    }


def one(home: Path, template: str) -> None:
    """Export once, and say what it took."""
    began, cpu = time.perf_counter(), time.process_time()
    made = export(Settings(home=str(home)), C, (), template, str(home / f"{template}.pdf"))
    status = Path("/proc/self/status").read_text()  # getrusage would count what the parent had before the exec
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
    took = [round(time.perf_counter() - began, 1), round(time.process_time() - cpu, 1)]
    print(json.dumps([template, made.pages, *took, round(peak)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument(
        "--templates", nargs="+", default=["collection", "weekly", "executive", "analysis", "financial"]
    )
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(given.folder, given.one)
        return
    fill(given.folder, given.documents)
    rows = []
    for template in given.templates:
        command = [sys.executable, __file__, str(given.folder), "--one", template]
        said = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
        rows.append(json.loads(said.splitlines()[-1]))
    print(machine())
    table([f"template, {given.documents:,} documents", "pages", "s", "processor s", "peak MiB"], rows)


if __name__ == "__main__":
    main()
