"""The weekly report's figures: from the ledgers, the Prefect API, the backups and the disk; nothing is remembered here.

What cannot be known is left out and said in `notes`: without an API there are no queues and schedules, without a
backup of the week before no growth. Days are those of the reporting zone.
"""

from __future__ import annotations

import shutil
from datetime import date, timedelta

from infra import mail
from infra.files import read_bytes
from infra.lake import Lake
from infra.prefect_api import Api
from infra.settings import Settings
from tasks.export.records import Week
from tasks.export.words import Words
from tasks.maintain.weekly import documents, events, growth, runs
from tasks.maintain.weekly.collected import collected
from tasks.maintain.weekly.period import Notes, span


def gather(settings: Settings, api: Api | None = None, ending: date | None = None, language: str = "en") -> Week:
    """Gather everything that the weekly report shows.

    Args:
        api: Prefect's API, where one answers.
        ending: the last day; by default as `span` says.
        language: of its sentences.
    """
    week, said, lake = span(ending), Notes(Words(language)), Lake(settings.root)
    entries = documents.entries(lake)
    done, expected = runs.due(api, week, said)
    sources = collected(lake, said)
    growth.drills(settings, said)
    hits, misses = events.cache_counts(settings, said)
    return Week(
        first=week.first,
        last=week.last,
        days=documents.days(entries, week),
        failures=documents.failures(entries, week),
        queues=runs.queues(done),
        schedules=runs.schedules(done, said, expected),
        collections=growth.collections(settings, lake, week, said),
        analyses=growth.analyses(lake, week, said),
        models=growth.models(settings, week),
        alerts=events.alerts(settings, week),
        needs=(*said.needs, *documents.open_needs(settings, entries, said.words)),
        cache_hits=hits,
        cache_misses=misses,
        disk_free=shutil.disk_usage(settings.scratch).free if settings.scratch.exists() else None,
        indexed_before=documents.indexed(entries, week.begin - timedelta(days=7), week.begin),
        notes=tuple(said.notes),
        sources=sources,
    )


def send(settings: Settings, week: Week, path: str, language: str) -> bool:
    """Mail the report at a path or URL to the recipients of FALDONE_SMTP_URL; False where none is set."""
    subject, text = letter(week, language)
    return mail.send(settings, subject, text, [(path.rpartition("/")[2], read_bytes(path))])


def letter(week: Week, language: str) -> tuple[str, str]:
    """Return subject and text of the mail that carries the report."""
    indexed, failed = sum(day.indexed for day in week.days), sum(group.count for group in week.failures)
    if language == "it":
        subject = f"Faldone: settimana {week.first:%d/%m/%Y}–{week.last:%d/%m/%Y}"
        lines = [f"Documenti indicizzati: {indexed}", f"Documenti non letti: {failed}"]
        lines += ["", "Serve una persona per:"] if week.needs else ["", "Nulla richiede una persona."]
    else:
        subject = f"Faldone: week {week.first:%d %b %Y} – {week.last:%d %b %Y}"
        lines = [f"Documents indexed: {indexed}", f"Documents not read: {failed}"]
        lines += ["", "Needs a person:"] if week.needs else ["", "Nothing needs a person."]
    return subject, "\n".join([*lines, *(f"- {need}" for need in week.needs)]) + "\n"
