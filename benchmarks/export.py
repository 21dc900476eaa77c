"""How fast reports are made: plain tables, a long table in memory, a 40-page report with charts, hostile text.

    python benchmarks/export.py            # prints one line a measure, and JSON with --json

One process, one core; the pages and words are invented here. Times are the best of three, wall and CPU.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROWS = 10_000
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def table_report(rows: int) -> Any:
    """A table of six columns: two of text, four of numbers."""
    from tasks.export.report import Report
    from tasks.export.table import Column, Row, Table

    columns = [
        Column("Document", least=120),
        Column("Kind"),
        *(Column(f"FY{year}", "number") for year in range(2022, 2026)),
    ]
    body = [
        Row(
            (
                f"Relazione {number:05d}.pdf",
                ("bilancio", "verbale", "contratto")[number % 3],
                *(f"{number * 7919 * (step + 3) % 99_999_937:,}" for step in range(4)),
            )
        )
        for number in range(rows)
    ]
    return Report("Plain tables", "benchmark", [Table(columns, body)], "en", NOW)


def chart_report(firms: int) -> Any:
    """Financial reports of invented firms over six years: five charts and five tables each."""
    from tasks.export.finance import BY_NAME, ITEMS
    from tasks.export.records import Analysed, Check, Entry, Figure, Financial, Material, Metric
    from tasks.export.templates import template
    from tasks.export.words import Words

    years = tuple(f"FY{year}" for year in range(2020, 2026))
    analysed = []
    for firm in range(firms):
        figures = tuple(
            Figure(item, year, (place + 3) * 1.234567e6 * (step + 5) + firm * 98_765, item, 10 + place, "consolidated")
            for place, item in enumerate(ITEMS)
            for step, year in enumerate(years)
        )
        metrics = tuple(
            Metric(
                name,
                year,
                (place * 7 + step) % 40 + 0.5,
                "percent" if "margin" in name else "ratio",
                f"{name} = a / b",
                (("revenue", 1e6), ("total_assets", 2e6)),
            )
            for place, name in enumerate(BY_NAME)
            for step, year in enumerate(years)
        )
        checks = tuple(Check("assets = liabilities + equity", year, True, 0.0) for year in years)
        entry = Entry(f"{firm:032x}", f"/archive/firm {firm}.pdf", f"Firm {firm}", "pdf", "en", pages=90)
        analysed.append(Analysed(entry, Financial("EUR", years, figures, metrics, checks)))
    material = Material("documents", NOW, tuple(one.entry for one in analysed), tuple(analysed))
    return template("financial").compose(material, Words("en"))


def hostile_report() -> Any:
    """A paragraph of 100,000 characters, a word of 100,000, and a table of such words."""
    from tasks.export.layout import Prose
    from tasks.export.report import Report
    from tasks.export.table import Column, Row, Table

    story = [
        Prose("Lorem ipsum dolor sit amet. " * 3_600),
        Prose("x" * 100_000),
        Table([Column("a"), Column("b")], [Row(("y" * 5_000, "<b>&\u202e中文 " * 300))] * 200),
    ]
    return Report("Hostile", "benchmark", story, "en", NOW)


def measure(make: Callable[[], Any], times: int = 3) -> dict[str, float]:
    """Best of `times`: composing and rendering together, as a user waits for both."""
    from tasks.export.report import render

    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(times):
            wall, cpu = time.perf_counter(), time.process_time()
            target = Path(folder) / "report.pdf"
            pages = render(make(), target, lambda stage, done, total: None)
            result = {
                "pages": pages,
                "seconds": time.perf_counter() - wall,
                "cpu_seconds": time.process_time() - cpu,
                "bytes": target.stat().st_size,
            }
            if not best or result["seconds"] < best["seconds"]:
                best = result
    return {**best, "pages_per_second": best["pages"] / best["seconds"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    from tasks.export import fonts

    fonts.register()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results: dict[str, Any] = {
        f"table of {ROWS:,} rows": measure(lambda: table_report(ROWS)),
        "financial report with charts": measure(lambda: chart_report(8)),
        "hostile text": measure(hostile_report),
    }
    results["peak_growth_mb"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    if arguments.json:
        sys.stdout.write(json.dumps(results) + "\n")
        return
    for name, found in results.items():
        if isinstance(found, dict):
            sys.stdout.write(
                f"{name}: {found['pages']:.0f} pages in {found['seconds']:.2f} s "
                f"({found['pages_per_second']:.0f} pages/s, {found['bytes'] / 1e6:.1f} MB)\n"
            )
    sys.stdout.write(f"memory above the start: {results['peak_growth_mb']:.0f} MB\n")


if __name__ == "__main__":
    main()
