"""The verb evaluate: how well search finds what is relevant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from deployments.cli.output import CollectionOption, Exit, JsonOption, emit, errors_shown, fail, table


class Mode(StrEnum):
    """How search looks: by meaning and words, by meaning, by words."""

    HYBRID = "hybrid"
    VECTOR = "vector"
    TEXT = "text"


def evaluate(
    queries: Annotated[
        Path | None,
        typer.Argument(help="JSON lines of queries with the documents that answer them; none: the stored questions."),
    ] = None,
    relevant: Annotated[
        Path | None, typer.Option(help="What is relevant: TREC qrels, or query, document and grade.")
    ] = None,
    collection: CollectionOption = "documents",
    mode: Annotated[list[Mode] | None, typer.Option(help="May be repeated; all three when left out.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many hits count.")] = 10,
    half: Annotated[
        Literal["first", "second"] | None,
        typer.Option(
            help="Only this half of the questions, fixed by a hash of their ids: choose on one, report the other."
        ),
    ] = None,
    against: Annotated[str | None, typer.Option(help="Compare with an earlier run: `last`, or its id.")] = None,
    at_least: Annotated[
        list[str] | None, typer.Option(help="MEASURE=X: fail when the measure is below; may be repeated.")
    ] = None,
    store: Annotated[
        bool, typer.Option("--store", help="Also keep the questions with the collection, for the nightly run.")
    ] = False,
    history: Annotated[bool, typer.Option("--history", help="Only list the runs that were kept.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure how well search answers questions whose relevant documents are known.

    Each row of QUERIES has an id and a query, and either `document` or `documents` (with `pages`, where known) or its judgements in
    --relevant. Every run is kept, so that a later one can be compared with it. With --at-least or --against the command fails
    when a measure is too low or significantly worse (exact McNemar or bootstrap, p below 0.05).

    Example: faldone evaluate questions.jsonl --collection finance --mode hybrid --at-least page_hit@10=0.8
    """
    with errors_shown():
        from infra.lake import Lake
        from infra.lanes import writer_lane
        from infra.settings import load
        from tasks.evaluate import runs

        bars, settings = _bars(at_least or []), load()
        lake = Lake(settings.root)
        if history:
            _print([run.as_json() for run in runs.history(lake, collection)], as_json, collection)
            return
        questions = _questions(lake, queries, relevant, collection, half)
        if store:
            with writer_lane(settings, collection):
                runs.store_questions(lake, collection, questions)
        found, faults = [], []
        for run in _measured(settings, lake, collection, questions, mode or list(Mode), k, half):
            kept = _kept(settings, lake, run, against)
            faults += [f"{kept.mode}: {fault}" for fault in runs.gate(kept, bars)]
            found.append(kept.as_json())
        _print(found, as_json, collection, faults)


def _measured(
    settings: Any, lake: Any, collection: str, questions: Sequence[Any], modes: Sequence[Mode], k: int, half: Any
) -> Iterator[Any]:
    """Ask all questions in one mode after the other; each is a run."""
    from infra.encoders import load_encoders
    from tasks.evaluate import runs
    from tasks.search import Searcher

    encoders = load_encoders(settings)
    searcher = Searcher(lake, encoders, collection)
    configured = runs.configuration(lake, encoders, collection)
    for mode in modes:
        yield runs.evaluate(searcher, questions, mode.value, k, half, configured)


def _kept(settings: Any, lake: Any, run: Any, against: str | None) -> Any:
    """Compare a run with an earlier one, where that is asked for, and keep it."""
    from infra.lanes import writer_lane
    from tasks.evaluate import runs

    if against:
        run = replace(run, comparisons=tuple(runs.against(run, runs.earlier(lake, run, against))))
    with writer_lane(settings, run.collection):
        runs.keep(lake, run)
    return run


def _questions(lake: Any, queries: Path | None, relevant: Path | None, collection: str, half: Any) -> list[Any]:
    from tasks.evaluate.questions import load_questions
    from tasks.evaluate.runs import stored_questions

    if queries is not None:
        return load_questions(queries, relevant, half)
    if relevant is not None:
        fail("--relevant needs QUERIES", Exit.USAGE)
    found = [question for question in stored_questions(lake, collection) if half is None or question.half == half]
    if not found:
        fail(f"give QUERIES: no questions are stored with collection {collection} (see --store)", Exit.USAGE)
    return found


def _bars(at_least: list[str]) -> dict[str, float]:
    bars = {}
    for condition in at_least:
        name, separator, value = condition.partition("=")
        try:
            bars[name] = float(value)
        except ValueError:
            separator = ""
        if not separator:
            fail(f"--at-least {condition}: write MEASURE=NUMBER, e.g. page_hit@10=0.8", Exit.USAGE)
    return bars


def _print(found: list[dict[str, Any]], as_json: bool, collection: str, faults: Sequence[str] = ()) -> None:
    """Print runs; where a measure fell short, say so and end with an error."""
    if as_json:
        emit({"collection": collection, "passed": not faults, "faults": list(faults), "runs": found}, True)
    for run in found if not as_json else ():
        lines = [
            (name, f"{value:.3f}", "{:.3f} – {:.3f}".format(*run["intervals"][name]), _change(run, name))
            for name, value in run["measures"].items()
        ]
        title = f"{run['mode']}: run {run['run']} of {run['created_at'][:16]}, {run['questions']} questions"
        table(title, ["measure", "mean", "95 % interval", "before → now (p)"], lines)
    if faults:
        fail("; ".join(faults), Exit.FAILED)


def _change(run: dict[str, Any], name: str) -> str:
    one = next((c for c in run["against"] if c["measure"] == name), None)
    return f"{one['before']:.3f} → {one['after']:.3f} ({one['p']:.3f})" if one else ""
