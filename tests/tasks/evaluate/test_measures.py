"""Measures and tests of significance against independent implementations of the same formulas."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import UsageError
from tasks.evaluate.compare import compare, interval, mcnemar
from tasks.evaluate.measures import Place, measure, ndcg
from tasks.evaluate.questions import Question, as_rows, from_rows, load_questions

HITS = [Place(f"id{i}", f"/papers/doc{i}.pdf", i, i + 1) for i in (3, 1, 1, 2)]


@pytest.mark.slow
@given(st.lists(st.integers(0, 3), min_size=2, max_size=10))
def test_ndcg_is_that_of_scikit_learn(grades: list[int]) -> None:
    from sklearn.metrics import ndcg_score

    ranks = np.arange(len(grades), 0, -1)
    wanted = ndcg_score([grades], [ranks]) if any(grades) else 0.0
    assert ndcg(grades, sorted(grades, reverse=True)) == pytest.approx(wanted)


@pytest.mark.slow
@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_the_exact_binomial_test(better: int, worse: int) -> None:
    from scipy.stats import binomtest

    wanted = binomtest(better, better + worse).pvalue if better + worse else 1.0
    assert mcnemar(better, worse) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.slow
@given(st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))).filter(lambda pair: pair[1] > 0))
def test_the_interval_of_a_share_is_wilsons(counts: tuple[int, int]) -> None:
    from scipy.stats import binomtest

    hits, n = counts
    wanted = binomtest(hits, n).proportion_ci(method="wilson")
    low, high = interval("page_hit@10", [1.0] * hits + [0.0] * (n - hits))
    assert (low, high) == pytest.approx((wanted.low, wanted.high), abs=2e-4)


@pytest.mark.parametrize("name", ["doc1", "doc1.pdf", "/papers/doc1.pdf", "id1"])
def test_a_document_is_known_by_each_of_its_names(name: str) -> None:
    values = measure(Question("q", "x", {name: 1}), HITS)
    assert (values["document_hit@1"], values["document_hit@5"], values["document_mrr"]) == (0.0, 1.0, 0.5)
    assert "page_hit@1" not in values


def test_a_page_counts_only_in_its_document() -> None:
    asked = Question("q", "x", {"doc1": 1, "doc2": 2}, frozenset({3}))
    values = measure(asked, HITS)
    # doc3 lies on page 3 but is not relevant; doc2 is on pages 2 to 3
    assert (values["page_hit@1"], values["page_hit@5"], values["page_mrr"]) == (0.0, 1.0, 0.25)
    assert values["document_ndcg@10"] == pytest.approx(ndcg([0, 1, 2], [2, 1]))


def test_a_small_real_difference_is_found_and_noise_is_not() -> None:
    random = np.random.default_rng(7)
    before = random.random(300)
    assert compare("document_mrr", list(before), list(before - 0.05 + random.normal(0, 0.02, 300))).p < 0.001
    assert compare("document_mrr", list(before), list(before + random.normal(0, 0.2, 300))).p > 0.01
    assert compare("document_mrr", list(before), list(before)).p == 1.0


def test_questions_are_read_in_each_form_and_come_back_as_they_were_stored(tmp_path: Path) -> None:
    queries = tmp_path / "q.jsonl"
    queries.write_text(
        '{"query_id": "a", "text": "uno"}\n{"id": "b", "question": "due", "document": "x.pdf", "pages": [2]}\n'
    )
    for judgements in ("query_id\tdoc_id\trelevance\na\tp1\t2\na\tp2\t0\n", "a 0 p1 2\n"):
        (tmp_path / "qrels").write_text(judgements)
        questions = load_questions(queries, tmp_path / "qrels")
        assert [(q.id, dict(q.grades), set(q.pages)) for q in questions] == [
            ("a", {"p1": 2}, set()),
            ("b", {"x.pdf": 1}, {2}),
        ]
        assert from_rows(as_rows(questions)) == questions


def test_the_halves_are_fixed_and_make_up_the_whole(tmp_path: Path) -> None:
    queries = tmp_path / "q.jsonl"
    queries.write_text("".join(json.dumps({"id": i, "query": "x", "document": "d"}) + "\n" for i in range(200)))
    first, second = (load_questions(queries, half=half) for half in ("first", "second"))  # type: ignore[arg-type]
    assert {q.id for q in first} | {q.id for q in second} == {str(i) for i in range(200)}
    assert 70 < len(first) < 130
    assert [q.id for q in first][:5] == ["2", "3", "4", "5", "12"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nothing", "line 1: not a JSON object"),
        (
            '{"id": 1, "query": "x", "document": "d"}\n{"id": 1, "query": "y", "document": "d"}',
            "line 2: the id 1 stands twice",
        ),
        ('{"id": 1, "document": "d"}', "line 1: an id"),
        ('{"id": 1, "query": "x", "document": "d", "pages": [0]}', "pages are numbers from 1"),
        ('{"id": 1, "query": "x"}', "no question names a relevant document"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, text: str, says: str) -> None:
    queries = tmp_path / "q.jsonl"
    queries.write_text(text)
    with pytest.raises(UsageError, match=says):
        load_questions(queries)


def test_a_copy_is_found_where_its_passage_is_shown_but_on_no_page() -> None:
    question = Question("q", "x", {"b.pdf": 1}, frozenset({2}))
    values = measure(question, [Place("a", "/x/a.pdf", 2, 2, ("/x/b.pdf",))])
    assert values["document_hit@1"] == 1 and values["page_hit@1"] == 0
