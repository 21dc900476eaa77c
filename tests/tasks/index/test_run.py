"""Whole index runs over real files: what is redone, what is kept, what becomes of a killed run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from infra.errors import UsageError
from infra.lake import Lake
from infra.settings import Settings
from tasks.collection import ledger
from tasks.collection.chunks import CHUNKS
from tasks.index import batch
from tasks.index import run as index_run
from tasks.index.run import index

PAGE = "La società {i} ha fatturato {i}00 euro nel 2018.\n\n" + "Gli amministratori hanno approvato il bilancio. " * 3


def run(settings: Settings, *sources: Path, force: bool = False, prune: bool = True) -> dict[str, Any]:
    """An index run without Prefect."""
    return index(settings, [str(source) for source in sources], "c", prune, force)


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    for i in range(12):
        (folder / f"{i}.txt").write_text(PAGE.format(i=i))
    return folder


def index_of(lake: Lake) -> list[tuple[str, str, str]]:
    """What the index holds, as it does not depend on the time of day nor on the encoder's engine."""
    chunks = lake.read(CHUNKS.name("c"), ["chunk_id", "path", "text", "hash"]).to_pylist()
    states = ledger.read(lake, "c", ["document_id", "state", "content_hash"]).to_pylist()
    return sorted((str(r["chunk_id"]), r["text"], r["hash"]) for r in chunks) + sorted(
        (str(r["document_id"]), r["state"], r["content_hash"]) for r in states
    )


def assert_same(one: Lake, other: Lake) -> None:
    """The same documents and chunks, and vectors alike to what two engines of one encoder differ by."""
    assert index_of(one) == index_of(other)
    vectors = []
    for lake in (one, other):
        rows = lake.read(CHUNKS.name("c"), ["chunk_id", "vector"]).sort_by("chunk_id")
        vectors.append(np.array(rows["vector"].to_pylist(), np.float32))
    assert ((vectors[0] * vectors[1]).sum(1) > 0.999).all()


def test_a_second_run_does_nothing_and_an_edit_encodes_its_own_chunks_only(settings: Settings, papers: Path) -> None:
    first = run(settings, papers)
    assert (first["documents"]["indexed"], first["status"]) == (12, "completed")
    second = run(settings, papers)
    assert (second["documents"]["unchanged"], second["encoded"]) == (12, 0)
    long = "\n\n".join(f"Paragrafo {i} del contratto di fornitura numero {i}. " * 12 for i in range(20))
    (papers / "long.txt").write_text(long)
    whole = run(settings, papers)["encoded"]
    assert whole > 8
    (papers / "long.txt").write_text(long.replace("numero 19", "numero diciannove"))
    third = run(settings, papers)
    assert third["documents"]["updated"] == 1
    assert 1 <= third["encoded"] <= 2


def test_a_touched_file_is_hashed_and_not_read_again(settings: Settings, papers: Path, lake: Lake) -> None:
    run(settings, papers)
    before = index_of(lake)
    os.utime(papers / "3.txt", (1, 1))
    again = run(settings, papers)
    assert (again["documents"]["unchanged"], again["documents"]["updated"]) == (12, 0)
    assert index_of(lake) == before
    rows = ledger.read(lake, "c", ["stamp"], {"path": str(papers / "3.txt")})
    status = (papers / "3.txt").stat()
    assert rows["stamp"].to_pylist() == [f"{10**9}:{status.st_ctime_ns}"]


def test_a_file_in_the_place_of_another_of_equal_size_and_date_is_read(
    settings: Settings, papers: Path, lake: Lake
) -> None:
    """As `mv` and `cp -p` bring the date of a file along."""
    first, second = papers / "3.txt", papers / "4.txt"
    second.write_bytes(first.read_bytes()[::-1])
    for path in (first, second):
        os.utime(path, (1, 1))
    run(settings, papers)
    second.replace(first)
    again = run(settings, papers)["documents"]
    assert (again["updated"], again["removed"], again["unchanged"]) == (1, 1, 10)
    rows = ledger.read(lake, "c", ["content_hash"], {"path": str(first)})
    assert rows["content_hash"].to_pylist() == [blake2b(first.read_bytes(), digest_size=16).hexdigest()]


