"""The mode `head`: logistic regression over the encoder's vectors and TF-IDF n-grams, in seconds.

Vectors alone lose to a bag of words where a single word decides (headlines, tweets); a bag of words alone loses where
meaning does (questions to a bank). Side by side they beat both on all of them. Fitted by L-BFGS on the whole set with
an L2 penalty; its strength is the one number that is searched, on the validation texts. The gradient is written out
(softmax minus truth), because the product with a sparse matrix is cheaper by hand than through autograd.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.classifiers.measure import Scores, Targets, measure, softmax
from tasks.classifiers.ngrams import Rows, Vocabulary, learn
from tasks.classifiers.spec import Metrics

STRENGTHS = (1.0, 3.0, 10.0)  # C of the literature: larger trusts the training texts more
EMBEDDING_WEIGHT = 1.5  # length of the vector beside the two n-gram blocks of length 1
BALANCE = 0.5  # class weights (n / (k·n_c))^BALANCE: 1 weighs all classes alike, 0 all texts
MOST_WORK = 300_000  # training texts × classes up to which letter n-grams are worth their seconds
STEPS = 100  # most L-BFGS iterations; most sets need 20 to 60

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Head:
    """A fitted head: `dense` [dimension, labels], `sparse` [features, labels], `bias` [labels], all float32."""

    vocabulary: Vocabulary
    dense: Vectors
    sparse: Vectors
    bias: Vectors
    strength: float

    def scores(self, vectors: Vectors, texts: Sequence[str]) -> Scores:
        """Return probabilities, float32 [texts, labels], from the texts' unit vectors and the texts."""
        return self._scores(vectors, self.vocabulary.rows(texts))

    def _scores(self, vectors: Vectors, rows: Rows) -> Scores:
        return softmax(EMBEDDING_WEIGHT * vectors @ self.dense + rows.times(self.sparse) + self.bias)

    def save(self, folder: Path) -> None:
        """Write head.safetensors and vocabulary.json."""
        from safetensors.numpy import save_file

        arrays = {"dense": self.dense, "sparse": self.sparse, "bias": self.bias, "idf": self.vocabulary.idf}
        save_file(
            {name: np.ascontiguousarray(a, np.float32) for name, a in arrays.items()}, folder / "head.safetensors"
        )
        text = json.dumps(
            {"letters": self.vocabulary.letters, "strength": self.strength, "ngrams": list(self.vocabulary.index)},
            ensure_ascii=False,
        )
        (folder / "vocabulary.json").write_text(text, encoding="utf-8")


