"""The flow `report`: the week in a PDF, by mail when that is configured."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from prefect import flow, task
from pydantic import Field

from flows.observe import retry, table
from flows.upkeep import api
from infra import mail
from infra.locks import one_at_a_time
from infra.settings import load
from tasks.export.job import Exported, write
from tasks.export.records import Material, Week
from tasks.maintain.weekly import gather, letter


@flow(name="report", flow_run_name="report", validate_parameters=True)
def report(
    ending: Annotated[
        date | None, Field(description="The week's last day; none means today, on Mondays Sunday.")
    ] = None,
    output: Annotated[str, Field(description="A file ending in .pdf, or a folder.")] = "",
    language: Annotated[Literal["en", "it"], Field(description="Language of the report.")] = "en",
) -> dict[str, Any]:
    """Write the weekly report: work, failures, queues, schedules, storage, alerts, what needs a person; and mail it.

    Args:
        ending: The last of the seven days; none means today, or Sunday when it is Monday.
        output: A file ending in .pdf, or a folder; empty means the data folder's exports.
        language: Language of the report.
    """
    with one_at_a_time(load(), "report"):
        week = gather_week(ending, language)
        written = write_pdf(week, output, language)
    mailed = send(week, written, language)
    result = written.as_json() | {"mailed": mailed, "first": str(week.first), "last": str(week.last)}
    table("report", [result], f"{week.first} to {week.last}")
    return result


@task(name="gather the week", **retry(2))
def gather_week(ending: date | None, language: str) -> Week:
    """From the ledgers, the API, the backups and the disk."""
    return gather(load(), api(), ending, language)


@task(name="write the report", **retry(0))
def write_pdf(week: Week, output: str, language: str) -> Exported:
    """Compose and render."""
    return write(load(), Material("platform", datetime.now(UTC), week=week), "weekly", output, language)


@task(name="mail the report", **retry())
def send(week: Week, written: Exported, language: str) -> bool:
    """Send it to the recipients of FALDONE_SMTP_URL; False where none is set."""
    subject, text = letter(week, language)
    path = Path(written.path)
    return mail.send(load(), subject, text, [(path.name, path.read_bytes())])
