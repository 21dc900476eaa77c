"""The rounds of benchmarks/hosts.py on disk, one JSON line each, and the table that docs/containers.md shows of them.

python benchmarks/hosts_rounds.py ROUNDS.jsonl…
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from common import table

UNNOTICED = {"worker-killed"}  # its batch is done elsewhere at once: nobody waits
LONG = 30.0  # s that a job may wait beyond an undisturbed run without a word


@dataclass(frozen=True, slots=True)
class Round:
    """A fault over a job. Seconds count from where the first job's flow begins; `calm` is what an undisturbed run takes from there."""

    fault: str
    during: str
    seed: int
    moment: float  # s after which the fault came
    seconds: float
    calm: float
    attempts: str
    said: str  # the first line that names what was away; "" for none
    wrong: dict[str, int]
    late: bool  # the jobs had ended before the fault came: this shows nothing
    load: float
    what: str

    @property
    def key(self) -> tuple[str, str, int]:
        return self.fault, self.during, self.seed

    @property
    def silent(self) -> bool:
        """Say whether the job waited for long and nothing was said."""
        return self.fault not in UNNOTICED and not self.said and self.seconds - self.calm > LONG

    def line(self) -> str:
        """Return the round in one line."""
        told = "late" if self.late else json.dumps(self.wrong) if self.wrong else "good"
        head = f"{self.fault} {self.during} seed {self.seed}: {told}, {self.seconds:.0f} s (calm {self.calm:.0f})"
        return f"{head}, after {self.moment:.1f} s, attempts {self.attempts}, load {self.load:.0f}; {self.said or '–'}"


def keep(file: Path, one: Round) -> None:
    """Add a round."""
    with file.open("a") as out:
        out.write(json.dumps(asdict(one)) + "\n")


def kept(files: Iterable[Path]) -> list[Round]:
    """Return the rounds of some files; of one that was run again, the last."""
    found = {}
    for file in files:
        for line in file.read_text().splitlines() if file.exists() else ():
            one = Round(**json.loads(line))
            found[one.key] = one
    return list(found.values())


def show(rounds: Iterable[Round]) -> None:
    """Print one row for each fault and job."""
    groups: dict[tuple[str, str], list[Round]] = {}
    for one in rounds:
        groups.setdefault((one.fault, one.during), []).append(one)
    rows = []
    for (fault, during), ones in sorted(groups.items(), key=lambda item: (item[0][1], item[0][0])):
        met = [one for one in ones if not one.late]
        seconds = [one.seconds - one.calm for one in met]
        span = f"{statistics.median(seconds):.0f}, {max(seconds):.0f}" if seconds else "–"
        said = [one.said for one in met if one.said]
        words = f"{len(said)} of {len(met)}: {min(said, key=len)[:110]}" if said else "–"
        attempts = max((one.attempts for one in met), default="–")
        good = sum(not one.wrong for one in met)
        rows.append([fault, during, len(met), good, span, attempts, words, sum(one.silent for one in met)])
    table(["fault", "during", "met", "good", "s more: median, longest", "attempts", "said", "silent"], rows)


if __name__ == "__main__":
    show(kept(map(Path, sys.argv[1:])))
