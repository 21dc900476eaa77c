"""Fit the weights of search on one half of the questions, and report the other half; `finding.py fit` gives it every set.

    python benchmarks/fusion.py SET… [--write] [--keep FILE]      (with FALDONE_HOME set)

A SET is NAME:COLLECTION:QUESTIONS[:RELEVANT[:MOST]], as `faldone evaluate` takes them, of at most MOST questions. The halves are those
of `faldone evaluate`: weights are fitted on the first and never see the second. Every set weighs the same, however many questions it
has. Fitted is a listwise softmax (Cao and others, ICML 2007): the log of the share that relevant candidates have of all, with a small
penalty of the squares and no weight below 0. --write puts the weights into `tasks/fusion/weights.json` with what they were made from;
--keep stores the candidates' features, and --kept fits stored ones without searching.
"""

from __future__ import annotations

import argparse
import json
import pickle
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from common import REPOSITORY, table
from scipy.optimize import minimize

from infra.encoders import load_encoders
from infra.lake import Lake
from infra.settings import load
from tasks.evaluate.compare import interval
from tasks.evaluate.measures import Place, measure
from tasks.evaluate.questions import Question, load_questions
from tasks.fusion import FEATURES, load_weights
from tasks.search import PAGED, Searcher

WEIGHTS = REPOSITORY / "tasks" / "fusion" / "weights.json"
PENALTY = 1e-4
REPORTED = ("document_hit@1", "document_ndcg@10", "page_hit@10", "page_mrr")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of a set: its candidates' features, where each would lead, and which are relevant."""

    name: str
    question: Question
    features: Floats
    places: list[tuple[str, Place]]
    relevant: npt.NDArray[np.bool_]


def ask(name: str, collection: str, questions: str, relevant: str = "", most: str = "") -> Iterator[Asked]:
    """Ask the questions of a set; of more than `most` those whose ids come first when read backwards."""
    searcher = Searcher(Lake(load().root), load_encoders(load()), collection)
    found = load_questions(Path(questions), Path(relevant) if relevant else None)
    if most:
        found = sorted(found, key=lambda question: question.id[::-1])[: int(most)]
    for question in found:
        evidence = searcher.evidence(question.query)
        rows = list(evidence.candidates.rows.values())
        places = [Place(r["document_id"], r["path"], r["page_first"], r["page_last"]) for r in rows]
        keys = [f"{r['document_id']} {r['page_first']}" if r["format"] in PAGED else r["chunk_id"] for r in rows]
        right = np.array([_is_relevant(question, place) for place in places], bool)
        yield Asked(name, question, evidence.features, list(zip(keys, places, strict=True)), right)


def _is_relevant(question: Question, place: Place) -> bool:
    values = measure(question, [place])
    return values.get("page_hit@1", values["document_hit@1"]) > 0


def fit(asked: Sequence[Asked]) -> Floats:
    """Fit the weights on questions of which some but not all candidates are relevant, as multiples of the weight of `words`."""
    useful = [one for one in asked if one.relevant.any() and not one.relevant.all()]
    sizes = Counter(one.name for one in useful)
    matrix = np.concatenate([one.features for one in useful])
    relevant = np.concatenate([one.relevant for one in useful])
    starts = np.cumsum([0, *(len(one.features) for one in useful)])[:-1]
    group = np.repeat(np.arange(len(useful)), [len(one.features) for one in useful])
    share = np.array([1 / sizes[one.name] / len(sizes) for one in useful])

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = matrix @ weights
        grown = np.exp(scores - np.maximum.reduceat(scores, starts)[group])
        whole, right = np.add.reduceat(grown, starts), np.add.reduceat(grown * relevant, starts)
        slope = matrix.T @ ((share / whole)[group] * grown - (share / right)[group] * grown * relevant)
        value = -(share * np.log(right / whole)).sum() + PENALTY * (weights @ weights)
        return float(value), slope + 2 * PENALTY * weights

    found = minimize(loss, np.ones(len(FEATURES)), jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(FEATURES))
    weights: Floats = found.x / found.x[0]
    return weights


def measured(asked: Sequence[Asked], weights: Floats) -> dict[tuple[str, str], list[float]]:
    """Measure the first ten places of each question by the weighted sum alone, without what `tasks.search.rank` does after it."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in asked:
        order = np.argsort(-(one.features @ weights), kind="stable")
        shown: dict[str, Place] = {}
        for number in order:
            key, place = one.places[number]
            shown.setdefault(key, place)
            if len(shown) == 10:
                break
        for name, value in measure(one.question, list(shown.values())).items():
            values[one.name, name].append(value)
    return values


def report(asked: Sequence[Asked], weights: Floats) -> None:
    """Print each set's measures on both halves, with the interval of the second."""
    halves = {
        half: measured([one for one in asked if one.question.half == half], weights) for half in ("first", "second")
    }
    rows = []
    for (name, value), column in halves["second"].items():
        if value in REPORTED:
            low, high = interval(value, column)
            first = halves["first"].get((name, value), [np.nan])
            rows.append(
                [name, value, len(column), f"{np.mean(first):.3f}", f"{np.mean(column):.3f} [{low:.3f}, {high:.3f}]"]
            )
    table(["set", "measure", "questions", "first half (fitted)", "second half (unseen)"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--keep", type=Path, help="store the features of all questions here")
    parser.add_argument("--kept", type=Path, nargs="*", default=[], help="files of --keep, in place of searching again")
    parser.add_argument("--as-is", action="store_true", help="report the stored weights, fit nothing")
    given = parser.parse_args()
    asked = [one for each in given.sets for one in ask(*each.split(":"))]
    asked += [one for file in given.kept for one in pickle.loads(file.read_bytes())]
    if given.keep:
        given.keep.write_bytes(pickle.dumps(asked))
    first = [one for one in asked if one.question.half == "first"]
    weights = load_weights() if given.as_is else fit(first)
    made = {name: round(float(weight), 3) for name, weight in zip(FEATURES, weights, strict=True)}
    print(json.dumps(made))
    report(asked, weights)
    if given.write:
        sizes = Counter(one.name for one in first)
        about = {
            "weights": made,
            "made_by": "benchmarks/fusion.py",
            "questions_of_the_first_half": dict(sizes),
        }
        WEIGHTS.write_text(json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    main()
