"""The job as a whole: where the file goes, its receipt, the chain's result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import invented
import pypdf
import pytest

from infra.errors import UsageError
from infra.files import read_bytes
from infra.lake import Lake
from infra.settings import Settings
from tasks.collection.ledger import LEDGER
from tasks.export.chain import Part, combine, failed_part
from tasks.export.run import destination, export, exports_folder, unique_name, write
from tasks.export.weekly_figures import weekly_figures
from tasks.export.words import Words


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=str(tmp_path / "home"))


def test_an_empty_collection_is_exported_with_its_stages(settings: Settings) -> None:
    LEDGER.ensure(Lake(settings.root), "documents")
    stages: list[str] = []
    done = export(settings, "documents", progress=lambda stage, done, total: stages.append(stage))
    assert list(dict.fromkeys(stages)) == ["collect", "compose", "render"]
    path = Path(done.path)
    assert str(path.parent) == exports_folder(settings)
    assert (done.status, done.pages, done.bytes) == ("completed", 1, path.stat().st_size)
    assert set(done.as_json()) == {"status", "path", "pages", "bytes", "seconds"}
    assert [file.suffix for file in path.parent.iterdir()] == [".pdf"]


def test_the_receipt_counts_the_pages(settings: Settings, tmp_path: Path) -> None:
    done = write(settings, invented.material(), "financial", str(tmp_path / "r.pdf"), "it")
    assert done.path == str(tmp_path / "r.pdf")
    assert done.pages == len(pypdf.PdfReader(done.path).pages)


def test_a_week_is_told_from_the_ledger_alone() -> None:
    material = invented.material(20)
    week = weekly_figures(material, Words("it"))
    assert week is not None
    assert (week.last - week.first).days == 6 and len(week.days) == 7
    expected = [one for one in material.entries if one.indexed_at and (invented.NOW - one.indexed_at).days < 6]
    assert sum(day.indexed for day in week.days) >= len(expected) > 0
    assert {group.kind: group.count for group in week.failures} == {"encrypted": 2, "corrupt": 1, "timeout": 1}
    assert week.queues is None and week.alerts is None and week.cache_hits is None
    assert weekly_figures(replace(material, entries=()), Words("it")) is None


def test_output_may_be_a_file_or_a_folder(settings: Settings, tmp_path: Path) -> None:
    assert destination(settings, "a", "analysis", str(tmp_path / "x.pdf")) == str(tmp_path / "x.pdf")
    assert Path(destination(settings, "a", "analysis", str(tmp_path))).parent == tmp_path
    assert Path(destination(settings, "a", "analysis", f"{tmp_path}/new/")).parent == tmp_path / "new"
    with pytest.raises(UsageError, match=r"ending in \.pdf"):
        destination(settings, "a", "analysis", str(tmp_path / "x.doc"))


def test_a_report_may_go_to_an_object_store(settings: Settings) -> None:
    done = write(settings, invented.material(), "financial", "memory://office/reports/r.pdf", "it")
    assert done.path == "memory://office/reports/r.pdf"
    sent = read_bytes(done.path)
    assert (len(sent), sent[:5]) == (done.bytes, b"%PDF-")
    assert write(settings, invented.material(), "financial", "memory://office/").path.startswith("memory://office/")
    with pytest.raises(UsageError, match=r"ending in \.pdf"):
        destination(settings, "a", "analysis", "memory://office/r.doc")
    shared = destination(Settings(home="s3://bucket/home"), "a", "analysis", "")
    assert shared.startswith("s3://bucket/home/exports/a-analysis-")


def test_names_are_unique_and_safe() -> None:
    names = {unique_name("../a b", "analysis") for _ in range(50)}
    assert len(names) == 50
    assert all(name.startswith("a-b-analysis-") and "/" not in name for name in names)


@pytest.mark.parametrize(
    "wrong", [{"template_name": "x"}, {"language": "fr"}, {"collection": "No Good"}, {"output": "x.doc"}]
)
def test_wrong_usage_is_said_before_any_work(settings: Settings, wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        export(settings, **{"collection": "documents", **wrong})  # type: ignore[arg-type]


def test_the_chain_gathers_failures_of_every_part() -> None:
    failure = {"path": "/a", "stage": "parse", "kind": "corrupt", "message": "It ends."}
    indexed = Part("index", {"status": "completed_with_failures", "seconds": 2.0, "chunks": 3, "failures": [failure]})
    results = [{"path": "/b", "error": "No text."}, {"path": "/c", "label": "x"}]
    analysed = Part("analyse", {"status": "completed_with_failures", "total": 2, "seconds": 1.0, "results": results})
    exported = Part("export", {"status": "completed", "path": "/r.pdf", "pages": 3, "seconds": 0.5})
    result = combine("documents", [indexed, analysed, exported])
    assert result["status"] == "completed_with_failures"
    assert [(one["part"], one["path"], one["message"]) for one in result["failures"]] == [
        ("index", "/a", "It ends."),
        ("analyse", "/b", "No text."),
    ]
    assert (result["seconds"], result["path"], result["pages"]) == (3.5, "/r.pdf", 3)
    assert "results" not in result["analyse"] and result["index"]["chunks"] == 3


def test_a_part_that_fails_whole_is_a_failure_of_the_chain() -> None:
    parts = [failed_part("analyse", UsageError("no model")), Part("export", {"status": "completed", "path": "/r.pdf"})]
    result = combine("documents", parts)
    assert (result["status"], result["failures"][0]["message"]) == ("completed_with_failures", "no model")