def load(folder: Path) -> Head:
    """Return a head as `Head.save` wrote it."""
    from safetensors.numpy import load_file

    arrays = load_file(folder / "head.safetensors")
    words = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
    index = {gram: column for column, gram in enumerate(words["ngrams"])}
    vocabulary = Vocabulary(index, arrays["idf"], words["letters"])
    return Head(vocabulary, arrays["dense"], arrays["sparse"], arrays["bias"], words["strength"])


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts with their unit vectors [n, dimension] and targets [n]."""

    texts: Sequence[str]
    vectors: Vectors
    targets: Targets


def fit(
    train: Examples,
    validation: Examples,
    labels: Sequence[str],
    tried: Callable[[float, Metrics, float], None] | None = None,
) -> Head:
    """Choose the strength on the validation texts, then fit on training and validation texts together.

    Args:
        tried: called with each strength, its figures on the validation texts and its loss on the training texts.
    """
    letters = len(train.texts) * len(labels) <= MOST_WORK
    vocabulary = learn(train.texts, letters)
    rows, held = vocabulary.rows(train.texts), vocabulary.rows(validation.texts)
    best = (-1.0, STRENGTHS[0])
    start: npt.NDArray[np.float64] | None = None
    for strength in STRENGTHS:  # weakest first, each from the solution before it: half of the iterations
        head, start = _solve(vocabulary, train.vectors, rows, train.targets, len(labels), strength, start)
        found = measure(head._scores(validation.vectors, held), validation.targets, labels)
        if tried:
            tried(strength, found, measure(head._scores(train.vectors, rows), train.targets, labels).loss)
        if found.f1_macro > best[0]:
            best = (found.f1_macro, strength)
    both = _join(train, validation)
    vocabulary = learn(both.texts, letters)
    return _solve(vocabulary, both.vectors, vocabulary.rows(both.texts), both.targets, len(labels), best[1])[0]


def class_weights(targets: Targets, classes: int, balance: float = BALANCE) -> npt.NDArray[np.float64]:
    """Return the weight of each class, with a mean of 1 over the texts."""
    counts = np.maximum(np.bincount(targets, minlength=classes), 1)
    weights = (len(targets) / (classes * counts)) ** balance
    result: npt.NDArray[np.float64] = weights * len(targets) / (weights * counts).sum()
    return result


def _join(first: Examples, second: Examples) -> Examples:
    return Examples(
        [*first.texts, *second.texts],
        np.concatenate([first.vectors, second.vectors]),
        np.concatenate([first.targets, second.targets]),
    )


def _solve(
    vocabulary: Vocabulary,
    vectors: Vectors,
    rows: Rows,
    targets: Targets,
    classes: int,
    strength: float,
    start: npt.NDArray[np.float64] | None = None,
) -> tuple[Head, npt.NDArray[np.float64]]:
    """Minimise mean weighted cross-entropy + |W|² / (2·C·n); also returns the parameters, to start from."""
    import torch

    size, dimension = len(targets), vectors.shape[1]
    dense = torch.from_numpy(vectors).double() * EMBEDDING_WEIGHT
    sparse, sparse_t = _csr(rows), _csr(rows.transposed())
    truth = torch.nn.functional.one_hot(torch.from_numpy(targets), classes).double()
    weight = torch.from_numpy(class_weights(targets, classes))[torch.from_numpy(targets)].unsqueeze(1) / size
    shape = (dimension + rows.width + 1, classes)
    w = torch.zeros(shape, dtype=torch.float64) if start is None else torch.from_numpy(start).clone()
    penalty = 1 / (strength * size)

    def closure() -> torch.Tensor:
        logits = dense @ w[:dimension] + sparse @ w[dimension:-1] + w[-1]
        log_p = logits.log_softmax(1)
        error = (log_p.exp() - truth) * weight
        w.grad = torch.cat([dense.T @ error, sparse_t @ error, error.sum(0, keepdim=True)])
        w.grad[:-1] += penalty * w[:-1]
        loss: torch.Tensor = penalty / 2 * (w[:-1] ** 2).sum() - (truth * log_p * weight).sum()
        return loss

    w.grad = torch.zeros(shape, dtype=torch.float64)
    solver = torch.optim.LBFGS(
        [w], max_iter=STEPS, tolerance_grad=1e-6, tolerance_change=1e-6, history_size=10, line_search_fn="strong_wolfe"
    )
    with torch.no_grad(), _one_thread():
        solver.step(closure)  # type: ignore[no-untyped-call]
    solved: npt.NDArray[np.float64] = w.numpy()
    parts = solved.astype(np.float32)
    return Head(vocabulary, parts[:dimension], parts[dimension:-1], parts[-1], strength), solved


@contextmanager
def _one_thread() -> Iterator[None]:
    """Hold numeric libraries to one thread: in thousands of small products, waiting for one another made them 20 times slower."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _csr(rows: Rows) -> Any:
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Sparse CSR", UserWarning
        )  # «beta», for years; products with it are tested here
        return torch.sparse_csr_tensor(
            torch.from_numpy(rows.starts),
            torch.from_numpy(rows.columns),
            torch.from_numpy(rows.values).double(),
            size=(rows.height, rows.width),
            check_invariants=False,
        )
