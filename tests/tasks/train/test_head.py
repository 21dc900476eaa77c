from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from tasks.classifiers import head
from tasks.classifiers.measure import f1_macro, measure, softmax
from tasks.classifiers.ngrams import Rows, learn

from .conftest import sentences

pytestmark = pytest.mark.slow


def _examples(count: int, seed: int) -> head.Examples:
    rows = sentences(count, seed)
    names = ["bad", "good", "plain"]
    targets = np.array([names.index(label) for _, label in rows])
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, 16)).astype(np.float32)
    vectors[np.arange(count), targets] += 2
    return head.Examples([t for t, _ in rows], vectors / np.linalg.norm(vectors, axis=1, keepdims=True), targets)


def _dense(rows: Rows) -> np.ndarray:
    return sparse.csr_matrix((rows.values, rows.columns, rows.starts), (rows.height, rows.width)).toarray()


def test_sparse_products_agree_with_scipy_even_on_empty_rows() -> None:
    vocabulary = learn([t for t, _ in sentences(50)], letters=True)
    rows = vocabulary.rows(["the company rose", "", "zzz qqq", "sales fell in march", ""])
    weights = np.random.default_rng(0).normal(size=(rows.width, 3)).astype(np.float32)
    assert np.allclose(rows.times(weights), _dense(rows) @ weights, atol=1e-5)
    assert np.allclose(_dense(rows.transposed()), _dense(rows).T)
    taken = rows.take(np.array([3, 1]))
    assert np.allclose(_dense(taken), _dense(rows)[[3, 1]])


def test_each_block_of_a_text_has_unit_length() -> None:
    vocabulary = learn([t for t, _ in sentences(50)], letters=False)
    assert np.allclose(
        np.linalg.norm(_dense(vocabulary.rows(["the company said that sales rose"])), axis=1), 1, atol=1e-5
    )


def test_solution_is_that_of_scikit_learn() -> None:
    examples = _examples(150, 0)
    vocabulary = learn(examples.texts, letters=False)
    rows = vocabulary.rows(examples.texts)
    ours, _ = head._solve(vocabulary, examples.vectors, rows, examples.targets, 3, 3.0)
    features = np.hstack([head.EMBEDDING_WEIGHT * examples.vectors, _dense(rows)])
    weights = head.class_weights(examples.targets, 3)
    theirs = LogisticRegression(C=3.0, max_iter=2000, tol=1e-8, class_weight=dict(enumerate(weights)))
    theirs.fit(features, examples.targets)
    assert np.abs(ours.scores(examples.vectors, examples.texts) - theirs.predict_proba(features)).max() < 0.01


def test_fit_learns_and_repeats_itself() -> None:
    first, again = (head.fit(_examples(200, 0), _examples(40, 1), ["bad", "good", "plain"]) for _ in range(2))
    test = _examples(80, 2)
    scores = first.scores(test.vectors, test.texts)
    assert measure(scores, test.targets, ["bad", "good", "plain"]).f1_macro > 0.9
    assert np.array_equal(scores, again.scores(test.vectors, test.texts))


def test_save_and_load(tmp_path: Path) -> None:
    made = head.fit(_examples(100, 0), _examples(30, 1), ["bad", "good", "plain"])
    made.save(tmp_path)
    test = _examples(20, 2)
    assert np.array_equal(head.load(tmp_path).scores(test.vectors, test.texts), made.scores(test.vectors, test.texts))
    assert {p.suffix for p in tmp_path.iterdir()} == {".safetensors", ".json"}


def test_measure_agrees_with_scikit_learn() -> None:
    random = np.random.default_rng(0)
    scores = softmax(random.normal(size=(200, 4)))
    targets = random.integers(0, 3, 200)  # label 3 is never true
    found = measure(scores, targets, list("abcd"))
    guesses = scores.argmax(1)
    assert found.f1_macro == pytest.approx(f1_score(targets, guesses, average="macro"), abs=1e-6)
    assert found.f1_weighted == pytest.approx(f1_score(targets, guesses, average="weighted"), abs=1e-6)
    assert sum(map(sum, found.confusion)) == 200
    names = np.array(list("abcd"))
    truth = list(names[targets])
    assert f1_macro(truth, truth) == 1.0


def test_class_weights_have_a_mean_of_one() -> None:
    targets = np.array([0] * 90 + [1] * 10)
    weights = head.class_weights(targets, 2)
    assert weights[targets].mean() == pytest.approx(1.0)
    assert weights[1] == pytest.approx(3 * weights[0])
