"""Search over a small real collection, and the parts that rank its hits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.encoders import load_encoders
from infra.errors import UsageError
from infra.lake import Lake
from infra.settings import Settings
from tasks.fusion import FEATURES, Candidates, Evidence, copies, load_weights
from tasks.fusion.naming import MOST, NAMED, named_documents, query_name_terms
from tasks.glossary import ENTRIES, wordings
from tasks.index.run import index
from tasks.search import Searcher, rank

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


def test_a_number_on_a_line_with_the_words_of_the_question_is_above_every_resemblance() -> None:
    rows = [row(chunk, chunk, format_="txt") for chunk in ("a", "b", "c")]
    words, exact = {"a": 1.0, "b": 0.5, "c": 0.1}, {"b": 0.4, "c": 0.4}
    meaning = {"a": 1.0, "b": 0.9}
    assert shown(rows, words=words, meaning_it=meaning, exact=exact, beside={"b": 0.2, "c": 0.4}) == ["c", "a", "b"]


def test_of_copies_of_an_invoice_the_plainest_file_comes_first() -> None:
    title = "Fattura 7 del 01/02/2026 · A → B"
    paths = {
        "a": "/x/copia di f1.xml",
        "b": "/x/f1.xml",
        "c": "/x/f1.xml.p7m!/f1.xml",
        "d": "/x/f2.xml",
        "e": "/x/f.xml",
    }
    scores = {"a": 0.909, "b": 0.9, "c": 0.905, "d": 0.85, "e": 0.4}
    rows = [
        row(chunk, chunk, format_="fatturapa", path=path) | {"title": "Fattura 8" if chunk == "d" else title}
        for chunk, path in paths.items()
    ]
    assert shown(rows, words=scores) == ["b", "a", "c", "d", "e"]


@pytest.mark.parametrize("copy", ["copia.xml", "f (1).xml", "copia di f.xml", "f - Copy.xml", "f.zip!/f.xml"])
def test_a_file_that_is_called_a_copy_is_not_the_plainest(copy: str) -> None:
    assert copies.plainness("/x/IT00000000000_00001.xml") < copies.plainness(f"/x/{copy}")
    assert copies.plainness("/x/fotocopiatrice.pdf")[1] is False


def test_accounting_terms_find_the_wording_of_statements_in_the_document_that_is_named(searcher: Searcher) -> None:
    found = searcher.evidence("capex of Quill 2023")
    wording = dict(zip(found.candidates.rows, found.features[:, FEATURES.index("wording_words")], strict=True))
    named = [chunk for chunk, row in found.candidates.rows.items() if "quill" in row["path"]]
    assert [chunk for chunk, share in wording.items() if share] == []  # one chunk only: nothing to stretch
    assert found.candidates.wording_words.keys() == set(named)
    assert searcher.evidence("capex").candidates.wording_words == {}


def test_a_filter_keeps_to_its_value(searcher: Searcher) -> None:
    hits = searcher.search("bilancio", where={"language": "en"}).hits
    assert {Path(hit.path).name for hit in hits} <= {"quill-report-2023.txt", "lease.txt", "garden.txt"}
    assert searcher.search("bilancio", where={"language": "x' OR '1'='1"}).hits == ()


def test_an_open_collection_answers_from_its_newest_version(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("The zebra grazes.")
    index(settings, [str(folder)], "c")
    opened = Searcher(Lake(settings.root), load_encoders(settings), "c")
    assert best(opened, "quartz") == "a.txt"
    (folder / "b.txt").write_text("The quartz watch stopped.")
    (folder / "a.txt").unlink()
    index(settings, [str(folder)], "c", prune=True)
    assert best(opened, "quartz") == "b.txt"
    assert [hit.path for hit in opened.search("zebra").hits if hit.path.endswith("a.txt")] == []


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
    chunk: str, document: str = "d", page: int = 1, format_: str = "pdf", path: str = "/x/d.pdf", text: str = ""
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
        "kind": "text",
        "text": text or chunk,
    }


def evidence(
    rows: Sequence[dict[str, object]], words: Mapping[str, float], others: Mapping[str, Mapping[str, float]]
) -> Evidence:
    """Rows with shares of words, and with other features by name."""
    table = np.zeros((len(rows), len(FEATURES)))
    for number, one in enumerate(rows):
        chunk = str(one["chunk_id"])
        table[number, 0] = words.get(chunk, 0.0)
        for name, values in others.items():
            table[number, FEATURES.index(name)] = values.get(chunk, 0.0)
    return Evidence(Candidates({str(one["chunk_id"]): one for one in rows}), table)


def shown(rows: Sequence[dict[str, object]], words: Mapping[str, float], **others: Mapping[str, float]) -> list[str]:
    return [hit.text for hit in rank(evidence(rows, words, others), 10)]


def test_of_one_page_only_the_best_chunk_is_shown() -> None:
    rows = [row("a"), row("b"), row("c", page=2), row("t1", "e", format_="txt"), row("t2", "e", format_="txt")]
    assert shown(rows, words={"a": 1, "b": 0.9, "c": 0.5, "t1": 0.3, "t2": 0.2}) == ["a", "c", "t1", "t2"]


@given(st.data())
def test_what_is_first_by_words_and_by_meaning_is_second_at_least(data: st.DataObject) -> None:
    chunks = [f"c{n}" for n in range(8)]
    shares = st.floats(0, 0.99)
    columns = {name: {chunk: data.draw(shares) for chunk in chunks} for name in FEATURES}
    sure = data.draw(st.sampled_from(chunks))
    columns["words"][sure] = columns["meaning_it"][sure] = 1.0
    columns["meaning_en"] = {}
    rows = [row(chunk, chunk) for chunk in chunks]
    assert sure in shown(rows, **columns)[:2]


def test_a_passage_of_several_documents_is_shown_once_with_its_places() -> None:
    note = "The company leases offices under agreements that expire on various dates through 2031."
    rows = [
        row("a", "one", path="/x/one.txt.p7m!/one.txt", text=note),
        row("b", "two", path="/x/two.txt", text=f"> {note.replace(' ', '  ')}"),
        row("c", "three", path="/x/three.txt", text=note.replace("2031", "2032")),
        row("d", "four", path="/x/four.txt", text="Something else"),
    ]
    hits = rank(evidence(rows, {"a": 0.901, "b": 0.9, "c": 0.8, "d": 0.1}, {}), 2)
    assert [hit.path for hit in hits] == ["/x/two.txt", "/x/three.txt"]
    assert hits[0].copies == ("/x/one.txt.p7m!/one.txt",)
    assert hits[1].copies == ()


@given(st.lists(st.tuples(st.integers(0, 3), st.text("abc ", max_size=30)), max_size=12), st.integers(1, 5))
def test_copies_lose_no_passage(passages: list[tuple[int, str]], k: int) -> None:
    rows = {f"c{n}": row(f"c{n}", f"d{d}", path=f"/x/{d}", text=text or "-") for n, (d, text) in enumerate(passages)}
    total = dict.fromkeys(rows, 1.0)
    groups = copies.grouped(list(rows), rows, total, k)
    placed = [chunk for group in groups for chunk in group]
    assert len(groups) <= k and len(placed) == len(set(placed))
    assert len(groups) == k or set(placed) == set(rows)
    assert all(len({rows[chunk]["document_id"] for chunk in group}) == len(group) for group in groups)


def test_joined_and_possessive_names_are_understood() -> None:
    assert {"rossibrun", "2018"} <= query_name_terms("Rossi Bruni's FY2018 report") | {"rossibrun"}
    rows = {"a": row("a", "one", path="/x/ROSSIBRUNI_2018.pdf"), "b": row("b", "two", path="/x/VERDI_2018.pdf")}
    assert named_documents("What did Rossi Bruni's report for FY2018 say?", rows).best == ["one"]


def test_first_pages_name_what_no_name_says() -> None:
    rows = {n: row(n, n, path=f"/x/doc-{n}.pdf") for n in ("a", "b", "c")}
    pages = {"a": "Rossi 2018", "b": "Rossi 2019", "c": "Verdi 2018"}
    assert named_documents("ricavi di Rossi nel 2018", rows, pages).best == ["a"]
    assert named_documents("ricavi nel 2019", rows, pages).fit["b"] == 0  # a year alone is no name
    rows["c"] = row("c", "c", path="/x/Rossi.pdf")  # one name has the firm, the others' first pages have it too
    assert named_documents("ricavi di Rossi nel 2019", rows, pages).best == ["b"]


def test_of_two_years_a_document_has_one_and_the_later_one_counts_more() -> None:
    rows = {n: row(n, n, path=f"/x/Rossi-{n}.pdf") for n in ("2018", "2019", "2017")}
    pages = {"2018": "Rossi 2018", "2019": "Rossi 2019", "2017": "Rossi 2018"}
    fit = named_documents("confronto di Rossi tra 2018 e 2019", rows, pages).fit
    assert fit["2019"] > fit["2018"] == fit["2017"]
    assert max(fit, key=lambda name: fit[name]) == "2019"


def test_small_words_name_less_than_names() -> None:
    rows = {"a": row("a", "a", path="/x/Rossi.pdf"), "b": row("b", "b", path="/x/fiscal year tax rate.pdf")}
    both = named_documents("Rossi rate", rows).fit
    assert both["a"] > both["b"] == named_documents("rate", rows).fit["b"] * 0.4


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=6))
def test_names_of_any_text_fit_within_their_bounds(query: str, paths: list[str]) -> None:
    rows = {str(n): row(str(n), str(n), path=path) for n, path in enumerate(paths)}
    named = named_documents(query, rows)
    assert named.fit.keys() == rows.keys() and all(0 <= fit <= MOST for fit in named.fit.values())
    assert set(named.best) <= rows.keys() and len(named.best) <= NAMED


def test_every_weight_is_stored_and_none_is_negative() -> None:
    weights = load_weights()
    assert weights.shape == (len(FEATURES),) and (weights >= 0).all() and weights.any()


@given(st.text(max_size=80))
def test_the_glossary_takes_any_text(question: str) -> None:
    assert isinstance(wordings(question), str)


def test_no_phrase_of_the_glossary_stands_twice() -> None:
    phrases = [phrase for phrase, _ in ENTRIES]
    assert len(phrases) == len(set(phrases))
    assert all(wordings(f"what about {phrase}?") for phrase in phrases)
