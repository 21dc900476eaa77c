"""The flow `collect`: one saved source from its place to its reports, or, without a name, a job for each that is due.

The deployment `collect/sources` runs it every minute without a name; each source then runs as a job of its own
(`collect/source`), and never twice at once: a source whose job is still there is not handed in, and its lane is a lock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from prefect import flow, task
from prefect.deployments import run_deployment
from prefect.runtime import flow_run
from pydantic import Field

from flows.analyse import analyse
from flows.export import export
from flows.index import index
from flows.observe import retry, table
from flows.upkeep import api
from infra import imap
from infra.errors import first_line
from infra.locks import one_at_a_time
from infra.prefect_api import ENDED
from infra.settings import Settings, load
from infra.stop import StopRequested
from tasks.collect import saved, spool
from tasks.collect.saved import Source, Step
from tasks.export.chain import Part, combine

SETTLE = 5.0  # s without a write after which a file counts as whole
DEPLOYMENT = "collect/source"

fetch = task(name="fetch messages", **retry())(spool.fetch)


def _run_name() -> str:
    return f"collect-{flow_run.parameters.get('source') or 'due'}"


@flow(name="collect", flow_run_name=_run_name, validate_parameters=True)
def collect(
    source: Annotated[str, Field(description="A saved source; empty: hand in a job for each that is due.")] = "",
) -> dict[str, Any]:
    """Collect a saved source: fetch, index, and what is to follow; without a name hand in those that are due.

    Args:
        source: Name of a saved source; empty means each that is due, as a job of its own.
    """
    settings = load()
    if not source:
        return hand_in(settings)
    with one_at_a_time(settings, f"source-{source}"):
        return gather(settings, saved.begin(settings, source))


# ---- every minute ----------------------------------------------------------------------------------------------------


def hand_in(settings: Settings) -> dict[str, Any]:
    """Hand in a job for each source that is due, unless its last one is still there."""
    now = datetime.now(UTC)
    due = [one.name for one in saved.due(settings, now)]
    busy = sorted(at_work() & set(due)) if due else []
    begun = [name for name in due if name not in busy]
    for name in begun:
        run_deployment(
            DEPLOYMENT,
            parameters={"source": name},
            flow_run_name=f"collect-{name}",
            idempotency_key=f"{name}-{now:%Y%m%d%H%M}",
            timeout=0,
            as_subflow=False,
        )
    return {"status": "completed", "begun": begun, "still_running": busy}


@task(name="find jobs of sources", **retry(2))
def at_work() -> set[str]:
    """Name the sources whose job waits or runs."""
    server = api()
    if server is None:
        return set()
    left = [state for state in ("SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING") if state not in ENDED]
    body = {"flow_runs": {"tags": {"all_": ["collect"]}, "state": {"type": {"any_": left}}}}
    return {str(run["parameters"].get("source", "")) for run in server.pages("/flow_runs/filter", body)}


# ---- one source ------------------------------------------------------------------------------------------------------


def gather(settings: Settings, source: Source) -> dict[str, Any]:
    """Take a source through its parts, and write down how it went however it ends."""
    owed = source.owed
    try:
        fetched = fetch(settings, source) if imap.is_mailbox(source.location) else None
        place = str(fetched.folder) if fetched else source.location
        # noted first: a job that ends between the index and what follows it would find nothing changed when it is run again
        owed = bool(source.then)
        if owed and not source.owed:
            saved.change(settings, source.name, owed=True)
        parts = [Part("index", index([place], source.collection, prune=source.prune, settle=SETTLE))]
        owed = owed and (source.owed or saved.has_changed(parts[0].result))
        parts += [follow(step, source.collection) for step in source.steps if owed]
    except StopRequested:
        raise  # the job goes on later
    except Exception as error:
        saved.fail(settings, source.name, first_line(error), owed)
        show(settings)
        raise
    result = combine(source.collection, parts)
    notes = fetched.notes(settings.limits.file_size) if fetched else []
    done = saved.finish(
        settings, source.name, parts[0].result, len(result["failures"]), notes, fetched.new if fetched else 0
    )
    show(settings)
    return result | {"source": done.as_json(), "notes": notes}


def follow(step: Step, collection: str) -> Part:
    """Do what follows the index. The names of types and templates were checked when the source was saved."""
    given: dict[str, Any] = {"collection": collection}
    given |= {"type": step.name} if step.kind == "analyse" else {"template": step.name, "language": step.language}
    result: dict[str, Any] = analyse(**given) if step.kind == "analyse" else export(**given)
    return Part(f"{step.kind} {step.name}", result)


def show(settings: Settings) -> None:
    """Publish every source with its last result and next run."""
    columns = "name collection location status message indexed waiting failures finished_at next_at".split()
    rows = saved.as_rows(settings)
    table("sources", [{name: row[name] for name in columns} for row in rows], f"{len(rows)} sources")
