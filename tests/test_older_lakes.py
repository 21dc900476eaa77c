"""Data folders that earlier releases wrote, kept as they were, are read, searched, audited and written by this one; newer ones are refused.

`fixtures/lake-format-N.tar.xz` is the data folder after `faldone index` of four sample documents by a release of that format. A change of
format adds a file and keeps the old ones.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from infra import lake_format
from infra.encoders import load_encoders
from infra.errors import UsageError
from infra.lake import Lake
from infra.settings import Settings
from tasks.collection.ledger import LEDGER
from tasks.collection.tables import TABLES
from tasks.index.run import index
from tasks.maintain.audit import check_tables
from tasks.search import Searcher

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("lake-format-*.tar.xz"))


@pytest.fixture(params=FIXTURES, ids=lambda file: file.name)
def older(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    with tarfile.open(request.param) as kept:
        kept.extractall(settings.root, filter="data")
    return settings.model_copy(update={"embedding_model": "bundled"})  # the one that they were made with


def test_an_older_data_folder_is_read_searched_and_written(older: Settings, tmp_path: Path) -> None:
    lake = Lake(older.root)
    before = lake.read("papers.documents", ["document_id", "state"]).to_pylist()
    assert {row["state"] for row in before} == {"indexed"}
    assert check_tables(older, lake, "papers", repair=False) == []
    new = tmp_path / "nuovo.txt"
    new.write_text("Verbale dell'assemblea: il canone di locazione del magazzino di Rovigo sale a 900 euro.")
    done = index(older, [str(new)], "papers", prune=False)
    assert done["documents"]["indexed"] == 1
    after = lake.read("papers.documents", ["document_id", "state"]).to_pylist()
    assert [row for row in after if row in before] == before
    assert len(after) == len(before) + 1
    for table in TABLES:
        if table.exists(lake, "papers"):
            table.ensure(lake, "papers")
            assert table.read(lake, "papers").schema.names == lake.schema(table.name("papers")).names
            assert set(table.schema.names) <= set(lake.schema(table.name("papers")).names)
    for query, file in (
        ("clausola penale per ritardo", "fornitura.docx"),
        ("canone del magazzino di Rovigo", "nuovo.txt"),
    ):
        found = Searcher(lake, load_encoders(older), "papers").search(query, k=3, mode="text")
        assert any(hit.path.endswith(file) for hit in found.hits), query


def test_a_newer_data_folder_is_refused_by_every_verb(settings: Settings) -> None:
    Path(settings.root).mkdir()
    lake_format.mark(settings.root)
    mark = Path(settings.root) / lake_format.NAME
    assert json.loads(mark.read_text())["format"] == lake_format.FORMAT
    mark.write_text(json.dumps({"format": lake_format.FORMAT + 1, "release": "9.1.0"}))
    with pytest.raises(UsageError, match=r"format 2, written by Faldone 9\.1\.0; .* install that release"):
        Lake(settings.root)
    mark.write_text("{")
    with pytest.raises(UsageError, match=r"lake-format\.json cannot be read"):
        Lake(settings.root)


def test_the_first_table_brings_the_mark(lake: Lake, settings: Settings) -> None:
    assert not (Path(settings.root) / lake_format.NAME).exists()
    lake.ensure("c.documents", LEDGER.schema, LEDGER.key)
    assert lake_format.found(settings.root) == lake_format.FORMAT
    assert (Path(settings.root) / lake_format.NAME).exists()
