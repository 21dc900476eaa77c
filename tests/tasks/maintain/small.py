"""A small collection made straight in the lake, as an index run would leave it: enough for upkeep, without an
encoder.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa

from infra.lake import Lake
from infra.settings import Settings
from tasks.collection import ledger
from tasks.collection.chunks import CHUNKS, EncoderMark, chunk_table
from tasks.collection.elements import ELEMENTS, parsed_row
from tasks.records import Element, Parsed, document_id

DIMENSION = 16
MARK = EncoderMark("e", "small", DIMENSION)
WORDS = ("bilancio", "ricavi", "debiti", "contratto", "fornitura", "utile", "crediti", "magazzino")


def settings_of(home: Path) -> Settings:
    """Settings of an installation in `home` and nothing else."""
    return Settings(home=str(home), _env_file=None)


def add(lake: Lake, collection: str, path: Path | str, chunks: int = 4, state: str = ledger.INDEXED) -> str:
    """One document with its chunks, elements and ledger row; its id."""
    document = document_id(collection, str(path))
    parsed = Parsed("txt", "Prova", "it", 1, (Element("text", "bilancio"),))
    random = np.random.default_rng(int(document[:8], 16))
    vectors = random.standard_normal((chunks, DIMENSION)).astype(np.float32)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    rows = [_chunk(document, str(path), ordinal) for ordinal in range(chunks)]
    if state == ledger.INDEXED:
        lake.upsert(ELEMENTS.name(collection), _parsed(document, path, parsed), "document_id")
        lake.upsert(CHUNKS.name(collection), chunk_table(rows, vectors, MARK), "chunk_id")
    ledger.write(lake, collection, ledger.rows([_entry(document, path, chunks, state)]))
    return document


def fill(home: Path, collection: str = "documents", documents: int = 6, chunks: int = 4) -> Lake:
    """A collection of so many documents, one commit each, with files beside it and a full-text index."""
    lake = Lake(str(home))
    folder = home.parent / "sources"
    folder.mkdir(exist_ok=True)
    for number in range(documents):
        source = folder / f"{collection}-{number:03d}.txt"
        source.write_text(f"{WORDS[number % len(WORDS)]} {number}")
        add(lake, collection, source, chunks)
    lake.index_text(CHUNKS.name(collection))
    return lake


def fill_once(top: Path, documents: int = 6) -> Path:
    """A data folder below `top` as `fill` leaves it, for many tests to start from by `again`; returns `top`."""
    fill(top / "home", documents=documents)
    shutil.copytree(top / "sources", top / "kept")
    return top


def again(top: Path, home: Path) -> Lake:
    """A copy in `home` of what `fill_once` has made in `top`, its sources back as they were: a tenth of the time."""
    shutil.rmtree(top / "sources")
    shutil.copytree(top / "kept", top / "sources")
    shutil.copytree(top / "home", home, dirs_exist_ok=True)
    return Lake(str(home))


def content(lake: Lake) -> dict[str, list[str]]:
    """Everything that the lake holds, by table, sorted: to compare a lake with itself at another time."""
    return {name: sorted(map(repr, lake.read(name).to_pylist())) for name in lake.names()}


def _hash(path: Path | str) -> str:
    """The content hash of a file; of one that is not there its name stands for it."""
    file = Path(path)
    content = file.read_bytes() if file.is_file() else str(path).encode()
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _parsed(document: str, path: Path | str, parsed: Parsed) -> pa.Table:
    return pa.Table.from_pylist([parsed_row(document, _hash(path), parsed)], schema=ELEMENTS.schema)


def _chunk(document: str, path: str, ordinal: int) -> dict[str, object]:
    text = f"{WORDS[ordinal % len(WORDS)]} {ordinal}"
    return {
        "chunk_id": f"{document}-{ordinal:06d}",
        "document_id": document,
        "path": path,
        "ordinal": ordinal,
        "title": "Prova",
        "section": "",
        "kind": "text",
        "page_first": 1,
        "page_last": 1,
        "language": "it",
        "format": "txt",
        "tokens": 2,
        "context": "Prova",
        "text": text,
        "terms": text,
        "hash": f"{document[:8]}{ordinal}",
        "content_hash": _hash(path),
    }


def _entry(document: str, path: Path | str, chunks: int, state: str) -> dict[str, object]:
    file = Path(path)
    there = file.is_file()
    quarantined = state == ledger.QUARANTINED
    return {
        "document_id": document,
        "path": str(path),
        "parent_id": "",
        "state": state,
        "kind": "corrupt" if quarantined else "",
        "message": "broken" if quarantined else "",
        "attempts": 1,
        "format": "txt",
        "size": file.stat().st_size if there else 0,
        "stamp": str(file.stat().st_mtime_ns) if there else "0",
        "content_hash": _hash(path),
        "parser": "p",
        "chunker": "c",
        "encoder": "e",
        "pages": 1,
        "chunks": 0 if quarantined else chunks,
        "seconds": 0.5,
        "indexed_at": ledger.now(),
    }
