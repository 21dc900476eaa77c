"""The week by the cache and the alerts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from infra.cache import Cache
from infra.errors import FaldoneError, first_line
from infra.settings import Settings
from tasks.export.records import Alert
from tasks.maintain.weekly.period import ZONE, Notes, Span


def cache_counts(settings: Settings, said: Notes) -> tuple[int | None, int | None]:
    """Return Redis's own hits and misses, which it counts from its start."""
    if settings.redis_url is None:
        return None, None
    try:
        counts = Cache(settings.redis_url.get_secret_value()).counts()
    except FaldoneError as error:
        said.need("need_redis", why=first_line(error))
        return None, None
    said.note("note_cache")
    return counts["keyspace_hits"], counts["keyspace_misses"]


def alerts_file(settings: Settings) -> Path:
    """Return where the alerts that were raised are written, a JSON object a line: `time`, `what`, `subject`, `text`."""
    return settings.scratch / "platform" / "alerts.jsonl"


def alerts(settings: Settings, week: Span) -> tuple[Alert, ...]:
    """Return the alerts that were raised in the week."""
    path = alerts_file(settings)
    if not path.is_file():
        return ()
    found = (_alert(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return tuple(alert for alert in found if alert is not None and week.begin <= alert.at < week.end)


def _alert(row: Mapping[str, Any]) -> Alert | None:
    if row["what"] != "raised":
        return None
    return Alert(
        datetime.fromisoformat(row["time"]).astimezone(ZoneInfo(ZONE)),
        str(row.get("subject", "")),
        str(row.get("text", "")),
    )
