"""`python -m samples.make [FOLDER]`: write the corpus into FOLDER (default: the `samples` folder itself)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from samples.make import (
    annual_report,
    bilanci,
    binder,
    broken,
    known,
    mails,
    office,
    papers,
    registers,
    scans,
    webpages,
)

KINDS = (bilanci, annual_report, office, webpages, registers, papers, mails, scans)


def documents() -> dict[str, Callable[[Path], None]]:
    """File name → the function that writes it.

    Raises:
        ValueError: two kinds make a file of the same name.
    """
    makers: dict[str, Callable[[Path], None]] = {}
    for kind in KINDS:
        if double := makers.keys() & kind.FILES.keys():
            raise ValueError(f"made twice: {sorted(double)}")
        makers |= kind.FILES
    return makers


def as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def main(folder: Path) -> None:
    for name, makers in (("documents", documents()), ("broken", broken.FILES), ("office", binder.FILES)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for file, make in makers.items():
            make(folder / name / file)
    rows = known.questions(folder / "documents")
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "figures.json").write_text(as_json(known.known_figures()), "utf-8")
    (folder / "questions.jsonl").write_text(lines, "utf-8")
    (folder / "broken" / "expected.json").write_text(as_json(broken.EXPECTED), "utf-8")
    print(f"{len(documents())} documents and {len(broken.FILES)} broken files in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
