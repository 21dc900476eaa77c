"""The sets of questions by which search is fitted and measured, made from folders of public data and from the samples.

DATA has `filings/*.pdf` with `questions.jsonl`, `retrieval-it/{faq,squad}/{corpus,queries}.jsonl` with `qrels.tsv`, `table-metrics/csv` with
`gold.jsonl`, `tatqa/{tables,questions}.jsonl` and `office/`. Questions of our own over the filings, the samples and the office's papers stand in
`benchmarks/questions`. Invented filings are the texts of the true ones with other years or other firms' names: their file names say which, or
nothing (`doc-1a2b3c.pdf`).
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
from common import FALDONE, REPOSITORY, watch

from infra.lake import Lake
from infra.settings import load
from tasks.collection import ledger, terms
from tasks.collection.chunks import CHUNKS, heading_of

OWN = REPOSITORY / "benchmarks" / "questions"
MIXED = ("everyday", "filings", "italian_passages", "italian_faq")
YEAR = re.compile(r"(?<![\d,.])(?:19[89]\d|20[0-3]\d)(?!\d|[.,]\d)")
VARIANTS = ((0, False), (-5, False), (6, False), (0, True), (3, True))
"""Of the invented filings: by how many years they are moved, and whether the firm has another name."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A set: its collection, its questions (and judgements), the most of them asked, and whether weights are fitted on it."""

    name: str
    collection: str
    questions: Path
    relevant: Path | None = None
    most: int | None = None
    fitted: bool = True

    def as_argument(self) -> str:
        """Return the set as `benchmarks/fusion.py` takes it."""
        parts = [self.name, self.collection, str(self.questions), str(self.relevant or ""), str(self.most or "")]
        return ":".join(parts).rstrip(":")


def sets(data: Path, folder: Path) -> list[Asked]:
    """Return every set; `folder` has the questions that `prepare` wrote."""
    faq, passages = (data / "retrieval-it" / name for name in ("faq", "squad"))
    filings, everyday = folder / "filings.jsonl", OWN / "everyday.jsonl"
    faq_files = (faq / "queries.jsonl", faq / "qrels.tsv")
    passage_files = (passages / "queries.jsonl", passages / "qrels.tsv")
    return [
        Asked("filings", "filings", filings),
        Asked("italian_faq", "italian_faq", *faq_files),
        Asked("tables_of_reports", "tables_of_reports", folder / "tables_of_reports.jsonl"),
        Asked("tables_with_text", "tables_with_text", folder / "tables_with_text.jsonl", None, 360),
        Asked("filings_among_others", "mixed", filings),
        Asked("everyday_among_others", "mixed", everyday),
        Asked("italian_passages_among_others", "mixed", *passage_files, 160),
        Asked("italian_faq_among_others", "mixed", *faq_files, 120),
        Asked("everyday", "everyday", everyday),
        Asked("samples", "everyday", REPOSITORY / "samples" / "questions.jsonl"),
        Asked("italian_passages", "italian_passages", *passage_files, 800),
        Asked("invented_named", "invented_named", folder / "invented_named.jsonl", fitted=False),
        Asked("invented_opaque", "invented_opaque", folder / "invented_opaque.jsonl", fitted=False),
    ]


def prepare(data: Path, folder: Path, home: Path) -> None:
    """Write texts and questions into `folder`, and index each collection of `home` that is not there yet."""
    for name, source in (("italian_faq", "faq"), ("italian_passages", "squad")):
        for row in _read(data / "retrieval-it" / source / "corpus.jsonl"):
            _write(folder / name / f"{row['doc_id']}.txt", f"{row['title']}\n{row['text']}")
    questions = _read(data / "filings" / "questions.jsonl") + _read(OWN / "filings.jsonl")
    _write_rows(folder / "filings.jsonl", [{k: _query(r) if k == "query" else r[k] for k in KEPT} for r in questions])
    _tables(data, folder)
    sources = {
        "everyday": [REPOSITORY / "samples" / "documents", REPOSITORY / "samples" / "office", data / "office"],
        "filings": sorted((data / "filings").glob("*.pdf")),
        **{
            name: [folder / name]
            for name in ("italian_faq", "italian_passages", "tables_of_reports", "tables_with_text")
        },
    }
    lake = Lake(load().root)
    for collection, paths in sources.items():
        if not lake.exists(CHUNKS.name(collection)):
            done = watch([FALDONE, "index", *map(str, paths), "--collection", collection, "--json"], home)
            print(f"{collection}: {done.cpu:.0f} s of processor time")
    _mixed(lake)
    for opaque in (False, True):
        _invent(lake, folder, opaque)


KEPT = ("id", "query", "document", "pages")


def _query(row: Mapping[str, Any]) -> str:
    return str(row.get("query") or row["question"])


