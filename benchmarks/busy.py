"""An index run on a machine that others keep busy: nothing may go to quarantine for its time.

    python benchmarks/busy.py [FOLDER] [--others 30] [--files 200]

FOLDER (the samples of the repository when left out) and some small files are indexed while so many processes do nothing but count, each
in a session of its own so that the kernel shares the cores among all. Exits with 1 when a document was stopped for its time.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common import FALDONE, REPOSITORY, machine, small_files, table, watch


@contextmanager
def busy(others: int) -> Iterator[None]:
    """Have so many others want the cores."""
    command = [sys.executable, "-c", "while True: pass"]
    started = [subprocess.Popen(command, start_new_session=True) for _ in range(others)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def main() -> None:
    """Index once among the others, and say what became of the documents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=REPOSITORY / "samples" / "documents")
    parser.add_argument("--others", type=int, default=30)
    parser.add_argument("--files", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small_files(Path(folder) / "small", given.files)
        command = [FALDONE, "index", str(given.folder.absolute()), f"{folder}/small", "--json"]
        with busy(given.others):
            done = watch(command, Path(folder) / "home")
            load = machine()
    result = done.result()
    kinds = Counter(failure["kind"] for failure in result["failures"])
    counts = result["documents"]
    print(load)
    table(
        ["others at work", "documents", "indexed", "in quarantine", "by kind", "s", "processor s"],
        [
            [
                given.others,
                counts["found"] + counts["attachments"],
                counts["indexed"],
                counts["in_quarantine"],
                dict(kinds) or "none",
                f"{done.seconds:.0f}",
                f"{done.cpu:.0f}",
            ]
        ],
    )
    sys.exit(bool(kinds["timeout"] or kinds["crash"]))


if __name__ == "__main__":
    main()