def test_what_an_older_release_stamped_is_neither_read_nor_blind_for_ever(
    settings: Settings, papers: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(settings, papers)
    rows = ledger.read(lake, "c")
    dates = pc.list_element(pc.split_pattern(rows["stamp"], ":"), 0)
    at = rows.schema.get_field_index("stamp")
    ledger.write(lake, "c", rows.set_column(at, rows.schema.field(at), dates.cast(pa.string())))
    monkeypatch.setattr(index_run, "STAMPED", 5)
    monkeypatch.setattr(batch, "read", lambda *_: pytest.fail("a file was read"))
    again = run(settings, papers)["documents"]
    assert (again["unchanged"], again["updated"]) == (12, 0)
    assert ledger.read(lake, "c").sort_by("document_id").equals(rows.sort_by("document_id"))


def test_what_is_gone_leaves_and_the_guard_holds(settings: Settings, papers: Path, lake: Lake) -> None:
    run(settings, papers)
    (papers / "0.txt").unlink()
    assert run(settings, papers, prune=False)["documents"]["removed"] == 0
    assert run(settings, papers)["documents"]["removed"] == 1
    assert lake.count(CHUNKS.name("c"), {"path": str(papers / "0.txt")}) == 0
    for i in range(1, 11):
        (papers / f"{i}.txt").unlink()
    with pytest.raises(UsageError, match="no longer under these sources"):
        run(settings, papers)
    assert run(settings, papers, force=True)["documents"]["removed"] == 10


def test_another_folder_does_not_prune_the_first(settings: Settings, papers: Path, tmp_path: Path) -> None:
    run(settings, papers)
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.txt").write_text("Un altro documento sul bilancio.")
    assert run(settings, other)["documents"]["removed"] == 0


def test_bad_files_are_in_quarantine_with_their_reason_and_the_rest_is_indexed(
    settings: Settings, papers: Path, lake: Lake
) -> None:
    (papers / "empty.pdf").write_bytes(b"")
    (papers / "cut.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<<")
    (papers / "noise.bin").write_bytes(bytes(range(256)) * 40)
    result = run(settings, papers)
    assert result["status"] == "completed_with_failures"
    assert result["documents"]["quarantined"] == 3
    kinds = {Path(f["path"]).name: f["kind"] for f in result["failures"]}
    assert kinds["empty.pdf"] == "empty"
    assert all(f["message"] for f in result["failures"])
    assert lake.count(CHUNKS.name("c")) == 12
    assert run(settings, papers)["documents"]["quarantined"] == 0  # nothing changed: not tried again


def test_a_document_that_became_unreadable_leaves_the_index(settings: Settings, papers: Path, lake: Lake) -> None:
    run(settings, papers)
    (papers / "5.txt").write_bytes(b"")
    assert run(settings, papers)["documents"]["quarantined"] == 1
    assert lake.count(CHUNKS.name("c"), {"path": str(papers / "5.txt")}) == 0
    (papers / "5.txt").write_text("Di nuovo leggibile, con il bilancio.")
    assert run(settings, papers)["documents"]["indexed"] == 1


def test_attachments_are_documents_that_come_and_go_with_their_mail(
    settings: Settings, samples: Path, tmp_path: Path, lake: Lake
) -> None:
    mail = tmp_path / "mails" / "sollecito.eml"
    mail.parent.mkdir()
    source = next(samples.glob("*.eml"))
    shutil.copy(source, mail)
    counts = run(settings, mail.parent)["documents"]
    rows = ledger.read(lake, "c", ["path", "parent_id"]).to_pylist()
    children = [row for row in rows if row["parent_id"]]
    assert children
    assert (counts["found"], counts["attachments"]) == (1, len(children))
    assert counts["indexed"] + counts["quarantined"] == counts["found"] + counts["attachments"]
    assert all(row["path"].startswith(f"{mail}!/") for row in children)
    mail.write_text("Subject: senza allegati\nFrom: a@example.org\nTo: b@example.org\n\nIl bilancio è approvato.\n")
    run(settings, mail.parent)
    assert [row["path"] for row in ledger.read(lake, "c", ["path"]).to_pylist()] == [str(mail)]


def test_the_same_text_is_encoded_once_across_collections_with_redis(
    papers: Path, redis_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infra.settings import load

    monkeypatch.setenv("FALDONE_REDIS_URL", redis_server)
    settings = load()
    assert run(settings, papers)["encoded"] == 12
    shutil.rmtree(Path(settings.root) / "lake")
    assert run(settings, papers)["encoded"] == 0


KILLED = """
import sys, pathlib
sys.path.insert(0, {tests!r})
from test_run import run
from infra.settings import load
run(load(), pathlib.Path({papers!r}))
"""


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_moment_ends_as_one_clean_run(
    settings: Settings, papers: Path, lake: Lake, tmp_path: Path
) -> None:
    clean = settings.model_copy(update={"home": str(tmp_path / "clean")})
    run(clean, papers)
    code = KILLED.format(tests=str(Path(__file__).parent), papers=str(papers))
    for seconds in (0.8, 1.6, 2.4, 3.2):
        child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        child.wait()
    run(settings, papers)
    assert_same(Lake(settings.root), Lake(clean.root))


@pytest.mark.slow
def test_two_runs_at_once_both_end_right(settings: Settings, papers: Path, lake: Lake, tmp_path: Path) -> None:
    clean = settings.model_copy(update={"home": str(tmp_path / "clean")})
    run(clean, papers)
    code = KILLED.format(tests=str(Path(__file__).parent), papers=str(papers))
    both = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [child.wait(120) for child in both] == [0, 0]
    assert_same(lake, Lake(clean.root))
