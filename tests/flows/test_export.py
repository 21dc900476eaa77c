"""The flows `export` and `process` under a real Prefect server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pypdf
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from flows.export import export
from flows.index import index
from flows.process import analysis, process
from infra import stop
from infra.errors import UsageError
from infra.lake import Lake
from infra.settings import load
from tasks.collection.ledger import LEDGER

pytestmark = pytest.mark.server


def artifact_types(key: str) -> set[str | None]:
    async def read() -> set[str | None]:
        async with get_client() as client:
            wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
            return {artifact.type for artifact in await client.read_artifacts(artifact_filter=wanted)}

    return asyncio.run(read())


def text_of(path: str) -> str:
    return " ".join(" ".join(page.extract_text().split()) for page in pypdf.PdfReader(path).pages)


@pytest.mark.usefixtures("prefect_api")
def test_an_empty_collection_is_exported(tmp_path: Path) -> None:
    LEDGER.ensure(Lake(load().root), "documents")
    result = export(template="executive", language="it", output=f"{tmp_path}/out/")
    assert set(result) == {"status", "path", "pages", "bytes", "seconds"}
    path = Path(result["path"])
    assert (path.parent, path.stat().st_size) == (tmp_path / "out", result["bytes"])
    assert "non contiene ancora documenti" in text_of(result["path"])
    assert artifact_types("export") == {"progress", "table"}


@pytest.mark.usefixtures("prefect_api")
def test_bad_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no collection documents"):
        export()
    LEDGER.ensure(Lake(load().root), "documents")
    with pytest.raises(UsageError, match=r"has no document nowhere\.pdf"):
        export(documents=["nowhere.pdf"])
    with pytest.raises(UsageError, match=r"ending in \.pdf"):
        export(output=str(tmp_path / "report.doc"))


@pytest.mark.usefixtures("prefect_api")
def test_a_folder_becomes_a_report_and_what_failed_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALDONE_DASK", "threads")
    folder = tmp_path / "in"
    folder.mkdir()
    rows = ["Conto economico;31/12/2024;31/12/2023", "Ricavi delle vendite e delle prestazioni;1.250.000;1.100.000"]
    (folder / "bilancio.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "verbale.txt").write_text("I ricavi crescono. Il consiglio approva il bilancio. " * 5, encoding="utf-8")
    (folder / "rotto.pdf").write_bytes(b"%PDF-1.7\nnothing follows")
    result = process(
        [str(folder)], type="financial", template="collection", language="it", output=str(tmp_path / "report.pdf")
    )
    assert result["status"] == "completed_with_failures"
    assert [Path(one["path"]).name for one in result["failures"] if one["part"] == "index"] == ["rotto.pdf"]
    assert result["index"]["documents"]["indexed"] == 2
    assert result["analyse"]["total"] == 2
    assert result["path"] == result["export"]["path"] == str(tmp_path / "report.pdf")
    text = text_of(result["path"])
    assert "rotto.pdf" in text and "verbale.txt" in text


@pytest.mark.usefixtures("prefect_api")
def test_a_chain_that_is_asked_to_stop_does_not_take_it_for_a_failed_analysis_and_writes_no_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "note.txt").write_text("The meeting is on Monday at nine.")
    index([str(tmp_path / "note.txt")], "c")
    (tmp_path / "job").mkdir()
    monkeypatch.setenv(stop.FOLDER, str(tmp_path / "job"))
    stop.request(tmp_path / "job", "the soft limit")
    with pytest.raises(stop.StopRequested, match="the soft limit"):
        analysis("c", "comprehensive", None)
    with pytest.raises(stop.StopRequested, match="the soft limit"):
        export("c", output=str(tmp_path / "report.pdf"))
    assert not (tmp_path / "report.pdf").exists()
