"""What search finds, on every set of questions: prepare the collections once, score them, or fit the weights anew.

    python benchmarks/finding.py prepare DATA
    python benchmarks/finding.py score DATA [--half second] [--only SET…] [--keep FILE] [--against FILE]
    python benchmarks/finding.py fit DATA [--write]          (each with FALDONE_HOME set, which keeps everything)

`score` asks the whole search, as `faldone search` does, and prints each measure with its interval; against the answers kept by another run,
also how many questions went better and worse, and the paired test. `fit` runs `benchmarks/fusion.py` on the first halves of all sets but the
invented filings, with the features of what is searched now.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from common import REPOSITORY, machine, table
from finding_sets import Asked, prepare, sets

from infra.encoders import load_encoders
from infra.lake import Lake
from infra.settings import load
from tasks.evaluate.compare import compare, interval
from tasks.evaluate.measures import Place, measure
from tasks.evaluate.questions import load_questions
from tasks.search import Searcher

REPORTED = ("document_hit@1", "document_ndcg@10", "page_hit@10", "page_mrr")

Values = dict[str, dict[str, dict[str, float]]]


def answers(asked: Asked, half: str) -> dict[str, dict[str, float]]:
    """Return the measures of each question of a half, by its id."""
    searcher = Searcher(Lake(load().root), load_encoders(load()), asked.collection)
    questions = load_questions(asked.questions, asked.relevant)
    if asked.most:
        questions = sorted(questions, key=lambda question: question.id[::-1])[: asked.most]
    found = {}
    for question in questions:
        if half in ("both", question.half):
            hits = searcher.search(question.query).hits
            places = [Place(h.document_id, h.path, h.page_first, h.page_last, h.copies) for h in hits]
            found[question.id] = measure(question, places)
    return found


def report(values: Values, before: Values) -> None:
    """Print measures with intervals, and beside those of another run what changed."""
    rows: list[list[object]] = []
    for name, found in values.items():
        columns: dict[str, list[str]] = defaultdict(list)
        for question, own in found.items():
            for measured in own:
                columns[measured].append(question)
        for measured in REPORTED:
            ids = columns.get(measured, [])
            if not ids:
                continue
            column = [found[question][measured] for question in ids]
            low, high = interval(measured, column)
            row: list[object] = [name, measured, len(ids), f"{sum(column) / len(ids):.3f} [{low:.3f}, {high:.3f}]"]
            known = before.get(name, {})
            if both := [question for question in ids if measured in known.get(question, {})]:
                old, new = ([part[q][measured] for q in both] for part in (known, found))
                test = compare(measured, old, new)
                row += [f"{test.before:.3f}", f"+{test.better} −{test.worse}", f"{test.p:.3f}"]
            rows.append(row)
    head = ["set", "measure", "questions", "value"]
    table(head + (["before", "better, worse", "p"] if before else []), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["prepare", "score", "fit"])
    parser.add_argument("data", type=Path)
    parser.add_argument("--half", choices=["first", "second", "both"], default="second")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--keep", type=Path, help="store the measures of each question here")
    parser.add_argument("--against", type=Path, help="measures kept by another run")
    parser.add_argument("--write", action="store_true", help="store the fitted weights")
    given = parser.parse_args()
    home = Path(os.environ["FALDONE_HOME"])
    folder = home / "sets"
    if given.what == "prepare":
        prepare(given.data, folder, home)
        return
    chosen = [one for one in sets(given.data, folder) if not given.only or one.name in given.only]
    if given.what == "fit":
        fusion = str(REPOSITORY / "benchmarks" / "fusion.py")
        arguments = [one.as_argument() for one in chosen if one.fitted]
        raise SystemExit(subprocess.call([sys.executable, fusion, *arguments, *(["--write"] if given.write else [])]))
    print(machine())
    values = {one.name: answers(one, given.half) for one in chosen}
    if given.keep:
        given.keep.write_text(json.dumps(values))
    report(values, json.loads(given.against.read_text()) if given.against else {})


if __name__ == "__main__":
    main()
