"""Changes and shares of tables against questions with known answers.

    python benchmarks/tables.py GOLD.jsonl QUESTIONS.jsonl

GOLD has {"csv", "xlsx", "row_label", "gold_percent"} a line, files relative to its folder: the percentage must stand in a change or a
share of the line of that label, within 0.05 points. QUESTIONS are those of TAT-QA ({"table_id", "kind", "scale", "answer", "answer_from",
"derivation"}), their tables in `csv/TABLE_ID.csv` beside them: of percentages asked of a table alone the answer must be among its
changes, points and shares; of every calculation the numbers that it uses must be among the values read.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from common import table

from infra.settings import Settings
from tasks.analyse import tables
from tasks.analyse.statements.match_labels import plain
from tasks.index.read import parse_file
from tasks.records import Document

WITHIN = 0.05
ASKED = {"pct_change", "ratio_or_share", "difference"}
CALCULATED = {*ASKED, "average", "sum", "other_arithmetic"}
NUMBER = re.compile(r"\d[\d,]*\.?\d*")


@lru_cache(maxsize=512)
def read(path: Path) -> list[dict[str, Any]]:
    """Return the tables of a file as the analysis gives them."""
    parsed = parse_file(path, path.name, Settings())
    found: list[dict[str, Any]] = tables.analyse(Document("0" * 32, "bench", path.name, "", parsed))["tables"]
    return found


def rows(path: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def percentages(path: Path, label: str = "") -> Iterator[float]:
    """Yield every change, difference in points and share of a file's tables, of lines of one label if given."""
    for one in read(path):
        for row in (*one["changes"], *one["shares"]):
            if not label or plain(row["row"]) == label:
                yield from (row[key] for key in ("percent", "points") if row.get(key) is not None)


def gold(path: Path, kind: str) -> tuple[int, int]:
    """Return how many of the known percentages are found, and of how many."""
    asked = rows(path)
    right = [
        any(
            abs(found - row["gold_percent"]) <= WITHIN
            for found in percentages(path.parent / row[kind], plain(row["row_label"]))
        )
        for row in asked
    ]
    return sum(right), len(right)


def questions(path: Path) -> tuple[list[Mapping[str, Any]], int, int, int]:
    """Return the percentages asked that no table gives, of how many; and calculations all of whose numbers were read, of how many."""
    missed, asked, whole, calculated = [], 0, 0, 0
    for row in rows(path):
        file = path.parent / "csv" / f"{row['table_id']}.csv"
        if row["answer_from"] != "table" or row["kind"] not in CALCULATED or not file.exists():
            continue
        if row["kind"] in ASKED and row["scale"] == "percent":
            asked += 1
            if not any(abs(abs(found) - abs(float(row["answer"]))) <= WITHIN for found in percentages(file)):
                missed.append(row)
        values = {abs(v) for one in read(file) for line in one["rows"] for v in line["values"] if v is not None}
        used = {float(number.replace(",", "")) for number in NUMBER.findall(row["derivation"])}
        calculated += 1
        whole += all(number in values or number in range(13) or number == 100 for number in used)  # counts, per cent
    return missed, asked, whole, calculated


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("questions", type=Path)
    given = parser.parse_args()
    missed, asked, whole, calculated = questions(given.questions)
    found = [(kind, *gold(given.gold, kind)) for kind in ("csv", "xlsx")]
    table(
        ["set", "right", "of"],
        [
            *([f"known percentages, {kind}", right, of] for kind, right, of in found),
            ["percentages asked of a table", asked - len(missed), asked],
            ["calculations whose numbers were all read", whole, calculated],
        ],
    )
    for row in missed:
        print(f"not given: {row['question']} {row['answer']} = {row['derivation']}")


if __name__ == "__main__":
    main()