def _read(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    _write(path, "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n")


def _tables(data: Path, folder: Path) -> None:
    """Write each table as Markdown, those of TAT-QA under the text around them, and the questions asked of them."""
    asked = []
    for row in _read(data / "table-metrics" / "gold.jsonl"):
        name = Path(row["csv"]).stem
        with (data / "table-metrics" / row["csv"]).open(encoding="utf-8") as file:
            _write(folder / "tables_of_reports" / f"{name}.md", _markdown(list(csv.reader(file))))
        asked.append({"id": row["id"], "query": row["question"], "document": name})
    _write_rows(folder / "tables_of_reports.jsonl", asked)
    tables = {row["table_id"]: row for row in _read(data / "tatqa" / "tables.jsonl")}
    for name, row in tables.items():
        text = "\n\n".join([*(row.get("paragraphs") or []), _markdown(row["table"])])
        _write(folder / "tables_with_text" / f"{name[:8]}.md", text)
    questions = [row for row in _read(data / "tatqa" / "questions.jsonl") if row["table_id"] in tables]
    _write_rows(
        folder / "tables_with_text.jsonl",
        [{"id": r["question_id"], "query": r["question"], "document": r["table_id"][:8]} for r in questions],
    )


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    cells = [[str(cell).replace("|", "/").replace("\n", " ") for cell in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([*lines[:1], "|" + "---|" * len(cells[0]), *lines[1:]]) if cells else ""


def _mixed(lake: Lake) -> None:
    """Put collections together in one, with the vectors that they have."""
    if lake.exists(CHUNKS.name("mixed")):
        return
    for table in (CHUNKS, ledger.LEDGER):
        parts = [lake.read(table.name(name)) for name in MIXED]
        columns = [name for name in parts[0].schema.names if all(name in part.schema.names for part in parts)]
        rows = pa.concat_tables([part.select(columns) for part in parts], promote_options="permissive")
        lake.upsert(table.name("mixed"), rows.replace_schema_metadata(parts[0].schema.metadata), table.key)
    lake.index_text(CHUNKS.name("mixed"))


def _invent(lake: Lake, folder: Path, opaque: bool) -> None:
    """Make the invented filings, and the questions that name a year: only the true document answers them."""
    name = "invented_opaque" if opaque else "invented_named"
    documents = ledger.read(lake, "filings").to_pylist()
    chunks = lake.read(CHUNKS.name("filings"))
    firms = json.loads((OWN / "firms.json").read_text(encoding="utf-8"))
    called: dict[str, str] = {}
    made: dict[str, Rows] = {"documents": [], "chunks": []}
    for number, (years, other) in enumerate(VARIANTS):
        variant = _Variant(number, years, firms if other else {}, opaque)
        paths = {row["document_id"]: variant.path(row["path"]) for row in documents}
        if number == 0:
            called = {
                PurePosixPath(row["path"]).name: PurePosixPath(paths[row["document_id"]]).name for row in documents
            }
        made["documents"] += [variant.document(row, paths) for row in documents]
        made["chunks"] += [variant.chunk(row, paths) for row in chunks.to_pylist()]
    if not lake.exists(CHUNKS.name(name)):
        lake.upsert(CHUNKS.name(name), pa.Table.from_pylist(made["chunks"], schema=chunks.schema), CHUNKS.key)
        ledger.write(lake, name, ledger.rows(made["documents"]))
        lake.index_text(CHUNKS.name(name))
    dated = [row for row in _read(folder / "filings.jsonl") if re.search(r"20[12]\d", row["query"])]
    _write_rows(folder / f"{name}.jsonl", [row | {"document": called[row["document"]]} for row in dated])


@dataclass(frozen=True, slots=True)
class _Variant:
    """One way of inventing a filing from a true one."""

    number: int
    years: int
    firms: Mapping[str, str]
    opaque: bool

    def text(self, text: str | None) -> str | None:
        """Return a text with other years and firms."""
        if not text:
            return text
        if self.firms:
            names = re.compile("|".join(map(re.escape, sorted(self.firms, key=len, reverse=True))))
            text = names.sub(lambda match: self.firms[match[0]], text)
        return YEAR.sub(lambda match: str(int(match[0]) + self.years), text)

    def path(self, path: str) -> str:
        name = PurePosixPath(path).name
        if self.opaque:
            return f"/invented/doc-{hashlib.md5(f'{name}{self.number}'.encode()).hexdigest()[:6]}.pdf"
        return f"/invented/{(self.text(name.replace('_', ' ')) or name).replace(' ', '_')}"

    def id(self, document: str) -> str:
        return hashlib.md5(f"{document}{self.number}".encode()).hexdigest()

    def document(self, row: Mapping[str, Any], paths: Mapping[str, str]) -> dict[str, Any]:
        own = {
            "document_id": self.id(row["document_id"]),
            "path": paths[row["document_id"]],
            "title": self.text(row["title"]),
        }
        return {**row, **own}

    def chunk(self, row: Mapping[str, Any], paths: Mapping[str, str]) -> dict[str, Any]:
        document, path = self.id(row["document_id"]), paths[row["document_id"]]
        title, section, text = (self.text(row[key]) for key in ("title", "section", "text"))
        heading = heading_of(title or "", path)
        context = f"{heading} · {section}" if section else heading
        own = {"chunk_id": document + row["chunk_id"][-7:], "document_id": document, "path": path, "title": title}
        found = terms.analyse(f"{context}\n{text}", row["language"])
        return {**row, **own, "section": section, "text": text, "context": context, "terms": found}
