"""Cold starts: how long a person waits for the first word, with no server running and nothing warm but the disk cache.

    python benchmarks/start.py [--times 3]

Needs nothing but the installation; a temporary data folder is made and removed.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from common import FALDONE, Watched, machine, median, small_files, table, watch

LIMITS = {"--help": 0.5, "index one file": 8.0, "search": 3.0}


def once(home: Path, documents: Path) -> dict[str, Watched]:
    """Each command on a new data folder."""
    return {
        "--help": watch([FALDONE, "--help"], home),
        "index one file": watch([FALDONE, "index", str(documents), "--json"], home),
        "search": watch([FALDONE, "search", "utile in crescita", "--json"], home),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        small_files(Path(folder) / "documents", 1)
        runs = [once(Path(folder) / f"home{number}", Path(folder) / "documents") for number in range(times)]
    print(machine())
    table(
        ["command", "limit s", "median s", "least s", "processor s"],
        [
            [
                name,
                limit,
                f"{median([run[name].seconds for run in runs]):.2f}",
                f"{min(run[name].seconds for run in runs):.2f}",
                f"{median([run[name].cpu for run in runs]):.2f}",
            ]
            for name, limit in LIMITS.items()
        ],
    )


if __name__ == "__main__":
    main()
