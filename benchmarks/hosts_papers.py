"""The papers of benchmarks/hosts.py, and what an index of them must hold: what one machine makes of the same files, once."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import numpy as np
from common import REPOSITORY

from infra.lake import Lake
from infra.settings import Settings
from tasks.collection import ledger
from tasks.collection.chunks import CHUNKS
from tasks.collection.elements import ELEMENTS
from tasks.maintain import audit
from tasks.records import ATTACHMENT

WORDS = (
    "il fornitore conferma la consegna della merce entro trenta giorni dalla fattura e il pagamento avviene con bonifico "
    "the customer confirms delivery of the goods within thirty days of the invoice and payment is made by bank transfer"
).split()
ALONE = "REDIS_URL DASK HOME SOURCES".split()  # settings that the run on one machine must not share
CLOSE = 0.99  # least cosine of the vectors of one text


@dataclass(frozen=True, slots=True)
class Papers:
    """Text files and mails with attachments in a folder of this machine: `paths` are those of the index, attachments among them."""

    folder: Path
    paths: frozenset[str]


def write(folder: Path, documents: int, words: int, lot: random.Random) -> Papers:
    """Write the papers anew: every sixth is a mail with one to three attachments."""
    shutil.rmtree(folder, ignore_errors=True)
    paths = set()
    for number in range(documents):
        name = f"{number // 50:02d}/{number:04d}.{'txt' if number % 6 else 'eml'}"
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        paths.add(name)
        if file.suffix == ".txt":
            file.write_text(_text(lot, words))
            continue
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = f"Consegna {number}", "a@example.org", "b@example.org"
        mail.set_content(_text(lot, words))
        for part in range(lot.randrange(1, 4)):
            mail.add_attachment(_text(lot, words), filename=f"allegato{part}.txt")
            paths.add(f"{name}{ATTACHMENT}allegato{part}.txt")
        file.write_bytes(bytes(mail))
    return Papers(folder, frozenset(paths))


def _text(lot: random.Random, words: int) -> str:
    """Give some sentences, the first of which no other document has."""
    sentences = [
        f"Pratica {lot.getrandbits(48):012x} {' '.join(lot.choices(WORDS, k=12))}." for _ in range(words // 12)
    ]
    return "\n\n".join(sentences) + "\n"


@dataclass(frozen=True, slots=True)
class Index:
    """What an index holds, by path relative to its source."""

    states: Counter[tuple[str, str]]  # of path and state
    parsed: Counter[str]
    chunks: Counter[tuple[str, str]]  # of path and text
    vectors: dict[tuple[str, str], np.ndarray]
    strays: int  # chunks and parsed texts of no document


def read(root: str, collection: str, source: str) -> Index:
    """Read an index."""
    lake = Lake(root)
    rows = ledger.read(lake, collection, ["document_id", "path", "state"]).to_pylist()
    names = {row["document_id"]: row["path"].removeprefix(source.rstrip("/") + "/") for row in rows}
    parsed = ELEMENTS.read(lake, collection, ["document_id"])["document_id"].to_pylist()
    chunks = CHUNKS.read(lake, collection, ["document_id", "text", "vector"])
    keys = [
        (names.get(row["document_id"], ""), row["text"]) for row in chunks.select(["document_id", "text"]).to_pylist()
    ]
    vectors = np.array(chunks["vector"].to_pylist(), np.float32)
    return Index(
        Counter((names[row["document_id"]], row["state"]) for row in rows),
        Counter(names.get(one, "") for one in parsed),
        Counter(keys),
        dict(zip(keys, vectors, strict=True)),
        sum(one not in names for one in parsed) + sum(not path for path, _ in keys),
    )


def on_one_machine(papers: Papers, home: Path) -> Index:
    """Index the papers in one process without any of the services."""
    shutil.rmtree(home, ignore_errors=True)
    code = (
        "import sys; from infra.settings import Settings; from tasks.index.run import index; "
        "index(Settings(home=sys.argv[1], dask='threads', workers=1), [sys.argv[2]], 'papers')"
    )
    environment = {name: value for name, value in os.environ.items() if name.removeprefix("FALDONE_") not in ALONE}
    environment |= {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", code, str(home), str(papers.folder)], check=True, env=environment)
    return read(str(home), "papers", str(papers.folder))


def compare(root: str, collection: str, source: str, papers: Papers, alone: Index) -> dict[str, int]:
    """Count what an index lacks, has twice or has otherwise than one machine has made it: nothing of each should be left."""
    found = read(root, collection, source)
    good = {path for path, state in found.states if state == ledger.INDEXED}
    paths = Counter(path for path, _ in found.states.elements())
    wrong = {
        "not indexed": len(papers.paths - good),
        "left over": len(set(paths) - papers.paths) + found.strays,
        "twice": sum(count - 1 for many in (paths, found.parsed) for count in many.values()),
        "not parsed": len(papers.paths - set(found.parsed)),
        "chunks lacking": (alone.chunks - found.chunks).total(),
        "chunks too many": (found.chunks - alone.chunks).total(),
        "vectors": sum(
            float(vector @ alone.vectors[key]) < CLOSE for key, vector in found.vectors.items() if key in alone.vectors
        ),
        "named by audit": len(audit.look(Settings(home=root, dask="threads"), Lake(root), collection).findings),
    }
    return {name: count for name, count in wrong.items() if count}


def shown(wrong: dict[str, int]) -> str:
    """Say in a word what was found wrong."""
    return json.dumps(wrong) if wrong else "good"
