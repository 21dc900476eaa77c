"""Every reader against known texts, against a second library, and against damaged files.

    python benchmarks/reading.py FOLDER [--compare] [--json FILE]
    python benchmarks/reading.py FOLDER --mutations 1000 [--minutes 10] [--seed 1]

FOLDER is searched through. Where it holds `*_oracle.jsonl` (rows with `file`, `expected` and, where the text is known,
`gold_text`), the files named there are held against those; with `--compare`, or where there is none, all files are held against a second
library. Word recall is the part of their words that ours has, row recall the part of their table rows whose cells stand in one of
ours. Damaged files are made from those in FOLDER and read under small limits: what ends a parser, or is no named failure,
is listed with what was done to the file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import random
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from common import machine, table
from reading_mutations import mutations
from reading_second import recall, row_recall, second, words

from infra.errors import DocumentError
from infra.settings import load
from tasks.index.parse import Outcome, ParseRequest, ParserPool
from tasks.records import Parsed

ENTRY = "reading_child:read"
LOW = 0.9
_NAMED = re.compile(r"\d|[\w-]+[./]\w+|\(.+\)|: \S|file opens, but no text is in it")
"""What a warning must have to name what was left out: a number, a part or file, its words behind a colon, or the whole."""
_SHORT = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--compare", action="store_true", help="hold all files against a second library")
    parser.add_argument("--mutations", type=int, default=0, help="read so many damaged files")
    parser.add_argument("--minutes", type=float, default=10, help="and stop after so many minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--suffix", nargs="*", default=[], help="only files with these extensions")
    parser.add_argument("--json", type=Path, help="write each file's figures to this file, a line each")
    given = parser.parse_args()
    print(machine())
    if given.mutations:
        sys.exit(mutate(given))
    oracles = [] if given.compare else sorted(given.folder.glob("*_oracle.jsonl"))
    rows = list(known(given, oracles) if oracles else compared(given))
    report(rows)
    if given.json:
        given.json.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def files(given: argparse.Namespace) -> list[Path]:
    """The files to read, by name."""
    wanted = {suffix.lower().lstrip(".") for suffix in given.suffix}
    found = (path for path in given.folder.rglob("*") if path.is_file() and not path.name.endswith(".jsonl"))
    return sorted(path for path in found if not wanted or path.suffix.lower().lstrip(".") in wanted)


def outcomes(paths: list[Path], **limits: Any) -> Iterator[tuple[Path, Outcome]]:
    """Each file with what became of it, read in parser children."""
    settings = load()
    settings = settings.model_copy(update={"limits": settings.limits.model_copy(update=limits)})
    with ParserPool(settings, entry=ENTRY) as pool:
        for job, outcome in pool.parse([ParseRequest(str(path), path=path) for path in paths]):
            yield Path(job.name), outcome


def told(path: Path, outcome: Outcome) -> dict[str, Any]:
    """What is said of a file whatever it is held against."""
    row: dict[str, Any] = {
        "file": str(path),
        "state": "indexed",
        "warnings": [],
        "kind": path.suffix.lower().lstrip("."),
    }
    if isinstance(outcome, DocumentError):
        return row | {"state": outcome.kind.value, "message": outcome.message}
    measured = outcome.metadata
    return row | {
        "kind": outcome.format,
        "warnings": list(outcome.warnings),
        "seconds": float(measured["cpu_seconds"]),
        "peak": int(measured["peak_bytes"]),
    }


def text_of(parsed: Parsed) -> str:
    inner = [f"{attachment.name}" for attachment in parsed.attachments]
    return "\n".join([parsed.title, *(element.text for element in parsed.elements), *parsed.metadata.values(), *inner])


def known(given: argparse.Namespace, oracles: list[Path]) -> Iterator[dict[str, Any]]:
    """The files of the oracles against the texts that they name."""
    rows = [json.loads(line) for oracle in oracles for line in oracle.read_text("utf-8").splitlines()]
    wanted = {suffix.lower().lstrip(".") for suffix in given.suffix}
    expected = {given.folder / row["file"]: row for row in rows if not wanted or Path(row["file"]).suffix[1:] in wanted}
    for path, outcome in outcomes(list(expected)):
        row = told(path, outcome) | {"expected": expected[path]["expected"]}
        if isinstance(outcome, Parsed) and (gold := expected[path].get("gold_text")):
            text = text_of(outcome)
            theirs = words(_plain_numbers((given.folder / gold).read_text("utf-8", "replace")))
            ours = words(text + _serials(outcome))
            row["words"], row["missing"] = recall(theirs, ours, text)
            row["distinct"], _ = recall(Counter(dict.fromkeys(theirs, 1)), ours, text)
        yield row


def _plain_numbers(text: str) -> str:
    """Whole numbers without the `.0` that a library's floats have."""
    return re.sub(r"(?<![\w.])(-?\d+)\.0(?![\w.])", r"\1", text)


def _serials(parsed: Parsed) -> str:
    """What a workbook stores for the dates and percentages that it shows: known texts may have either."""
    if not parsed.format.startswith("xls"):
        return ""
    found: list[str] = []
    for cell in (cell for element in parsed.elements for row in element.rows or () for cell in row):
        if re.fullmatch(r"\d{4}-\d\d-\d\d", cell):
            found.append(str((dt.date.fromisoformat(cell) - dt.date(1899, 12, 30)).days))
        elif re.fullmatch(r"-?\d+(\.\d+)?%", cell):
            found.append(f"{float(cell[:-1]) / 100:g}")
    return " ".join(["", *found])


