"""The whole command `faldone index` on PDFs, start-up included, beside LlamaIndex's IngestionPipeline on the same files and encoder.

    python benchmarks/index.py FILE.pdf… --peer PEER_PYTHON [--rounds 2]

PEER_PYTHON is the Python of an environment of its own with `torch==2.13.0` and the packages of the extra `bench`. The two take turns, each
as a new process with an empty store. Without --peer only Faldone runs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from common import FALDONE, REPOSITORY, Watched, machine, median, table, watch

from infra.models import model_folder


def ours(files: list[str], home: Path) -> Watched:
    """One run of the command on an empty data folder."""
    return watch([FALDONE, "index", *files, "--collection", "bench", "--json"], home)


def theirs(files: list[str], store: Path, python: str) -> Watched:
    """One run of the peer."""
    command = [python, str(REPOSITORY / "benchmarks" / "peer.py"), str(model_folder("bundled")), str(store), *files]
    return watch(command, HF_HUB_OFFLINE="1", PYTHONPATH="")


def pages_of(files: list[str]) -> int:
    """Pages of the PDFs, counted by one reader for both."""
    import pypdfium2

    return sum(len(pypdfium2.PdfDocument(file)) for file in files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--peer", default="")
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    pages = pages_of(given.files)
    runs: dict[str, list[Watched]] = {"faldone index": [], "LlamaIndex": []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(given.rounds):
            runs["faldone index"].append(ours(given.files, Path(folder) / f"home{number}"))
            if given.peer:
                runs["LlamaIndex"].append(theirs(given.files, Path(folder) / f"store{number}", given.peer))
            print(
                f"round {number + 1}",
                {name: [round(r.seconds, 1) for r in ran] for name, ran in runs.items()},
                file=sys.stderr,
            )
    report(runs, pages, len(given.files))


def report(runs: dict[str, list[Watched]], pages: int, files: int) -> None:
    """Print pages a second of both, and the ratio."""
    print(machine())
    print(f"{files} files, {pages:,} pages")
    rows, rates = [], []
    for name, ran in runs.items():
        if not ran:
            continue
        seconds, cpu = median([one.seconds for one in ran]), median([one.cpu for one in ran])
        rates.append((pages / seconds, pages / cpu))
        peak = max(max(one.peaks.values()) for one in ran) / 2**20
        rows.append(
            [name, ran[0].result()["chunks"], f"{pages / seconds:.1f}", f"{pages / cpu:.1f}", f"{peak:.0f} MiB"]
        )
    table(["", "chunks", "pages/s", "pages per processor second", "largest process"], rows)
    if len(rates) == 2:
        print(f"ratio {rates[0][0] / rates[1][0]:.1f} by the clock, {rates[0][1] / rates[1][1]:.1f} by processor time")


if __name__ == "__main__":
    main()
