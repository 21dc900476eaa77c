"""Saved sources: what is due when, what people may write, what a run leaves behind, and that nothing is lost beside a run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import UsageError
from infra.lake import Lake
from infra.settings import Settings
from tasks.collect import saved
from tasks.collect.saved import Source
from tasks.collection import catalogue
from tasks.maintain import weekly

NOW = datetime(2026, 11, 25, 21, 0, 12, tzinfo=UTC)


@given(st.integers(1, saved.LONGEST), st.integers(0, 59), st.integers(0, 40))
def test_a_source_runs_once_in_each_of_its_periods_however_late_a_tick_is(every: int, late: int, second: int) -> None:
    started = NOW.replace(second=second)
    source = Source("s", "c", "/s", every, started_at=started, added_at=NOW)
    tick = NOW.replace(second=0) + timedelta(minutes=every)
    assert source.due(tick), "the tick of its minute, though the run before began some seconds after its own"
    assert not source.due(tick - timedelta(seconds=60 - late)), "not a minute early"
    assert not Source("s", "c", "/s", every, started_at=started, active=False).due(tick + timedelta(days=400))


@given(st.integers(1, saved.LONGEST))
def test_periods_are_written_as_they_are_read(minutes: int) -> None:
    assert saved.minutes_of(saved.span(minutes)) == minutes


@pytest.mark.parametrize("text", ["", "0m", "90s", "15", "-5m", "1w", "9999d"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="15m, 2h or 1d"):
        saved.minutes_of(text)


def test_steps_name_types_and_templates_that_there_are() -> None:
    steps = saved.parse_steps("analyse, export:due-dates:it")
    assert [(one.kind, one.name, one.language) for one in steps] == [
        ("analyse", "comprehensive", "en"),
        ("export", "due-dates", "it"),
    ]
    assert saved.parse_steps("") == ()
    for wrong in ("analyse:nothing", "export:nothing", "export:vat:de", "index", "analyse:financial:it"):
        with pytest.raises(UsageError, match="--then"):
            saved.parse_steps(wrong)


def test_a_source_is_kept_changed_and_forgotten(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "In Arrivo"
    folder.mkdir()
    added = saved.add(settings, str(folder), "office", then="analyse")
    lake = Lake(settings.root)
    assert (added.name, added.every, added.location) == ("in_arrivo", saved.OFTEN, str(folder))
    assert saved.listing(lake) == [added] == saved.due(settings, datetime.now(UTC))
    assert catalogue.collections(lake)[0]["collection"] == "office", "the collection is there before its first document"
    with pytest.raises(UsageError, match="already"):
        saved.add(settings, str(folder), "other")
    with pytest.raises(UsageError, match="no such file"):
        saved.add(settings, str(tmp_path / "nowhere"), "office")
    with pytest.raises(UsageError, match="does not belong into the address"):
        saved.add(settings, "sftp://anna:geheim@host/x", "office")

    saved.begin(settings, "in_arrivo")
    saved.change(settings, "in_arrivo", active=False)  # while it runs
    counts = {"indexed": 2, "updated": 1, "removed": 0, "waiting": 1}
    done = saved.finish(settings, "in_arrivo", {"documents": counts}, 0, [], 0)
    assert (done.status, done.indexed, done.waiting, done.active, done.next_at) == ("completed", 3, 1, False, None)
    saved.begin(settings, "in_arrivo")
    failed = saved.fail(settings, "in_arrivo", "the disk is away", owed=True)
    assert (failed.indexed, failed.waiting) == (0, 0), "a run that failed does not show what the one before did"
    assert saved.find(lake, "in_arrivo") == failed
    made = weekly.gather(settings)
    assert [(one.name, one.status, one.next) for one in made.sources] == [("in_arrivo", "failed", None)]
    assert "Source in_arrivo: the disk is away" in made.needs

    assert saved.remove(settings, "in_arrivo") == failed
    assert saved.listing(lake) == []
    with pytest.raises(UsageError, match="none yet"):
        saved.find(lake, "in_arrivo")