def compared(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """All files against a second library."""
    for path, outcome in outcomes(files(given)):
        row = told(path, outcome)
        if isinstance(outcome, Parsed) and (theirs := second(path, row["kind"])) is not None:
            text = text_of(outcome)
            row["words"], row["missing"] = recall(words(theirs[0]), words(text + _serials(outcome)), text)
            if theirs[1]:
                row["rows"] = row_recall(theirs[1], (r for e in outcome.elements for r in e.rows or ()))
        yield row


def report(rows: list[dict[str, Any]]) -> None:
    """The figures by format, then the files that fall short."""
    lines = []
    for kind in sorted({row["kind"] for row in rows}):
        mine = [row for row in rows if row["kind"] == kind]
        read = [row for row in mine if row["state"] == "indexed"]
        lines.append(
            [
                kind,
                len(mine),
                len(read),
                _mean(read, "words"),
                _mean(read, "rows"),
                _mean(read, "seconds", "{:.3f}"),
                f"{max((row['peak'] for row in read), default=0) / 2**20:.0f}",
            ]
        )
    table(["format", "files", "indexed", "word recall", "row recall", "CPU s a file", "peak MiB"], lines)
    scored = [row["words"] for row in rows if "words" in row]
    if scored:
        print(f"word recall: mean {statistics.mean(scored):.4f} over {len(scored)} files, least {min(scored):.3f}")
    distinct = [row["distinct"] for row in rows if "distinct" in row]
    if distinct:  # known texts that hold a text box twice, as the file does, ask for more copies than there are
        print(f"recall of distinct words: mean {statistics.mean(distinct):.4f}, least {min(distinct):.3f}")
    due = [row for row in rows if row.get("expected") == "must_parse"]
    if due:
        read = sum(row["state"] == "indexed" for row in due)
        print(f"of {len(due)} files that must be read {read} are indexed ({read / len(due):.1%})")
    for row in rows:
        if row["state"] not in {"indexed", "encrypted"} and row.get("expected", "must_parse") == "must_parse":
            print(f"{row['state']:>16}  {row['file']}  {row['message'][:120]}")
        elif row.get("words", 1.0) < LOW or row.get("rows", 1.0) < LOW:
            figures = f"words {row.get('words', 1):.3f} rows {row.get('rows', 1):.3f}"
            print(f"{figures}  {row['file']}  {row['warnings'] or 'no warning'}  {row.get('missing', [])[:12]}")


def _mean(rows: list[dict[str, Any]], key: str, shape: str = "{:.4f}") -> str:
    values = [row[key] for row in rows if key in row]
    return shape.format(statistics.mean(values)) if values else ""


def mutate(given: argparse.Namespace) -> int:
    """Read damaged files; 1 when one ended its parser, ran past its limits, failed without a name or was warned of vaguely."""
    sources = [path for path in files(given) if path.stat().st_size < 300_000]
    random.Random(given.seed).shuffle(sources)
    rows = {path: mutations(path.read_bytes(), given.seed * 100_000 + i) for i, path in enumerate(sources)}
    settings = load()
    limits = settings.limits.model_copy(update={"seconds": 20.0, "seconds_per_page": 1.0})
    settings = settings.model_copy(update={"limits": limits, "ocr": "off"})
    made: dict[str, tuple[str, bytes]] = {}
    counts: Counter[str] = Counter()
    vague: Counter[str] = Counter()
    slowest = 0.0
    until = time.monotonic() + given.minutes * 60
    with ParserPool(settings, entry=ENTRY) as pool:
        for job, outcome in pool.parse(_Jobs(rows, given.mutations, until, made)):  # type: ignore[arg-type]
            what, data = made.pop(job.name)
            state = "read" if isinstance(outcome, Parsed) else outcome.kind.value
            counts[state] += 1
            if isinstance(outcome, Parsed):
                slowest = max(slowest, float(outcome.metadata["cpu_seconds"]))
                counts["read with warnings"] += bool(outcome.warnings)
                vague.update(warning for warning in outcome.warnings if not _NAMED.search(warning))
            elif len(outcome.message) < _SHORT:
                vague[outcome.message] += 1
            if state in {"internal", "crash", "timeout", "memory"}:
                print(f"{state}: {job.name} ({what[:160]}): {outcome}", flush=True)
                _keep(job.name, state, data)
    table(["outcome", "files"], [[state, count] for state, count in counts.most_common()])
    total = sum(counts.values()) - counts["read with warnings"]
    print(f"{total:,} damaged files; slowest that was read {slowest:.1f} s of processor time")
    for warning, count in vague.most_common(20):
        print(f"names nothing ({count}): {warning}")
    return int(any(counts[state] for state in ("internal", "crash", "timeout")) or bool(vague))


def _keep(name: str, state: str, data: bytes) -> None:
    folder = Path("build/mutations")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{state}-{Path(name).name}").write_bytes(data)


class _Jobs:
    """The damaged files as they are asked for: each source in its turn."""

    def __init__(
        self,
        rows: Mapping[Path, Iterator[tuple[str, bytes]]],
        most: int,
        until: float,
        made: dict[str, tuple[str, bytes]],
    ) -> None:
        self._rows, self._most, self._until, self._made = rows, most, until, made

    def __iter__(self) -> Iterator[ParseRequest]:
        turns = itertools.cycle(self._rows.items())
        for number in range(self._most):
            if time.monotonic() > self._until:
                return
            path, row = next(turns)
            what, data = next(row)
            name = f"{number:05d}-{path.name}"
            self._made[name] = (what, data)
            yield ParseRequest(name, data=data)


if __name__ == "__main__":
    main()
