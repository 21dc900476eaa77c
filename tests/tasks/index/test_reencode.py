"""Another encoder: refused by name, never mixed in; a collection is encoded anew beside and swapped in whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from infra.encoders import load_encoders
from infra.errors import UsageError
from infra.lake import Lake
from infra.settings import Settings
from tasks.collection import ledger
from tasks.collection.chunks import BESIDE, CHUNKS, EncoderMark, encoder_of
from tasks.index import reencode
from tasks.index.run import index
from tasks.search import Searcher


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}.txt").write_text(f"Il contratto numero {number} scade a fine anno e si rinnova da sé.")
    return folder


def other(settings: Settings) -> Settings:
    return settings.model_copy(update={"passage_prefix": "text: "})


def vectors(lake: Lake) -> np.ndarray:
    rows = lake.read(CHUNKS.name("c"), ["chunk_id", "vector"]).sort_by("chunk_id")
    return np.array(rows["vector"].to_pylist(), np.float32)


def test_another_encoder_is_refused_by_name_and_nothing_changes(settings: Settings, papers: Path, lake: Lake) -> None:
    index(settings, [str(papers)], "c")
    before = lake.version(CHUNKS.name("c"))
    with pytest.raises(UsageError, match=r"another encoder.*--reencode"):
        index(other(settings), [str(papers / "1.txt")], "c")
    assert (lake.version(CHUNKS.name("c")), lake.count(CHUNKS.name("c"))) == (before, 8)
    with pytest.raises(UsageError, match="another encoder"):
        Searcher(lake, load_encoders(other(settings)), "c")
    assert index(settings, [str(papers)], "c")["documents"]["unchanged"] == 8


def test_a_collection_is_encoded_anew_from_what_is_kept(settings: Settings, papers: Path, lake: Lake) -> None:
    index(settings, [str(papers)], "c")
    before = vectors(lake)
    result = index(other(settings), [str(papers)], "c", reencode=True)
    assert (result["reencoded"], result["documents"]["unchanged"], result["encoded"]) == (8, 8, 0)
    assert encoder_of(lake, "c") == EncoderMark.of(load_encoders(other(settings)))
    assert not lake.exists(BESIDE.name("c"))
    assert ((before * vectors(lake)).sum(1) < 0.999).all()
    assert Searcher(lake, load_encoders(other(settings)), "c").search("contratto 3").hits[0].path.endswith("3.txt")
    encoders = set(ledger.read(lake, "c", ["encoder"])["encoder"].to_pylist())
    assert encoders == {load_encoders(other(settings)).fingerprint}
    assert index(other(settings), [str(papers)], "c", reencode=True)["reencoded"] == 0
    with pytest.raises(UsageError, match="another encoder"):
        index(settings, [str(papers)], "c")


def test_another_dimension_is_swapped_in_as_well(settings: Settings, papers: Path, lake: Lake) -> None:
    index(settings, [str(papers)], "c")
    wide = EncoderMark("wide", "wide", 8)
    rows = lake.read(CHUNKS.name("c")).drop_columns(["vector"])
    flat = np.tile(np.array([1, 0, 0, 0, 0, 0, 0, 0], np.float16), (rows.num_rows, 1))
    beside = reencode.chunk_table(rows.to_pylist(), flat, wide)
    lake.upsert(BESIDE.name("c"), beside, BESIDE.key)
    reencode._swap(lake, "c", wide)
    assert encoder_of(lake, "c") == wide
    assert vectors(lake).shape == (8, 8)
    more = reencode.chunk_table([row | {"text": "neu"} for row in rows.to_pylist()[:2]], flat[:2], wide)
    CHUNKS.write(lake, "c", more)  # rows still find each other by their key
    assert lake.count(CHUNKS.name("c")) == 8


@pytest.mark.slow
def test_what_an_index_run_changes_meanwhile_is_encoded_last(
    settings: Settings, papers: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reencode, "FEW", 0)
    index(settings, [str(papers)], "c")
    real, left = reencode._Workload.commit, [True]

    def meanwhile(workload: reencode._Workload, receipts: Sequence[reencode.Receipt]) -> None:
        if left.pop() if left else False:
            (papers / "2.txt").write_text("Un testo del tutto diverso, scritto nel frattempo.")
            (papers / "3.txt").unlink()
            index(settings, [str(papers)], "c")
        real(workload, receipts)

    monkeypatch.setattr(reencode._Workload, "commit", meanwhile)
    index(other(settings), [str(papers)], "c", reencode=True)
    texts = {row["path"][-5:]: row["text"] for row in lake.read(CHUNKS.name("c"), ["path", "text"]).to_pylist()}
    assert len(texts) == 7
    assert "nel frattempo" in texts["2.txt"]


def by_path(lake: Lake) -> dict[str, tuple[str, np.ndarray]]:
    rows = lake.read(CHUNKS.name("c"), ["path", "encoder", "vector"]).to_pylist()
    return {row["path"][-6:]: (row["encoder"], np.array(row["vector"], np.float32)) for row in rows}


@pytest.mark.slow
def test_each_language_has_its_encoder_and_what_one_made_before_stays(
    settings: Settings, papers: Path, lake: Lake
) -> None:
    (papers / "9.txt").write_text(
        "The lease ends on the last day of the year, and the tenant shall leave the house clean."
    )
    alone = settings.model_copy(update={"embedding_model": "bundled"})
    index(alone, [str(papers)], "c")
    before = by_path(lake)
    with pytest.raises(UsageError, match=r"another encoder.*bundled.*--reencode"):
        index(settings, [str(papers)], "c")
    index(settings, [str(papers)], "c", reencode=True)
    after, encoders = by_path(lake), load_encoders(settings)
    assert after["/9.txt"][0] == encoders.of("en").fingerprint
    assert (after["/9.txt"][1] == before["/9.txt"][1]).all()
    assert after["/1.txt"][0] == encoders.of("it").fingerprint
    assert after["/1.txt"][1] @ before["/1.txt"][1] < 0.9
    searcher = Searcher(lake, encoders, "c")
    hits = searcher.search("the flat must be clean when one moves out", mode="vector").hits
    assert hits[0].path.endswith("9.txt")
    italian = searcher.search("clean flat", mode="vector", where={"language": "it"}).hits
    assert len(italian) == 8 and not any(hit.path.endswith("9.txt") for hit in italian)


def test_a_document_in_quarantine_counts_as_tried_with_the_new_encoder(
    settings: Settings, papers: Path, lake: Lake
) -> None:
    (papers / "bad.pdf").write_bytes(b"%PDF-1.7 and nothing more")
    index(settings, [str(papers)], "c")
    index(other(settings), [str(papers)], "c", reencode=True)
    rows = ledger.read(lake, "c", ["state", "encoder"]).to_pylist()
    assert sorted({row["state"] for row in rows}) == [ledger.INDEXED, ledger.QUARANTINED]
    assert {row["encoder"] for row in rows} == {load_encoders(other(settings)).fingerprint}
