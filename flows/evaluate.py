"""The flow `evaluate`: ask each collection the questions that are stored with it, and fail when search became worse."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow, task
from pydantic import Field

from flows.observe import retry, table
from flows.upkeep import finish
from tasks.evaluate.nightly import collections_with_questions, measure_collection

named = task(name="find stored questions", **retry(2))(collections_with_questions)
measured = task(name="measure", task_run_name="measure {collection}", **retry(2))(measure_collection)


@flow(name="evaluate", flow_run_name="evaluate", validate_parameters=True)
def evaluate(
    collection: Annotated[str, Field(description="One collection; empty means each that has stored questions.")] = "",
) -> dict[str, Any]:
    """Measure retrieval over the stored questions, compare with the run before, and fail on a significant fall.

    Args:
        collection: One collection; empty means each that has stored questions.
    """
    found = [measured(name) for name in named(collection)]
    table("retrieval", [{"collection": run["collection"], **run["measures"]} for run in found], "Stored questions")
    faults = [f"{run['collection']}: {fault}" for run in found for fault in run["faults"]]
    return finish({"status": "failed" if faults else "completed", "runs": found}, "; ".join(faults))
