"""The flow `report`: the week in a PDF, by mail when that is configured."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from prefect import flow, task
from pydantic import Field

from flows.observe import retry, table
from flows.upkeep import api
from infra.locks import one_at_a_time
from infra.settings import load
from tasks.export.records import Material
from tasks.export.run import write
from tasks.maintain import weekly

gather = task(name="gather the week", **retry(2))(weekly.gather)
write_pdf = task(name="write the report", **retry(0))(write)
send = task(name="mail the report", **retry())(weekly.send)


@flow(name="report", flow_run_name="report", validate_parameters=True)
def report(
    ending: Annotated[
        date | None, Field(description="The week's last day; none means today, on Mondays Sunday.")
    ] = None,
    output: Annotated[str, Field(description="A file ending in .pdf, or a folder; a path or a URL.")] = "",
    language: Annotated[Literal["en", "it"], Field(description="Language of the report.")] = "en",
) -> dict[str, Any]:
    """Write the weekly report: work, failures, queues, schedules, storage, alerts, what needs a person; and mail it.

    Args:
        ending: The last of the seven days; none means today, or Sunday when it is Monday.
        output: A file ending in .pdf, or a folder; empty means the data folder's exports.
        language: Language of the report.
    """
    settings = load()
    with one_at_a_time(settings, "report"):
        week = gather(settings, api(), ending, language)
        material = Material("platform", datetime.now(UTC), week=week)
        written = write_pdf(settings, material, "weekly", output, language)
    mailed = send(settings, week, written.path, language)
    result = written.as_json() | {"mailed": mailed, "first": str(week.first), "last": str(week.last)}
    table("report", [result], f"{week.first} to {week.last}")
    return result
