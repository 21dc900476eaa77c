"""Search over a small real collection, and the parts that rank its hits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.encoders import load_encoders
from infra.errors import UsageError
from infra.lake import DISTANCE, SCORE, Lake
from infra.settings import Settings
from tasks.glossary import ENTRIES, wordings
from tasks.index.run import index
from tasks.search import Candidates, Searcher, named_documents, query_name_terms, rank

PAPERS = {
    "alfa-bilancio-2023.txt": "Bilancio al 31 dicembre 2023. I debiti verso fornitori ammontano a 120.000 euro.",
    "alfa-bilancio-2022.txt": "Bilancio al 31 dicembre 2022. I debiti verso fornitori ammontano a 98.000 euro.",
    "quill-report-2023.txt": "Consolidated statements of cash flows. Purchases of property, plant and equipment were 42 million.",
    "lease.txt": "The tenant shall pay the rent on the first day of each month. A late payment bears interest.",
    "garden.txt": "The gardener watered the roses and trimmed the hedge before the rain.",
}


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    folder = tmp_path_factory.mktemp("search")
    for name, text in PAPERS.items():
        (folder / "papers").mkdir(exist_ok=True)
        (folder / "papers" / name).write_text(text)
    settings = Settings(home=str(folder / "home"))
    index(settings, [str(folder / "papers")], "papers")
    yield Searcher(Lake(settings.root), load_encoders(settings), "papers")


def best(searcher: Searcher, query: str, **options: object) -> str:
    return Path(searcher.search(query, **options).hits[0].path).name  # type: ignore[arg-type]


def test_words_find_in_both_languages_and_in_other_forms(searcher: Searcher) -> None:
    assert best(searcher, "rose", mode="text") == "garden.txt"
    assert best(searcher, "debito verso i fornitori 2022", mode="text") == "alfa-bilancio-2022.txt"


def test_meaning_finds_without_a_common_word(searcher: Searcher) -> None:
    assert best(searcher, "money owed to a landlord", mode="vector") == "lease.txt"


def test_the_document_that_is_named_comes_first(searcher: Searcher) -> None:
    assert best(searcher, "Alfa 2022: debiti verso fornitori") == "alfa-bilancio-2022.txt"
    assert best(searcher, "Alfa 2023: debiti verso fornitori") == "alfa-bilancio-2023.txt"


def test_a_number_of_a_paper_wins_over_names_that_share_its_year(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for month in range(1, 8):
        (folder / f"estratto_2026_{month:02d}_881.txt").write_text(f"Estratto conto 2026. Saldo {month}.882,00 EUR.")
    (folder / "documento.txt").write_text(
        "Fattura RE-2026-881 di Fonderia Tassello.\nScadenza 30 aprile 2026: 9.310,50 EUR"
    )
    index(settings, [str(folder)], "c")
    office = Searcher(Lake(settings.root), load_encoders(settings), "c")
    for query in ("RE-2026-881", "re/2026/881", "scadenza 30/04/2026", "2026-04-30", "9310,50", "9,310.50", "9 310,50"):
        assert best(office, query) == "documento.txt", query
    forms = [office.search(text).hits for text in ("3.882,00", "3882.00", "3 882,00")]
    assert forms[0] == forms[1] == forms[2]
    assert forms[0][0].path.endswith("estratto_2026_03_881.txt")


def test_of_copies_of_an_invoice_the_plainest_file_comes_first() -> None:
    found = Candidates()
    title = "Fattura 7 del 01/02/2026 · A → B"
    paths = {
        "a": "/x/copia di f1.xml",
        "b": "/x/f1.xml",
        "c": "/x/f1.xml.p7m!/f1.xml",
        "d": "/x/f2.xml",
        "e": "/x/f.xml",
    }
    scores = {"a": 2.02, "b": 2.0, "c": 2.01, "d": 1.9, "e": 1.0}
    for chunk, path in paths.items():
        place = {"document_id": chunk, "path": path, "page_first": 1, "page_last": 1, "section": "", "text": chunk}
        other = {"title": "Fattura 8" if chunk == "d" else title, "format": "fatturapa", "chunk_id": chunk}
        found.rows[chunk] = place | other
    found.scores[(0, None)] = scores
    assert [hit.text for hit in rank(found, {}, "it")] == ["b", "a", "c", "d", "e"]


def test_accounting_terms_find_the_wording_of_statements(searcher: Searcher) -> None:
    assert best(searcher, "capex", mode="text") == "quill-report-2023.txt"


def test_a_filter_keeps_to_its_value(searcher: Searcher) -> None:
    hits = searcher.search("bilancio", where={"language": "en"}).hits
    assert {Path(hit.path).name for hit in hits} <= {"quill-report-2023.txt", "lease.txt", "garden.txt"}
    assert searcher.search("bilancio", where={"language": "x' OR '1'='1"}).hits == ()


def test_an_empty_query_and_an_absent_collection_are_said(searcher: Searcher, lake: Lake) -> None:
    with pytest.raises(UsageError, match="query is empty"):
        searcher.search("  ")
    with pytest.raises(UsageError, match="no collection nowhere"):
        Searcher(lake, load_encoders(Settings()), "nowhere")


@pytest.mark.parametrize("query", ["il lo la", "…", "🙂", "a" * 5_000, "x' OR 1=1 --", "AND OR NOT ( ^2"])
def test_odd_queries_answer(searcher: Searcher, query: str) -> None:
    for mode in ("hybrid", "vector", "text"):
        assert len(searcher.search(query, 1000, mode).hits) <= len(PAPERS)  # type: ignore[arg-type]


def row(
    chunk: str, document: str = "d", page: int = 1, format_: str = "pdf", path: str = "/x/d.pdf"
) -> dict[str, object]:
    return {
        "chunk_id": chunk,
        "document_id": document,
        "path": path,
        "title": "",
        "format": format_,
        "page_first": page,
        "page_last": page,
        "section": "",
        "text": chunk,
        SCORE: 1.0,
        DISTANCE: 0.5,
    }


def test_of_one_page_only_the_best_chunk_is_shown() -> None:
    found = Candidates()
    found.add(0, None, [row("a") | {SCORE: 3.0}, row("b") | {SCORE: 2.0}, row("c", page=2)])
    found.add(0, None, [row("t1", "e", format_="txt"), row("t2", "e", format_="txt")])
    assert [hit.text for hit in rank(found, {}, "en")] == ["a", "c", "t1", "t2"]


def test_joined_and_possessive_names_are_understood() -> None:
    assert {"rossibrun", "2018"} <= query_name_terms("Rossi Bruni's FY2018 report") | {"rossibrun"}
    found = Candidates()
    found.add(0, None, [row("a", "one", path="/x/ROSSIBRUNI_2018.pdf"), row("b", "two", path="/x/VERDI_2018.pdf")])
    assert named_documents("What did Rossi Bruni's report for FY2018 say?", found).best == ["one"]


@given(st.text(max_size=80))
def test_the_glossary_takes_any_text(question: str) -> None:
    assert isinstance(wordings(question), str)


def test_no_phrase_of_the_glossary_stands_twice() -> None:
    phrases = [phrase for phrase, _ in ENTRIES]
    assert len(phrases) == len(set(phrases))
    assert all(wordings(f"what about {phrase}?") for phrase in phrases)
