"""Counts what the data folder holds, as JSON on standard output; the daemon runs it as a process of its own."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

from infra.lake import Lake
from infra.settings import load
from tasks.collection import ledger


def count(lake: Lake, collection: str) -> dict[str, Any]:
    """Count a collection's documents by state, failures by kind, chunks and pages."""
    rows = ledger.read(lake, collection, ["state", "kind", "chunks", "pages"]).to_pylist()
    states = Counter(row["state"] for row in rows)
    return {
        "collection": collection,
        "indexed": states[ledger.INDEXED],
        "quarantined": states[ledger.QUARANTINED],
        "failures": dict(Counter(row["kind"] for row in rows if row["state"] == ledger.QUARANTINED)),
        "chunks": sum(row["chunks"] or 0 for row in rows),
        "pages": sum(row["pages"] or 0 for row in rows),
    }


def main() -> None:
    """Run the command."""
    lake = Lake(load().root)
    sys.stdout.write(json.dumps([count(lake, collection) for collection in ledger.collections(lake)]))


if __name__ == "__main__":
    main()
