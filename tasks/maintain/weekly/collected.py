"""Saved sources with their last result and next run."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from infra.lake import Lake
from tasks.collect import saved
from tasks.export.records import Collected
from tasks.maintain.weekly.period import ZONE, Notes


def collected(lake: Lake, said: Notes) -> tuple[Collected, ...]:
    """Return every saved source; one whose last run failed needs a person."""
    found = saved.listing(lake)
    zone = ZoneInfo(ZONE)
    for one in found:
        if one.status == "failed":
            said.need("need_source", name=one.name, message=one.message)
    return tuple(
        Collected(
            one.name,
            one.location,
            one.collection,
            one.status,
            one.message,
            one.finished_at and one.finished_at.astimezone(zone),
            one.next_at and one.next_at.astimezone(zone),
        )
        for one in found
    )
