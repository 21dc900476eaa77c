"""The nightly measurement: each collection with stored questions, against the run before."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from infra.encoders import load_encoders
from infra.errors import UsageError
from infra.lake import Lake
from infra.lanes import writer_lane
from infra.settings import load
from tasks.collection import tables
from tasks.collection.evaluations import QUESTIONS
from tasks.evaluate import runs
from tasks.search import Searcher


def collections_with_questions(collection: str = "") -> list[str]:
    """Name the collections that have stored questions, or only the given one.

    Raises:
        UsageError: the given collection has none.
    """
    lake = Lake(load().root)
    found = [name for name in tables.collections(lake) if QUESTIONS.exists(lake, name)]
    if not collection:
        return found
    if collection not in found:
        raise UsageError(f"collection {collection} has no stored questions: run `faldone evaluate FILE --store`")
    return [collection]


def measure_collection(collection: str) -> dict[str, Any]:
    """Measure a collection over its stored questions, keep the run, and say what fell since the one before."""
    settings = load()
    lake, encoders = Lake(settings.root), load_encoders(settings)
    questions = runs.stored_questions(lake, collection)
    configured = runs.configuration(lake, encoders, collection)
    run = runs.evaluate(Searcher(lake, encoders, collection), questions, configured=configured)
    with suppress(UsageError):  # the first run, or other questions than before: nothing to compare with
        run = replace(run, comparisons=tuple(runs.against(run, runs.earlier(lake, run, runs.LAST))))
    with writer_lane(settings, collection):
        runs.keep(lake, run)
    return run.as_json() | {"faults": runs.gate(run, {})}
