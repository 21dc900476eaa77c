"""The second run: many small files of which none changed, then one that did.

    python benchmarks/again.py [--files 5000] [--times 3]

«Above start-up» is the unchanged run over all files less the unchanged run over a folder of one file, medians of both in turns. One
paragraph of one file of many chunks is then edited, and the run says how many chunks it encoded.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from common import FALDONE, Watched, machine, median, small_files, table, watch


def index(folder: Path, home: Path, collection: str) -> Watched:
    """One run."""
    return watch([FALDONE, "index", str(folder), "--collection", collection, "--json"], home)


def long_document(path: Path, paragraphs: int, edited: int = -1) -> None:
    """A Markdown file of so many sections, one of them different when it is `edited`."""
    lines = ["# Handbook", ""]
    for number in range(paragraphs):
        body = (
            f"Paragraph {number} speaks of the rules of department {number * 17}, in force since {1900 + number}. " * 9
        )
        lines += [f"## Section {number}", "", body + ("An amendment. " if number == edited else ""), ""]
    path.write_text("\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place, home = Path(folder), Path(folder) / "home"
        small_files(place / "many", given.files)
        small_files(place / "one", 1)
        long_document(place / "many" / "handbook.md", 60)
        first = index(place / "many", home, "many")
        index(place / "one", home, "one")
        again = [(index(place / "one", home, "one"), index(place / "many", home, "many")) for _ in range(given.times)]
        long_document(place / "many" / "handbook.md", 60, edited=30)
        edited = index(place / "many", home, "many")
    report(given.files + 1, first, again, edited)


def report(files: int, first: Watched, again: list[tuple[Watched, Watched]], edited: Watched) -> None:
    """Print the runs."""
    print(machine())
    rows = [["first", f"{first.seconds:.1f}", f"{first.cpu:.1f}", first.result()["encoded"]]]
    for name, which in (("unchanged, one file (start-up)", 0), ("unchanged, all files", 1)):
        runs = [pair[which] for pair in again]
        rows.append(
            [
                name,
                f"{median([r.seconds for r in runs]):.2f}",
                f"{median([r.cpu for r in runs]):.2f}",
                runs[0].result()["encoded"],
            ]
        )
    rows.append(["one paragraph edited", f"{edited.seconds:.2f}", f"{edited.cpu:.2f}", edited.result()["encoded"]])
    table([f"run over {files:,} files", "s", "processor s", "chunks encoded"], rows)
    above, cpu = (median([getattr(b, name) - getattr(a, name) for a, b in again]) for name in ("seconds", "cpu"))
    assert again[0][1].result()["documents"]["unchanged"] == files
    print(f"above start-up: {above:.2f} s by the clock, {cpu:.2f} s of processor time")


if __name__ == "__main__":
    main()
