"""What a parser child of `benchmarks/reading.py` runs: the reader, with its processor time and peak memory beside the result."""

from __future__ import annotations

import dataclasses
import resource
import time
from pathlib import Path

from tasks.index import read as reading
from tasks.index.formats.base import Context
from tasks.records import Parsed


def read(source: Path | bytes, context: Context) -> Parsed:
    """Read a file; `cpu_seconds` and `peak_bytes` (of the child so far) stand in the metadata."""
    began = time.process_time()
    parsed = reading.read(source, context)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    measured = {"cpu_seconds": f"{time.process_time() - began:.4f}", "peak_bytes": str(peak)}
    return dataclasses.replace(parsed, metadata={**parsed.metadata, **measured})
