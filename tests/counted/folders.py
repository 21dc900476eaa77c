"""Print lines and branches that the tests ran, by folder, as a Markdown table; run by `make coverage`."""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path


def counts() -> dict[str, Counter[str]]:
    """Return folder → counts, of floors and of the folders right below `tasks` and `deployments`."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "coverage.json")
        subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", str(report)], check=True)
        files = json.loads(report.read_text())["files"]
    found: dict[str, Counter[str]] = {}
    for name, about in sorted(files.items()):
        floor, _, rest = name.partition("/")
        inner = [f"{floor}/{rest.partition('/')[0]}"] if floor in {"tasks", "deployments"} and "/" in rest else []
        for folder in (floor, *inner):
            found.setdefault(folder, Counter()).update(about["summary"])
    return found


def main() -> None:
    print("| folder | statements | lines | branches | branches missed |\n|---|---:|---:|---:|---:|")
    for folder, of in sorted(counts().items()):
        lines = 100 * of["covered_lines"] / of["num_statements"]
        branches = 100 * of["covered_branches"] / max(1, of["num_branches"])
        missed = of["num_branches"] - of["covered_branches"]
        print(f"| `{folder}` | {of['num_statements']:,} | {lines:.1f} % | {branches:.1f} % | {missed:,} |")


if __name__ == "__main__":
    main()
