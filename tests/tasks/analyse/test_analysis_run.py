"""Whole analysis runs over a lake: what is kept, what is done again, what a failure costs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import tasks.analyse as registry
from infra import stop
from infra.errors import UsageError
from infra.lake import Lake
from infra.settings import Settings
from tasks.analyse import Analysis, children
from tasks.analyse import run as job
from tasks.collection import ledger
from tasks.index.run import index as index_documents
from tasks.progress import Status, listening

HOSTILE = """
import os, time
from pathlib import Path
from typing import Any

VERSION = "1"
HERE = Path(__file__).parent

def analyse(document: Any) -> dict[str, Any]:
    with (HERE / "calls.txt").open("a") as file:
        file.write(Path(document.path).name + "\\n")
    text = document.parsed.elements[0].text
    if "hang" in text:
        while True:
            pass
    if "wait" in text:
        time.sleep(5)
    if "crash" in text:
        os._exit(9)
    if "bug" in text:
        return {"value": 1 // 0}
    return {"document_id": document.document_id, "path": document.path, "text": text}
"""


def index(settings: Settings, *sources: Path) -> None:
    index_documents(settings, [str(source) for source in sources], "c", force=True)


def run(
    settings: Settings, type: str, documents: Sequence[str] | None = None, model: str | None = None, force: bool = False
) -> dict[str, Any]:
    """An analysis run without Prefect."""
    return job.analyse(settings, "c", type, documents, model, force=force)


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / f"{name}.txt").write_text(f"Lettera {name} sulla fornitura di tessuti di lana per la stagione.")
    return folder


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An analysis that does to documents what they ask for; gives the file with the names of those that it met."""
    (tmp_path / "hostile_analysis.py").write_text(HOSTILE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(registry.REGISTRY, "hostile", Analysis("hostile", "hostile_analysis"))
    yield tmp_path / "calls.txt"
    children.close()


@pytest.mark.slow
def test_unchanged_documents_keep_their_result_and_an_edited_one_is_analysed_again(
    settings: Settings, papers: Path, hostile: Path
) -> None:
    index(settings, papers)
    first = run(settings, "hostile")
    assert (first["status"], first["total"], first["successful"], first["failed"]) == ("completed", 3, 3, 0)
    assert [Path(row["path"]).name for row in first["results"]] == ["a.txt", "b.txt", "c.txt"]
    second = run(settings, "hostile")
    assert (second["results"], second["analysed"], second["unchanged"]) == (first["results"], 0, 3)
    (papers / "b.txt").write_text("Lettera b, riscritta dopo la telefonata di lunedì mattina.")
    index(settings, papers)
    third = run(settings, "hostile")
    assert (third["analysed"], third["unchanged"]) == (1, 2)
    assert "riscritta" in third["results"][1]["text"]
    assert sorted(hostile.read_text().split()) == ["a.txt", "b.txt", "b.txt", "c.txt"]
    assert run(settings, "hostile", force=True)["analysed"] == 3


@pytest.mark.slow
def test_a_run_that_is_asked_to_stop_keeps_its_batches_and_the_next_one_does_only_the_rest(
    settings: Settings, papers: Path, hostile: Path, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        (papers / f"{number}.txt").write_text(f"Lettera numero {number} sulla fornitura di lana.")
    index(settings, papers)
    (tmp_path / "job").mkdir()
    monkeypatch.setenv(stop.FOLDER, str(tmp_path / "job"))

    def after_the_first_batch(status: Status) -> None:
        if status.stage == "analyse" and status.done:
            stop.request(tmp_path / "job", "the soft limit")

    with listening(after_the_first_batch), pytest.raises(stop.StopRequested, match="the soft limit"):
        run(settings, "hostile")
    done = lake.count("c.analyses")
    assert 0 < done < 63
    assert not list((settings.scratch / "staging").glob("*")), "nothing staged is left behind"
    monkeypatch.delenv(stop.FOLDER)
    before = len(hostile.read_text().split())
    rest = run(settings, "hostile")
    assert (rest["unchanged"], rest["analysed"], rest["successful"]) == (done, 63 - done, 63)
    assert len(hostile.read_text().split()) - before == 63 - done


@pytest.mark.slow
def test_a_newer_version_or_parser_does_all_again(
    settings: Settings, papers: Path, hostile: Path, lake: Lake, tmp_path: Path
) -> None:
    index(settings, papers)
    run(settings, "hostile")
    rows = ledger.read(lake, "c").to_pylist()
    ledger.write(lake, "c", ledger.rows([row | {"parser": "another"} for row in rows]))
    assert run(settings, "hostile")["analysed"] == 3
    assert run(settings, "hostile")["analysed"] == 0


@pytest.mark.slow
def test_a_hang_a_crash_and_a_bug_cost_one_document_each(
    papers: Path, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (papers / "b-crash.txt").write_text("Please crash: this letter is about the crash of a program and nothing else.")
    (papers / "b-hang.txt").write_text("Please hang: this letter is about pictures that hang on a wall for ever.")
    (papers / "b-bug.txt").write_text("Please find the bug: this letter is about a bug that nobody has found so far.")
    from infra.settings import load

    (papers / "b-wait.txt").write_text("Please wait: this letter is about a machine that is busy with other things.")
    index(load(), papers)  # with time enough: three seconds are for the analysis alone
    monkeypatch.setenv("FALDONE_LIMITS__SECONDS", "3")
    settings = load()
    result = run(settings, "hostile")
    assert (result["status"], result["successful"], result["failed"]) == ("completed_with_failures", 4, 3)
    failures = {Path(row["path"]).stem: row for row in result["results"] if "error" in row}
    assert set(failures["b-bug"]) == {"document_id", "path", "error"}
    assert "ZeroDivisionError" in failures["b-bug"]["error"]
    assert "died" in failures["b-crash"]["error"]
    assert "more than 4 s of processor time" in failures["b-hang"]["error"]
    # what may pass by itself is tried three times in all, a document that hangs is not tried again
    assert [run(settings, "hostile")["analysed"] for _ in range(3)] == [2, 2, 0]
    assert run(settings, "hostile")["failed"] == 3


def test_only_the_documents_asked_for(settings: Settings, papers: Path, hostile: Path) -> None:
    index(settings, papers)
    one = run(settings, "hostile", ["a.txt", str(papers / "a.txt")])
    assert (one["total"], [Path(row["path"]).name for row in one["results"]]) == (1, ["a.txt"])
    with pytest.raises(UsageError, match=r"has no document nowhere\.txt"):
        run(settings, "hostile", ["nowhere.txt"])


def test_a_run_that_cannot_be_is_refused_before_it_begins(settings: Settings, papers: Path) -> None:
    with pytest.raises(UsageError, match="there is no collection c"):
        run(settings, "sentiment")
    index(settings, papers)
    with pytest.raises(UsageError, match="--model NAME"):
        run(settings, "classify")
    with pytest.raises(UsageError, match="no analysis 'astrology'"):
        run(settings, "astrology")


@pytest.mark.slow
def test_figures_and_metrics_become_typed_tables(settings: Settings, samples: Path, lake: Lake) -> None:
    index(settings, samples / "quillmere-annual-report-2024.pdf", samples / "quillmere-nda.pdf")
    result = run(settings, "financial")
    by_name = {Path(row["path"]).name: row for row in result["results"]}
    figures = lake.read("c.figures").to_pylist()
    metrics = lake.read("c.metrics").to_pylist()
    expected = by_name["quillmere-annual-report-2024.pdf"]
    assert len(figures) == len(expected["figures"]) > 20
    assert len(metrics) == len(expected["metrics"]) > 5
    revenue = next(row for row in figures if row["item"] == "revenue" and row["period"] == "FY2024")
    assert (revenue["value"], revenue["currency"]) == (3_865_000_000, "USD")
    assert json.loads(metrics[0]["inputs"])
    stored = lake.read("c.analyses", ["document_id", "type", "content_hash", "status", "seconds"]).to_pylist()
    hashes = {r["document_id"]: r["content_hash"] for r in ledger.read(lake, "c").to_pylist()}
    assert {r["document_id"]: r["content_hash"] for r in stored} == hashes
    run(settings, "comprehensive", ["quillmere-annual-report-2024.pdf"])
    assert len(lake.read("c.figures").to_pylist()) == len(figures)  # the same figures, not twice


@pytest.mark.slow
def test_attachments_are_companions_of_their_container(settings: Settings, samples: Path) -> None:
    index(settings, samples / "trebbio-fascicolo-2024.pdf")
    with job.opened(settings, "c", "financial") as current:
        plan = job.make_plan(current)
    works = {work.path.rsplit("/", 1)[-1]: work for batch in plan.batches for work in batch}
    inner = next(work for name, work in works.items() if name != "trebbio-fascicolo-2024.pdf")
    assert works["trebbio-fascicolo-2024.pdf"].companions == (inner.document_id,)
    assert inner.companions == ()


@pytest.mark.slow
def test_too_many_results_stay_in_the_lake(
    settings: Settings, papers: Path, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "RESULTS_KEPT", 2)
    (papers / "bug.txt").write_text("Please find the bug: this letter is about a bug that nobody has found so far.")
    index(settings, papers)
    result = run(settings, "hostile")
    assert (result["results"], result["total"]) == (None, 4)
    assert [Path(row["path"]).name for row in result["failures"]] == ["bug.txt"]
    texts = list(job.stored_results(settings, "c", "hostile", None, None, None))
    assert [Path(json.loads(text)["path"]).name for text in texts] == ["a.txt", "b.txt", "bug.txt", "c.txt"]
    one = job.stored_results(settings, "c", "hostile", None, None, ["c.txt"])
    assert [Path(json.loads(text)["path"]).name for text in one] == ["c.txt"]


def test_batches_are_bounded_in_documents_and_pages() -> None:
    works = [job.Work(str(i), f"/{i}", "", 50, "") for i in range(10)]
    sizes = [len(part) for part in job._batches(works, 4, 120)]
    assert sizes == [2] * 5
    assert [len(part) for part in job._batches(works, 4, 10_000)] == [4, 4, 2]
    assert [len(part) for part in job._batches([job.Work("1", "/1", "", 500, "")], 4, 120)] == [1]
