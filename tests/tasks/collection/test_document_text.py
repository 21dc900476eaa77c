"""What `documents text` shows: headings, tables and pages as Markdown that reads back as it was written."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from infra.lake import Lake
from infra.settings import Settings
from tasks.collection.document_text import as_markdown, document_text, write_corpus
from tasks.index.run import index
from tasks.records import Element, Parsed

cells = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=12).map(
    lambda t: " ".join(t.split())
)


def parsed(*elements: Element, warnings: tuple[str, ...] = ()) -> Parsed:
    return Parsed("txt", "", "it", 1, elements, warnings=warnings)


def test_pages_headings_lists_tables_and_warnings_each_have_their_form() -> None:
    text = as_markdown(
        parsed(
            Element("title", "Nota\nintegrativa", level=2),
            Element("list", "uno"),
            Element("list", "due"),
            Element("table", "a | b", page=2, rows=(("Voce", "2024"), ("Ricavi | netti", "12"))),
            Element("text", "# non un titolo\n- né un elenco", page=2),
            warnings=("1 picture was left out",),
        )
    )
    assert text.split("\n\n") == [
        "> Warning: 1 picture was left out",
        "<!-- page 1 -->",
        "## Nota integrativa",
        "- uno\n- due",
        "<!-- page 2 -->",
        "| Voce | 2024 |\n| --- | --- |\n| Ricavi \\| netti | 12 |",
        "\\# non un titolo\n\\- né un elenco\n",
    ]


@given(st.lists(st.lists(cells, min_size=2, max_size=3), min_size=2, max_size=4))
def test_a_table_keeps_its_rows_and_columns_whatever_its_cells_hold(rows: list[list[str]]) -> None:
    width = max(map(len, rows))
    body = tuple(tuple(row + [""] * (width - len(row))) for row in rows)
    tokens = MarkdownIt("commonmark").enable("table").parse(as_markdown(parsed(Element("table", "", rows=body))))
    kinds = [token.type for token in tokens]
    assert kinds.count("tr_open") == len(rows)
    assert kinds.count("th_open") + kinds.count("td_open") == width * len(rows)


def test_a_corpus_is_written_whole_and_says_what_it_leaves_out(settings: Settings, lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.txt", "b.md", "c.csv"):
        (folder / name).write_text(f"Parole di {name}, 12 righe.")
    (folder / "empty.pdf").write_bytes(b"")
    index(settings, [str(folder)], "c")
    receipt = write_corpus(lake, "c", f"{tmp_path}/out/corpus.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out" / "corpus.jsonl").read_text().splitlines()]
    assert (receipt["documents"], receipt["quarantined"], receipt["without_text"]) == (3, 1, 0)
    assert [Path(row["path"]).name for row in rows] == ["a.txt", "b.md", "c.csv"]
    assert all(row["markdown"] == document_text(lake, "c", row["document_id"])["markdown"] for row in rows)
    write_corpus(lake, "c", f"{tmp_path}/out/corpus.md")
    text = (tmp_path / "out" / "corpus.md").read_text()
    assert all(row["markdown"] in text and row["path"] in text for row in rows)
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["corpus.jsonl", "corpus.md"]
