"""Peak memory of every process of a run over one long PDF.

    python benchmarks/memory.py FILE.pdf… [--pages 600]

The files' pages are put one after the other, again and again, into one PDF of so many pages. Each kind of process is shown with its own
high-water mark as the kernel counts it (VmHWM).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from common import FALDONE, machine, table, watch

LIMIT = 1536  # MiB


def long_pdf(files: list[str], pages: int, target: Path) -> None:
    """One PDF of so many pages."""
    import pypdfium2

    made, count = pypdfium2.PdfDocument.new(), 0
    while count < pages:
        for file in files:
            source = pypdfium2.PdfDocument(file)
            take = min(len(source), pages - count)
            if take:
                made.import_pages(source, list(range(take)))
            count += take
    made.save(str(target))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--pages", type=int, default=600)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "long.pdf"
        long_pdf(given.files, given.pages, target)
        size = target.stat().st_size / 2**20
        run = watch([FALDONE, "index", str(target), "--json"], Path(folder) / "home")
    print(machine())
    result = run.result()
    print(f"{result['pages']} pages, {size:.0f} MiB, {result['chunks']:,} chunks; limit {LIMIT:,} MiB a process")
    table(["process", "peak MiB"], [[kind, f"{peak / 2**20:,.0f}"] for kind, peak in sorted(run.peaks.items())])


if __name__ == "__main__":
    main()
