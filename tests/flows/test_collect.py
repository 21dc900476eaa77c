"""A saved source from its place to what follows the index, when its job ends on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows import collect as flow
from infra.lake import Lake
from infra.settings import Settings
from infra.stop import StopRequested
from tasks.collect import saved
from tasks.export.chain import Part
from tasks.index.run import index

pytestmark = pytest.mark.slow  # it loads Prefect


@pytest.mark.parametrize("end", [StopRequested("asked to stop"), KeyboardInterrupt(), OSError("the disk is away")])
def test_a_job_that_ends_after_its_index_does_what_follows_when_it_is_run_again(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: BaseException
) -> None:
    """The index that is run again finds nothing changed: only what was noted before tells that analyses and reports are owed."""
    folder = tmp_path / "office"
    folder.mkdir()
    (folder / "a.txt").write_text("La fornitura di lana è confermata.")
    saved.add(settings, str(folder), "office", then="analyse")
    ends, followed = [end], list[str]()

    def run(sources: list[str], collection: str, **more: Any) -> dict[str, Any]:
        result = index(settings, sources, collection)
        if ends:
            raise ends.pop()
        return result

    def follow(step: saved.Step, _: str) -> Part:
        followed.append(step.kind)
        return Part(step.kind, {"failures": [], "status": "completed"})

    monkeypatch.setattr(flow, "index", run)
    monkeypatch.setattr(flow, "follow", follow)
    monkeypatch.setattr(flow, "show", lambda _: None)
    with pytest.raises(type(end)):
        flow.gather(settings, saved.begin(settings, "office"))
    assert not followed
    for expected in (["analyse"], ["analyse"]):  # once, and not again
        flow.gather(settings, saved.begin(settings, "office"))
        assert followed == expected
        assert not saved.find(Lake(settings.root), "office").owed
