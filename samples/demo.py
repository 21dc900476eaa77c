"""The main job on the sample documents: index, search, analyse, and a PDF report. Run it with `make demo`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FALDONE = str(Path(sys.executable).with_name("faldone"))
REPORT = Path("demo-report.pdf").resolve()


def faldone(*arguments: str, capture: bool = False) -> str:
    """Run a verb; some documents in quarantine (status 3) is what the broken samples are for."""
    shown = " ".join(a if " " not in a else f'"{a}"' for a in arguments)
    print(f"\n$ faldone {shown}", flush=True)
    done = subprocess.run([FALDONE, *arguments], stdout=subprocess.PIPE if capture else None, text=True, check=False)
    if done.returncode not in (0, 3):
        sys.exit(done.returncode)
    return done.stdout or ""


def main() -> None:
    os.environ.setdefault("FALDONE_HOME", str(Path(".faldone").resolve()))
    faldone("index", str(HERE / "documents"), str(HERE / "broken"), "--collection", "demo")
    faldone("search", "debiti esigibili entro l'esercizio successivo", "--collection", "demo", "-k", "3")
    faldone("search", "operating cash flow and capital expenditure", "--collection", "demo", "-k", "3")
    answer = json.loads(faldone("analyse", "--type", "financial", "--collection", "demo", "--json", capture=True))
    figures = sum(len(result.get("figures", [])) for result in answer["results"])
    print(f"{answer['successful']} of {answer['total']} documents analysed, {figures} figures found")
    faldone("export", "--collection", "demo", "--template", "financial", "--language", "it", "--output", str(REPORT))
    print(f"""
The report is {REPORT}

Try next:
  {FALDONE} documents list --collection demo --state quarantined
  {FALDONE} search "clausola penale" --collection demo
  {FALDONE} analyse --type comprehensive --collection demo --document montescaro-contratto-fornitura.docx
  {FALDONE} up        the lasting platform with its web page, schedules and queues""")


if __name__ == "__main__":
    main()
