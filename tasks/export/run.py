"""The job `export`, whole: collect from the lake, compose the story, render the PDF; and where the file goes.

A plain function: the flow adds Prefect's run and its progress artifact, the weekly report gives its own material.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path

from infra import stop
from infra.errors import UsageError
from infra.files import is_url
from infra.lake import Lake
from infra.machine import written_beside
from infra.outputs import delivered
from infra.settings import Settings
from tasks.export.collect import Progress, collect
from tasks.export.crops import crops_of
from tasks.export.papers import collect_papers
from tasks.export.records import Material
from tasks.export.report import render
from tasks.export.sheets import as_workbook
from tasks.export.templates import Template, template
from tasks.export.weekly_figures import weekly_figures
from tasks.export.words import Words
from tasks.progress import Progress as JobProgress


@dataclass(frozen=True, slots=True)
class Exported:
    """The receipt of an export: where the file is, its pages and bytes, and the seconds it took."""

    status: str
    path: str
    pages: int
    bytes: int
    seconds: float

    def as_json(self) -> dict[str, str | int | float]:
        return asdict(self)


def silent(stage: str, done: int, total: int) -> None:
    """Report no progress, for those who do not look."""


def following(progress: JobProgress) -> Progress:
    """Return a callback that moves a job's progress, and stops where the job is asked to.

    Nothing is kept of a report that is not whole, so it may stop anywhere.
    """

    def report(stage: str, done: int, total: int) -> None:
        stop.check()
        progress.reach(stage, done, total)

    return report


def export(
    settings: Settings,
    collection: str,
    documents: Sequence[str] = (),
    template_name: str = "analysis",
    output: str = "",
    language: str = "en",
    progress: Progress = silent,
    on: str = "",
    office: Sequence[str] = (),
) -> Exported:
    """Write a report on a collection, or on some of its documents.

    Args:
        documents: ids or paths; none means the whole collection.
        output: a file that ends in .pdf (or .xlsx for reports that are tables), or a folder, here or as a URL; "" means the data
            folder's `exports`.
        on: the day of a report on due dates, ISO; "" means today.
        office: VAT numbers of the firm whose papers these are; none means those of the settings.

    Raises:
        UsageError: an unknown template, language, day or document, or an output that cannot be written.
    """
    chosen = template(template_name)  # what the user can mend is said before any work is done
    Words(language)
    day = _day(on)
    destination(settings, collection, template_name, output)
    lake = Lake(settings.root)
    material = collect(lake, collection, documents, progress, chosen.intake)
    if template_name == "weekly":
        material = replace(material, week=weekly_figures(material, Words(language)))
    if template_name == "financial":
        material = replace(material, crops=crops_of(material))
    if chosen.tables is not None:
        ids = [entry.document_id for entry in material.entries] if documents else []
        material = replace(material, papers=collect_papers(lake, collection, office or settings.office, day, ids))
    return write(settings, material, template_name, output, language, progress)


def _day(text: str) -> date:
    """Return a day in ISO form, today for none.

    Raises:
        UsageError: the text is not a day.
    """
    try:
        return date.fromisoformat(text) if text else date.today()
    except ValueError:
        raise UsageError(f"--on {text}: write a day as 2026-04-01") from None


def write(
    settings: Settings,
    material: Material,
    template_name: str,
    output: str = "",
    language: str = "en",
    progress: Progress = silent,
) -> Exported:
    """Compose and render material that is already at hand."""
    began = time.perf_counter()
    words = Words(language)
    progress("compose", 0, 1)
    chosen = template(template_name)
    target = destination(settings, material.collection, template_name, output)
    if target.lower().endswith(".xlsx") and (chosen.tables is None or material.papers is None):
        raise UsageError(f"--output {output}: the report {template_name} is written as PDF only")
    with _written(target) as file:
        pages = _compose(chosen, material, words, file, progress)
        size = file.stat().st_size
    return Exported("completed", target, pages, size, round(time.perf_counter() - began, 3))


def _compose(chosen: Template, material: Material, words: Words, file: Path, progress: Progress) -> int:
    """Write a report into a file of this machine and return its number of pages, 0 of a workbook."""
    if file.suffix.lower() != ".xlsx" or chosen.tables is None or material.papers is None:
        report = chosen.compose(material, words)
        progress("compose", 1, 1)
        return render(report, file, progress)
    workbook = as_workbook(chosen.tables(material.papers, words))
    try:
        with written_beside(file) as beside:
            beside.write_bytes(workbook)
    except OSError as error:
        raise UsageError(f"cannot write the report {file}: {error.strerror or error}") from error
    progress("compose", 1, 1)
    return 0


def _written(target: str) -> AbstractContextManager[Path]:
    """Give a file of this machine to write to: the target itself, which the writers replace whole, or one that is sent to its URL."""
    return delivered(target) if is_url(target) else nullcontext(Path(target))


def exports_folder(settings: Settings) -> str:
    """Return where reports go when no output is given, a folder or a URL; cleanup removes old ones from here."""
    return f"{settings.root}/exports"


def destination(settings: Settings, collection: str, template_name: str, output: str) -> str:
    """Return the path or URL of the file to write: the one named, or a name of its own in the folder named.

    Raises:
        UsageError: the output is neither a folder nor a name that ends in .pdf.
    """
    if not output:
        return f"{exports_folder(settings)}/{unique_name(collection, template_name)}"
    if is_url(output) and output.endswith("/"):
        return output + unique_name(collection, template_name)
    path = Path(output) if is_url(output) else Path(output).expanduser().absolute()
    if not is_url(output) and (path.is_dir() or output.endswith(("/", "\\"))):
        return str(path / unique_name(collection, template_name))
    endings = (".pdf", ".xlsx") if template(template_name).tables else (".pdf",)
    if path.suffix.lower() not in endings:
        names = " or ".join(endings)
        raise UsageError(
            f"--output {output}: give a folder that exists (or ends in /), or a file name ending in {names}"
        )
    return output if is_url(output) else str(path)


def unique_name(collection: str, template_name: str) -> str:
    """Return `collection-template-20261120-093000-a1b2c3.pdf`: sorts by time and never meets another."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", collection).strip("-")[:60] or "report"
    return f"{stem}-{template_name}-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}.pdf"
