"""A limit that stops a document tells of the machine as much as of the file: what was read stays, and is tried again by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.lake import Lake
from infra.settings import Limits, Settings
from tasks.collection import ledger
from tasks.index import drafts, plan
from tasks.index.parse import ParserPool
from tasks.index.run import index

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=str(tmp_path / "home"), dask="threads", workers=1, limits=Limits(seconds=0.5))


@pytest.fixture
def slow(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Readers that take 30 s of processor time for a document which says so, as a new release's may."""
    with ParserPool(settings, workers=1, entry="hostile_parser:read") as pool:
        monkeypatch.setattr(drafts, "parser_pool", lambda *_, **__: pool)
        yield


def row(settings: Settings) -> dict[str, Any]:
    [found] = ledger.read(Lake(settings.root), "documents").to_pylist()
    return dict(found)


def test_a_document_that_was_read_before_keeps_its_text(
    settings: Settings, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.txt"
    path.write_text("work 30")
    assert index(settings, [str(path)])["documents"]["indexed"] == 1
    request.getfixturevalue("slow")
    result = index(settings, [str(path)], force=True)
    assert [failure["kind"] for failure in result["failures"]] == ["timeout"]
    assert "more than" in result["failures"][0]["message"]
    assert result["documents"]["quarantined"] == 0
    kept = row(settings)
    assert (kept["state"], kept["kind"], kept["chunks"], kept["attempts"]) == ("indexed", "timeout", 1, 1)
    assert Lake(settings.root).count("documents.chunks") == 1

    for attempt in range(2, plan.TRIES + 1):
        assert index(settings, [str(path)])["failures"]
        assert row(settings)["attempts"] == attempt
    assert not index(settings, [str(path)])["failures"]  # enough: it waits for a change
    monkeypatch.undo()
    assert index(settings, [str(path)], force=True)["documents"]["updated"] == 1
    assert (row(settings)["kind"], row(settings)["attempts"]) == ("", 1)


def test_one_that_was_never_read_is_tried_again_and_then_waits(settings: Settings, tmp_path: Path, slow: None) -> None:
    path = tmp_path / "report.txt"
    path.write_text("work 30")
    for attempt in range(1, plan.TRIES + 1):
        assert index(settings, [str(path)])["documents"]["quarantined"] == 1
        assert row(settings)["attempts"] == attempt
    assert index(settings, [str(path)])["documents"]["unchanged"] == 1


def test_a_changed_document_does_not_keep_what_it_said_before(
    settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / "report.txt"
    path.write_text("The board approved the accounts.")
    index(settings, [str(path)])
    request.getfixturevalue("slow")
    path.write_text("work 30")
    assert index(settings, [str(path)])["documents"]["quarantined"] == 1
    assert Lake(settings.root).count("documents.chunks") == 0
